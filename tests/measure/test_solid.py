from __future__ import annotations

import csv
import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.core.region import Region
from diaphane.measure import Options, extract, morphology, regions_of, solid
from diaphane.measure.sides import opposite

SHEARED = np.array([[0.1, 0.0, 0.8, 20], [0.5, -0.9, 0.0, 3], [2.0, 0.2, 0.0, -70], [0, 0, 0, 1]])
"""A left-handed map with a tilted gantry and anisotropic voxels."""


def geometry(affine: np.ndarray) -> Geometry:
    return Geometry(affine, calibrated=True)


def region_of(mask: np.ndarray) -> Region:
    return Region(index=1, label=1, name="x", role="anatomy", box=tuple((0, n) for n in mask.shape), mask=mask)


def measured(mask: np.ndarray, affine: np.ndarray, role: str = "anatomy") -> tuple[Region, ...]:
    labels = Labels(mask.astype(np.uint8), (LabelRecipe(value=1, name="x", role=role),))  # type: ignore[arg-type]
    return extract(Image(np.zeros(mask.shape, np.int16), geometry(affine)), labels, Options())


def ball_in_world(affine: np.ndarray, shape: tuple[int, int, int], radius_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Voxels within ``radius_mm`` of the world position of the grid's middle, and that position."""
    place = geometry(affine)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    centre = place.to_world((np.array(shape) - 1) / 2)
    return np.linalg.norm(place.to_world(index) - centre, axis=-1) <= radius_mm, centre


@pytest.mark.parametrize("affine", [np.diag([1.0, 1, 1, 1]), SHEARED], ids=["straight", "sheared"])
def test_ball_has_the_measures_of_its_formula_whatever_the_axes(affine: np.ndarray) -> None:
    mask, centre = ball_in_world(affine, (50, 60, 60), 20.0)
    (region,) = measured(mask, affine)
    ball = 4 / 3 * math.pi * 20**3
    assert region.features[0].name == "volume"
    assert region.features[0].unit == "mL"
    assert region.value("volume") == pytest.approx(ball / 1000, rel=0.01)
    assert region.value("volume_mesh") == pytest.approx(ball, rel=0.01)
    assert region.value("maximum_3d_diameter") == pytest.approx(40, abs=2.3), "up to a voxel more: the mesh runs half-way between voxels"
    assert region.value("major_axis_length") == pytest.approx(4 * 20 / math.sqrt(5), rel=0.01)
    assert region.value("flatness") == pytest.approx(1, abs=0.01)
    assert [region.value(f"centre_of_mass_{a}") for a in "xyz"] == pytest.approx(centre, abs=1e-6)


def test_box_has_the_axes_of_its_sides_and_says_where_it_is_cut() -> None:
    mask = np.zeros((20, 30, 40), bool)
    mask[5:15, 5:25, 0:32] = True
    (region,) = measured(mask, np.diag([2.0, 1, 1, 1]))
    assert region.value("volume_voxel_counting") == 10 * 20 * 32 * 2
    lengths = [4 * math.sqrt(side**2 * (n * n - 1) / (n * n) / 12) for side, n in ((32, 32), (20, 20), (20, 10))]
    found = [region.value(f"{name}_axis_length") for name in ("major", "minor", "least")]
    assert found == pytest.approx(sorted(lengths, reverse=True), rel=1e-3)
    assert region.value("border_touch") == pytest.approx(10 * 20 / (2 * (20 * 30 + 20 * 40 + 30 * 40)))


def test_one_voxel_has_a_volume_and_no_axes() -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[2, 3, 1] = True
    (region,) = measured(mask, np.diag([3.0, 1, 1, 1]))
    assert region.value("volume_voxel_counting") == pytest.approx(3)
    assert region.feature("major_axis_length").nan_reason == "one voxel has no axes"
    assert region.feature("skewness").nan_reason == "all grey values are equal"
    assert all(math.isfinite(f.value) or f.nan_reason for f in region.features)


@settings(max_examples=20, deadline=None)
@given(st.permutations([0, 1, 2]), st.tuples(*[st.booleans()] * 3), st.integers(0, 2**31))
def test_measures_are_unchanged_by_flips_and_turns_of_the_array(axes: list[int], flips: tuple[bool, ...], seed: int) -> None:
    mask = np.random.default_rng(seed).random((4, 5, 6)) < 0.5
    mask[1, 2, 3] = mask[2, 2, 3] = True
    turned = mask.transpose(axes)
    matrix = SHEARED[:, [*axes, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            turned = np.flip(turned, axis)
            matrix[:3, 3] += matrix[:3, axis] * (turned.shape[axis] - 1)
            matrix[:3, axis] *= -1
    plain = solid.features(region_of(mask), geometry(SHEARED), mask.shape)
    other = solid.features(region_of(np.ascontiguousarray(turned)), geometry(matrix), turned.shape)
    for a, b in zip(plain, other, strict=True):
        if a.name not in ("volume_mesh", "surface_area", "surface_to_volume_ratio", "sphericity"):  # the mesh of an ambiguous cube has a handedness
            assert b.value == pytest.approx(a.value, rel=1e-6, abs=1e-6), a.name


def test_diameter_of_a_hull_with_many_points_is_found_in_pieces(rng: np.random.Generator) -> None:
    points = rng.normal(size=(2_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    assert morphology.largest_distance(points) == pytest.approx(max(np.linalg.norm(points - p, axis=1).max() for p in points))


def test_organ_is_one_region_and_lesions_are_26_connected_parts_largest_first() -> None:
    mask = np.zeros((6, 8, 8), bool)
    mask[0:2, 0:2, 0:2] = True
    mask[2, 2, 2] = True
    mask[5, 7, 5:8] = True
    assert len(measured(mask, np.eye(4))) == 1
    first, second = measured(mask, np.eye(4), "lesion")
    assert (first.mask.sum(), second.mask.sum()) == (9, 3)
    assert (first.box, second.box) == (((0, 3), (0, 3), (0, 3)), ((5, 6), (7, 8), (5, 8)))


def test_values_need_not_follow_each_other_and_absent_structures_have_no_region() -> None:
    array = np.zeros((4, 4, 4), np.uint16)
    array[0], array[2, :, :2] = 3, 700
    table = tuple(LabelRecipe(value=v, name=str(v), role="anatomy") for v in (3, 5, 700, 900))
    assert [(r.index, r.label, int(r.mask.sum())) for r in regions_of(Labels(array, table))] == [(1, 3, 16), (2, 700, 8)]


def test_sides_are_told_in_either_word_order_and_compared_by_volume() -> None:
    pairs = {
        "left kidney": "right kidney",
        "kidney right": "kidney left",
        "rib_left_7": "rib_right_7",
        "Precentral_L": "Precentral_R",
        "Left Lung": "Right Lung",
    }
    assert {name: opposite(name) for name in pairs} == pairs
    assert opposite("Left Lung") == "Right Lung"
    assert [opposite(n) for n in ("liver", "cleft", "upright")] == ["liver", "cleft", "upright"]
    array = np.zeros((3, 6, 6), np.uint8)
    array[:, :, :2], array[:2, :3, 4:] = 1, 2
    table = tuple(LabelRecipe(value=v, name=n, role="anatomy") for v, n in ((1, "kidney left"), (2, "kidney right"), (3, "rib left"), (4, "rib right")))
    left, right = extract(Image(array), Labels(array, table), Options())
    assert left.value("volume_ratio_to_opposite_side") == 3
    assert right.value("volume_ratio_to_opposite_side") == pytest.approx(1 / 3)


def test_intensities_of_ct_are_in_hounsfield_units_and_others_plain(rng: np.random.Generator) -> None:
    ct = np.full((8, 20, 20), -1000, np.int16)
    ct[:, 5:15, 5:15] = 40 + rng.integers(-5, 6, (8, 10, 10))
    labels = Labels((ct > 0).astype(np.uint8), (LabelRecipe(value=1, name="x", role="anatomy"),))
    (region,) = extract(Image(ct), labels, Options())
    assert region.value("mean") == pytest.approx(ct[ct > 0].mean())
    assert [region.feature(n).unit for n in ("mean", "variance", "skewness")] == ["[hnsf'U]", "[hnsf'U]2", "1"]
    (region,) = extract(Image(ct + 1000), labels, Options())
    assert region.feature("mean").unit == "1"


@pytest.mark.data
def test_shape_features_are_the_ibsi_values_of_the_digital_phantom(data: Path) -> None:
    mask = np.asarray(nib.load(data / "ibsi/digital_phantom/nifti/mask/mask.nii.gz").dataobj).T > 0
    found = {f.ibsi_code: f for f in solid.features(region_of(mask), geometry(np.diag([2.0, 2, 2, 1])), mask.shape) if f.ibsi_code}
    with (data / "ibsi/ibsi1_reference_values.csv").open() as file:
        rows = {r["ibsi_code"]: r for r in csv.DictReader(file) if r["data"] == "dig. phantom" and r["family"] == "morph"}
    assert len(found) == 11
    for code, feature in found.items():
        assert feature.value == pytest.approx(float(rows[code]["value"]), abs=float(rows[code]["tolerance"])), feature.name


@pytest.mark.data
def test_organs_of_a_real_ct_have_the_volumes_that_counting_gives(data: Path) -> None:
    array = np.asarray(nib.load(data / "abdomen_ct/example_seg.nii.gz").dataobj).T.astype(np.uint8)
    values = [int(v) for v in np.unique(array) if v]
    labels = Labels(array, tuple(LabelRecipe(value=v, name=f"structure {v}", role="anatomy") for v in values))
    regions = extract(Image(array, geometry(np.diag([3.0, 3, 3, 1]))), labels, Options())
    assert [r.label for r in regions] == values
    for region in regions:
        assert region.value("volume") == pytest.approx(0.027 * int((array == region.label).sum()))
