"""Whose head a given scan shows: its skin, with what the scan cuts off below made up; the average face laid on it; targets by that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.measure import marching_cubes

from diaphane import acquire
from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.image import Image
from diaphane.core.mesh import Mesh
from diaphane.errors import RefusedError
from diaphane.segment.head import segment_head
from diaphane.simulate.head_fit import face_on, facing
from diaphane.simulate.head_shape import HeadShape, average, head_shape
from diaphane.simulate.head_subject import Placed, Subject, outward, targets, valued

STEP_MM = 1.4
"""Of the grid, along the patient's axes, that the skin is meshed on."""
SMOOTH_MM = 1.3
"""Deviation of the Gaussian that takes the voxels' steps out."""
END_MM, FLOW_MM = 2.0, 30.0
"""So far above its lower end the scan stops to count; over so many mm below, its last section becomes the average head."""
LOW_MM = -230.0
"""Lower end of the average head's neck."""
LEAST_DEEP_MM = 12.0


def given_subject(path: Path) -> Subject:
    """The head in the scan ``path``.

    Raises:
        InputError: It cannot be read, or no face is found on it.
        RefusedError: It is no head.
    """
    case = acquire.read(path, acquire.Options())
    if not case.images or case.images[0].is_picture:
        reasons = "; ".join(v.reason for v in case.verdicts if v.verdict == "refused") or "a picture or clip"
        raise RefusedError(f"{path}: simulate head takes a CT or MR volume of a head; this is {reasons}")
    labels, verdicts = segment_head(case.images[0], case.modality)
    if labels is None:
        raise RefusedError(f"{path}: {'; '.join(v.reason for v in verdicts)}")
    head = np.asarray(labels.array) > 0
    scanned = Scanned(head, case.images[0])
    placed = face_on(scanned.skin())
    skin = scanned.completed(placed, head_shape(average()))
    return Subject(skin, facing(placed, skin), placed, _inside(targets(placed), head, case.images[0]), None)


class Scanned:
    """A head's outline [k, j, i] as an occupancy (0-1) that has a value everywhere."""

    def __init__(self, head: BoolArray, image: Image) -> None:
        self._geometry = image.geometry
        self._soft = ndimage.gaussian_filter(head.astype(np.float32), SMOOTH_MM / np.array(image.geometry.spacing), mode="nearest")
        corners = np.array(np.meshgrid(*[[0, n - 1] for n in head.shape])).reshape(3, -1).T
        ends = image.geometry.to_world(corners)
        self._low, self._high = ends.min(axis=0), ends.max(axis=0)

    def __call__(self, points: FloatArray) -> FloatArray:
        """At points (n, 3); 0 outside the scan."""
        return np.asarray(ndimage.map_coordinates(self._soft, self._geometry.to_index(points).T, order=1, mode="constant"))

    def skin(self) -> Mesh:
        """As scanned."""
        grid = self._grid(self._low - 2 * STEP_MM, self._high + 2 * STEP_MM)
        return _meshed(valued(lambda points: 0.5 - self(points), grid), grid)

    def completed(self, placed: Placed, shape: HeadShape) -> Mesh:
        """Going on below the scan as the average head does."""
        floor = float(self._low[2]) + END_MM
        wide = placed.scale[0] * 115
        bottom = np.array([self._low[0] - 2 * STEP_MM, self._low[1] - 2 * STEP_MM, placed(np.array([[0, 50, LOW_MM]]))[0, 2]])
        middle = placed(np.array([[0, 30, 0.0]]))[0]
        low, high = np.minimum(bottom, (*(middle - wide)[:2], bottom[2])), np.maximum(self._high + 2 * STEP_MM, (*(middle + wide)[:2], floor))
        grid = self._grid(low, high)
        z, y, x = grid
        section = self._section(x, y, floor)
        field = valued(lambda points: 0.5 - self(points), grid)
        below = z < floor
        average_head = valued(lambda points: shape.distance(placed.back(points)) * placed.scale[0], (z[below], y, x))
        share = np.clip((floor - z[below]) / FLOW_MM, 0, 1)
        weight = (share**2 * (3 - 2 * share))[:, None, None]
        field[below] = (1 - weight) * section + weight * average_head
        return _meshed(field, grid)

    def _section(self, x: FloatArray, y: FloatArray, height: float) -> FloatArray:
        """(row, column): signed distance mm from the outline in one axial plane."""
        yy, xx = np.meshgrid(y, x, indexing="ij")
        inside = self(np.stack([xx.ravel(), yy.ravel(), np.full(xx.size, height)], axis=1)).reshape(xx.shape) > 0.5
        outer, inner = (ndimage.distance_transform_edt(part, sampling=STEP_MM) for part in (~inside, inside))
        return np.asarray(ndimage.gaussian_filter(outer - inner, 1.0))

    @staticmethod
    def _grid(low: FloatArray, high: FloatArray) -> tuple[FloatArray, ...]:
        x, y, z = (np.arange(a, b, STEP_MM) for a, b in zip(low, high, strict=True))
        return z, y, x


def _meshed(field: FloatArray, grid: tuple[FloatArray, ...]) -> Mesh:
    """The largest piece of the surface where ``field`` is 0."""
    inside = field < 0
    parts, _ = ndimage.label(inside)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = ndimage.binary_dilation(parts == sizes.argmax())
    vertices, faces, _, _ = marching_cubes(np.where(kept, field, np.maximum(field, 0.1)), 0.0, spacing=(STEP_MM,) * 3)
    placed = (vertices + [axis[0] for axis in grid])[:, ::-1].astype(np.float32)
    return outward(Mesh(np.ascontiguousarray(placed), np.ascontiguousarray(faces).astype(np.int32)))


def _inside(wanted: dict[str, FloatArray], head: BoolArray, image: Image) -> dict[str, FloatArray]:
    """Those that lie deep enough in the head."""
    deep = ndimage.distance_transform_edt(head, sampling=image.geometry.spacing)
    found = {}
    for name, point in wanted.items():
        k, j, i = np.round(image.geometry.to_index(point)).astype(int)
        if all(0 <= n < size for n, size in zip((k, j, i), head.shape, strict=True)) and deep[k, j, i] >= LEAST_DEEP_MM:
            found[name] = point
    return found
