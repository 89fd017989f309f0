"""Every real DICOM file, head, abdomen and clip: a case, or one message that helps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from diaphane.acquire import Options, about, frames, read, read_labels
from diaphane.errors import InputError

pytestmark = pytest.mark.data


def outcome(path: Path) -> str:
    try:
        case = read(path, Options())
    except InputError as problem:
        assert str(problem).startswith(str(path))
        assert "; " in str(problem) or "expected" in str(problem)
        return "error"
    if case.video is not None:
        assert sum(1 for _ in frames(case.video, Options())) == case.video.frame_count
        return "clip"
    return "image" if case.images else "refused"


def test_every_dicom_file_gives_a_case_or_a_message(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    counts = Counter(outcome(path) for path in sorted((data / "dicom").rglob("*")) if path.is_file())
    assert counts == {"error": 154, "image": 95, "clip": 4}
    assert capfd.readouterr().err == ""


def test_broken_files_are_told_apart(data: Path) -> None:
    folder = data / "dicom/pydicom/test_files"
    for name, message in (
        ("MR_truncated.dcm", "truncated: 8130 of 8192 bytes"),
        ("JPEG-lossy.dcm", "compressed as JPEG Extended .* no decoder"),
        ("rtplan.dcm", "only 1 x DICOM RTPLAN; give the images that it belongs to"),
        ("liver_1frame.dcm", "give the image, and the segmentation with --labels"),
        ("zipMR.gz", "compressed with gzip, and DICOM inside"),
    ):
        with pytest.raises(InputError, match=message):
            read(folder / name, Options())


def test_one_picture_in_each_syntax_has_the_same_voxels(data: Path) -> None:
    folder = data / "dicom/pydicom/test_files"
    names = ("RLE", "bigendian", "expb", "implicit", "jp2klossless", "jpeg_ls_lossless", "padded")
    plain = read(folder / "MR_small.dcm", Options()).images[0]
    for name in names:
        other = read(folder / f"MR_small_{name}.dcm", Options()).images[0]
        assert np.array_equal(other.array, plain.array), name


def test_folder_of_many_series_is_refused_and_each_can_be_chosen(data: Path) -> None:
    folder = data / "dicom/pydicom/test_files/dicomdirtests"
    assert [v.verdict for v in read(folder, Options()).verdicts] == ["refused"]
    assert len(about(folder)["series"]) == 2
    assert read(folder, Options(series=2)).images[0].shape == (5, 16, 16)


@pytest.mark.parametrize(
    ("scan", "labels", "count"),
    [("example_ct_sm", "example_seg", 41), ("example_ct", "example_seg_fast_force_split", 61), ("example_mr_sm", "example_seg_mr", 23)],
)
def test_abdomen_has_its_labels_by_name(data: Path, scan: str, labels: str, count: int) -> None:
    image = read(data / f"abdomen_ct/{scan}.nii.gz", Options()).images[0]
    found = read_labels(data / f"abdomen_ct/{labels}.nii.gz", image)
    assert len(found.table) == count
    assert found.table[0].name == "spleen"
    assert np.array_equal(found.array, np.asarray(nib.load(data / f"abdomen_ct/{labels}.nii.gz").dataobj).T)


def test_head_has_its_atlas_by_name(data: Path) -> None:
    image = read(data / "heads/colin27/ch2.nii.gz", Options()).images[0]
    labels = read_labels(data / "heads/colin27/aal.nii.gz", image)
    assert (len(labels.table), labels.table[0].name) == (116, "Precentral L")


def test_clip_that_ends_early_has_fewer_frames_than_it_says(data: Path) -> None:
    video = read(data / "faces/videos/no_face.mp4", Options()).video
    assert video is not None
    assert (video.frame_count, sum(1 for _ in frames(video, Options()))) == (98, 95)
