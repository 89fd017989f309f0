"""Results lie on the source grid: landmarks planted in world coordinates come back where they were, whatever the grid and the file."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from tests.acquire.dicom_phantoms import oblique, stack, write
from tests.networks import threshold_network, volume_recipe, write_made_bundle

from diaphane.acquire import Options as AcquireOptions
from diaphane.acquire import read
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.prepare import prepare
from diaphane.segment import Options, predict
from diaphane.segment.files import write_labels

RADIUS_MM = 4.0
PLACES_MM = np.array([[-6.0, 5.0, 6.5], [7.0, -5.5, -6.0], [-5.0, -7.0, 5.0]])
"""From the middle of the volume, and too unlike each other for any flip or permutation to pass unseen."""
SIDE_MM = 32.0


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, ...], Bundle]:
    """Networks that mark what is brighter than one half: in blocks, in slices, and on a coarser grid."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {}
    for size, spacing in (((8, 12, 10), (1.5, 1.2, 1.0)), ((1, 16, 16), (2.0, 1.5, 1.5)), ((16, 16, 16), (2.2, 2.0, 2.0))):
        shape = (1, *(size if size[0] > 1 else size[1:]))
        recipe = volume_recipe(size, spacing)
        made[size] = open_bundle(write_made_bundle(folder / str(size[0]), recipe, [threshold_network(shape, [500.0], gain=0.05)]))
    return made


def geometry_of(matrix: np.ndarray, shape: tuple[int, ...], middle: np.ndarray) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = middle - matrix @ ((np.array(shape) - 1) / 2)
    return Geometry(affine, calibrated=True)


def planted(geometry: Geometry, shape: tuple[int, ...], middle: np.ndarray) -> np.ndarray:
    """Blobs that reach 500 at ``RADIUS_MM`` from their middles."""
    world = geometry.to_world(np.moveaxis(np.indices(shape), 0, -1).astype(float))
    away = np.linalg.norm(world[..., None, :] - (middle + PLACES_MM), axis=-1)
    return (1000 * np.exp2(-((away / RADIUS_MM) ** 2)).max(axis=-1)).round().astype(np.int16)


def assert_landmarks(labels: np.ndarray, to_world: Geometry, middle: np.ndarray) -> None:
    """Each blob's middle within half a voxel of the planted one, along every axis of the grid."""
    parts, count = ndimage.label(labels)
    assert count == len(PLACES_MM)
    found = np.array(ndimage.center_of_mass(labels > 0, parts, range(1, count + 1)))
    wanted = to_world.to_index(middle + PLACES_MM)
    for place in wanted:
        assert np.abs(found - place).max(axis=1).min() < 0.5


angles = st.floats(-180, 180)
spacings = st.floats(0.9, 2.4)


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(list(permutations(range(3)))), st.tuples(*[st.sampled_from([1, -1])] * 3), st.tuples(angles, angles, angles), st.floats(-0.3, 0.3),
    st.tuples(spacings, spacings, spacings), st.sampled_from([(8, 12, 10), (1, 16, 16), (16, 16, 16)]), st.sampled_from([0.25, 0.5]),
)  # fmt: skip
def test_landmarks_come_back_through_any_permutation_flip_rotation_shear_and_spacing(
    bundles: dict[tuple[int, ...], Bundle], order: tuple[int, ...], flips: tuple[int, ...], turn: tuple[float, ...], shear: float,
    spacing: tuple[float, ...], size: tuple[int, ...], overlap: float,
) -> None:  # fmt: skip
    matrix = rotation(turn)[:, list(order)] * np.array(flips)
    matrix[:, 2] += shear * matrix[:, 1]  # a tilted gantry
    shape = tuple(round(SIDE_MM / s) for s in spacing)
    middle = np.array([31.0, -140.0, 712.5])
    geometry = geometry_of(matrix * np.array(spacing), shape, middle)
    prepared = prepare(Image(planted(geometry, shape, middle), geometry), bundles[size].recipe)
    labels = predict(prepared, bundles[size], Options(overlap=overlap))
    assert labels.array.shape == shape
    assert_landmarks(labels.array, geometry, middle)


def rotation(degrees: tuple[float, ...]) -> np.ndarray:
    out = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        out = out @ one
    return out


def write_nifti_file(path: Path, array: np.ndarray, geometry: Geometry) -> Path:
    """By nibabel, from its own convention: [i, j, k], RAS."""
    ras = np.diag([-1.0, -1, 1, 1]) @ geometry.affine[:, [2, 1, 0, 3]]
    nib.save(nib.Nifti1Image(array.transpose(2, 1, 0), ras), path / "scan.nii.gz")
    return path / "scan.nii.gz"


def write_nrrd_file(path: Path, array: np.ndarray, geometry: Geometry) -> Path:
    header = {
        "space": "left-posterior-superior", "space directions": geometry.affine[:3, [2, 1, 0]].T, "space origin": geometry.affine[:3, 3],
    }  # fmt: skip
    nrrd.write(str(path / "scan.nrrd"), array.transpose(2, 1, 0), header)
    return path / "scan.nrrd"


WAYS = {"nifti": write_nifti_file, "nrrd": write_nrrd_file}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize(("order", "flips"), list(product(permutations(range(3)), product((1, -1), repeat=3)))[::9])
def test_landmarks_come_back_through_files(
    way: str, order: tuple[int, ...], flips: tuple[int, ...], bundles: dict[tuple[int, ...], Bundle], tmp_path: Path
) -> None:
    spacing, middle = np.array([2.0, 1.1, 1.6]), np.array([-12.0, 40.0, 99.0])
    shape = tuple(round(SIDE_MM / s) for s in spacing)
    geometry = geometry_of(rotation((12, -9, 17))[:, list(order)] * np.array(flips) * spacing, shape, middle)
    assert_through_file(WAYS[way](tmp_path, planted(geometry, shape, middle), geometry), bundles[(8, 12, 10)], tmp_path / "out", middle)


@pytest.mark.parametrize("axes", [((1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, -1)), ((-1, 0, 0), (0, 0, -1)), oblique(35)])
def test_landmarks_come_back_through_dicom(axes: tuple[tuple[float, ...], ...], bundles: dict[tuple[int, ...], Bundle], tmp_path: Path) -> None:
    shape, spacing = (16, 29, 20), (2.0, 1.1, 1.6)
    made = stack(shape, spacing=spacing, axes=axes, intercept=0)
    middle = Geometry(made.affine).to_world((np.array(shape) - 1) / 2)
    array = planted(Geometry(made.affine), shape, middle)
    for data, plane in zip(made.datasets, array, strict=True):
        data.PixelData = plane.astype(np.uint16).tobytes()
    assert_through_file(write(tmp_path / "series", made.datasets), bundles[(16, 16, 16)], tmp_path / "out", middle)


def assert_through_file(path: Path, bundle: Bundle, out: Path, middle: np.ndarray) -> None:
    """Read by ``acquire``, segmented, written, and read again by SimpleITK, whose points are LPS."""
    (image,) = read(path, AcquireOptions()).images
    write_labels(predict(prepare(image, bundle.recipe), bundle, Options()), out, "scan", geometry=image.geometry)
    theirs = sitk.ReadImage(str(out / "scan.nii.gz"))
    matrix = np.array(theirs.GetDirection()).reshape(3, 3) * np.array(theirs.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix[:, ::-1], theirs.GetOrigin()
    assert_landmarks(sitk.GetArrayFromImage(theirs), Geometry(affine), middle)
