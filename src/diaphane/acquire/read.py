"""The verbs: a path becomes a case, a clip gives its frames, folders become lists of sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from diaphane.acquire import film, picture
from diaphane.acquire.dicom import chosen, read_dicom
from diaphane.acquire.dicom_clip import clip_frames
from diaphane.acquire.dicom_picture import picture_of
from diaphane.acquire.dicom_series import arrangement
from diaphane.acquire.dicom_source import entries_of, holds_dicom
from diaphane.acquire.digest import source_sha256
from diaphane.acquire.kind import Kind, kind_of
from diaphane.acquire.nrrd import read_nrrd
from diaphane.acquire.options import Options
from diaphane.acquire.picture import read_picture, stem_of
from diaphane.core.arrays import Array
from diaphane.core.case import Case
from diaphane.core.image import Image
from diaphane.core.storage import reading
from diaphane.core.video import Video
from diaphane.errors import InputError
from diaphane.ops.picture import to_rgb

SUFFIXES = (*picture.SUFFIXES, ".nii", ".nii.gz", ".nrrd", ".nhdr", ".zip", *film.SUFFIXES)
SHOWN = 3
"""Folders below that a message names."""


def read(source: Path, options: Options) -> Case:
    """The case in ``source``: a picture, a volume, a clip, or a DICOM file, folder or ZIP. What it is, its content says.

    What is readable and not fit for use comes back without an image and with a verdict ``refused`` that says why.

    Raises:
        InputError: It is missing, empty, damaged, too large, or of a kind that is not read.
        UsageError: ``options.series`` is not in the list.
    """
    kind = _source_kind(source)
    if kind == "picture":
        return Case(images=(read_picture(source, spacing_mm=options.spacing_mm, max_pixels=options.max_pixels),))
    if kind == "nifti":
        from diaphane.acquire.nifti import read_nifti  # nibabel takes 0.3 s to import: not for a picture

        return read_nifti(source, options.max_voxels).case(stem_of(source), source_sha256(source))
    if kind == "nrrd":
        return read_nrrd(source, options.max_voxels).case(stem_of(source), source_sha256(source))
    if kind == "video":
        return Case(video=_video(source, options))
    return read_dicom(source, options, source_sha256(source))


def frames(video: Video, options: Options) -> Iterator[tuple[float, Array]]:
    """(seconds, RGB uint8 frame, upright) in order, decoded when asked for; a clip that breaks off just ends.

    Raises:
        InputError: No frame can be decoded, or there are more than ``max_frames``.
    """
    kind = _source_kind(video.path)
    if kind == "video":
        yield from film.film_frames(video.path, options)
        return
    if kind == "picture":
        yield 0.0, to_rgb(read_picture(video.path, max_pixels=options.max_pixels).array[0])
        return
    group = chosen(video.path, arrangement(entries_of(video.path)), options)
    if group is None or group.kind == "volume":
        raise InputError(f"{video.path}: holds no single clip or photo; choose one with series = N")
    if group.kind == "clip":
        yield from clip_frames(group.entries[0], options)
    else:
        yield 0.0, to_rgb(picture_of(group.entries[0], options.max_pixels)[0])


def photo_as_video(path: Path, image: Image) -> Video:
    """The photo ``image``, read from ``path``, as a clip of one frame."""
    return Video(path=path, name=image.name, source_sha256=image.source_sha256, size_px=image.size_px, frame_count=1, rate_hz=None)


def expand(sources: Sequence[Path]) -> list[Path]:
    """Each file as it is; a folder that holds DICOM files as one source; any other as the files in it, in the order of their names.

    Raises:
        InputError: A path does not exist or cannot be read, or a folder holds nothing that is read.
    """
    found: list[Path] = []
    for source in sources:
        with reading(source):
            if not source.exists():
                raise InputError(f"{source}: no such file or folder; give pictures, volumes, clips ({', '.join(SUFFIXES)}), DICOM, or a folder of them")
            found += _expanded(source) if source.is_dir() else [source]
    return found


def _expanded(folder: Path) -> list[Path]:
    if holds_dicom(folder):
        return [folder]
    files = _readable(folder)
    if not files:
        below = [p.name for p in sorted(folder.iterdir()) if p.is_dir() and not p.is_symlink() and _readable(p)]
        hint = f"; there are some in {', '.join(below[:SHOWN])}{' …' * (len(below) > SHOWN)}: give {folder / below[0]}" if below else ""
        raise InputError(f"{folder}: no picture in this folder, nor a volume, clip or DICOM file{hint}; expected files ending in {', '.join(SUFFIXES)}")
    return files


def _readable(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name.lower().endswith(SUFFIXES) and p.is_file())


def _source_kind(source: Path) -> Kind:
    with reading(source):
        return "dicom" if source.is_dir() else kind_of(source)


def _video(source: Path, options: Options) -> Video:
    known = film.film_of(source, options)
    return Video(
        path=source, name=stem_of(source), source_sha256=source_sha256(source), size_px=known.size_px, frame_count=known.frame_count, rate_hz=known.rate_hz
    )  # fmt: skip
