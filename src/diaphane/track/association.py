"""Which detection is whose: identities that live through frames without a detection, through occlusion, and through an absence.

A target is kept by a Kalman filter and met with detections in two rounds: first the sure ones, over place and looks, then the weak ones over place alone,
with the targets that the first round left. A sure detection that is nobody's is compared with those who were lost: who looks the same comes back with
the old identity. Whom no detection met is carried by the pixels.

Source: Zhang et al., ByteTrack, ECCV 2022 (two rounds); Wojke et al., DeepSORT, ICIP 2017 (looks); Kuhn, Naval Research Logistics 1955 (assignment).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.face import Face, State
from diaphane.ops.face_regions import MESH
from diaphane.track.appearance import Looks, blended, difference, looks_of
from diaphane.track.carrier import Carrier, Known, Step
from diaphane.track.detection import Box, Detection, overlap, overlaps
from diaphane.track.kalman import CARRIED, BoxFilter
from diaphane.track.options import Options

PLACE, LOOKS = 0.5, 1.0
"""Costs of the first round: what boxes do not share, and how looks differ; each 0-1."""
REACH = 0.6
"""A detection may lie so many face heights from where a target is expected, and further by twice what the filter doubts."""
SIZES = 2.2
"""It is at most so many times as large or as small."""
UNLIKE = 0.5
"""Looks that differ by more are of two people."""
WEAK_OVERLAP = 0.3
"""A weak detection must share this with the target's box."""
AGAIN, CLEARLY = 0.4, 0.8
"""Who came back looks different by less than this, and by less than this share of how the next one who is away does."""
HIDDEN = 0.3
"""A target that was not detected and shares this with one that was is behind it: its pixels are those of the other."""
LEARN = 0.1
"""How much of a target's looks is new with each sure detection."""
STEADY = 50
"""Detections over which the aspect of a face is averaged."""
MANY = 64
"""People that are remembered at once."""


@dataclass(slots=True)
class Target:
    """One identity."""

    identity: int
    box: BoxFilter
    looks: Looks
    carrier: Carrier
    seen: Detection
    """As a detector last saw it."""
    aspect: float
    """Width by height of its boxes, as they mostly are."""
    detected_s: float
    seen_s: float
    """When it was last detected or carried."""
    last: Box
    """Where it was in the frame before."""
    detections: int = 1
    state: State = "detected"
    missed: bool = False
    """Whether the detector did not see it when it last looked."""
    hidden: bool = False
    """Whether someone else was where it is."""
    was_lost: bool = False
    """Whether it was only expected in the frame before."""

    def face(self) -> Face:
        """As it is told; with landmarks where they were found in this very frame."""
        points = self.seen.points if self.state == "detected" else None
        kind = None if points is None else MESH
        return Face(identity=self.identity, box_px=self.box.box, score=self.seen.score, state=self.state, landmarks_px=points, landmark_set=kind)


@dataclass(slots=True)
class Association:
    """The targets of one clip; ``sure`` is the score from which a detection begins a new one, ``carrier`` makes what carries it."""

    options: Options
    sure: float
    carrier: Callable[[Step, Box], Carrier]
    here: list[Target] = field(default_factory=list)
    """In the order of their identities."""
    lost: list[Target] = field(default_factory=list)
    """Those who may come back."""
    identities: int = 0
    now_s: float = 0.0

    def predict(self, time_s: float) -> None:
        """Expect every target where it should be at ``time_s``."""
        step, self.now_s = max(0.0, time_s - self.now_s), time_s
        for target in self.here:
            target.last, target.was_lost = target.box.box, target.state == "predicted"
            target.box.predict(step, seen=not target.was_lost)
            target.state = "predicted"

    def meet(self, detections: Sequence[Detection], step: Step) -> None:
        """Give the detections of the frame to the targets, those of the lost who came back, and new ones."""
        sure = [d for d in detections if d.score >= self.sure]
        weak = [d for d in detections if self.options.min_score <= d.score < self.sure]
        looks = [looks_of(step.frame, d.box_px) for d in sure]
        first = self._first_round(sure, looks)
        for target, n in first:
            target.looks = blended(target.looks, looks[n], LEARN)
            self._sight(target, sure[n], step)
        for target, n in _second_round([t for t in self.here if t.state != "detected"], weak):
            self._sight(target, weak[n], step)
        for target in self.here:
            target.missed = target.state != "detected"
        taken = {n for _, n in first}
        for n in (n for n in range(len(sure)) if n not in taken):
            self._begin(sure[n], looks[n], step)
        self._hide()

    def carry(self, step: Step) -> None:
        """By the pixels, whomever no detection met in this frame; then forget who is gone."""
        for target in self.here:
            if target.state == "detected" or target.hidden or self.now_s - target.detected_s > self.options.carry_s:
                continue
            expected = upright(target.box.box, target.aspect) if target.missed else target.box.box
            moved = target.carrier.carry(step, Known(target.last, expected, target.missed, target.was_lost))
            if moved is not None:
                target.box.update(moved, CARRIED)
                target.state, target.seen_s = "tracked", self.now_s
        self._forget(step.now.shape)

    def is_young(self, target: Target) -> bool:
        """Whether it may still be a flicker."""
        return target.detections <= self.options.confirm_frames

    def faces(self) -> tuple[Face, ...]:
        """Of the frame: who was detected or carried, and for a while where those are expected who were not."""
        return tuple(t.face() for t in self.here)

    def _first_round(self, sure: Sequence[Detection], looks: Sequence[Looks]) -> list[tuple[Target, int]]:
        if not sure or not self.here:
            return []
        place = 1 - overlaps([t.box.box for t in self.here], [d.box_px for d in sure])
        unlike = np.array([[difference(t.looks, look) for look in looks] for t in self.here])
        near = np.array([[_reachable(t, d) for d in sure] for t in self.here])
        return _assigned(self.here, PLACE * place + LOOKS * unlike, near & (unlike < UNLIKE))

    def _sight(self, target: Target, detection: Detection, step: Step) -> None:
        target.box.update(detection.box_px)
        target.seen, target.state, target.hidden = detection, "detected", False
        target.detected_s = target.seen_s = self.now_s
        target.detections += 1
        target.aspect += (aspect_of(detection.box_px) - target.aspect) / min(target.detections, STEADY)
        target.carrier.learn(step, target.box.box)

    def _hide(self) -> None:
        """Whoever was not detected and lies where someone was is behind them."""
        seen = [t for t in self.here if t.state == "detected"]
        for target in self.here:
            target.hidden = target.state != "detected" and any(overlap(target.box.box, other.box.box) > HIDDEN for other in seen)

    def _begin(self, detection: Detection, looks: Looks, step: Step) -> None:
        """Someone who came back, or was carried astray; or someone new."""
        away = [*self.lost, *(t for t in self.here if t.missed)]
        old = _who(away, looks)
        box, now = detection.box_px, self.now_s
        target = Target(self.identities + 1, BoxFilter(box), looks, self.carrier(step, box), detection, aspect_of(box), now, now, box)
        if old is not None:
            self.lost, self.here = [t for t in self.lost if t is not old], [t for t in self.here if t is not old]
            target.identity, target.looks, target.detections = old.identity, old.looks, old.detections + 1
        else:
            self.identities += 1
        self.here = sorted([*self.here, target], key=lambda t: t.identity)

    def _forget(self, shape: tuple[int, ...]) -> None:
        """Who was not seen for a while, or left the frame, is lost; who was lost for long, or hardly seen at all, is forgotten."""
        gone = [t for t in self.here if self.now_s - t.seen_s > self.options.gap_s or not _inside(t.box.box, shape)]
        self.here = [t for t in self.here if t not in gone]
        self.lost = [t for t in [*self.lost, *gone] if self.now_s - t.seen_s <= self.options.remember_s and not self.is_young(t)][-MANY:]


def _who(away: Sequence[Target], looks: Looks) -> Target | None:
    """Who of those that are away looks like that, and no one else nearly so."""
    ranked = sorted(((difference(t.looks, looks), n) for n, t in enumerate(away)))
    if not ranked or ranked[0][0] >= AGAIN or (len(ranked) > 1 and ranked[0][0] > CLEARLY * ranked[1][0]):
        return None
    return away[ranked[0][1]]


def upright(box: Box, aspect: float) -> Box:
    """``box`` about the same middle and of the same height, with that width by height."""
    x, y, width, height = box
    return x + (width - aspect * height) / 2, y, aspect * height, height


def aspect_of(box: Box) -> float:
    """Width by height."""
    return box[2] / max(box[3], 1e-6)


def _second_round(rest: Sequence[Target], weak: Sequence[Detection]) -> list[tuple[Target, int]]:
    if not rest or not weak:
        return []
    shared = overlaps([t.box.box for t in rest], [d.box_px for d in weak])
    return _assigned(rest, 1 - shared, shared > WEAK_OVERLAP)


def _assigned(targets: Sequence[Target], costs: FloatArray, allowed: Array) -> list[tuple[Target, int]]:
    """The pairs of least total cost, among those allowed."""
    rows, columns = linear_sum_assignment(np.where(allowed, costs, 1e3))
    return [(targets[r], int(c)) for r, c in zip(rows, columns, strict=True) if allowed[r, c]]


def _reachable(target: Target, detection: Detection) -> bool:
    x, y, width, height = target.box.box
    u, v, wide, high = detection.box_px
    away = float(np.hypot(u + wide / 2 - x - width / 2, v + high / 2 - y - height / 2))
    return away < (REACH + 2 * target.box.spread) * max(height, high) and 1 / SIZES < high / max(height, 1e-6) < SIZES


def _inside(box: Box, shape: tuple[int, ...]) -> bool:
    x, y, width, height = box
    return -0.5 * width < x < shape[1] - 0.5 * width and -0.5 * height < y < shape[0] - 0.5 * height
