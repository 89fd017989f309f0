"""The maps that explain what networks said of whole pictures, kept in the case folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from diaphane.core.case_folder import IMAGES
from diaphane.core.outcome import Explanation
from diaphane.ops.picture import read_png, write_png

FILE = "{}_{}_occlusion.png"


def record_explanations(name: str, explanations: Sequence[Explanation], to: Path) -> list[dict[str, str]]:
    """The maps of the picture ``name`` as files below ``to``, the rest as what ``explanations_of`` needs to read them."""
    kept = []
    for one in explanations:
        file = FILE.format(name, one.bundle)
        write_png(to / IMAGES / file, one.rgb)
        kept.append({"bundle": one.bundle, "task": one.task, "file": file})
    return kept


def explanations_of(folder: Path, kept: Sequence[Mapping[str, str]]) -> tuple[Explanation, ...]:
    """What ``record_explanations`` kept."""
    return tuple(Explanation(k["bundle"], k["task"], read_png(folder / IMAGES / k["file"])) for k in kept)
