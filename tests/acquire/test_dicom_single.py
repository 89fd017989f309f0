from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from tests.acquire.dicom_phantoms import film, instance, radiograph, screen, stack, write, zipped
from tests.acquire.test_video import made_clip

from diaphane.acquire import Options, about, frames, photo_as_video, read
from diaphane.errors import InputError


def saved(tmp_path: Path, data: Dataset, name: str = "x.dcm") -> Path:
    dcmwrite(tmp_path / name, data, enforce_file_format=True)
    return tmp_path / name


def reasons(case: object) -> str:
    return " | ".join(v.reason for v in case.verdicts)  # type: ignore[attr-defined]


def test_radiograph_keeps_its_values_and_its_scale(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 4096, (9, 7), dtype=np.uint16)
    case = read(saved(tmp_path, radiograph(pixels, BitsStored=12, HighBit=11, ImagerPixelSpacing=[0.2, 0.2])), Options())
    (image,) = case.images
    assert np.array_equal(image.array[0], pixels)
    assert image.array.dtype == np.uint16
    assert image.geometry.calibrated
    assert image.geometry.spacing == (0.2, 0.2, 0.2)
    assert (case.modality, len(case.instances)) == ("DX", 1)


def test_monochrome1_is_inverted_so_that_light_is_large(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 1024, (5, 6), dtype=np.uint16)
    case = read(saved(tmp_path, radiograph(pixels, BitsStored=10, HighBit=9, PhotometricInterpretation="MONOCHROME1")), Options())
    assert np.array_equal(case.images[0].array[0], 1023 - pixels)
    assert "MONOCHROME1: inverted" in reasons(case)


@pytest.mark.parametrize("orientation", ["R\\F", "L\\H", "F\\L", "RH\\F"])
def test_projection_that_its_header_calls_mirrored_or_turned_is_doubted(tmp_path: Path, orientation: str) -> None:
    case = read(saved(tmp_path, radiograph(np.zeros((5, 6), np.uint16), PatientOrientation=orientation)), Options())
    (doubt,) = [verdict for verdict in case.verdicts if verdict.verdict == "doubted"]
    assert f"mirrored or turned: Patient Orientation {orientation}, usual is L\\F" in doubt.reason


@pytest.mark.parametrize("orientation", ["L\\F", "LF\\FR", "A\\F", "L\\P", "X\\Y", ""])
def test_projection_as_usual_from_the_side_or_untold_is_not_doubted(tmp_path: Path, orientation: str) -> None:
    case = read(saved(tmp_path, radiograph(np.zeros((5, 6), np.uint16), PatientOrientation=orientation)), Options())
    assert all(verdict.verdict == "passed" for verdict in case.verdicts)


def test_rescale_is_applied_where_it_gives_whole_numbers_and_else_left(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    whole = read(saved(tmp_path, radiograph(pixels, RescaleSlope=2, RescaleIntercept=5), "a"), Options())
    assert np.array_equal(whole.images[0].array[0], pixels * 2 + 5)
    parts = read(saved(tmp_path, radiograph(pixels, RescaleSlope=0.3, RescaleIntercept=0), "b"), Options())
    assert np.array_equal(parts.images[0].array[0], pixels)
    assert "the stored values are kept" in reasons(parts)


def test_signed_values_are_lifted_to_zero_and_that_is_said(tmp_path: Path) -> None:
    case = read(saved(tmp_path, radiograph(np.array([[-3, 4], [0, 90]], np.int16))), Options())
    assert case.images[0].array[0].tolist() == [[0, 7], [3, 93]]
    assert "values below 0: 3 was added to each" in reasons(case)


def test_screen_without_scale_has_none_and_oblong_pixels_give_none(tmp_path: Path) -> None:
    pixels = np.zeros((4, 5), np.uint8)
    assert not read(saved(tmp_path, screen(pixels), "a"), Options()).images[0].geometry.calibrated
    oblong = read(saved(tmp_path, radiograph(pixels, PixelSpacing=[0.2, 0.3]), "b"), Options())
    assert not oblong.images[0].geometry.calibrated
    assert "not square" in reasons(oblong)
    given = read(saved(tmp_path, radiograph(pixels, PixelSpacing=[0.2, 0.2]), "c"), Options(spacing_mm=0.5))
    assert given.images[0].geometry.spacing == (0.5, 0.5, 0.5)
    assert "replaces the file's 0.2 mm" in reasons(given)


def test_colour_stays_and_16_bits_a_channel_become_8(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    assert np.array_equal(read(saved(tmp_path, screen(pixels), "a"), Options()).images[0].array[0], pixels)
    deep = read(saved(tmp_path, screen(pixels.astype(np.uint16) << 8), "b"), Options())
    assert np.array_equal(deep.images[0].array[0], pixels)
    assert "16 bits a channel were reduced to 8" in reasons(deep)


def test_one_slice_of_a_scan_keeps_its_place_and_units(tmp_path: Path) -> None:
    made = stack()
    case = read(saved(tmp_path, made.datasets[2]), Options())
    assert np.array_equal(case.images[0].array[0], made.array[2])
    assert np.allclose(case.images[0].geometry.to_world(np.array([0.0, 3, 4])), (made.affine @ [2, 3, 4, 1])[:3])
    assert "one slice only" in reasons(case)


def test_claimed_pixels_and_missing_pixels_are_refused(tmp_path: Path) -> None:
    huge = radiograph(np.zeros((4, 4), np.uint8), Rows=65535, Columns=65535)
    with pytest.raises(InputError, match="65535x65535 pixels are more than acquire.max_pixels"):
        read(saved(tmp_path, huge, "a"), Options())
    wrong = radiograph(np.zeros((4, 4), np.uint8), Rows=90)
    with pytest.raises(InputError, match="truncated: 16 of 360 bytes of pixels are there"):
        read(saved(tmp_path, wrong, "b"), Options())
    none = radiograph(np.zeros((4, 4), np.uint8))
    del none.PixelData
    with pytest.raises(InputError, match="a DICOM DX without pixels"):
        read(saved(tmp_path, none, "c"), Options())


def test_syntax_without_decoder_is_named_with_what_to_do(tmp_path: Path) -> None:
    data = radiograph(np.zeros((4, 4), np.uint16), BitsStored=12)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.51"
    data.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    data["PixelData"].is_undefined_length = True
    with pytest.raises(InputError, match=r"compressed as JPEG Extended \(Process 2 and 4\), for which there is no decoder here; have the archive send"):
        read(saved(tmp_path, data), Options())
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    with pytest.raises(InputError, match="compressed as JPEG 2000 .*cannot be decoded: damaged"):
        read(saved(tmp_path, data), Options())


@pytest.mark.parametrize(
    ("sop_class", "modality", "what"),
    [
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", "only 1 x DICOM Segmentation; give the image, and the segmentation with --labels"),
        ("1.2.840.10008.5.1.4.1.1.77.1.6", "SM", "only 1 x whole-slide microscopy"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE", "only 1 x RT dose; give the images that it belongs to"),
        ("1.2.840.10008.1.3.10", "", "only 1 x DICOM directory; give the folder that it lies in"),
        ("1.2.840.10008.5.1.4.1.1.88.11", "SR", "only 1 x DICOM SR; give the images that it belongs to"),
        ("1.2.840.10008.5.1.4.1.1.2", "CT", "only 1 x DICOM CT without pixels; export the images with their pixels"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, sop_class: str, modality: str, what: str) -> None:
    data = instance(np.zeros((4, 4), np.uint8), sop_class=sop_class, modality=modality)
    if modality in ("", "SR", "CT"):
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(data, keyword)
    path = saved(tmp_path, data)
    with pytest.raises(InputError, match=what):
        read(path, Options())


def test_several_pictures_in_a_folder_are_refused_with_a_list(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", [radiograph(np.full((4, 4), n, np.uint8), SeriesNumber=n) for n in (2, 1)])
    case = read(folder, Options())
    assert case.images == ()
    assert "1: DX, picture of 4x4, SeriesNumber 1; 2: DX, picture of 4x4, SeriesNumber 2" in reasons(case)
    assert read(folder, Options(series=2)).images[0].array.max() == 2


@pytest.mark.parametrize("where", ["file", "folder", "zip"])
def test_colour_frames_are_a_clip_in_a_file_a_folder_or_an_archive(tmp_path: Path, rng: np.random.Generator, where: str) -> None:
    pixels = rng.integers(0, 256, (4, 6, 8, 3), dtype=np.uint8)
    folder = write(tmp_path / "us", [instance(pixels, sop_class="1.2.840.10008.5.1.4.1.1.3.1", modality="US", frames=4, FrameTime=50)])
    path = {"file": next(p for p in folder.rglob("*") if p.is_file()), "folder": folder, "zip": zipped(folder, tmp_path / "us.zip")}[where]
    case = read(path, Options())
    assert case.video is not None
    assert (case.video.size_px, case.video.frame_count, case.video.rate_hz, case.modality) == ((8, 6), 4, 20.0, "US")
    got = list(frames(case.video, Options()))
    assert [t for t, _ in got] == [0.0, 0.05, 0.1, 0.15]
    assert np.array_equal([f for _, f in got], pixels)
    assert about(path)["series"][0]["frames"] == 4


def test_photograph_in_dicom_can_stand_for_a_clip(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = saved(tmp_path, instance(pixels, sop_class="1.2.840.10008.5.1.4.1.1.77.1.4", modality="XC"))
    ((seconds, frame),) = frames(photo_as_video(path, read(path, Options()).images[0]), Options())
    assert seconds == 0
    assert np.array_equal(frame, pixels)


def test_grey_cine_is_a_clip_of_8_bits(tmp_path: Path) -> None:
    pixels = (np.arange(2 * 3 * 4).reshape(2, 3, 4) * 100).astype(np.uint16)
    data = instance(pixels, sop_class="1.2.840.10008.5.1.4.1.1.12.1", modality="XA", frames=2, BitsStored=12, HighBit=11, CineRate=15)
    case = read(saved(tmp_path, data), Options())
    assert case.video is not None
    (_, first), (_, second) = frames(case.video, Options())
    assert np.array_equal(first[..., 1], pixels[0] >> 4)
    assert np.array_equal(second[..., 0], np.minimum(pixels[1], 4095) >> 4)


def test_film_inside_dicom_is_decoded_as_the_file_itself(tmp_path: Path) -> None:
    clip = made_clip(tmp_path / "a.mp4")
    case = read(saved(tmp_path, film(clip.read_bytes(), 10, (64, 48))), Options())
    assert case.video is not None
    assert (case.video.size_px, case.video.frame_count) == ((64, 48), 10)
    capture = cv2.VideoCapture(str(clip))
    for _, frame in frames(case.video, Options()):
        assert np.array_equal(frame[..., ::-1], capture.read()[1])
    broken = film(b"no film at all", 10, (64, 48))
    with pytest.raises(InputError, match="the clip cannot be opened: damaged"):
        read(saved(tmp_path, broken, "b.dcm"), Options())
