"""Which face and which lesion belongs to train, tune or test: ``splits.json``, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

Part = Literal["train", "tune", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
Box = tuple[int, int, int, int]
"""x, y, width, height in whole pixels."""
Polygon = tuple[tuple[int, int], ...]
"""Corners x, y in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePicture:
    """One face in one picture, as measured and looked at by hand; pixels of the file."""

    identity: str
    file: str
    """Below the folder of faces."""
    frame: int | None
    """Of a clip, from 0; None for a still."""
    box_px: Box
    """Forehead to chin, ear to ear."""
    blur_px: float
    """How soft its edges are: the deviation of a Gaussian."""
    oval: Polygon
    """Around the face, without ears."""
    features: tuple[Polygon, ...]
    """Eyes, brows, nostrils, mouth: no place for a lesion."""
    ignore: tuple[Box, ...]
    """Moles, spots, wounds, paint that the person really has."""
    others: tuple[Box, ...]
    """Other faces in the picture."""


@dataclass(frozen=True, slots=True)
class Split:
    """One part: its people, each with one picture or more, and its lesions."""

    faces: Mapping[str, tuple[FacePicture, ...]]
    lesions: tuple[str, ...]
    """ISIC ids."""


@cache
def split(part: Part) -> Split:
    """The faces and lesions of ``part``; no person and no lesion is in two parts."""
    document = json.loads(resources.files(__package__).joinpath("splits.json").read_text(encoding="utf-8"))
    faces = {person["identity"]: tuple(_picture(person["identity"], p) for p in person["pictures"]) for person in document["faces"] if person["part"] == part}
    return Split(faces, tuple(document["lesions"][part]))


def _picture(identity: str, entry: Mapping[str, Any]) -> FacePicture:
    return FacePicture(
        identity=identity,
        file=entry["file"],
        frame=entry["frame"],
        box_px=_box(entry["box_px"]),
        blur_px=entry["blur_px"],
        oval=_polygon(entry["oval"]),
        features=tuple(_polygon(p) for p in entry["features"]),
        ignore=tuple(_box(b) for b in entry["ignore"]),
        others=tuple(_box(b) for b in entry["others"]),
    )


def _box(values: list[int]) -> Box:
    x, y, width, height = values
    return x, y, width, height


def _polygon(corners: list[list[int]]) -> Polygon:
    return tuple((x, y) for x, y in corners)
