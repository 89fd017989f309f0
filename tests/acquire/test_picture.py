from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.acquire import Options, about, expand, read
from diaphane.acquire.picture import read_mask, read_picture
from diaphane.errors import InputError


def saved(tmp_path: Path, array: np.ndarray, name: str = "x.png", **more: object) -> Path:
    Pillow.fromarray(array).save(tmp_path / name, **more)
    return tmp_path / name


def test_colour_grey_and_16_bit_keep_their_values(tmp_path: Path, rng: np.random.Generator) -> None:
    for array in (
        rng.integers(0, 256, (5, 7, 3), dtype=np.uint8),
        rng.integers(0, 256, (5, 7), dtype=np.uint8),
        rng.integers(0, 65536, (5, 7)).astype(np.uint16),
    ):
        image = read_picture(saved(tmp_path, array))
        assert image.array.dtype == array.dtype
        assert np.array_equal(image.array[0], array)
        assert image.name == "x"
        assert len(image.source_sha256) == 64


def test_colour_file_of_a_grey_picture_is_grey(tmp_path: Path, rng: np.random.Generator) -> None:
    grey = rng.integers(0, 256, (6, 8), dtype=np.uint8)
    assert read_picture(saved(tmp_path, np.repeat(grey[..., None], 3, axis=2))).array.shape == (1, 6, 8)


def test_picture_is_turned_upright_by_exif(tmp_path: Path) -> None:
    array = np.zeros((10, 20, 3), np.uint8)
    array[:, :10] = (255, 0, 0)
    exif = Pillow.Exif()
    exif[0x0112] = 6  # stored lying on its side
    image = read_picture(saved(tmp_path, array, "x.png", exif=exif))
    assert image.size_px == (10, 20)
    assert image.array[0, 0, 0].tolist() == [255, 0, 0]
    assert image.array[0, -1, 0].tolist() == [0, 0, 0]


def test_palette_and_alpha_become_colour(tmp_path: Path) -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, 255
    rgba[0, 0, 3] = 0
    image = read_picture(saved(tmp_path, rgba))
    assert image.array[0, 1, 1].tolist() == [200, 0, 0]
    assert image.array[0, 0, 0].tolist() == [0, 0, 0]
    Pillow.fromarray(rgba[..., :3]).convert("P").save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png").channels == 3


def test_spacing_gives_the_picture_a_scale(tmp_path: Path) -> None:
    path = saved(tmp_path, np.zeros((3, 4), np.uint8))
    assert read(path, Options(spacing_mm=0.1)).images[0].geometry.spacing == (0.1, 0.1, 0.1)
    assert not read(path, Options()).images[0].geometry.calibrated


def test_truncated_empty_missing_and_disguised_files_are_refused_in_words(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = saved(tmp_path, rng.integers(0, 256, (60, 60, 3), dtype=np.uint8), "x.jpg")
    for keep, name in ((0.5, "half.jpg"), (0.95, "most.jpg")):
        (tmp_path / name).write_bytes(whole.read_bytes()[: int(keep * whole.stat().st_size)])
        with pytest.raises(InputError, match="damaged or truncated"):
            read_picture(tmp_path / name)
    (tmp_path / "empty.png").touch()
    with pytest.raises(InputError, match="empty .0 bytes."):
        read_picture(tmp_path / "empty.png")
    with pytest.raises(InputError, match="no such file"):
        read_picture(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("this is a letter, not a picture")
    with pytest.raises(InputError, match="not a picture; expected one of PNG"):
        read_picture(tmp_path / "text.png")


def test_picture_that_claims_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, np.zeros((50, 50), np.uint8))
    with pytest.raises(InputError, match="50x50 pixels are more than acquire.max_pixels = 100"):
        read_picture(path, max_pixels=100)


def test_folder_is_its_pictures_in_order_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg"):
        saved(tmp_path, np.zeros((3, 3), np.uint8), name)
    (tmp_path / "notes.txt").touch()
    assert [p.name for p in expand([tmp_path])] == ["a.jpg", "b.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture in this folder"):
        expand([tmp_path / "empty"])
    with pytest.raises(InputError, match=r"there are some in pictures: give .*outer/pictures;"):
        (tmp_path / "outer" / "notes").mkdir(parents=True)
        (tmp_path / "outer" / "pictures").mkdir()
        saved(tmp_path / "outer" / "pictures", np.zeros((3, 3), np.uint8), "c.png")
        expand([tmp_path / "outer"])
    with pytest.raises(InputError, match="no such file or folder"):
        expand([tmp_path / "none"])


def test_about_reads_the_header_only(tmp_path: Path, rng: np.random.Generator) -> None:
    path = saved(tmp_path, rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:200])  # the pixels are gone, the header is there
    known = about(path)
    assert (known["format"], known["width"], known["height"], known["channels"], known["bits"]) == ("PNG", 40, 30, 3, 8)
    with pytest.raises(InputError, match="no such file"):
        about(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("letter")
    with pytest.raises(InputError, match="not a picture"):
        about(tmp_path / "text.png")


def test_mask_of_0_and_255_has_one_label_and_other_values_are_labels(tmp_path: Path) -> None:
    labels = read_mask(saved(tmp_path, np.array([[0, 255], [255, 0]], np.uint8)))
    assert labels.array.tolist() == [[[0, 1], [1, 0]]]
    assert [x.name for x in read_mask(saved(tmp_path, np.array([[0, 1], [3, 0]], np.uint8))).table] == ["label 1", "label 2", "label 3"]
    with pytest.raises(InputError, match="a mask is grey"):
        read_mask(saved(tmp_path, np.array([[[1, 90, 3]]], np.uint8)))


def test_several_frames_and_32_bit_are_refused_and_info_says_why(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(np.full((5, 5), n, np.uint8)) for n in range(3)]
    frames[0].save(tmp_path / "f.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="holds 3 frames, expected one"):
        read_picture(tmp_path / "f.tif")
    assert about(tmp_path / "f.tif")["frames"] == 3
    Pillow.fromarray(np.zeros((5, 5), np.int32)).save(tmp_path / "i.tif")
    with pytest.raises(InputError, match="i.tif: 32 bits a pixel, expected 8 or 16"):
        read_picture(tmp_path / "i.tif")
    assert about(tmp_path / "i.tif")["bits"] == 32


def test_limit_above_the_decoders_own_is_refused() -> None:
    with pytest.raises(ValueError, match="between 1 and 178956970"):
        Options(max_pixels=500_000_000)


def test_transparency_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rgba = np.full((4, 4, 4), 200, np.uint8)
    read_picture(saved(tmp_path, rgba))
    assert "transparent pixels; they are laid on black" in caplog.text


def test_16_bits_a_channel_in_colour_become_8_and_that_is_told(tmp_path: Path, rng: np.random.Generator, caplog: pytest.LogCaptureFixture) -> None:
    deep = rng.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        caplog.clear()
        cv2.imwrite(str(tmp_path / name), deep)
        assert np.array_equal(read_picture(tmp_path / name).array[0], (deep >> 8)[..., ::-1])
        assert "16 bits a channel in colour; reduced to 8" in caplog.text
    caplog.clear()
    cv2.imwrite(str(tmp_path / "g.png"), deep[..., 0])
    assert np.array_equal(read_picture(tmp_path / "g.png").array[0], deep[..., 0])
    assert caplog.text == ""


def test_palettes_give_their_colours_with_transparency_on_black(tmp_path: Path) -> None:
    picture = Pillow.new("P", (2, 2))
    picture.putpalette([255, 0, 0, 0, 255, 0, 9, 9, 200])
    picture.putdata([0, 1, 2, 1])
    colours = [[[255, 0, 0], [0, 255, 0]], [[9, 9, 200], [0, 255, 0]]]
    for suffix in ("png", "tif", "bmp"):
        picture.save(tmp_path / f"a.{suffix}")
        assert read_picture(tmp_path / f"a.{suffix}").array[0].tolist() == colours
    picture.save(tmp_path / "t.png", transparency=1)
    assert read_picture(tmp_path / "t.png").array[0].tolist() == [[[255, 0, 0], [0, 0, 0]], [[9, 9, 200], [0, 0, 0]]]
    grey = Pillow.new("P", (2, 1))
    grey.putpalette([7, 7, 7, 200, 200, 200])
    grey.putdata([0, 1])
    grey.save(tmp_path / "g.png")
    assert read_picture(tmp_path / "g.png").array.tolist() == [[[7, 200]]]
