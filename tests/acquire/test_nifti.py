from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so
from tests.acquire.dicom_phantoms import oblique

from diaphane.acquire import Options, about, read
from diaphane.core.case import Case
from diaphane.errors import InputError


def affine_ras() -> np.ndarray:
    """Oblique, left-handed, of 0.75, 0.5 and 2.5 mm."""
    row, column = (np.array(v) for v in oblique(35))
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([row * -0.75, column * 0.5, np.cross(row, column) * 2.5])
    affine[:3, 3] = (11.5, -40.25, 7.0)
    return affine


def saved(path: Path, array: np.ndarray, affine: np.ndarray | None = None, *, codes: tuple[int, int] = (1, 1), kind: type = nib.Nifti1Image) -> Path:
    """``array`` [i, j, k]; ``codes`` of sform and qform."""
    affine = affine_ras() if affine is None else affine
    image = kind(array, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    nib.save(image, path)
    return path


def edited(path: Path, **fields: object) -> Path:
    """The file with other header fields, written past the library's checks."""
    data = bytearray(path.read_bytes())
    header = nib.Nifti1Header(bytes(data[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    data[:348] = header.binaryblock
    path.write_bytes(data)
    return path


def reasons(case: Case, verdict: str) -> str:
    return " | ".join(v.reason for v in case.verdicts if v.verdict == verdict)


@pytest.fixture
def numbers(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-1000, 3000, (5, 6, 7)).astype(np.int16)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_voxels_lie_where_simpleitk_and_nibabel_put_them(tmp_path: Path, numbers: np.ndarray, name: str, kind: type) -> None:
    path = saved(tmp_path / name, numbers, kind=kind)
    case = read(path, Options())
    (image,) = case.images
    assert (image.name, image.array.dtype, case.verdicts) == ("a", np.int16, ())
    assert np.array_equal(image.array, numbers.transpose(2, 1, 0))
    for k, j, i in ((0, 0, 0), (6, 0, 2), (3, 5, 4)):
        lps = image.geometry.to_world(np.array([k, j, i], float))
        assert np.allclose(lps * (-1, -1, 1), (affine_ras() @ (i, j, k, 1))[:3], atol=1e-4)
        if kind is nib.Nifti1Image:
            assert np.allclose(sitk.ReadImage(str(path)).TransformIndexToPhysicalPoint((i, j, k)), lps, atol=1e-3)


def test_content_counts_and_not_the_suffix(tmp_path: Path, numbers: np.ndarray) -> None:
    saved(tmp_path / "a.nii.gz", numbers).rename(tmp_path / "volume")
    assert read(tmp_path / "volume", Options()).images[0].shape == (7, 6, 5)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("u1", "u1"), ("i1", "i2"), ("u2", "i2"), ("i4", "i2"), ("i8", "i2"), ("f4", "f4"), ("f8", "f4"), (">i2", "i2"), (">f4", "f4")],
)
def test_types_become_the_three_that_volumes_have(tmp_path: Path, rng: np.random.Generator, given: str, kept: str) -> None:
    array = rng.integers(0, 100, (3, 4, 5)).astype(given)
    image = nib.Nifti1Image(array, np.eye(4), dtype=given)
    if given[0] == ">":
        image = nib.Nifti1Image(array, np.eye(4), nib.Nifti1Header(endianness=">"))
        image.header.set_data_dtype(given)
    nib.save(image, tmp_path / "a.nii")
    found = read(tmp_path / "a.nii", Options()).images[0].array
    assert found.dtype == np.dtype(kept)
    assert np.array_equal(found, array.transpose(2, 1, 0))


def test_large_integers_become_float_and_fractional_slopes_too(tmp_path: Path, numbers: np.ndarray) -> None:
    saved(tmp_path / "a.nii", numbers.astype(np.int32) * 100)
    assert np.array_equal(read(tmp_path / "a.nii", Options()).images[0].array, numbers.transpose(2, 1, 0).astype(np.float32) * 100)
    path = edited(saved(tmp_path / "b.nii", numbers), scl_slope=2, scl_inter=-10)
    found = read(path, Options()).images[0].array
    assert found.dtype == np.int16
    assert np.array_equal(found, numbers.transpose(2, 1, 0) * 2 - 10)
    found = read(edited(path, scl_slope=0.25, scl_inter=0.5), Options()).images[0].array
    assert found.dtype == np.float32
    assert np.allclose(found, nib.load(path).get_fdata().transpose(2, 1, 0))


def test_without_valid_affine_it_is_refused(tmp_path: Path, numbers: np.ndarray) -> None:
    none = read(saved(tmp_path / "a.nii", numbers, codes=(0, 0)), Options())
    assert none.images == ()
    assert "no orientation: both sform_code and qform_code are 0" in reasons(none, "refused")
    for number, row in enumerate([(0, 0, 0, 0), (np.nan, 0, 0, 0), (np.inf, 0, 0, 0)]):
        path = edited(saved(tmp_path / f"{number}.nii", numbers), srow_x=row)
        assert "the sform in the header is singular or not finite" in reasons(read(path, Options()), "refused")
    path = edited(saved(tmp_path / "q.nii", numbers, codes=(0, 1)), pixdim=[-1, 0.75, 0, 2.5, 1, 1, 1, 1])
    assert "no orientation" in reasons(read(path, Options()), "refused")


def test_sform_is_preferred_and_a_contradicting_qform_is_a_doubt(tmp_path: Path, numbers: np.ndarray) -> None:
    path = saved(tmp_path / "a.nii", numbers)
    case = read(edited(path, qoffset_x=31.5), Options())
    assert "sform and qform place the volume up to 20.0 mm and 0.0 degrees apart; sform is used" in reasons(case, "doubted")
    assert np.allclose(case.images[0].geometry.to_world(np.zeros(3)) * (-1, -1, 1), affine_ras()[:3, 3], atol=1e-4)
    assert read(edited(path, qoffset_x=11.9), Options()).verdicts == ()
    only_qform = read(saved(tmp_path / "b.nii", numbers, codes=(0, 1)), Options())
    assert np.allclose(only_qform.images[0].geometry.affine, case.images[0].geometry.affine, atol=1e-4)


@pytest.mark.parametrize(("unit", "factor"), [(1, 1000.0), (2, 1.0), (3, 0.001), (0, 1.0)])
def test_units_become_millimetres(tmp_path: Path, numbers: np.ndarray, unit: int, factor: float) -> None:
    case = read(edited(saved(tmp_path / "a.nii", numbers), xyzt_units=unit), Options())
    assert np.allclose(case.images[0].geometry.spacing, np.array([2.5, 0.5, 0.75]) * factor)
    assert bool(reasons(case, "passed")) == (unit == 0)


def test_frames_are_squeezed_when_one_and_refused_when_several(tmp_path: Path, numbers: np.ndarray) -> None:
    assert read(saved(tmp_path / "a.nii", numbers[..., None]), Options()).images[0].shape == (7, 6, 5)
    several = read(saved(tmp_path / "b.nii", np.stack([numbers, numbers], -1)), Options())
    assert "holds 2 volumes" in reasons(several, "refused")
    flat = read(saved(tmp_path / "c.nii", numbers[..., 0]), Options())
    assert flat.images[0].shape == (1, 6, 5)


def test_colours_complex_numbers_and_label_maps_are_told(tmp_path: Path, numbers: np.ndarray) -> None:
    saved(tmp_path / "a.nii", np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")]))
    with pytest.raises(InputError, match="voxels of colours, complex"):
        read(tmp_path / "a.nii", Options())
    saved(tmp_path / "b.nii", np.zeros((3, 3, 3), np.complex64))
    with pytest.raises(InputError, match="voxels of colours, complex"):
        read(tmp_path / "b.nii", Options())
    label_map = read(edited(saved(tmp_path / "c.nii", numbers), intent_code=1002), Options())
    assert "a label map, not an image" in reasons(label_map, "doubted")


def test_voxels_that_are_no_numbers_are_a_doubt(tmp_path: Path, numbers: np.ndarray) -> None:
    array = numbers.astype(np.float32)
    array[0, 0, :2] = np.nan, np.inf
    assert "2 of 210 voxels are not finite" in reasons(read(saved(tmp_path / "a.nii", array), Options()), "doubted")


def test_damaged_files_are_refused_in_words(tmp_path: Path, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]) -> None:
    array = rng.integers(0, 3000, (20, 20, 20)).astype(np.int16)
    whole = saved(tmp_path / "a.nii.gz", array).read_bytes()
    for keep in (400, 5000, len(whole) - 3):
        (tmp_path / "b.nii.gz").write_bytes(whole[:keep])
        with pytest.raises(InputError, match="truncated"):
            read(tmp_path / "b.nii.gz", Options())
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    (tmp_path / "b.nii.gz").write_bytes(flipped)
    with pytest.raises(InputError, match="damaged or truncated"):
        read(tmp_path / "b.nii.gz", Options())
    plain = saved(tmp_path / "c.nii", array).read_bytes()
    (tmp_path / "c.nii").write_bytes(plain[:-1])
    with pytest.raises(InputError, match="truncated: 15999 of 16000 bytes"):
        read(tmp_path / "c.nii", Options())
    (tmp_path / "c.nii").write_bytes(plain[:300])
    with pytest.raises(InputError, match="not a picture"):
        read(tmp_path / "c.nii", Options())
    with pytest.raises(InputError, match="32767x20x20 voxels are more than acquire.max_voxels = 1000000"):
        (tmp_path / "d.nii").write_bytes(plain)
        read(edited(tmp_path / "d.nii", dim=[3, 20, 20, 32767, 1, 1, 1, 1]), Options(max_voxels=1_000_000))
    (tmp_path / "e.gz").write_bytes(gzip.compress(b"a letter"))
    with pytest.raises(InputError, match="no NIfTI inside"):
        read(tmp_path / "e.gz", Options())
    assert capfd.readouterr().err == ""


def test_analyze_and_pairs_are_named(tmp_path: Path, numbers: np.ndarray) -> None:
    nib.save(nib.Nifti1Pair(numbers, np.eye(4)), tmp_path / "a.hdr")
    with pytest.raises(InputError, match="convert it to .nii.gz"):
        read(tmp_path / "a.hdr", Options())


def test_info_says_size_spacing_orientation_and_verdicts(tmp_path: Path, numbers: np.ndarray) -> None:
    known = about(saved(tmp_path / "a.nii.gz", numbers, np.diag([-2.0, 3, 4, 1])))
    assert (known["slices"], known["height"], known["width"]) == (7, 6, 5)
    assert (known["spacing_mm"], known["orientation"], known["type"]) == ([4.0, 3.0, 2.0], "SAL", "int16")
    assert about(saved(tmp_path / "b.nii", numbers, codes=(0, 0)))["verdicts"][0]["verdict"] == "refused"
