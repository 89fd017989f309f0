"""A DICOM source as a case: a volume, a picture or a clip, with what is odd about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from diaphane.acquire.dicom_clip import clip_of
from diaphane.acquire.dicom_picture import lie, picture_geometry, picture_of
from diaphane.acquire.dicom_series import CROSS_SECTIONAL, Arrangement, Group, arrangement, listed
from diaphane.acquire.dicom_source import entries_of, passed_over
from diaphane.acquire.dicom_volume import volume_of
from diaphane.acquire.options import Options
from diaphane.acquire.picture import stem_of
from diaphane.acquire.volume import Say, refused
from diaphane.core.case import Case, PatientContext
from diaphane.core.image import Image
from diaphane.core.verdict import Verdict
from diaphane.errors import InputError, UsageError

Notes = tuple[tuple[Say, str], ...]


def read_dicom(source: Path, options: Options, source_sha256: str) -> Case:
    """The case in a DICOM file, folder or ZIP archive.

    Raises:
        InputError: No image in it, damaged data, a transfer syntax without decoder, or a size above the limits.
        UsageError: ``options.series`` is not in the list.
    """
    found = arrangement(entries_of(source))
    group, name = chosen(source, found, options), stem_of(source)
    if group is None:
        reason = f"{len(found.choices)} images were found, expected one; choose with series = N in the plan's table acquire: {listed(found.choices)}"
        return refused(("refused", reason)).case(name, source_sha256)
    aside: Notes = tuple(("passed", text) for text in (*found.aside, *_not_chosen(found, group), *passed_over(source)))
    case = _case(group, name, source_sha256, options)
    header = group.entries[0].header
    context = PatientContext(age_years=header.age_years, sex=header.sex)
    return replace(case, context=context, modality=header.modality, verdicts=(*_verdicts(name, aside), *case.verdicts))


def _case(group: Group, name: str, source_sha256: str, options: Options) -> Case:
    first = group.entries[0]
    if group.kind == "clip":
        return Case(video=clip_of(first, name, source_sha256, options), instances=(first.instance,))
    if group.kind == "volume" or _is_one_slice(group):
        volume, entries = volume_of(group, options)
        return replace(volume.case(name, source_sha256), instances=tuple(entry.instance for entry in entries))
    array, notes = picture_of(first, options.max_pixels)
    geometry, scale_notes = picture_geometry(first, options.spacing_mm)
    image = Image(array[None], geometry, name, source_sha256)
    return Case(images=(image,), instances=(first.instance,), verdicts=_verdicts(name, (*notes, *scale_notes, *lie(first))))


def chosen(source: Path, found: Arrangement, options: Options) -> Group | None:
    """The image that is meant; None where it must be chosen first.

    Raises:
        InputError: There is no image.
        UsageError: ``options.series`` is not in the list.
    """
    if not found.choices:
        raise InputError(f"{source}: no image in it, only {', '.join(found.others)}; {_advice(found.others)}")
    if options.series is not None:
        if options.series > len(found.choices):
            raise UsageError(f"series = {options.series} is not there; {source} holds {listed(found.choices)}")
        return found.choices[options.series - 1]
    return found.choices[0] if len(found.choices) == 1 else None


def _advice(others: tuple[str, ...]) -> str:
    """What to do about a source without images."""
    text = ", ".join(others)
    if "Segmentation" in text:
        return "give the image, and the segmentation with --labels"
    if "directory" in text:
        return "give the folder that it lies in"
    return "export the images with their pixels" if "without pixels" in text else "give the images that it belongs to"


def _not_chosen(found: Arrangement, group: Group) -> list[str]:
    return [f"not chosen: {other.title}" for other in found.choices if other is not group]


def _is_one_slice(group: Group) -> bool:
    header = group.entries[0].header
    return header.modality in CROSS_SECTIONAL and header.samples == 1 and header.photometric.startswith("MONO") and header.planes[0].is_placed


def _verdicts(name: str, notes: Notes) -> tuple[Verdict, ...]:
    return tuple(Verdict(gate="input", verdict=say, subject=name, reason=reason) for say, reason in notes)
