"""Pages from templates: Jinja2, everything escaped, pictures inside."""

from __future__ import annotations

import base64
import math
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from diaphane.core.arrays import Array
from diaphane.core.image import Image
from diaphane.ops.picture import png_bytes

UNITS = {"px2": "px²", "mm2": "mm²", "mm3": "mm³", "mL": "ml", "[hnsf'U]": "HU", "1": ""}
"""UCUM as people write it; others are written as they are."""
OLDEST = 89
"""Ages above are told as such: rare ages name people. Source: HIPAA, 45 CFR 164.514(b)(2)(i)(C)."""


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
    made.filters.update(percent=percent, number=number, unit=unit, size=size, age=age, root=math.sqrt, title=title, picture=picture, words=words)
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


def unit(name: str) -> str:
    """A unit as people write it."""
    return UNITS.get(name, name)


def size(image: Image) -> str:
    """``512 x 384 px``, with its scale where it has one and its slices where there are several."""
    k, _, i = image.geometry.spacing
    width, height = image.size_px
    if image.is_picture:
        return f"{width} x {height} px" + (f", {number(i)} mm a pixel" if image.geometry.calibrated else "")
    return f"{width} x {height} x {image.shape[0]} voxels of {number(i)} x {number(image.geometry.spacing[1])} x {number(k)} mm"


def title(text: str) -> str:
    """With a capital first letter; the others stay (``Vertebrae L5``)."""
    return text[:1].upper() + text[1:]


def age(years: float | None) -> str:
    """``54 years``, ``over 89 years``; empty where it is not known."""
    return "" if years is None else f"over {OLDEST} years" if years > OLDEST else f"{years:.0f} years"


def words(name: str) -> str:
    """``major_axis_length`` as people write it."""
    return name.replace("_", " ")


def picture(array: Array) -> str:
    """An RGB array as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(array)).decode()
