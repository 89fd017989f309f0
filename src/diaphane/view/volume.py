"""A scan as a small texture of 8 bits, for the page that one walks in: what a cutting plane shows.

A code a voxel, and a table that says which value each code stands for: grey values of CT span 3000 HU, of which a display shows 400 at a time, so
that codes lie close together among soft tissues and far apart in air and bone. The page turns codes to grey through the table, as a display does
through a lookup table (DICOM PS3.3 C.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray, frozen
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.outcome import Part
from diaphane.ops.hounsfield import is_hounsfield
from diaphane.ops.orient import turned
from diaphane.ops.resample import resample_volume
from diaphane.ops.slices import window

LONGEST = 256
"""Voxels along a side: what every browser with WebGL 2 takes. Source: OpenGL ES 3.0.6, table 6.28 (MAX_3D_TEXTURE_SIZE)."""
CODES = 256
OUTSIDE = 255
"""Among the labels."""
BLACK = 0.08
"""Share of the window below which a value may be the air around the body."""
CT_KNOTS = ((0, -1024.0), (40, -200.0), (200, 300.0), (255, 2000.0))
"""Code and HU: steps of 21 HU in air and lung, 3 HU in soft tissue, 31 HU in bone."""
OUTERMOST = (0.05, 99.95)
"""Percentiles between which the codes of other scans are spread evenly."""


@dataclass(frozen=True, slots=True)
class Texture:
    """Codes and labels of a scan on one coarse grid."""

    codes: Array
    """[k, j, i], uint8."""
    labels: Array
    """[k, j, i], uint8: the place of a structure in the list that was given, from 1; 0 is none of them, 255 the air around the body."""
    geometry: Geometry
    """Of the coarse grid."""
    values: FloatArray
    """(256,), rising: the grey value that each code stands for."""
    window: tuple[float, float]
    """The values first shown as black and white."""
    unit: str
    """``HU``, or empty where the values have none."""

    def __post_init__(self) -> None:
        for name in ("codes", "labels", "values"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def bytes(self) -> bytes:
        """The codes, then the labels; i runs fastest."""
        return np.ascontiguousarray(self.codes).tobytes() + np.ascontiguousarray(self.labels).tobytes()

    def to_json(self) -> dict[str, Any]:
        """What the page needs to know beside the bytes."""
        return {
            "shape": list(self.codes.shape), "affine": np.asarray(self.geometry.affine).ravel().tolist(), "spacing_mm": list(self.geometry.spacing),
            "values": np.round(self.values, 3).tolist(), "window": list(self.window), "unit": self.unit,
        }  # fmt: skip


def texture(part: Part, shown: tuple[int, ...], voxels: int) -> Texture | None:
    """The scan of ``part`` with at most about ``voxels``, and where its structures of the values ``shown`` lie; None for a scan in colour.

    The finest axes are averaged first, so that voxels become as nearly cubes as they can. Labels are those of the nearest voxel.
    """
    image = part.image
    if image.channels != 1:
        return None
    shape = coarse_shape(image, voxels)
    values, unit = _values(image)
    grey = np.clip(np.nan_to_num(resample_volume(image.array, shape), nan=values[0]), values[0], values[-1])
    codes = np.round(np.interp(grey, values, np.arange(CODES))).astype(np.uint8)
    first = window(part)
    labels = _labels(part, shown, shape)
    labels[_outside(grey <= first[0] + BLACK * (first[1] - first[0]), image.geometry) & (labels == 0)] = OUTSIDE
    return Texture(codes, labels, coarse(image.geometry, image.shape, shape), values, first, unit)


def coarse_shape(image: Image, voxels: int) -> tuple[int, int, int]:
    """The shape of ``image`` with sides of at most 256 and about ``voxels`` in all: no axis finer than needed, none finer than it is."""
    shape, spacing = np.array(image.shape), np.array(image.geometry.spacing)
    sides = shape * spacing

    def at(step: float) -> FloatArray:
        return np.asarray(np.maximum(1, np.minimum(np.minimum(shape, LONGEST), np.round(sides / np.maximum(step, spacing)))))

    low, high = float(spacing.min()) / 2, float(sides.max())
    if at(low).prod() > voxels:
        for _ in range(50):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if at(middle).prod() > voxels else (low, middle)
    k, j, i = at(high if at(low).prod() > voxels else low).astype(int)
    return int(k), int(j), int(i)


def coarse(geometry: Geometry, shape: tuple[int, int, int], target: tuple[int, int, int]) -> Geometry:
    """The geometry of a volume of ``shape`` on the grid ``target``, outer edges aligned."""
    ratio = np.array(shape) / np.array(target)
    affine = np.array(geometry.affine)
    affine[:3, 3] += affine[:3, :3] @ (0.5 * ratio - 0.5)
    affine[:3, :3] *= ratio
    return Geometry(affine, geometry.calibrated, geometry.frame_of_reference_uid)


def _values(image: Image) -> tuple[FloatArray, str]:
    if is_hounsfield(image):
        places, values = zip(*CT_KNOTS, strict=True)
        return np.interp(np.arange(CODES), places, values), "HU"
    sample = image.array[:: max(1, image.shape[0] // 64), ::2, ::2]
    finite = sample[np.isfinite(sample)]
    low, high = np.percentile(finite, OUTERMOST) if finite.size else (0.0, 1.0)
    return np.linspace(float(low), float(max(high, low + 1e-6)), CODES), ""


def _outside(dark: BoolArray, geometry: Geometry) -> BoolArray:
    """What of ``dark`` hangs together with the border of its axial slice: lungs that the end of the scan cuts stay inside."""
    found = np.zeros(dark.shape, bool)
    for plane, out in zip(turned(dark, geometry), turned(found, geometry), strict=True):
        _, parts = cv2.connectedComponents(np.ascontiguousarray(plane, np.uint8), connectivity=4, ltype=cv2.CV_32S)
        touching = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
        out[:] = np.isin(parts, touching[touching > 0])
    return found


def _labels(part: Part, shown: tuple[int, ...], shape: tuple[int, int, int]) -> Array:
    """Structures beyond the 254th, which 8 bits cannot name, are left out."""
    if part.labels is None:
        return np.zeros(shape, np.uint8)
    array = part.labels.array
    places = np.zeros(max(int(array.max()), *shown, 0) + 1, np.uint8)
    some = shown[: OUTSIDE - 1]
    places[list(some)] = np.arange(1, len(some) + 1)
    nearest = [np.floor((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(shape, array.shape, strict=True)]
    return np.asarray(places[array[np.ix_(*nearest)]])
