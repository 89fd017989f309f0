"""Pages from templates: Jinja2, everything escaped, pictures inside."""

from __future__ import annotations

import base64
import math
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from diaphane.core.arrays import Array
from diaphane.ops.picture import png_bytes

UNITS = {"px2": "px²", "mm2": "mm²", "1": ""}


def page(template: str, **values: Any) -> str:
    """The text of a page; a name that the template asks for and ``values`` lacks is an error."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(percent=percent, number=number, unit=lambda u: UNITS.get(u, u), picture=picture, words=words)
    return made


def percent(value: float) -> str:
    """A probability as people read it; never 0 % or 100 %, which no model can know."""
    return "< 1 %" if value < 0.01 else "> 99 %" if value > 0.99 else f"{value:.0%}".replace("%", " %")


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if not math.isfinite(value):
        return "-"
    if value and abs(value) < 0.001:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}".replace(",", "\u202f")


def words(name: str) -> str:
    """``major_axis_length`` as people write it."""
    return name.replace("_", " ")


def picture(array: Array) -> str:
    """An RGB array as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(array)).decode()
