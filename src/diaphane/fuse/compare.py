"""The verb: what became of each lesion of a face between two visits.

Source of the matching: Kuhn, Naval Research Logistics Quarterly 2, 83 (1955): the assignment that costs least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.change import Change, Lesion, Place, State, Visit
from diaphane.fuse.coverage import NOT_SEEN, Coverage, Glance
from diaphane.fuse.mirror import turned
from diaphane.fuse.options import CompareOptions
from diaphane.fuse.width import width, widths

COLOUR = 0.5
"""What another colour weighs at most, against 1 for a place at the edge of its reach: it keeps neighbours apart and hardly parts what lies at one place."""
MIDDLE_MM = 12.0
"""A lesion so near the face's middle line lies nearly where its mirror image does, and says nothing about mirrored pictures."""
TOLD: dict[State, str] = {
    "same": "found at both visits; the sizes differ by no more than repeats of one lesion do",
    "grown": "found at both visits; larger by more than repeats of one lesion differ",
    "shrunk": "found at both visits; smaller by more than repeats of one lesion differ",
}
OTHERWISE = "; the head is turned otherwise than at the first, for which the limit was not measured"
UNLIKE = "found at one place at both visits, but of another colour: look whether it is one lesion"
LOST = 2.0
"""Two lesions, each without a match, up to so many reaches apart may be one."""
MIRRORED = "its match lies on the other side of the face, as in a mirror image"


def compare(before: Visit, after: Visit, options: CompareOptions) -> tuple[Change, ...]:
    """Each lesion of either visit once, those of the first visit first, in the order of their findings.

    Lesions are matched by place on the average face and by colour, all at once, so that the whole costs least. A size counts as changed beyond what the
    same lesion's repeats differ by. One without a match is gone or new only where the other visit looked at the place and saw bare skin there.
    """
    pairs = matches(before.lesions, after.lesions, options)
    partner = dict(pairs)
    is_turned = looks_mirrored(before, after, options)
    lost = [lesion for n, lesion in enumerate(before.lesions) if n not in partner]
    come = [lesion for n, lesion in enumerate(after.lesions) if n not in partner.values()]
    seen = Coverage(before), Coverage(after)
    changes = [_of_pair(before.lesions[n], after.lesions[m], (before, after), seen, options) for n, m in pairs]
    for lesion in lost:
        why = MIRRORED if is_turned else _why_unsure(lesion, after, come, seen[1], options)
        changes.append(_alone(lesion, "gone", width(lesion, before, lesion.diameter_mm), why))
    for lesion in come:
        why = MIRRORED if is_turned else _why_unsure(lesion, before, lost, seen[0], options)
        changes.append(_alone(lesion, "new", width(lesion, after, lesion.diameter_mm), why))
    order = sorted(changes, key=lambda c: (c.before is None, c.before or c.after or 0))
    return tuple(replace(change, id=n) for n, change in enumerate(order, start=1))


def matches(before: Sequence[Lesion], after: Sequence[Lesion], options: CompareOptions) -> list[tuple[int, int]]:
    """Which of ``before`` is which of ``after``: their numbers in either."""
    if not before or not after:
        return []
    from scipy.optimize import linear_sum_assignment  # 0.1 s to import

    apart = _apart([b.place_mm for b in before], [a.place_mm for a in after]) / options.reach_mm
    unlike = _apart([b.looks for b in before], [a.looks for a in after]) / options.reach_deviations
    cost = apart**2 + COLOUR * np.minimum(unlike, 1) ** 2
    rows, columns = linear_sum_assignment(np.minimum(cost, 1))
    return [(int(n), int(m)) for n, m in zip(rows, columns, strict=True) if cost[n, m] < 1]


def looks_mirrored(before: Visit, after: Visit, options: CompareOptions) -> bool:
    """Whether one of the visits seems to be a mirror image: more lesions match when left and right change places."""
    aside = [[lesion for lesion in visit.lesions if abs(lesion.place_mm[0]) > MIDDLE_MM] for visit in (before, after)]
    plain = len(matches(aside[0], aside[1], options))
    mirrored = len(matches(aside[0], [turned(lesion) for lesion in aside[1]], options))
    return mirrored >= plain + (2 if plain else 1)


def _of_pair(before: Lesion, after: Lesion, visits: tuple[Visit, Visit], seen: tuple[Coverage, Coverage], options: CompareOptions) -> Change:
    is_one = _is_one(before, after)
    sizes = widths(before, after, visits)
    ratio = 1.0 if is_one else sizes[1] / sizes[0]
    told = Change(
        id=0, state="same", before=before.id, after=after.id, site=after.site or before.site, face_mm=_mean(before.place_mm, after.place_mm),
        diameter_mm=_known(*sizes), ratio=ratio if math.isfinite(ratio) else None, ratio95=None,
        apart_mm=math.dist(before.place_mm, after.place_mm), reason=TOLD["same"],
    )  # fmt: skip
    glances = [one.measured(lesion.best.image, lesion.place_mm, lesion.diameter_mm, options) for one, lesion in zip(seen, (before, after), strict=True)]
    unlike = math.dist(before.looks, after.looks)
    least = min(glance.rank for glance in glances)
    if not is_one and (told.ratio is None or least < len(NOT_SEEN)):
        why = f"{NOT_SEEN[least]} at one of them" if least < len(NOT_SEEN) else "cut by the picture's edge, or like the skin around"
        return replace(told, state="unsure", ratio=None, reason=f"found at both visits, but the sizes cannot be compared: it is {why}")
    state: State = "grown" if math.log(ratio) > options.repeatability else "shrunk" if math.log(ratio) < -options.repeatability else "same"
    factor = math.exp(options.repeatability)
    is_turned = not is_one and _turned(glances[0].facing, glances[1].facing) > options.turned
    told = replace(told, state=state, ratio95=(ratio / factor, ratio * factor), reason=TOLD[state] + (OTHERWISE if is_turned else ""))
    return replace(told, state="unsure", reason=f"{UNLIKE} ({unlike:.1f} deviations of the skin apart)") if unlike > options.reach_deviations else told


def _turned(one: float, other: float) -> float:
    """Logarithm of the ratio of two cosines; infinite where one is not seen."""
    return abs(math.log(other / one)) if min(one, other) > 0 else math.inf


def _alone(lesion: Lesion, state: State, size: float, why_unsure: str | None) -> Change:
    """Of one that a visit lacks."""
    has = state == "gone"
    found, lacks = ("first", "second") if has else ("second", "first")
    (diameter, _), bare = _known(size, size), f"found at the {found} visit; the {lacks} saw the place and found nothing there"
    return Change(
        id=0, state="unsure" if why_unsure else state, before=lesion.id if has else None, after=None if has else lesion.id, site=lesion.site,
        face_mm=lesion.place_mm, diameter_mm=(diameter, None) if has else (None, diameter), ratio=None, ratio95=None, apart_mm=None,
        reason=f"found at the {found} visit alone; at the {lacks}: {why_unsure}" if why_unsure else bare,
    )  # fmt: skip


def _why_unsure(lesion: Lesion, other: Visit, unmatched: Sequence[Lesion], seen: Coverage, options: CompareOptions) -> str | None:
    """What speaks against calling ``lesion``, which ``other`` lacks, gone or new; None where nothing does."""
    lonely = {o.id for o in unmatched}
    near = [(math.dist(lesion.place_mm, o.place_mm), o.id, options.reach_mm * (LOST if o.id in lonely else 1)) for o in other.lesions]
    if may_be := min(((apart, number) for apart, number, reach in near if apart <= reach), default=None):
        return f"finding {may_be[1]} lies {may_be[0]:.1f} mm away and may be it"
    there = [t.probability for t in other.traces if math.dist(lesion.place_mm, t.place_mm) <= options.reach_mm]
    if there:
        return f"something was proposed there and did not stand (probability {max(there):.2f})"
    return _why_not_bare(lesion, seen.glance(lesion.place_mm, lesion.diameter_mm, options), options)


def _why_not_bare(lesion: Lesion, glance: Glance, options: CompareOptions) -> str | None:
    """What speaks against bare skin at the place of ``lesion``."""
    if glance.rank < len(NOT_SEEN):
        return f"not seen: the place is {NOT_SEEN[glance.rank]} in every frame looked at"
    own = lesion.best.features.get("face_contrast", math.nan)
    if not own > 0:
        return "it is not darker than the skin around, so that bare skin cannot be told from it"
    if glance.contrast > options.bare * own:
        return f"nothing was proposed there, but the skin is darker than around ({glance.contrast:.1f} deviations, the lesion {own:.1f})"
    if glance.skin < options.skin:
        return "the place has not the colour of the face's skin: it may be covered"
    return None


def _apart(one: Sequence[Place], other: Sequence[Place]) -> FloatArray:
    """(n, m)."""
    return np.asarray(np.linalg.norm(np.array(one)[:, None] - np.array(other)[None], axis=2))


def _is_one(before: Lesion, after: Lesion) -> bool:
    """Whether both are the same outline in the same picture: a case compared with itself."""
    one, other = before.best, after.best
    alike = (one.source_sha256, one.frame, one.box_px) == (other.source_sha256, other.frame, other.box_px)
    return alike and np.array_equal(one.mask, other.mask)


def _known(*sizes: float) -> tuple[float | None, float | None]:
    first, second = (size if math.isfinite(size) else None for size in sizes)
    return first, second


def _mean(one: Place, other: Place) -> Place:
    x, y, z = ((a + b) / 2 for a, b in zip(one, other, strict=True))
    return x, y, z
