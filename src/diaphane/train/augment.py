"""Augmentation drawn, then applied: a window of a picture or volume is cut out and moved in one resampling, its scale changed after that."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.train.losses import IGNORE
from diaphane.train.recipe import AugmentTable

Triple = tuple[int, int, int]
PLANES = ((1, 2), (0, 1), (0, 2))
"""The axes that turn into each other: the plane of rows and columns, then the two that lead out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """All that is random about one sample, as plain numbers."""

    linear: tuple[tuple[float, ...], ...]
    """3x3: offset from the centre of the window → offset from the centre in the source, [k, j, i] voxels."""
    shift: tuple[float, float, float]
    """Of the centre in the source, voxels."""
    gain: tuple[float, ...]
    """A channel."""
    offset: tuple[float, ...]
    """A channel."""
    gamma: float
    """Exponent on the sample's own range."""
    noise: float
    """Standard deviation."""
    noise_seed: int
    blur: float
    """Sigma in voxels; 0: none."""


def draw(table: AugmentTable, size: Triple, channels: int, rng: np.random.Generator) -> Drawn:
    """What happens to one sample whose window has ``size`` (slices, rows, columns); with 1 slice all stays in its plane."""
    solid = np.array([size[0] > 1, True, True])
    limits = np.array([table.rotation_deg, *[table.rotation_out_deg * solid[0]] * 2])
    angles = np.deg2rad(rng.uniform(-limits, limits))
    zoom = (1 + table.scale) ** rng.uniform(-1, 1)
    mirror = np.where((rng.random(3) < 0.5) & table.flip & solid, -1.0, 1.0)
    linear = _rotation(angles) * mirror / np.where(solid, zoom, 1.0)
    shift = rng.uniform(-table.shift, table.shift, 3) * size * solid
    gain, gains = rng.uniform(-table.gain, table.gain), rng.uniform(-table.gain, table.gain, channels)
    offset, offsets = rng.uniform(-table.offset, table.offset), rng.uniform(-table.offset, table.offset, channels)
    apart = 1 / 3 if channels > 1 else 0.0
    return Drawn(
        linear=tuple(map(tuple, linear.tolist())),
        shift=(float(shift[0]), float(shift[1]), float(shift[2])),
        gain=tuple((1 + gain + apart * gains).tolist()),
        offset=tuple((offset + apart * offsets).tolist()),
        gamma=float((1 + table.gamma) ** rng.uniform(-1, 1)),
        noise=float(rng.uniform(0, table.noise)),
        noise_seed=int(rng.integers(2**63)),
        blur=float(rng.uniform(0, table.blur) * (rng.random() < 0.25)),
    )


def apply(drawn: Drawn, x: FloatArray, y: IntArray | None, start: Triple, size: Triple) -> tuple[FloatArray, IntArray | None]:
    """The window of ``size`` at ``start`` (may be negative), moved, then changed in scale; ``x`` float32, labels uint8 or None.

    Shape: ``x`` (channel, k, j, i), ``y`` (k, j, i); out (channel, *size) and size. Beyond the edge of a picture (k = 1) lies its
    reflection. Beyond that of a volume ``x`` goes on as at the edge and ``y`` is ``IGNORE``: nobody knows what is there.
    """
    moved, labels = _moved(drawn, x, y, start, size)
    return _rescaled(drawn, moved), labels


def _rotation(angles: FloatArray) -> FloatArray:
    """The three rotations, one after the other."""
    out = np.eye(3)
    for angle, (a, b) in zip(angles, PLANES, strict=True):
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        out = turn @ out
    return out


def _moved(drawn: Drawn, x: FloatArray, y: IntArray | None, start: Triple, size: Triple) -> tuple[FloatArray, IntArray | None]:
    linear, half = np.array(drawn.linear), (np.array(size) - 1) / 2
    first = np.array(start) + half + drawn.shift - linear @ half  # where voxel (0, 0, 0) of the window comes from
    if size[0] == 1:
        return _moved_slice(linear, first, x, y, (size[1], size[2]))
    cut, low = _cut(linear, first, size, x.shape[1:])
    first = first - low
    out = np.stack([ndimage.affine_transform(c[cut].astype(np.float32), linear, first, size, order=1, mode="nearest") for c in x])
    if y is None:
        return out, None
    return out, np.asarray(ndimage.affine_transform(np.asarray(y[cut]), linear, first, size, order=0, mode="grid-constant", cval=IGNORE))


def _cut(linear: FloatArray, first: FloatArray, size: Triple, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], IntArray]:
    """The part of a volume that the window touches, and where it begins: at least one voxel thick."""
    reach = linear * (np.array(size) - 1)
    low = first + np.minimum(reach, 0).sum(axis=1)
    high = first + np.maximum(reach, 0).sum(axis=1)
    last = np.array(shape) - 1
    begin = np.clip(np.floor(low).astype(int) - 1, 0, last)
    end = np.clip(np.ceil(high).astype(int) + 1, 0, last)
    return tuple(slice(int(b), int(e) + 1) for b, e in zip(begin, end, strict=True)), begin


def _moved_slice(linear: FloatArray, first: FloatArray, x: FloatArray, y: IntArray | None, size: tuple[int, int]) -> tuple[FloatArray, IntArray | None]:
    """The same in the plane of the nearest slice."""
    at = int(np.clip(round(first[0]), 0, x.shape[1] - 1))
    affine = np.column_stack([linear[2:0:-1, 2:0:-1], first[2:0:-1]])  # cv2 counts x, y
    picture = x.shape[1] == 1
    edge, beyond = (cv2.BORDER_REFLECT_101, cv2.BORDER_REFLECT_101) if picture else (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)
    to = (size[1], size[0])
    out = [cv2.warpAffine(c[at].astype(np.float32), affine, to, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=edge) for c in x]
    moved: FloatArray = np.stack(out).astype(np.float32, copy=False)[:, None]
    if y is None:
        return moved, None
    labels = cv2.warpAffine(np.asarray(y[at]), affine, to, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderMode=beyond, borderValue=IGNORE)
    return moved, np.asarray(labels, np.uint8)[None]


def _rescaled(drawn: Drawn, x: FloatArray) -> FloatArray:
    """Blur, gamma, contrast and brightness, noise; each left out where it would change nothing."""
    if drawn.blur > 0:
        x = np.stack([_blurred(c, drawn.blur) for c in x])
    if drawn.gamma != 1:
        x = _gamma(x, drawn.gamma)
    channel = (-1, 1, 1, 1)
    x = x * np.array(drawn.gain, np.float32).reshape(channel) + np.array(drawn.offset, np.float32).reshape(channel)
    if drawn.noise > 0:
        x += np.float32(drawn.noise) * np.random.default_rng(drawn.noise_seed).standard_normal(x.shape, np.float32)
    return x


def _blurred(channel: Array, sigma: float) -> Array:
    if len(channel) == 1:
        return np.asarray(cv2.GaussianBlur(channel[0], (0, 0), sigma))[None]
    return np.asarray(ndimage.gaussian_filter(channel, sigma))


def _gamma(x: FloatArray, exponent: float) -> FloatArray:
    low, high = x.min(), x.max()
    if low == high:
        return x
    return np.asarray(((x - low) / (high - low)) ** np.float32(exponent) * (high - low) + low)
