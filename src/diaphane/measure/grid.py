"""A box of an image on a grid of another spacing. Source: IBSI reference manual, section 2.4 (interpolation)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels

Span = tuple[int, int]
MARGIN = 16
"""Voxels around a box that a spline of order 3 still feels: 0.27 to the power of 16 is below single precision."""
TIE = 1e-6
"""A mask of exactly a half stays, whatever rounding does."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of the new grid: where its voxels ``first`` to ``first + count - 1`` lie, in steps of the old one."""

    origin: float
    """of voxel 0"""
    step: float
    first: int
    count: int

    @property
    def places(self) -> FloatArray:
        """In the old grid's indices."""
        return self.origin + self.step * np.arange(self.first, self.first + self.count, dtype=np.float64)


def axis_of(size: int, spacing: float, wanted: float, span: Span, *, centred: bool) -> Axis:
    """The axis with spacing ``wanted`` over ``size`` old voxels, cut to what lies within a voxel of ``span``.

    The number of voxels is rounded up; the centres of both grids meet, or the outer corners of their first voxels.
    """
    step = wanted / spacing
    count = math.ceil(size / step - 1e-9)
    origin = (size - 1 - (count - 1) * step) / 2 if centred else (step - 1) / 2
    first = max(0, math.ceil((span[0] - 1 - origin) / step))
    last = min(count - 1, math.floor((span[1] - origin) / step))
    return Axis(origin, step, first, last - first + 1)


def resampled(array: Array, box: tuple[Span, ...], axes: tuple[Axis, ...], order: int) -> FloatArray:
    """``array`` [k, j, i] on ``axes`` by splines of ``order`` 0, 1 or 3, from what lies around ``box``; beyond the image its outermost voxels go on."""
    around = [(max(0, a - MARGIN), min(n, b + MARGIN)) for (a, b), n in zip(box, array.shape, strict=True)]
    part = array[tuple(slice(a, b) for a, b in around)]
    places = [axis.places - a for axis, (a, _) in zip(axes, around, strict=True)]
    if order == 3:
        return _cubic(part, axes, places)
    changed = tuple(axis.step != 1 or bool(axis.origin) for axis in axes)
    out: FloatArray = np.empty([len(p) for p in places], np.float64 if any(changed) else np.float32)
    for n, plane in enumerate(_planes(part, places, changed, order)):
        out[n] = plane
    return out


def onto(image: Image, labels: Labels, target: Image) -> Labels:
    """The nearest of ``labels``, which lie on the grid of ``image``, at each voxel of ``target``; 0 beyond them."""
    from scipy import ndimage

    back = np.linalg.inv(image.geometry.affine) @ target.geometry.affine
    array = ndimage.affine_transform(labels.array, back[:3, :3], back[:3, 3], target.shape, order=0, mode="constant", cval=0)
    return Labels(np.asarray(array), labels.table, source=labels.source)


def _planes(part: Array, places: list[FloatArray], changed: tuple[bool, ...], order: int) -> Iterator[FloatArray]:
    """The slices of ``part`` at ``places`` by splines of ``order`` 0 or 1, one at a time: a volume in double precision would be all the memory."""
    last = len(part) - 1
    k = np.clip(np.floor(places[0] + 0.5) if order == 0 and changed[0] else places[0], 0, last)
    low = np.minimum(k.astype(np.intp), max(0, last - 1))
    made: dict[int, FloatArray] = {}
    for first, share in zip(low.tolist(), (k - low).tolist(), strict=True):
        both = (first, min(first + 1, last))
        made = {n: made[n] if n in made else _in_plane(part[n], places, changed, order) for n in both}
        yield made[both[0]] * (1 - share) + made[both[1]] * share if 0 < share < 1 else made[both[int(share)]]


def _in_plane(plane: Array, places: list[FloatArray], changed: tuple[bool, ...], order: int) -> FloatArray:
    out: FloatArray = plane.astype(np.float32)
    for n in (1, 0):
        at = places[n + 1]
        out = _linear(out, np.floor(at + 0.5) if order == 0 else at, n) if changed[n + 1] else out.take(at.astype(np.intp), axis=n)
    return out


def _linear(array: FloatArray, places: FloatArray, axis: int) -> FloatArray:
    """Between neighbours along one axis."""
    last = array.shape[axis] - 1
    places = np.clip(places, 0, last)
    low = np.minimum(places.astype(np.intp), max(0, last - 1))
    shape = [-1 if n == axis else 1 for n in range(array.ndim)]
    share = (places - low).reshape(shape)
    if last == 0:
        return array.take(low, axis=axis)
    mixed = array.take(low, axis=axis) * (1 - share)
    mixed += array.take(low + 1, axis=axis) * share
    return mixed


def _cubic(part: Array, axes: tuple[Axis, ...], places: list[FloatArray]) -> FloatArray:
    from scipy import ndimage  # 0.3 s to import: not for a picture

    shape, step, start = [len(p) for p in places], [a.step for a in axes], [p[0] for p in places]
    flat = [n for n in range(3) if axes[n].step == 1 and not axes[n].origin]  # along these nothing changes
    coefficients: FloatArray = part.astype(np.float64)
    for n in flat:
        coefficients = coefficients.take(places[n].astype(np.intp), axis=n)
        start[n] = 0.0
    for n in range(3):
        if n not in flat and coefficients.shape[n] > 1:
            coefficients = ndimage.spline_filter1d(coefficients, 3, axis=n, mode="mirror")
    return np.asarray(ndimage.affine_transform(coefficients, step, start, tuple(shape), order=3, mode="mirror", prefilter=False))


def mask_on(mask: BoolArray, box: tuple[Span, ...], shape: tuple[int, ...], axes: tuple[Axis, ...], order: int) -> BoolArray:
    """Where at least a half of ``mask``, which fills ``box`` of a volume of ``shape``, is on ``axes``."""
    around = tuple((max(0, a - 1), min(n, b + 1)) for (a, b), n in zip(box, shape, strict=True))
    pads = [(a - x, y - b) for (a, b), (x, y) in zip(box, around, strict=True)]
    places = [axis.places - start for axis, (start, _) in zip(axes, around, strict=True)]
    out = np.empty([len(p) for p in places], bool)
    for n, plane in enumerate(_planes(np.pad(mask, pads), places, (True, True, True), order)):
        np.greater_equal(plane, 0.5 - TIE, out=out[n])
    return out
