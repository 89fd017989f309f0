"""Shape of a region of a volume on its own grid, where it lies, and whether it is cut. Source: IBSI reference manual, section 3.1 (arXiv 1612.07003)."""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.geometry import Geometry
from diaphane.core.region import Feature, Region
from diaphane.measure.cubes import area_and_volume, extremes
from diaphane.measure.morphology import CODES, centre_and_axes, largest_distance
from diaphane.measure.shape import FAMILY


def features(region: Region, geometry: Geometry, shape: tuple[int, int, int]) -> list[Feature]:
    """Volume, surface, diameters, axes, centre; in mm where the volume has a scale, else in px. ``shape`` is the image's.

    One voxel has a volume and a surface; it has no axes (NaN).
    """
    unit = "mm" if geometry.calibrated else "px"
    matrix = np.asarray(geometry.affine[:3, :3])
    volume = int(np.count_nonzero(region.mask)) * abs(float(np.linalg.det(matrix)))
    area, enclosed = area_and_volume(region.mask, matrix)
    middle, axes = centre_and_axes(region.mask, matrix)
    centre = geometry.to_world(middle + [start for start, _ in region.box])
    major, minor, least = (float(a) for a in axes)
    values: list[tuple[str, float, str]] = [
        ("volume", volume / 1000 if geometry.calibrated else volume, "mL" if geometry.calibrated else "px3"),
        ("volume_mesh", enclosed, f"{unit}3"),
        ("volume_voxel_counting", volume, f"{unit}3"),
        ("surface_area", area, f"{unit}2"),
        ("surface_to_volume_ratio", area / enclosed, f"{unit}-1"),
        ("sphericity", (36 * math.pi * enclosed**2) ** (1 / 3) / area, "1"),
        ("maximum_3d_diameter", largest_distance(extremes(region.mask, matrix)), unit),
        ("major_axis_length", major, unit),
        ("minor_axis_length", minor, unit),
        ("least_axis_length", least, unit),
        ("elongation", minor / major, "1"),
        ("flatness", least / major, "1"),
        *((f"centre_of_mass_{axis}", float(value), unit) for axis, value in zip("xyz", centre, strict=True)),
        ("border_touch", border_touch(region, shape), "1"),
    ]
    return [
        Feature(
            family=FAMILY, name=name, value=value, unit=unit, ibsi_code=CODES.get(name, ""),
            nan_reason="one voxel has no axes" if math.isnan(value) else "",
        )
        for name, value, unit in values
    ]  # fmt: skip


def border_touch(region: Region, shape: tuple[int, int, int]) -> float:
    """Share of the volume's six sides, in voxels, that the region lies on: above 0, the region may be cut off."""
    touching = 0
    for axis, ((start, stop), n) in enumerate(zip(region.box, shape, strict=True)):
        touching += int(region.mask.take(0, axis).sum()) * (start == 0) + int(region.mask.take(-1, axis).sum()) * (stop == n)
    k, j, i = shape
    return touching / (2 * (k * j + k * i + j * i))
