"""Key frames of one face explained together: a pose each, one focal length, one distortion, one slow deformation of the scan's skin.

Every point lies on the skin: it may slide along it, and the skin may give way. Points are eliminated, what is left is solved by Levenberg and
Marquardt's steps with robust weights. One camera cannot tell a larger face from a nearer one, or from a longer lens: what the pictures do not say is held by
what is known beforehand, and stays in the covariance.

Source: Triggs et al., Bundle Adjustment - A Modern Synthesis, 1999; Geman, McClure, 1987 (weights).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.ops.projection import project, slopes

FOCAL_BOUND, K1_SD, K1_BOUND = 2.2, 0.03, 0.08
"""The focal length may be this many standard deviations off; k1 by this spread, and no more than that."""
STIFF_MM = 0.15
"""How much the face as a whole may move by its deformation."""
ROUNDS, TRIES, ENOUGH = 10, 5, 2e-5
FIRST, STRONGER = 1e-8, 30.0
"""Damping at first, and by how much it grows after a step that makes things worse: what little is known of depth must not be damped away."""
ALONG = np.array([True, True, False])
"""The slides that points which are free are followed by."""
TAIL = 3.0
"""Standard deviations at which an observation has lost three quarters of its weight."""


Back = tuple[FloatArray, FloatArray, FloatArray]
System = tuple[FloatArray, FloatArray, Back]
"""Normal equations without the points: matrix, right side, and what gives the points' slides back."""


@dataclass(frozen=True, slots=True)
class Points:
    """On the scan's skin."""

    places: FloatArray
    """(n, 3), scan mm, undeformed."""
    tangents: FloatArray
    """(n, 3, 3): along the skin, twice, and across it."""
    slide_sd: FloatArray
    """(n, 3): how far they may lie off along each, mm."""
    is_free: BoolArray
    """(n,): followed along the skin as they slide, however far; the others slide in one plane."""
    basis: FloatArray
    """(n, q): displacements are ``basis @ coefficients``."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """Which point was seen where in which key frame."""

    frame: IntArray
    """(o,): number of the key frame."""
    point: IntArray
    """(o,)."""
    pixels: FloatArray
    """(o, 2)."""
    root: FloatArray
    """(o, 2, 2): square root of the information, 1/px."""

    def joined(self, other: Sightings) -> Sightings:
        """Both; points keep their numbers."""
        return Sightings(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("frame", "point", "pixels", "root")))


@dataclass(frozen=True, slots=True)
class State:
    """What is sought."""

    rotations: FloatArray
    """(k, 3, 3)."""
    middles: FloatArray
    """(k, 3): where the face's middle lies in camera axes, mm."""
    log_focal: float
    """Of true over nominal."""
    k1: float
    coefficients: FloatArray
    """(q, 3)."""
    slides: FloatArray
    """(n, 3), mm, along the points' tangents."""

    def pose(self, number: int, middle: FloatArray) -> RigidTransform:
        """Scan to camera of a key frame."""
        return RigidTransform(self.rotations[number], self.middles[number] - self.rotations[number] @ middle)

    def camera(self, nominal: Camera) -> Camera:
        """As estimated."""
        _, k2, p1, p2, k3 = nominal.distortion
        wider = np.exp(self.log_focal)
        return replace(nominal, fx=nominal.fx * wider, fy=nominal.fy * wider, distortion=(self.k1, k2, p1, p2, k3))


@dataclass(frozen=True, slots=True)
class Solution:
    """And how well it is known."""

    state: State
    covariance: FloatArray
    """(6k + 2 + 3q, same): turns (rad) and middles (mm) a key frame, focal logarithm, k1, coefficients."""
    residuals: FloatArray
    """(o,): in standard deviations."""
    distances_px: FloatArray
    """(o,)."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The problem."""

    points: Points
    sightings: Sightings
    held: FloatArray
    """(h, 3q): of the coefficients (q, 3) laid out flat, what may hardly differ from 0, mm."""
    middle: FloatArray
    """(3,): of the face on the scan, mm."""
    nominal: Camera
    focal_sd: float
    """Of the logarithm."""
    skin: Callable[[FloatArray], Points] | None = None
    """Points at other places of the skin; None: where no point is free."""

    def solved(self, start: State) -> tuple[Bundle, Solution]:
        """From ``start``; and the problem with its free points where they came to lie."""
        bundle, state, damping, cost = self, start, FIRST, self._cost(start)
        for _ in range(ROUNDS):
            system = bundle._system(state)
            tried = next(bundle._tries(state, system, damping, cost), None)
            if tried is None:
                break
            (moved, state, now), damping = tried[:3], tried[3] / STRONGER
            bundle, gained, cost = moved, cost - now, now
            if gained < ENOUGH * cost:
                break
        off, root = bundle._off(state)
        covariance = np.linalg.inv(bundle._system(state)[0])
        return bundle, Solution(state, covariance, np.linalg.norm(root, axis=1), np.linalg.norm(off, axis=1))

    def _tries(self, state: State, system: System, damping: float, cost: float) -> Iterator[tuple[Bundle, State, float, float]]:
        """Steps that lower the cost, the first with the least damping."""
        reduced, slope, back = system
        for _ in range(TRIES):
            step = np.linalg.solve(reduced + damping * np.diag(np.diag(reduced)), slope)
            moved, tried = self._followed(self._moved(state, step, back))
            now = moved._cost(tried)
            if now < cost:
                yield moved, tried, now, damping
            damping *= STRONGER

    def _followed(self, state: State) -> tuple[Bundle, State]:
        """Free points set down on the skin again, where they slid to."""
        free = self.points.is_free
        if self.skin is None or not free.any():
            return self, state
        slid = self.points.places + np.einsum("nab,nb->na", self.points.tangents[..., :2], state.slides[:, :2])
        there = self.skin(slid[free])
        places, tangents, basis = (np.array(getattr(self.points, n)) for n in ("places", "tangents", "basis"))
        places[free], tangents[free], basis[free] = there.places, there.tangents, there.basis
        points = replace(self.points, places=places, tangents=tangents, basis=basis)
        return replace(self, points=points), replace(state, slides=np.where(free[:, None] & ALONG, 0.0, state.slides))

    def bent(self, state: State) -> FloatArray:
        """(n, 3): the points as the face has them now, scan mm."""
        slid = self.points.places + np.einsum("nab,nb->na", self.points.tangents, state.slides)
        return np.asarray(slid + self.points.basis @ state.coefficients)

    def _placed(self, state: State) -> tuple[FloatArray, FloatArray]:
        """(o, 3) each: turned arms from the middle, and points in camera axes."""
        s = self.sightings
        arms = np.einsum("oab,ob->oa", state.rotations[s.frame], (self.bent(state) - self.middle)[s.point])
        return arms, arms + state.middles[s.frame]

    def _off(self, state: State) -> tuple[FloatArray, FloatArray]:
        """(o, 2) each: seen less expected, px; and in standard deviations."""
        _, placed = self._placed(state)
        off = self.sightings.pixels - project(placed, state.camera(self.nominal))
        off = np.where(np.isfinite(off), off, 1e3)
        return off, np.einsum("oab,ob->oa", self.sightings.root, off)

    def _cost(self, state: State) -> float:
        _, off = self._off(state)
        square = (off**2).sum(axis=1)
        prior = (state.log_focal / self.focal_sd) ** 2 + ((state.k1 - self.nominal.distortion[0]) / K1_SD) ** 2 + (state.coefficients**2).sum()
        prior += ((self.held @ state.coefficients.ravel() / STIFF_MM) ** 2).sum() + ((state.slides / self.points.slide_sd) ** 2).sum()
        return float((TAIL**2 * square / (TAIL**2 + square)).sum() + prior)

    def _system(self, state: State) -> System:
        """The normal equations without the points, and what gives their slides back."""
        s, keys = self.sightings, len(state.rotations)
        wide, own = self._jacobians(state)
        _, off = self._off(state)
        weight = (TAIL**2 / (TAIL**2 + (off**2).sum(axis=1)))[:, None]
        wide, own, off = wide * weight[..., None], own * weight[..., None], off * weight
        flat = wide.reshape(-1, wide.shape[2])
        whole, slope = flat.T @ flat, flat.T @ off.ravel()
        self._with_priors(whole, slope, state, 6 * keys)
        n = len(self.points.places)
        inner, cross, inner_slope = np.zeros((n, 3, 3)), np.zeros((n, 3, flat.shape[1])), np.zeros((n, 3))
        np.add.at(inner, s.point, own.transpose(0, 2, 1) @ own)
        _add_sorted(cross, s.point, own.transpose(0, 2, 1) @ wide)
        np.add.at(inner_slope, s.point, np.einsum("ora,or->oa", own, off))
        loose = self.points.slide_sd**-2
        inner += loose[:, :, None] * np.eye(3)
        inner_slope -= loose * state.slides
        inverse = np.linalg.inv(inner)
        carried = inverse @ cross
        reduced = whole - cross.reshape(-1, flat.shape[1]).T @ carried.reshape(-1, flat.shape[1])
        slope = slope - np.einsum("naw,na->w", carried, inner_slope)
        return reduced, slope, (inverse, cross, inner_slope)

    def _jacobians(self, state: State) -> tuple[FloatArray, FloatArray]:
        """Of the whitened pixels: (o, 2, 6k + 2 + 3q) with what all points share, and (o, 2, 3) with their own slides."""
        s, keys, waves = self.sightings, len(state.rotations), self.points.basis.shape[1]
        arms, placed = self._placed(state)
        of_point, of_camera = slopes(placed, state.camera(self.nominal))
        of_point, of_camera = s.root @ of_point, s.root @ of_camera
        turned = of_point @ state.rotations[s.frame]
        wide = np.zeros((len(s.frame), 2, 6 * keys + 2 + 3 * waves))
        rows = np.arange(len(s.frame))[:, None]
        columns = 6 * s.frame[:, None] + np.arange(3)
        wide[rows, :, columns] = np.cross(arms[:, None], of_point).transpose(0, 2, 1)
        wide[rows, :, columns + 3] = of_point.transpose(0, 2, 1)
        wide[:, :, 6 * keys : 6 * keys + 2] = of_camera
        wide[:, :, 6 * keys + 2 :] = (self.points.basis[s.point][:, None, :, None] * turned[:, :, None, :]).reshape(len(s.frame), 2, -1)
        return wide, turned @ self.points.tangents[s.point]

    def _with_priors(self, whole: FloatArray, slope: FloatArray, state: State, at: int) -> None:
        """What is known beforehand, added in place."""
        for n, value, sd in ((at, state.log_focal, self.focal_sd), (at + 1, state.k1 - self.nominal.distortion[0], K1_SD)):
            whole[n, n] += sd**-2
            slope[n] -= value / sd**2
        rest = slice(at + 2, None)
        flat, stiff = state.coefficients.ravel(), self.held / STIFF_MM
        whole[rest, rest] += np.eye(len(flat)) + stiff.T @ stiff
        slope[rest] -= flat + stiff.T @ (stiff @ flat)

    def _moved(self, state: State, step: FloatArray, back: Back) -> State:
        """After a step; focal length and k1 within their bounds."""
        inverse, cross, inner_slope = back
        keys = len(state.rotations)
        poses = step[: 6 * keys].reshape(keys, 6)
        turns = np.stack([cv2.Rodrigues(t)[0] for t in poses[:, :3]])
        slides = np.einsum("nab,nb->na", inverse, inner_slope - cross @ step)
        bound, k1 = FOCAL_BOUND * self.focal_sd, self.nominal.distortion[0]
        return State(
            turns @ state.rotations, state.middles + poses[:, 3:], float(np.clip(state.log_focal + step[6 * keys], -bound, bound)),
            float(np.clip(state.k1 + step[6 * keys + 1], k1 - K1_BOUND, k1 + K1_BOUND)), state.coefficients + step[6 * keys + 2 :].reshape(-1, 3),
            state.slides + slides,
        )  # fmt: skip


def _add_sorted(out: FloatArray, rows: IntArray, values: FloatArray) -> None:
    """``np.add.at`` for long rows: sorted and summed in runs."""
    order = np.argsort(rows, kind="stable")
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    if len(first):
        out[rows[order][first]] += np.add.reduceat(values[order], first, axis=0)
