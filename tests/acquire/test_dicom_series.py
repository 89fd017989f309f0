from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage, generate_uid
from tests.acquire.dicom_phantoms import SECRET, Stack, multi_frame, oblique, scout, stack, write, zipped

from diaphane.acquire import Options, about, read
from diaphane.core.case import Case
from diaphane.errors import InputError, UsageError


def whole(case: Case, of: Stack) -> bool:
    """Whether the case is the stack: values, type and affine."""
    (image,) = case.images
    return bool(np.array_equal(image.array, of.array) and np.allclose(image.geometry.affine, of.affine, atol=1e-8) and image.geometry.calibrated)


def said(case: Case, verdict: str) -> str:
    return " | ".join(v.reason for v in case.verdicts if v.verdict == verdict)


@pytest.mark.parametrize("angle", [0.0, 25.0, -70.0, 160.0])
def test_oblique_series_has_the_voxels_and_points_that_simpleitk_finds(tmp_path: Path, angle: float, rng: np.random.Generator) -> None:
    made = stack(axes=oblique(angle))
    folder = write(tmp_path / "series", made.datasets)
    case = read(folder, Options())
    assert whole(case, made)
    assert case.images[0].array.dtype == np.int16
    assert case.modality == "CT"
    assert case.images[0].geometry.frame_of_reference_uid == made.datasets[0].FrameOfReferenceUID
    assert [i.sop_instance_uid for i in case.instances] == [d.SOPInstanceUID for d in made.datasets]
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(i.path) for i in case.instances])
    theirs = reader.Execute()
    for k, j, i in rng.integers(0, made.array.shape, (20, 3)).tolist():
        point = case.images[0].geometry.to_world(np.array([k, j, i], float))
        assert np.allclose(theirs.TransformPhysicalPointToContinuousIndex(point.tolist()), (i, j, k), atol=1e-4)
        assert theirs[i, j, k] == case.images[0].array[k, j, i]


def test_zip_and_folder_give_the_same_case_and_members_can_be_opened_again(tmp_path: Path) -> None:
    made = stack(axes=oblique())
    folder = write(tmp_path / "a", made.datasets)
    (folder / "README.txt").write_text("not DICOM")
    case = read(zipped(folder, tmp_path / "scan.zip"), Options())
    assert whole(case, made)
    assert case.images[0].name == "scan"
    with case.instances[2].open() as file:
        assert dcmread(file).SOPInstanceUID == made.datasets[2].SOPInstanceUID


def test_tilted_gantry_keeps_the_sheared_geometry_and_names_the_angle(tmp_path: Path) -> None:
    made = stack(tilt_mm=2.5 * np.tan(np.radians(17.0)), axes=oblique(40))
    case = read(write(tmp_path / "s", made.datasets), Options())
    assert whole(case, made)
    assert "sheared by 17.0 degrees" in said(case, "passed")


def test_missing_slices_are_named_and_refused_unless_allowed(tmp_path: Path) -> None:
    made = stack((9, 6, 6))
    folder = write(tmp_path / "s", [d for n, d in enumerate(made.datasets) if n not in (3, 4, 7)])
    case = read(folder, Options())
    assert case.images == ()
    assert "6 of 9 slices are there: missing 2 after z = -135.00 mm, 1 after z = -125.00 mm" in said(case, "refused")
    allowed = read(folder, Options(allow_gaps=True))
    assert "3 slices were interpolated" in said(allowed, "doubted")
    array = allowed.images[0].array
    assert np.allclose(allowed.images[0].geometry.affine, made.affine)
    assert np.array_equal(array[[0, 1, 2, 5, 6, 8]], made.array[[0, 1, 2, 5, 6, 8]])
    assert np.abs(array[3] - (2 * made.array[2] + made.array[5]) / 3).max() <= 0.5


def test_slice_out_of_place_by_more_than_one_percent_is_refused(tmp_path: Path) -> None:
    def moved(by_mm: float) -> Case:
        def change(data: Dataset, n: int) -> None:
            if n == 2:
                data.ImagePositionPatient = [*data.ImagePositionPatient[:2], data.ImagePositionPatient[2] + by_mm]

        return read(write(tmp_path / str(by_mm), stack(change=change).datasets), Options())

    assert moved(0.02).images
    assert "unevenly spaced: 2.20 to 2.80 mm apart, up to 0.30 mm out of place" in said(moved(0.3), "refused")


def test_uneven_slices_are_read_and_doubted_when_allowed(tmp_path: Path) -> None:
    def change(data: Dataset, n: int) -> None:
        data.ImagePositionPatient = [0, 0, float(n) ** 1.5]

    case = read(write(tmp_path / "s", stack(change=change).datasets), Options(allow_gaps=True))
    assert case.images[0].shape == (6, 10, 8)
    assert "from where they are shown" in said(case, "doubted")


def test_duplicates_are_dropped_when_equal_and_refused_when_not(tmp_path: Path) -> None:
    made = stack()
    again = stack().datasets[2]
    again.SeriesInstanceUID, again.FrameOfReferenceUID = made.datasets[0].SeriesInstanceUID, made.datasets[0].FrameOfReferenceUID
    case = read(write(tmp_path / "equal", made.datasets, [again]), Options())
    assert whole(case, made)
    assert "left out as duplicates with the same pixels: 1" in said(case, "passed")
    again.PixelData = bytes(reversed(again.PixelData))
    case = read(write(tmp_path / "other", made.datasets, [again]), Options())
    assert case.images == ()
    assert "several images with different pixels lie at one place (at 1 of the places, first z = -135.00 mm)" in said(case, "refused")


def test_scouts_are_set_aside_whether_in_the_series_or_beside_it(tmp_path: Path) -> None:
    made = stack()
    inside = read(write(tmp_path / "in", made.datasets, [scout(made)]), Options())
    assert whole(inside, made)
    assert "1 of another orientation or size in the same series" in said(inside, "passed")
    beside = read(write(tmp_path / "beside", made.datasets, [scout(), scout()]), Options())
    assert whole(beside, made)
    assert "set aside: 2 x scout, CT, picture of 16x20, SeriesNumber 1" in said(beside, "passed")


def test_two_volumes_are_refused_with_a_list_and_one_can_be_chosen(tmp_path: Path) -> None:
    one, two = stack((5, 6, 6)), stack((4, 7, 6), seed=1)
    for data in two.datasets:
        data.SeriesNumber = 9
    folder = write(tmp_path / "s", two.datasets, one.datasets)
    case = read(folder, Options())
    assert case.images == ()
    assert "1: CT, 5 slices of 6x6, SeriesNumber 3; 2: CT, 4 slices of 6x7, SeriesNumber 9" in said(case, "refused")
    assert whole(read(folder, Options(series=1)), one)
    chosen = read(folder, Options(series=2))
    assert whole(chosen, two)
    assert "not chosen: CT, 5 slices" in said(chosen, "passed")
    with pytest.raises(UsageError, match="series = 3 is not there; .* holds 1: CT"):
        read(folder, Options(series=3))


@pytest.mark.parametrize(
    ("keyword", "values", "reason"),
    [
        ("PatientID", ["a", "b"], "images of more than one patient"),
        ("FrameOfReferenceUID", [generate_uid(), generate_uid()], "more than one frame of reference"),
        ("ImagePositionPatient", [None, None], "6 of 6 images do not say where they lie"),
        ("PixelSpacing", [None, None], "6 of 6 images do not say where they lie"),
        ("PixelSpacing", [[1, 1], [2, 2]], "differ in PixelSpacing"),
        ("ImageOrientationPatient", [[1, 0, 0, 1, 0, 0]] * 2, "not perpendicular unit vectors"),
        ("ImagePositionPatient", [[0, 0, 0], [1, 0, 0]], "several images with different pixels lie at one place"),
    ],
)
def test_what_makes_a_series_no_volume_is_refused(tmp_path: Path, keyword: str, values: list[object], reason: str) -> None:
    made = stack(change=lambda data, n: setattr(data, keyword, values[n % 2]))
    case = read(write(tmp_path / "s", made.datasets), Options())
    assert case.images == ()
    assert reason in said(case, "refused")


def test_empty_sop_class_is_taken_from_the_meta_header(tmp_path: Path) -> None:
    made = stack()
    folder = write(tmp_path / "s", made.datasets)
    for path in (p for p in folder.rglob("*") if p.is_file()):
        data = dcmread(path)
        data.SOPClassUID = ""
        dcmwrite(path, data, enforce_file_format=False)
    case = read(folder, Options())
    assert whole(case, made)
    assert {i.sop_class_uid for i in case.instances} == {"1.2.840.10008.5.1.4.1.1.2"}


def test_slopes_of_each_slice_are_kept_and_fractions_become_float(tmp_path: Path) -> None:
    def change(data: Dataset, n: int) -> None:
        data.RescaleSlope = 0.5 + n

    made = stack(modality="PT", sop_class=PositronEmissionTomographyImageStorage, intercept=0, change=change)
    case = read(write(tmp_path / "s", made.datasets), Options())
    assert case.images[0].array.dtype == np.float32
    assert np.allclose(case.images[0].array, made.array * (0.5 + np.arange(6))[:, None, None])


def test_ct_that_states_no_rescale_is_a_doubt(tmp_path: Path) -> None:
    made = stack(intercept=0, change=lambda data, n: delattr(data, "RescaleIntercept"))
    case = read(write(tmp_path / "s", made.datasets), Options())
    assert whole(case, made)
    assert "may not be Hounsfield units" in said(case, "doubted")


def test_values_beyond_16_bits_become_float_without_loss(tmp_path: Path) -> None:
    made = stack(slope=40)
    case = read(write(tmp_path / "s", made.datasets), Options())
    assert case.images[0].array.dtype == np.float32
    assert np.array_equal(case.images[0].array, made.array)


def test_multi_frame_volume_is_sorted_by_position(tmp_path: Path) -> None:
    made = stack((7, 6, 5), axes=oblique(33))
    case = read(write(tmp_path / "s", [multi_frame(made)]), Options())
    assert whole(case, made)
    assert len(case.instances) == 1


def test_multi_frame_without_positions_is_refused(tmp_path: Path) -> None:
    data = multi_frame(stack())
    del data.PerFrameFunctionalGroupsSequence
    case = read(write(tmp_path / "s", [data]), Options())
    assert "6 of 6 images do not say where they lie" in said(case, "refused")


def test_padding_is_said_and_age_and_sex_are_all_that_is_kept_of_the_patient(tmp_path: Path) -> None:
    made = stack(change=lambda data, n: setattr(data, "PixelPaddingValue", 0))
    case = read(write(tmp_path / "s", made.datasets), Options())
    assert "padding value -1024" in said(case, "passed")
    assert (case.context.age_years, case.context.sex) == (54, "female")
    assert SECRET not in repr(case)
    assert "4711" not in repr(case.verdicts)


def test_claimed_size_is_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    made = stack(change=lambda data, n: (setattr(data, "Rows", 60000), setattr(data, "Columns", 60000)))
    with pytest.raises(InputError, match="6x60000x60000 voxels are more than acquire.max_voxels"):
        read(write(tmp_path / "s", made.datasets), Options())


def test_truncated_slice_is_named_by_its_place_and_not_by_its_file(tmp_path: Path) -> None:
    made = stack()
    made.datasets[3].PixelData = made.datasets[3].PixelData[:-20]
    folder = write(tmp_path / "s", made.datasets)
    with pytest.raises(InputError, match=r"s: the image at \(-31.50, 12.25, -132.50\) mm: truncated: 140 of 160 bytes"):
        read(folder, Options())


def test_broken_header_among_good_ones_stops_reading(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", stack().datasets)
    (folder / "bad").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL\xff\xff" + b"\xff" * 30)
    with pytest.raises(InputError, match="s: in one of its files, the DICOM header cannot be read: damaged"):
        read(folder, Options())


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    made = stack()
    folder = write(tmp_path / "s", made.datasets)
    away = write(tmp_path / "away", stack(seed=4).datasets)
    (folder / "link").symlink_to(away, target_is_directory=True)
    for n, path in enumerate(p for p in away.rglob("*") if p.is_file()):
        (folder / f"link{n}").symlink_to(path)
    assert whole(read(folder, Options()), made)


def test_info_lists_series_and_finds_gaps_by_the_headers_alone(tmp_path: Path) -> None:
    made = stack((9, 6, 6))
    folder = write(tmp_path / "s", [d for n, d in enumerate(made.datasets) if n != 3], [scout()])
    known = about(folder)
    (series,) = known["series"]
    assert (series["slices"], series["modality"], series["series_number"], series["transfer_syntax"]) == (8, "CT", 3, "Explicit VR Little Endian")
    assert series["verdicts"][0]["verdict"] == "refused"
    assert "missing 1 after z = -135.00 mm" in series["verdicts"][0]["reason"]
    assert SECRET not in str(known)
    shutil.rmtree(folder)
    (good,) = about(write(tmp_path / "t", stack(axes=((0, 1, 0), (0, 0, -1))).datasets))["series"]
    assert good["orientation"] == "RIP"
    assert good["spacing_mm"] == [2.5, 0.75, 0.5]
