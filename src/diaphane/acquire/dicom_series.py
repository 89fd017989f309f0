"""Which of the instances in a source are one image, and which are set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diaphane.acquire.dicom_header import RT_DOSE, WHOLE_SLIDE
from diaphane.acquire.dicom_source import Entry

DIRECTORY = "1.2.840.10008.1.3.10"
WITHOUT_PIXELS = ("SR", "RTSTRUCT", "RTPLAN", "RTRECORD", "PR", "KO", "REG", "ANN", "ECG", "HD", "DOC", "PLAN")
"""Modalities of objects that refer to images and are none."""
CROSS_SECTIONAL = ("CT", "MR", "PT", "NM")
LISTED = 12
SAME_DIRECTION = 0.005
"""Two images whose direction cosines differ by less belong to one stack."""
FEW = 5
"""In one series, a group of images this many times smaller than the main one is a scout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Instances that make one image or clip."""

    kind: Literal["volume", "picture", "clip"]
    entries: tuple[Entry, ...]
    is_localizer: bool = False

    @property
    def images(self) -> int:
        """How many slices or frames it has."""
        return sum(entry.header.frames for entry in self.entries)

    @property
    def title(self) -> str:
        """What tells it apart in a list, without anything of the patient."""
        header = self.entries[0].header
        what = {"volume": "slices", "picture": "picture", "clip": "frames"}[self.kind]
        size = f"{self.images} {what}" if self.kind != "picture" else what
        number = "" if header.series_number is None else f", SeriesNumber {header.series_number}"
        return f"{header.modality or 'no modality'}, {size} of {header.columns}x{header.rows}{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What a source holds."""

    choices: tuple[Group, ...]
    """Those that could be meant: volumes and clips, or pictures where there are none; by SeriesNumber."""
    aside: tuple[str, ...]
    """What was set aside, in words."""
    others: tuple[str, ...]
    """The kinds of instances that are no images, in words."""


def arrangement(entries: Iterable[Entry]) -> Arrangement:
    """The groups in ``entries``: scouts, single images beside a volume, and what is no image are set aside."""
    known = list(entries)
    images, others = [e for e in known if e.header.is_image], [e for e in known if not e.header.is_image]
    groups: list[Group] = []
    aside: list[str] = []
    for series in _by_series(images):
        found, scouts = _split(series)
        groups += found
        aside += scouts
    large = [g for g in groups if g.kind != "picture" and not g.is_localizer]
    small = [g for g in groups if g not in large]
    choices = large or [g for g in small if not g.is_localizer] or small
    left = [g for g in small if g not in choices]
    titles = Counter(f"{'scout, ' if g.is_localizer else ''}{g.title}" for g in left)
    aside += [f"set aside: {title}" if count == 1 else f"set aside: {count} x {title}" for title, count in titles.items()]
    kinds = _kinds(others)
    aside += [f"set aside, no image: {kind}" for kind in kinds] if choices else []
    return Arrangement(choices=tuple(choices), aside=tuple(aside), others=kinds)


def listed(choices: Iterable[Group]) -> str:
    """The choices as a numbered list on one line."""
    lines = [f"{place}: {group.title}" for place, group in enumerate(choices, start=1)]
    return "; ".join(lines[:LISTED]) + (f"; and {len(lines) - LISTED} more" if len(lines) > LISTED else "")


def _by_series(entries: list[Entry]) -> list[list[Entry]]:
    series: dict[str, list[Entry]] = {}
    for entry in entries:
        series.setdefault(entry.header.series_uid, []).append(entry)

    def order(group: list[Entry]) -> tuple[float, str]:
        number = group[0].header.series_number
        return (float("inf") if number is None else number, group[0].header.series_uid)

    return sorted(series.values(), key=order)


def _split(series: list[Entry]) -> tuple[list[Group], list[str]]:
    """The groups of one series, and what of it is set aside."""
    several = [e for e in series if e.header.frames > 1 or e.header.is_clip]
    found = [Group(kind="clip" if e.header.is_clip else "volume", entries=(e,)) for e in several]
    single = [e for e in series if e not in several]
    stacks: list[list[Entry]] = []
    for entry in single:
        known = next((stack for stack in stacks if _is_alike(stack[0], entry)), None)
        if known is None:
            stacks.append([entry])
        else:
            known.append(entry)
    ordered = sorted(stacks, key=len, reverse=True)
    scouts = [s for s in ordered[1:] if len(s) == 1 < len(ordered[0]) or len(s) * FEW <= len(ordered[0])]
    for stack in ordered:
        if not any(stack is scout for scout in scouts):
            found += _groups(stack)
    aside = [f"set aside: {len(s)} of another orientation or size in the same series ({_groups(s)[0].title})" for s in scouts]
    return found, aside


def _groups(stack: list[Entry]) -> list[Group]:
    header, is_localizer = stack[0].header, stack[0].header.is_localizer
    placed = header.planes[0].is_placed or header.modality in CROSS_SECTIONAL
    if len(stack) > 1 and placed and header.samples == 1:
        return [Group(kind="volume", entries=tuple(stack), is_localizer=is_localizer)]
    return [Group(kind="picture", entries=(entry,), is_localizer=is_localizer) for entry in stack]


def _is_alike(one: Entry, other: Entry) -> bool:
    a, b = one.header, other.header
    if (a.rows, a.columns, a.samples, a.is_localizer) != (b.rows, b.columns, b.samples, b.is_localizer):
        return False
    first, second = a.planes[0].orientation, b.planes[0].orientation
    return first == second or (first is not None and second is not None and bool(np.allclose(first, second, atol=SAME_DIRECTION)))


def _kinds(entries: list[Entry]) -> tuple[str, ...]:
    def kind(entry: Entry) -> str:
        header = entry.header
        if header.is_segmentation:
            return "DICOM Segmentation"
        words = {WHOLE_SLIDE: "whole-slide microscopy", RT_DOSE: "RT dose", DIRECTORY: "DICOM directory"}
        plain = f"DICOM {header.modality}" if header.modality in WITHOUT_PIXELS else f"DICOM {header.modality or 'object'} without pixels"
        return words.get(header.sop_class_uid, plain)

    return tuple(f"{count} x {name}" for name, count in sorted(Counter(map(kind, entries)).items()))
