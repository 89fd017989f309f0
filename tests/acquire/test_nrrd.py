from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so
from tests.acquire.dicom_phantoms import oblique

from diaphane.acquire import Options, about, read, source_sha256
from diaphane.errors import InputError


@pytest.fixture
def numbers(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-1000, 3000, (5, 6, 7)).astype(np.int16)


def header(**more: object) -> dict[str, object]:
    row, column = (np.array(v) for v in oblique(35))
    directions = np.array([row * 0.75, column * -0.5, np.cross(row, column) * 2.5])
    return {"space": "left-posterior-superior", "space directions": directions, "space origin": [3.0, -4, 5], **more}


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("detached", [False, True])
def test_voxels_lie_where_simpleitk_puts_them(tmp_path: Path, numbers: np.ndarray, encoding: str, detached: bool) -> None:
    path = tmp_path / ("a.nhdr" if detached else "a.nrrd")
    nrrd.write(str(path), numbers, header(encoding=encoding), detached_header=detached)
    (image,) = read(path, Options()).images
    assert np.array_equal(image.array, numbers.transpose(2, 1, 0))
    if encoding != "bzip2":
        theirs = sitk.ReadImage(str(path))
        assert np.allclose(image.geometry.to_world(np.array([4.0, 1, 2])), theirs.TransformIndexToPhysicalPoint((2, 1, 4)))
        assert theirs[2, 1, 4] == image.array[4, 1, 2]


def test_space_and_units_are_heeded(tmp_path: Path, numbers: np.ndarray) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), numbers, header(space="right-anterior-superior"))
    nrrd.write(str(tmp_path / "b.nrrd"), numbers, header(**{"space units": ["cm", "cm", "cm"]}))
    ras, large = (read(tmp_path / name, Options()).images[0].geometry for name in ("a.nrrd", "b.nrrd"))
    assert np.allclose(ras.origin, (-3, 4, 5))
    assert np.allclose(large.spacing, (25, 5, 7.5))
    assert about(tmp_path / "b.nrrd")["spacing_mm"] == [25.0, 5.0, 7.5]


def test_without_anatomical_space_or_with_several_values_it_is_refused(tmp_path: Path, numbers: np.ndarray) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), numbers, {"spacings": [1.0, 1, 1]})
    nrrd.write(str(tmp_path / "b.nrrd"), np.stack([numbers, numbers]), header(**{"space directions": np.vstack([[np.nan] * 3, np.eye(3)])}))
    reasons = [read(tmp_path / name, Options()).verdicts[0].reason for name in ("a.nrrd", "b.nrrd")]
    assert "no orientation: the space is none" in reasons[0]
    assert "holds 2 values a voxel" in reasons[1]


def test_detached_data_outside_the_folder_are_not_followed(tmp_path: Path, numbers: np.ndarray) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.nhdr"
    nrrd.write(str(path), numbers, header(encoding="raw"))
    data = next(p for p in path.parent.iterdir() if p != path)
    text = path.read_text()
    data.rename(tmp_path / "out.raw")
    for name in ("../out.raw", str(tmp_path / "out.raw")):
        path.write_text(text.replace(data.name, name))
        with pytest.raises(InputError, match="lies outside its folder"):
            read(path, Options())
    data.symlink_to(tmp_path / "out.raw")
    path.write_text(text)
    with pytest.raises(InputError, match="lies outside its folder"):
        read(path, Options())
    data.unlink()
    with pytest.raises(InputError, match="its data file is missing"):
        read(path, Options())


def test_digest_of_a_detached_header_changes_with_its_data(tmp_path: Path, numbers: np.ndarray) -> None:
    path = tmp_path / "a.nhdr"
    nrrd.write(str(path), numbers, header(encoding="raw"))
    before = source_sha256(path)
    header_text = path.read_bytes()
    nrrd.write(str(path), numbers + 1, header(encoding="raw"))
    assert path.read_bytes() == header_text
    assert source_sha256(path) != before


def test_damaged_files_are_refused_in_words(tmp_path: Path, numbers: np.ndarray) -> None:
    for encoding, message in (("raw", "truncated: 410 of 420 bytes"), ("gzip", "truncated")):
        nrrd.write(str(tmp_path / "a.nrrd"), numbers, header(encoding=encoding))
        (tmp_path / "a.nrrd").write_bytes((tmp_path / "a.nrrd").read_bytes()[:-10])
        with pytest.raises(InputError, match=message):
            read(tmp_path / "a.nrrd", Options())
    for text in ("NRRD0004\n", "NRRD0004\ntype: short\ndimension: x\n\n", "NRRD0004\ntype: block\ndimension: 1\nsizes: 3\nencoding: raw\nendian: little\n\n"):
        (tmp_path / "a.nrrd").write_text(text)
        with pytest.raises(InputError, match=r"header is damaged|voxels of type"):
            read(tmp_path / "a.nrrd", Options())
    nrrd.write(str(tmp_path / "a.nrrd"), numbers, header())
    with pytest.raises(InputError, match="voxels are more than acquire.max_voxels = 100"):
        read(tmp_path / "a.nrrd", Options(max_voxels=100))
