from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.ops.nifti import to_lps
from diaphane.ops.overlap import dice
from diaphane.segment.head import CT_TABLE, segment_head
from diaphane.segment.outline import outline

SPACING = np.array([4.0, 3.5, 3.5])
SHAPE = (56, 66, 58)
STRAIGHT = np.array([[0, 0, 3.5, -100], [0, 3.5, 0, -110], [4.0, 0, 0, -120], [0, 0, 0, 1]])
CAVITY_MM = (72.0, 82.0, 64.0)


def ellipsoid(radii: tuple[float, float, float], scale: float = 1.0) -> np.ndarray:
    """(z, y, x) radii in mm about the middle of the grid."""
    grid = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING, strict=True)], indexing="ij")
    return sum((g / (r * scale)) ** 2 for g, r in zip(grid, radii, strict=True)) <= 1


def cylinder(radius_mm: float, centre_mm: tuple[float, float]) -> np.ndarray:
    """Along z; centre (y, x) in mm from the middle."""
    y, x = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE[1:], SPACING[1:], strict=True)], indexing="ij")
    return np.broadcast_to((y - centre_mm[0]) ** 2 + (x - centre_mm[1]) ** 2 <= radius_mm**2, SHAPE)


def head_ct(scale: float = 1.0) -> np.ndarray:
    """Skin, skull with a foramen of 26 mm, brain, a sinus with a duct to the outside, and a table that touches the head."""
    skin, outer, cavity = ellipsoid((86, 96, 78), scale), ellipsoid((80, 90, 72), scale), ellipsoid(CAVITY_MM, scale)
    ct = np.full(SHAPE, -1000, np.int16)
    ct[skin] = 40
    ct[outer & ~cavity] = 900
    lower = np.arange(SHAPE[0])[:, None, None] < SHAPE[0] // 2
    ct[lower & cylinder(13, (20, 0)) & outer] = 30
    ct[lower & cylinder(30, (0, 0)) & ~outer] = 40
    if scale == 1:
        ct[24:28, 9:13, 24:33] = -1000
        ct[25, :10, 28] = -1000
    ct[:, 60, :] = 200
    return ct


def image_of(array: np.ndarray, affine: np.ndarray = STRAIGHT) -> Image:
    return Image(array, Geometry(affine, calibrated=True), "head")


def test_structures_of_a_made_head_have_the_volumes_that_they_were_made_with() -> None:
    ct = head_ct()
    labels, verdicts = segment_head(image_of(ct), "CT")
    assert labels is not None
    assert [(v.gate, v.verdict) for v in verdicts] == [("input", "passed"), ("output", "passed")]
    assert labels.table == CT_TABLE
    truth_ml = 4 / 3 * np.pi * np.prod(CAVITY_MM) / 1000
    assert labels.mask(3).sum() * np.prod(SPACING) / 1000 == pytest.approx(truth_ml, rel=0.04)
    assert dice(labels.mask(3), ellipsoid(CAVITY_MM)) > 0.97
    assert dice(labels.mask(2), ct == 900) > 0.99
    assert labels.array[26, 11, 29] == 4, "the sinus is inside the head"
    assert not labels.array[:, 60, 45:].any(), "the table is not"


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_result_does_not_depend_on_how_the_array_is_stored(axes: tuple[int, int, int]) -> None:
    ct = head_ct()
    straight, _ = segment_head(image_of(ct), "")
    stored = np.flip(ct.transpose(axes), 1)
    affine = STRAIGHT[:, [*axes, 3]].copy()
    affine[:3, 3] += affine[:3, 1] * (stored.shape[1] - 1)
    affine[:3, 1] *= -1
    found, _ = segment_head(image_of(stored, affine), "")
    assert straight is not None
    assert found is not None
    assert np.array_equal(found.array, np.flip(straight.array.transpose(axes), 1))


def test_child_s_head_is_segmented_and_doubted() -> None:
    labels, (_, output) = segment_head(image_of(head_ct(0.8)), "CT")
    assert labels is not None
    assert output.verdict == "doubted"
    assert "ml, adults have 900 to 1900" in output.reason


def test_head_that_is_cut_off_is_doubted_and_says_where() -> None:
    ct = head_ct()[:, 14:]
    affine = STRAIGHT.copy()
    affine[1, 3] += 14 * 3.5
    labels, (_, output) = segment_head(image_of(ct, affine), "CT")
    assert labels is not None
    assert output.verdict == "doubted"
    assert "the head is cut off" in output.reason
    assert "front" in output.reason


def test_what_is_no_head_is_refused_and_says_what_to_do(rng: np.random.Generator) -> None:
    trunk = np.full(SHAPE, -1000, np.int16)
    trunk[cylinder(90, (0, 0))] = 40
    trunk[cylinder(15, (60, 0))] = 800
    nothing = np.full(SHAPE, -1000, np.int16)
    nothing[:, :20] = 0
    mr = (ellipsoid((86, 96, 78)) * 100 + rng.integers(0, 8, SHAPE)).astype(np.int16)
    for array, modality, says in (
        (trunk, "CT", "a head cavity has 300 to 2500 ml"),
        (nothing, "CT", "bone encloses nothing here"),
        (mr, "CT", "not in Hounsfield units"),
        (mr, "PT", "it takes grey CT or MR"),
        (mr[:10], "MR", "a head needs 60 mm"),
        (np.ones(SHAPE, np.int16), "MR", "all values here are equal"),
        ((cylinder(80, (0, 0)) * 100).astype(np.int16), "MR", "does not close at its upper end"),
        ((ellipsoid((60, 75, 60)) * 100).astype(np.int16), "MR", "a head 1800 to 7000"),
        (mr[..., None].repeat(3, -1), "MR", "it takes grey"),
    ):
        labels, (verdict,) = segment_head(image_of(array), modality)
        assert labels is None
        assert (verdict.gate, verdict.verdict) == ("input", "refused")
        assert says in verdict.reason
        assert "knows heads only" in verdict.reason
        assert "--labels" in verdict.reason
    uncalibrated = Image(mr, replace(Geometry(STRAIGHT)))
    assert segment_head(uncalibrated, "MR")[0] is None


def test_head_in_mr_is_its_outline(rng: np.random.Generator) -> None:
    skin, skull = ellipsoid((86, 96, 78)), ellipsoid((80, 90, 72)) & ~ellipsoid(CAVITY_MM)
    mr = np.where(skin & ~skull, 100, 0) + rng.normal(0, 5, SHAPE)
    labels, (_, output) = segment_head(image_of(mr.astype(np.float32)), "MR")
    assert labels is not None
    assert [label.name for label in labels.table] == ["head"]
    assert dice(labels.mask(1), skin) > 0.99
    assert output.verdict == "passed"


def test_outline_closes_a_duct_but_not_the_hollow_behind_an_ear() -> None:
    tissue = ellipsoid((86, 96, 78))
    ear = np.zeros(SHAPE, bool)
    ear[24:32, 32:44, 54] = True
    ear[24:32, 32, 50:55] = True
    ct = tissue.copy()
    ct[24:28, 10:14, 24:33] = ct[26, :11, 28] = False
    body = outline(ct | ear, (4.0, 3.5, 3.5), gap_mm=4.0)
    assert body[ear].all()
    assert body[26, 12, 28]
    assert not body[28, 38, 53], "behind the ear"
    assert dice(body, tissue | ear) > 0.995


def read(path: Path) -> Image:
    file = nib.load(path)
    return Image(np.ascontiguousarray(np.asarray(file.dataobj).transpose(2, 1, 0)), Geometry(to_lps(file.affine), calibrated=True))


@pytest.mark.data
def test_real_head_ct_agrees_with_the_masks_that_come_with_it(data: Path) -> None:
    folder = data / "heads/cranium_ct"
    image = read(folder / "cranium_ct.nii.gz")
    labels, verdicts = segment_head(image, "")
    assert labels is not None
    assert [v.verdict for v in verdicts] == ["passed", "passed"]
    bone, skin = (read(folder / f"cranium_{kind}_mask.nii.gz").array > 0 for kind in ("bone", "skin"))
    assert dice(labels.mask(2), bone) > 0.94, "they count the head rest in"
    assert dice(labels.array > 0, skin) > 0.96, "they leave the air spaces out"
    voxel = abs(np.linalg.det(image.geometry.affine[:3, :3]))
    assert labels.mask(3).sum() * voxel / 1000 == pytest.approx(1495, rel=0.02)


@pytest.mark.data
def test_real_head_mr_is_outlined_and_trunks_and_crops_are_refused(data: Path) -> None:
    whole = read(data / "heads/colin27/ch2.nii.gz")
    image = Image(whole.array[::2, ::2, ::2], Geometry(whole.geometry.affine @ np.diag([2, 2, 2, 1]), calibrated=True))
    labels, verdicts = segment_head(image, "MR")
    assert labels is not None
    assert "right 14 cm², left 11 cm²" in verdicts[-1].reason, "its ears are"
    brain = read(data / "heads/colin27/ch2bet.nii.gz").array[::2, ::2, ::2] > 0
    assert labels.mask(1)[brain].mean() > 0.999
    hippocampus = sorted((data / "msd_hippocampus/imagesTr").iterdir())[0]
    for path in (data / "abdomen_ct/example_ct_sm.nii.gz", data / "abdomen_ct/example_mr_sm.nii.gz", hippocampus):
        found, (verdict,) = segment_head(read(path), "")
        assert (found, verdict.verdict) == (None, "refused")
