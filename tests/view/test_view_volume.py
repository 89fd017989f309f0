from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.view.test_scene import LEFT_HANDED, volume_part

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.outcome import Part
from diaphane.view.volume import CODES, OUTSIDE, coarse, coarse_shape, texture


def ramp_part(shape: tuple[int, int, int], affine: np.ndarray = LEFT_HANDED) -> Part:
    """Values that are linear in the scan's millimetres: x + 2 y + 3 z."""
    geometry = Geometry(affine, calibrated=True)
    points = geometry.to_world(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1))
    return Part(image=Image(points @ np.array([1.0, 2, 3]), geometry, "ramp"), modality="")


@pytest.mark.parametrize("voxels", [10_000, 400_000])
def test_values_lie_where_the_coarse_geometry_says(voxels: int) -> None:
    found = texture(ramp_part((45, 64, 70)), (), voxels)
    assert found is not None
    assert found.codes.size <= voxels
    inner = tuple(slice(2, -2) for _ in range(3))
    points = found.geometry.to_world(np.stack(np.meshgrid(*map(np.arange, found.codes.shape), indexing="ij"), axis=-1))[inner]
    step = np.diff(found.values).max()
    shown = found.values[found.codes[inner]]
    unclipped = (found.codes[inner] > 0) & (found.codes[inner] < CODES - 1)
    assert np.abs(shown - points @ np.array([1.0, 2, 3]))[unclipped].max() < 0.75 * step + 2


def test_outer_edges_stay_where_they_are() -> None:
    geometry = Geometry(LEFT_HANDED, calibrated=True)
    small = coarse(geometry, (45, 60, 70), (9, 20, 35))
    for corner in ((-0.5, -0.5, -0.5), (44.5, 59.5, 69.5)):
        there = geometry.to_world(np.array(corner))
        share = (np.array(corner) + 0.5) / np.array([45, 60, 70])
        assert small.to_world(share * np.array([9, 20, 35]) - 0.5) == pytest.approx(there, abs=1e-9)


def test_finest_axes_are_made_coarse_first_and_no_side_is_longer_than_browsers_take() -> None:
    def image(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Image:
        return Image(np.broadcast_to(np.int16(0), shape), Geometry(np.diag([*spacing, 1.0]), calibrated=True))

    assert coarse_shape(image((40, 200, 200), (5, 1, 1)), 10_000_000) == (40, 200, 200)
    assert coarse_shape(image((40, 200, 200), (5, 1, 1)), 400_000) == (40, 100, 100)
    assert max(coarse_shape(image((20, 512, 512), (5, 0.5, 0.5)), 10_000_000)) == 256
    assert coarse_shape(image((1, 600, 4), (1, 1, 1)), 10_000) == (1, 256, 4)


def test_labels_keep_their_places_and_the_air_around_the_body_is_told_from_air_within() -> None:
    part = volume_part()
    assert part.labels is not None
    grey = np.where(part.labels.array > 0, 40, -1000).astype(np.int16)
    grey[18:26, 26:34, 26:34] = -1000  # air inside the brain
    scan = replace(part, image=Image(grey, part.image.geometry, "scan"))
    found = texture(scan, (1, 4, 12), 4_000_000)
    assert found is not None
    assert found.unit == "HU"
    assert found.window == (-160, 240)
    assert (found.labels == 2).tolist() == (part.labels.array == 4).tolist()
    assert (found.labels == 3).tolist() == (part.labels.array == 12).tolist()
    assert found.labels[0, 0, 0] == OUTSIDE
    bare = texture(replace(scan, labels=None), (), 4_000_000)
    assert bare is not None
    assert bare.labels[0, 0, 0] == OUTSIDE
    assert not bare.labels[18:26, 26:34, 26:34].any()


def test_soft_tissue_of_ct_keeps_its_contrast() -> None:
    values = np.linspace(-1000, 1500, 40 * 50 * 50).reshape(40, 50, 50)
    found = texture(Part(image=Image(values, Geometry(np.diag([1.0, 1, 1, 1]), calibrated=True)), modality=""), (), 4_000_000)
    assert found is not None
    error = np.abs(found.values[found.codes] - values)
    assert error[(values > -150) & (values < 250)].max() < 2
    assert error.max() < 16


def test_colour_scan_has_no_texture() -> None:
    assert texture(Part(image=Image(np.zeros((4, 5, 6, 3), np.uint8)), modality=""), (), 10_000) is None


def test_values_that_are_no_numbers_are_the_lowest() -> None:
    values = np.linspace(0, 100, 4 * 20 * 20).reshape(4, 20, 20)
    values[2, 3, 4] = np.nan
    found = texture(Part(image=Image(values, Geometry(np.eye(4))), modality=""), (), 4_000_000)
    assert found is not None
    assert found.codes[2, 3, 4] == 0
