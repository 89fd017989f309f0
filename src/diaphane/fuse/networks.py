"""What several networks or folds proposed of one thing in one frame becomes one candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from diaphane.core.arrays import BoolArray
from diaphane.core.candidate import Candidate
from diaphane.fuse.label_fusion import How, agreed
from diaphane.ops.crop import box_of

SAME = 0.2
"""Intersection over union from which masks of different networks are of one thing."""


def one_of_several(candidates: Sequence[Candidate], how: How) -> tuple[tuple[Candidate, ...], Mapping[int, tuple[int, ...]]]:
    """The candidates, those of one thing joined; and of each one's number the numbers that it came from.

    The joined one keeps number and features of the most probable; its mask is what the networks agree on, its probability their mean.
    """
    if len({c.network for c in candidates}) < 2:
        return tuple(candidates), {c.candidate: (c.candidate,) for c in candidates}
    groups: list[list[Candidate]] = []
    for candidate in sorted(candidates, key=lambda c: -(c.probability or 0.0)):
        home = next((g for g in groups if _is_same(candidate, g)), None)
        groups.append([candidate]) if home is None else home.append(candidate)
    joined = [_joined(group, how) for group in groups]
    return tuple(joined), {one.candidate: tuple(c.candidate for c in group) for one, group in zip(joined, groups, strict=True)}


def _is_same(candidate: Candidate, group: Sequence[Candidate]) -> bool:
    first = group[0]
    if (candidate.source_sha256, candidate.frame) != (first.source_sha256, first.frame) or any(candidate.network == c.network for c in group):
        return False
    one, other = _on_one_grid([candidate, first])[0]
    both = np.count_nonzero(one & other)
    return bool(both >= SAME * (np.count_nonzero(one) + np.count_nonzero(other) - both))


def _joined(group: Sequence[Candidate], how: How) -> Candidate:
    if len(group) == 1:
        return group[0]
    masks, (left, top) = _on_one_grid(group)
    known = [c.probability for c in group if c.probability is not None]
    maps = [mask * (1.0 if c.probability is None else c.probability) for mask, c in zip(masks, group, strict=True)]
    mask = agreed(masks, how, maps)
    if not mask.any():  # they overlap, but nowhere do enough agree
        mask = masks[0]
    x, y, width, height = box_of(mask)
    return replace(
        group[0], box_px=(left + x, top + y, width, height), mask=mask[y : y + height, x : x + width], probability=float(np.mean(known)) if known else None
    )


def _on_one_grid(candidates: Sequence[Candidate]) -> tuple[list[BoolArray], tuple[int, int]]:
    """Their masks in the box around all, and its corner."""
    left, top = (min(c.box_px[n] for c in candidates) for n in (0, 1))
    right, bottom = (max(c.box_px[n] + c.box_px[n + 2] for c in candidates) for n in (0, 1))
    out = []
    for c in candidates:
        whole = np.zeros((bottom - top, right - left), bool)
        x, y = c.box_px[0] - left, c.box_px[1] - top
        whole[y : y + c.box_px[3], x : x + c.box_px[2]] = c.mask
        out.append(whole)
    return out, (left, top)
