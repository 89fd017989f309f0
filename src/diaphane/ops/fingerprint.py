"""What an image looks like as a whole, in a few numbers, and how strange that is beside a training set.

The input gate of a bundle asks how far the numbers are from those of the training items, and whether the image looks more like one of these
items turned, inverted or with other grey levels. Source of the first: Lee et al., NeurIPS 2018, arXiv 1807.03888, here on plain descriptors; of
the second: predicting the rotation of a picture, Gidaris et al., ICLR 2018, arXiv 1803.07728, here by a linear function of a thumbnail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.image import Image
from diaphane.core.recipe import Check, Fingerprint, Kind
from diaphane.errors import BundleError
from diaphane.ops.orient import turned, turned_spacing
from diaphane.ops.picture import to_rgb
from diaphane.ops.resample import resample, resample_volume
from diaphane.ops.turns import Turn, by_turn, places, thumbnail

SIDE = 64
MOST = 48
"""Voxels along each axis of a volume that are looked at, evenly taken, about."""
QUANTILES = (0.005, 0.05, 0.25, 0.75, 0.95, 0.995)


@dataclass(frozen=True, slots=True)
class Glance:
    """A small copy of an image, from which everything is taken that its gate asks for."""

    array: Array
    """(row, column, 3) uint8 of ``SIDE`` x ``SIDE``; of a volume [k, j, i] float32, turned, with some of its voxels."""
    size: tuple[float, ...] = ()
    """Of a volume: mm along its axes, then mm between neighbours."""
    levels: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Of a picture: the share of its pixels, before it was shrunk, that have each of 256 grey levels."""


def glance(image: Image) -> Glance:
    """A picture shrunk, a volume turned as the patient lies and thinned; voxels that are no finite numbers are 0."""
    if image.is_picture:
        rgb = to_rgb(image.array[0])
        counts = cv2.calcHist([cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)], [0], None, [256], [0, 256]).ravel()
        return Glance(resample(rgb, SIDE, SIDE), levels=np.asarray(counts, np.float64) / counts.sum())
    voxels = turned(image.array if image.array.ndim == 3 else image.array[..., 0], image.geometry)
    thin = voxels[tuple(slice(None, None, max(1, round(n / MOST))) for n in voxels.shape)].astype(np.float32)
    spacing = turned_spacing(image.geometry)
    return Glance(np.where(np.isfinite(thin), thin, np.float32(0)), (*(n * mm for n, mm in zip(voxels.shape, spacing, strict=True)), *spacing))


def turned_glance(seen: Glance, turn: Turn) -> Glance:
    """The same with its axes as ``turn`` has them."""
    if not seen.size:
        return replace(seen, array=np.stack([by_turn(channel, turn) for channel in np.moveaxis(seen.array, 2, 0)], axis=2))
    order = [abs(axis) - 1 for axis in turn]
    return replace(seen, array=by_turn(seen.array, turn), size=tuple(seen.size[start + n] for start in (0, 3) for n in order))


def descriptors(image: Image) -> FloatArray:
    """What ``descriptors_of`` gives of the image."""
    return descriptors_of(glance(image))


def descriptors_of(seen: Glance) -> FloatArray:
    """(56,) float64 of a picture, (52,) of a volume.

    New ones may be added behind: a fingerprint is compared with as many as it has.
    """
    return _of_volume(seen) if seen.size else np.concatenate([_of_picture(seen.array), _of_levels(seen.levels)])


def layout(seen: Glance) -> FloatArray:
    """The thumbnail of its lightness, flat."""
    return thumbnail(seen.array if seen.size else cv2.cvtColor(seen.array, cv2.COLOR_RGB2GRAY))


def distance(image: Image, fingerprint: Fingerprint) -> float:
    """Mahalanobis distance of ``image`` from the training items.

    Raises:
        BundleError: The fingerprint was made of other descriptors.
    """
    return _distance(descriptors(image), fingerprint)


def strangeness(image: Image, fingerprint: Fingerprint) -> list[tuple[float, Check | None]]:
    """How strange the image is, as a share of the limit (strange above 1): by its distance (None), then by each check.

    Raises:
        BundleError: The fingerprint was made of other descriptors.
    """
    seen = glance(image)
    found = descriptors_of(seen)
    away = _distance(found, fingerprint) / fingerprint.limit
    small = layout(seen) if fingerprint.checks else np.zeros(0)
    scores = ((check, _score(check, found, small, fingerprint)) for check in fingerprint.checks)
    return [(away, None), *(((value - check.centre) / (check.limit - check.centre), check) for check, value in scores)]


def tone_terms(found: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """(…, 2 d + 1): standardised descriptors (…, d), their squares, which count no more than those of 3, and 1: what tells of other grey levels."""
    away = (found - mean) / scale
    return np.concatenate([away, np.minimum(away**2, 9), np.ones((*away.shape[:-1], 1))], axis=-1)


def _score(check: Check, found: FloatArray, small: FloatArray, fingerprint: Fingerprint) -> float:
    """How much more the image looks like what the check is about than like a training item, in natural units of odds."""
    if check.kind == "tone":
        return float(check.weights @ tone_terms(found[: fingerprint.mean.size], fingerprint.mean, fingerprint.scale))
    other = -small if check.kind == "inverted" else small[places(check.turn)]
    return float(fingerprint.layout @ (other - small))


def _distance(found: FloatArray, fingerprint: Fingerprint) -> float:
    count = fingerprint.mean.size
    if found.size < count:
        raise BundleError(f"a fingerprint must hold at most {found.size} descriptors, this one holds {count}; export the bundle anew")
    return float(distances(found[None, :count], fingerprint.kinds)[0])


def distances(found: FloatArray, kinds: Sequence[Kind]) -> FloatArray:
    """Of each row of ``found`` (n, d): Mahalanobis' distance of one kind; of several what has the same density in one normal distribution as high."""
    deeper = max(kind.height for kind in kinds) - log_density(found, kinds)
    return np.asarray(np.sqrt(2 * np.maximum(deeper, 0)))


def log_density(found: FloatArray, kinds: Sequence[Kind]) -> FloatArray:
    """Of each row of ``found`` (n, d) under the mixture of ``kinds``, but for a constant."""
    aways = [found - kind.mean for kind in kinds]
    each = [kind.height - np.einsum("nd,de,ne->n", away, kind.precision, away) / 2 for kind, away in zip(kinds, aways, strict=True)]
    return np.asarray(np.logaddexp.reduce(each, axis=0))


def _of_picture(small: Array) -> FloatArray:
    """Light and colour (mean, spread, quantiles in CIELAB), layout (4x4 lightness), edges, symmetry; logarithms of colour and of what is black or white."""
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float64)
    flat = lab.reshape(-1, 3)
    light = lab[..., 0]
    cells = resample(light.astype(np.float32), 4, 4).ravel() - light.mean()
    chroma = np.hypot(flat[:, 1], flat[:, 2])
    colourful = [float(chroma.mean()), float(chroma.std())]
    extremes = [float((light < 2).mean()), float((light > 98).mean())]
    return np.concatenate(
        [
            flat.mean(axis=0),
            np.log1p(flat.std(axis=0)),
            np.quantile(flat, [0.02, 0.25, 0.75, 0.98], axis=0).ravel(),
            np.log1p(colourful),
            cells.astype(np.float64),
            _edges(light),
            _mirror(light),
            np.log(np.array(colourful) + 0.1),
            np.log(np.array(extremes) + 0.001),
        ]
    )


def _of_levels(levels: FloatArray) -> FloatArray:
    """Where the darkest and the lightest pixels lie, in quarters of the scale, and logarithms of how many are at its ends, and next to them."""
    marks = np.searchsorted(np.cumsum(levels), [0.0005, 0.01, 0.99, 0.9995]) / 64
    ends = [levels[0], levels[255], levels[253:255].sum()]
    return np.concatenate([marks, np.log(np.array(ends) + 1e-4)])


def _of_volume(seen: Glance) -> FloatArray:
    """Values (their range, where 0 lies in it, their distribution), size and spacing in mm, edges, layout (3x3x3); the unit of the values counts once."""
    low, *_, high = marks = np.quantile(seen.array, QUANTILES)
    spread = float(marks[4] - marks[1]) or 1e-6
    middle = float(np.median(seen.array))
    scaled = (seen.array - np.float32(middle)) / np.float32(spread)
    cells = resample_volume(scaled, (3, 3, 3)).ravel().astype(np.float64)
    level = resample_volume(scaled, (16, 16, 16))
    edges = [float(np.log(np.abs(np.diff(one, axis=axis)).mean() + 1e-3)) for one in (level, level[::2, ::2, ::2]) for axis in range(3)]
    zero = [np.arcsinh(middle / spread), np.arcsinh(low / spread), np.arcsinh(float(seen.array.min()) / spread), np.arcsinh(high / spread)]
    marks = np.arcsinh((marks - middle) / spread)
    return np.concatenate([np.log(seen.size), [np.log10(spread)], zero, marks, edges, cells - cells.mean(), [cells.mean(), cells.std()]])


def _edges(light: FloatArray) -> FloatArray:
    """Log energy of horizontal and vertical gradients at three scales."""
    out = []
    for side in (64, 32, 16):
        level = resample(light.astype(np.float32), side, side)
        out += [np.log1p(np.abs(np.diff(level, axis=axis)).mean()) for axis in (0, 1)]
    return np.array(out, dtype=np.float64)


def _mirror(light: FloatArray) -> FloatArray:
    """Correlation with the left-right and the up-down mirror image, and lightness of the centre against the rim."""
    away = light - light.mean()
    energy = float((away**2).mean()) + 1e-6
    left_right, up_down = ((away * np.flip(away, axis)).mean() / energy for axis in (1, 0))
    quarter = SIDE // 4
    centre = away[quarter:-quarter, quarter:-quarter].mean()
    return np.array([left_right, up_down, centre])
