"""The page of two visits: what became of each lesion, with pictures of both and a map of the face."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from diaphane.core.arrays import Array
from diaphane.core.change import Change, Comparison, Lesion, State, Visit
from diaphane.core.coding import json_text
from diaphane.core.storage import write_whole
from diaphane.report.face_map import FaceMap, face_map
from diaphane.report.html import page
from diaphane.report.near import near, whole

DOCUMENT, PAGE = "changes.json", "compare.html"
SHADES: dict[State, tuple[str, str]] = {
    "same": ("#009e73", "="), "grown": ("#d55e00", "▲"), "shrunk": ("#56b4e9", "▼"),
    "new": ("#cc79a7", "+"), "gone": ("#0072b2", "−"), "unsure": ("#999999", "?"),
}  # fmt: skip
"""Colour and sign of each state; the colours can be told apart by people with a colour vision deficiency, and a sign stands beside each.

Source of the colours: Okabe and Ito, Color Universal Design, 2008."""
ORDER: tuple[State, ...] = ("new", "grown", "unsure", "gone", "shrunk", "same")
"""What needs eyes first."""
LEAST_MM, TIMES = 26.0, 3.0
"""A picture from near shows a square of so many millimetres, or of so many diameters of the larger of both lesions."""


@dataclass(frozen=True, slots=True)
class Told:
    """One lesion on the page."""

    change: Change
    pictures: tuple[Array | None, Array | None]
    """From near at either visit; None where the place was not seen."""
    side_mm: float
    """Of both pictures."""


def write_changes(comparison: Comparison, folder: Path, version: str) -> tuple[Path, ...]:
    """``changes.json`` and ``compare.html`` in ``folder``.

    Raises:
        StorageError: It cannot be written.
    """
    write_whole(folder / DOCUMENT, (json_text(comparison.to_json(), indent=1) + "\n").encode())
    write_whole(folder / PAGE, changes_page(comparison, version).encode())
    return folder / DOCUMENT, folder / PAGE


def changes_page(comparison: Comparison, version: str) -> str:
    """The page's text, with everything in it."""
    told = sorted((_told(comparison, change) for change in comparison.changes), key=lambda t: (ORDER.index(t.change.state), t.change.id))
    counts = Counter(change.state for change in comparison.changes)
    return page(
        "compare.html", version=version, comparison=comparison, told=told, shades=SHADES, map=_map(comparison),
        counts=[(s, counts[s]) for s in ORDER if counts[s]],
        wholes=[(name, _whole(visit, comparison, which)) for which, (name, visit) in enumerate(_visits(comparison))],
    )  # fmt: skip


def _visits(comparison: Comparison) -> tuple[tuple[str, Visit], tuple[str, Visit]]:
    return ("First visit", comparison.before), ("Second visit", comparison.after)


def _map(comparison: Comparison) -> FaceMap:
    return face_map(comparison.before.chart, [(change.id, change.face_mm) for change in comparison.changes])


def _whole(visit: Visit, comparison: Comparison, which: int) -> Array:
    """The face in the picture that shows most of its lesions, with their numbers."""
    marks = {lesion.id: lesion for lesion in visit.lesions}
    numbered = [(change.id, change.face_mm, SHADES[change.state][0]) for change in comparison.changes if (change.before, change.after)[which] in marks]
    return whole(visit, numbered)


def _told(comparison: Comparison, change: Change) -> Told:
    visits = (comparison.before, comparison.after)
    own = [_lesion(visit, number) for visit, number in zip(visits, (change.before, change.after), strict=True)]
    side = max(LEAST_MM, TIMES * max((lesion.diameter_mm for lesion in own if lesion), default=0.0))
    colour = SHADES[change.state][0]
    first, second = (near(visit, lesion, change.face_mm, side, colour) for visit, lesion in zip(visits, own, strict=True))
    return Told(change, (first, second), side)


def _lesion(visit: Visit, number: int | None) -> Lesion | None:
    return next((lesion for lesion in visit.lesions if lesion.id == number), None)
