from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.acquire.dicom_phantoms import stack, write, zipped

from diaphane.acquire import Options, expand, read, source_sha256
from diaphane.errors import InputError


def test_folder_of_dicom_is_one_source_and_others_are_their_files(tmp_path: Path) -> None:
    scan = write(tmp_path / "scan", stack().datasets)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("c.mp4", "a.nii.gz", "b.PNG", "d.nrrd", "e.zip", "notes.txt"):
        (mixed / name).write_bytes(b"x")
    assert expand([scan, mixed]) == [scan, *(mixed / name for name in ("a.nii.gz", "b.PNG", "c.mp4", "d.nrrd", "e.zip"))]


def test_digest_of_a_folder_depends_on_contents_and_not_on_names(tmp_path: Path) -> None:
    for folder, names in (("a", ("1", "2")), ("b", ("y", "x"))):
        (tmp_path / folder / "sub").mkdir(parents=True)
        (tmp_path / folder / names[0]).write_bytes(b"one")
        (tmp_path / folder / "sub" / names[1]).write_bytes(b"two")
    each = sorted(hashlib.sha256(x).hexdigest() for x in (b"one", b"two"))
    assert source_sha256(tmp_path / "a") == source_sha256(tmp_path / "b") == hashlib.sha256("\n".join(each).encode()).hexdigest()
    assert source_sha256(tmp_path / "a" / "1") == hashlib.sha256(b"one").hexdigest()
    with pytest.raises(InputError, match="no such file or folder"):
        source_sha256(tmp_path / "none")


def test_archives_that_are_damaged_encrypted_empty_or_bombs_are_refused(tmp_path: Path) -> None:
    good = zipped(write(tmp_path / "scan", stack((2, 64, 64)).datasets), tmp_path / "a.zip").read_bytes()
    for cut in (good[:-40], good[: len(good) // 2]):
        (tmp_path / "b.zip").write_bytes(cut)
        with pytest.raises(InputError, match="the ZIP archive is damaged or truncated"):
            read(tmp_path / "b.zip", Options())
    encrypted = bytearray(good)
    encrypted[good.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(encrypted)
    with pytest.raises(InputError, match="encrypted; unpack it first"):
        read(tmp_path / "b.zip", Options())
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a.txt", "letter")
    with pytest.raises(InputError, match="no DICOM file in this archive"):
        read(tmp_path / "c.zip", Options())
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(110 * 2**20))
    with pytest.raises(InputError, match="unpacks to .* times its size"):
        read(tmp_path / "d.zip", Options())


def test_names_in_an_archive_are_never_used_as_paths(tmp_path: Path) -> None:
    folder = write(tmp_path / "scan", stack().datasets)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for n, path in enumerate(p for p in sorted(folder.rglob("*")) if p.is_file()):
            archive.writestr(f"../../etc/{n}", path.read_bytes())
    before = sorted(tmp_path.rglob("*"))
    assert read(tmp_path / "a.zip", Options()).images[0].shape == (6, 10, 8)
    assert sorted(tmp_path.rglob("*")) == before


def test_folder_without_dicom_and_unread_formats_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no DICOM file in this folder"):
        read(tmp_path, Options())
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    with pytest.raises(InputError, match="HEIC or AVIF photo"):
        read(tmp_path / "a.heic", Options())


def test_name_of_a_case_is_the_stem_or_the_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "1.2.840.10008", stack().datasets)
    assert read(folder, Options()).images[0].name == "1.2.840.10008"
    assert read(folder, Options()).images[0].source_sha256 == source_sha256(folder)


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (4, (-1, 0)), (5, (0, 0)), (6, (0, -1)), (7, (-1, -1)), (8, (-1, 0))]
)
def test_every_exif_orientation_is_turned_upright(tmp_path: Path, orientation: int, corner: tuple[int, int]) -> None:
    array = np.zeros((6, 10), np.uint8)
    array[0, 0] = 255
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(array).save(tmp_path / "a.png", exif=exif)
    shown = read(tmp_path / "a.png", Options()).images[0].array[0]
    assert shown.shape == ((6, 10) if orientation < 5 else (10, 6))
    assert shown[corner] == 255
