from __future__ import annotations

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Part
from diaphane.core.recipe import LabelRecipe
from diaphane.ops.hounsfield import is_hounsfield
from diaphane.ops.nifti import to_lps
from diaphane.ops.orient import tilt_deg, turned, turned_back, turned_spacing
from diaphane.ops.paint import palette
from diaphane.ops.slices import sheets

STRAIGHT = np.array([[0, 0, 2.0, -60], [0, 3.0, 0, -60], [5.0, 0, 0, -50], [0, 0, 0, 1]])
TABLE = (LabelRecipe(value=2, name="liver", role="anatomy"), LabelRecipe(value=7, name="cyst", role="anatomy"))
STORED = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


def stored(array: np.ndarray, axes: tuple[int, ...], flips: tuple[bool, ...]) -> tuple[np.ndarray, Geometry]:
    """``array`` (feet to head, front to back, right to left) kept in another order, and where its voxels lie."""
    out, affine = array.transpose(axes), STRAIGHT[:, [*axes, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            out = np.flip(out, axis)
            affine[:3, 3] += affine[:3, axis] * (out.shape[axis] - 1)
            affine[:3, axis] *= -1
    return out, Geometry(affine, calibrated=True)


@pytest.mark.parametrize(("axes", "flips"), STORED[::5])
def test_turning_undoes_any_order_of_storage(axes: tuple[int, ...], flips: tuple[bool, ...], rng: np.random.Generator) -> None:
    array = rng.random((4, 5, 6))
    kept, geometry = stored(array, axes, flips)
    assert np.array_equal(turned(kept, geometry), array)
    assert np.array_equal(turned_back(turned(kept, geometry), geometry), kept)
    assert turned_spacing(geometry) == (5, 3, 2)
    assert tilt_deg(geometry) == 0


def test_turning_an_oblique_volume_agrees_with_nibabel(rng: np.random.Generator) -> None:
    for axes, flips in STORED:
        turn, _ = np.linalg.qr(np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
        straight = np.diag([-1.0 if flip else 1.0 for flip in flips])[:, axes]
        affine = np.eye(4)
        affine[:3, :3] = turn * np.sign(np.diag(turn)) @ straight * (1, 2, 3)
        array = rng.random((3, 4, 5))
        ours = turned(array.transpose(2, 1, 0), Geometry(to_lps(affine)))
        to_lps_axes = nib.orientations.axcodes2ornt(nib.aff2axcodes(affine), (("R", "L"), ("A", "P"), ("I", "S")))
        assert np.array_equal(ours, nib.orientations.apply_orientation(array, to_lps_axes).transpose(2, 1, 0))
        assert 0 < tilt_deg(Geometry(to_lps(affine))) < 60


def phantom() -> np.ndarray:
    """CT, 100 x 120 x 120 mm: tissue, with bone in the upper front left corner of the patient."""
    ct = np.full((20, 40, 60), -1000, np.int16)
    ct[:, 4:36, 6:54] = 0
    ct[12:18, 4:14, 40:54] = 1000
    return ct


@pytest.mark.parametrize(("axes", "flips"), STORED[::7])
def test_patient_s_left_is_at_the_right_front_above_and_head_up_however_it_is_stored(axes: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    array, geometry = stored(phantom(), axes, flips)
    axial, coronal, sagittal = sheets(Part(image=Image(array, geometry), modality=""), "viridis", 800)
    for sheet, tile_at, half_x, half_y in ((axial, (1, 3), 1, 0), (coronal, (0, 0), 1, 0), (sagittal, (0, 3), 0, 0)):
        rows = sheet.rgb.shape[0] // (3 if sheet is axial else 1)
        tile = sheet.rgb[tile_at[0] * rows : (tile_at[0] + 1) * rows - 2, tile_at[1] * 200 : tile_at[1] * 200 + 198].min(axis=2)
        inner = tile[20:-20, 20:-20]
        y, x = np.nonzero(inner == 255)
        assert (x.mean() > inner.shape[1] / 2, y.mean() > inner.shape[0] / 2) == (bool(half_x), bool(half_y)), sheet.title


def test_tiles_have_the_right_aspect_and_a_sheet_the_width_asked_for() -> None:
    array, geometry = stored(phantom(), (0, 1, 2), (False, False, False))
    axial, coronal, sagittal = sheets(Part(image=Image(array, geometry), modality=""), "viridis", 800)
    assert [s.rgb.shape[1] for s in (axial, coronal, sagittal)] == [800, 800, 800]
    assert axial.rgb.shape[0] == 3 * (198 + 2), "120 x 120 mm"
    assert coronal.rgb.shape[0] == round(198 * 100 / 120) + 2
    assert sheets(Part(image=Image(array[:1], geometry), modality=""), "viridis", 800) == ()


def test_what_was_segmented_is_drawn_in_the_legend_s_colours() -> None:
    array, geometry = stored(phantom(), (0, 1, 2), (False, False, False))
    labels = Labels(np.where(array == 1000, 7, 0).astype(np.uint8), TABLE)
    axial, _, sagittal = sheets(Part(image=Image(array, geometry), modality="", labels=labels), "jet", 800)
    assert axial.legend == (("cyst", palette(TABLE, "jet")[7]),)
    tinted = np.round(0.8 * 255 + 0.2 * np.array(axial.legend[0][1]))
    assert (axial.rgb.reshape(-1, 3) == tinted).all(axis=1).sum() > 1000
    assert "tilted" not in sagittal.title
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    (first, *_) = sheets(Part(image=Image(array, Geometry(tilt @ STRAIGHT, calibrated=True)), modality="", labels=labels), "jet", 800)
    assert "tilted by up to 11 degrees" in first.title


def test_hounsfield_units_are_told_by_air_and_soft_tissue(rng: np.random.Generator) -> None:
    assert is_hounsfield(Image(phantom()))
    assert not is_hounsfield(Image(phantom() + 1024))
    assert not is_hounsfield(Image(rng.integers(0, 255, (20, 40, 60))))
    assert not is_hounsfield(Image(phantom()[:1]))


def test_palette_depends_on_the_table_alone_and_neighbours_differ_even_among_many() -> None:
    assert list(palette(TABLE, "viridis")) == [2, 7]
    many = tuple(LabelRecipe(value=3 * n, name=str(n), role="anatomy") for n in range(1, 61))
    shades = [np.array(c, int) for c in palette(many, "viridis").values()]
    assert len({tuple(c) for c in shades}) == 60
    assert min(np.abs(a - b).sum() for a, b in zip(shades, shades[1:], strict=False)) > 60
