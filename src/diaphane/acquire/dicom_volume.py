"""Slices to a volume: sorted by where they lie, checked for gaps, duplicates and shear, rescaled to the units of the modality.

Source: DICOM PS3.3 C.7.6.2.1.1 (image position and orientation), C.11.1.1.2 (rescale).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.acquire.dicom_header import Plane
from diaphane.acquire.dicom_pixels import pixels
from diaphane.acquire.dicom_series import Group
from diaphane.acquire.dicom_source import Entry
from diaphane.acquire.options import Options
from diaphane.acquire.volume import Say, Volume, is_usable, refused
from diaphane.acquire.voxels import check_size, compact, scaled
from diaphane.core.arrays import Array, FloatArray
from diaphane.errors import InputError

IRREGULAR = 0.01
"""Of the spacing: a slice further from its place on the regular grid is out of place."""
SLOT = 0.05
"""Of the spacing: how near a slice must be to a multiple of the spacing for the gap before it to be whole slices."""
MOST_SLOTS = 4
"""Times the number of slices: what is more gap than volume is not read even if asked for."""
SAME_PLACE_MM = 1e-3
TILT_DEG = 0.1
NAMED_GAPS = 5
ALONG = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Slice:
    """One image of a stack: the frame ``frame`` of ``entry``."""

    entry: Entry
    frame: int
    plane: Plane
    at_mm: float
    """Along the normal of the stack."""

    @property
    def position(self) -> FloatArray:
        """Of the first pixel's centre, LPS mm."""
        return np.asarray(self.plane.position, float)


def volume_of(group: Group, options: Options) -> tuple[Volume, tuple[Entry, ...]]:
    """The volume of a group, and the instances of its slices in order; without an array where it is refused.

    Raises:
        InputError: Pixels that are damaged or in a syntax without decoder, or more voxels than ``max_voxels``.
    """
    if reason := _header_refusal(group):
        return refused(("refused", reason)), ()
    slices = _sorted(group)
    check_size(group.entries[0].source, (len(slices), group.entries[0].header.rows, group.entries[0].header.columns), options.max_voxels)
    decode = _Decoder()
    slices, notes = _without_duplicates(slices, decode)
    if any(say == "refused" for say, _ in notes):
        return refused(*notes), ()
    slots, affine, spaced = _placed(slices, options.allow_gaps)
    if affine is None:
        return refused(*notes, *spaced), ()
    check_size(group.entries[0].source, (slots[-1] + 1, group.entries[0].header.rows, group.entries[0].header.columns), options.max_voxels)
    array = _stacked(slices, slots, decode)
    notes = (*notes, *spaced, *_value_notes(group))
    frame_of_reference = group.entries[0].header.frame_of_reference_uid
    entries = {id(s.entry): s.entry for s in slices}
    return Volume(array=array, affine=affine, notes=notes, frame_of_reference_uid=frame_of_reference), tuple(entries.values())


def header_verdicts(group: Group) -> tuple[FloatArray | None, tuple[tuple[Say, str], ...]]:
    """The affine and what is odd about a group, as far as the headers tell: duplicates are compared only when pixels are read."""
    if reason := _header_refusal(group):
        return None, (("refused", reason),)
    slices = _sorted(group)
    apart = [s for n, s in enumerate(slices) if n == 0 or np.linalg.norm(s.position - slices[n - 1].position) > SAME_PLACE_MM]
    double = len(slices) - len(apart)
    notes: tuple[tuple[Say, str], ...] = (("passed", f"{double} slices lie where another one does; reading compares their pixels"),) if double else ()
    _, affine, spaced = _placed(apart, False)
    return affine, (*notes, *spaced, *_value_notes(group))


class _Decoder:
    """The rescaled values of slices; the instance last decoded is kept, since a multi-frame one holds many slices."""

    def __init__(self) -> None:
        self._last: tuple[Entry | None, Array] = (None, np.empty(0))

    def __call__(self, s: Slice) -> Array:
        header = s.entry.header
        if self._last[0] is not s.entry:
            self._last = (s.entry, pixels(s.entry))
        stored = self._last[1]
        stored = stored[s.frame] if stored.ndim == 3 else stored
        if stored.shape != (header.rows, header.columns):
            raise InputError(f"{s.entry.named}: a slice decodes to {stored.shape}, and its header says {(header.rows, header.columns)}; export it anew")
        return scaled(stored, s.plane.slope, s.plane.intercept)


def _header_refusal(group: Group) -> str:
    headers = [entry.header for entry in group.entries]
    planes = [plane for header in headers for plane in header.planes]
    if len({header.patient for header in headers if header.patient}) > 1:
        return "the series holds images of more than one patient; export the series of one"
    if len({header.frame_of_reference_uid for header in headers}) > 1:
        return "the series has more than one frame of reference, so its slices have no common place; export one acquisition"
    unplaced = sum(not plane.is_placed for plane in planes)
    if unplaced or not planes:
        return (
            f"{unplaced or group.images} of {group.images} images do not say where they lie (ImagePositionPatient, "
            "ImageOrientationPatient and PixelSpacing must be there); export the original series"
        )
    if not all(_is_square_on(plane) for plane in planes):
        return "ImageOrientationPatient is damaged: its directions are not perpendicular unit vectors; export the original series"
    if len({plane.spacing for plane in planes}) > 1 and np.ptp([plane.spacing or () for plane in planes], axis=0).max() > 1e-4:
        return "the slices differ in PixelSpacing; export one acquisition"
    return ""


def _is_square_on(plane: Plane) -> bool:
    directions = np.asarray(plane.orientation, float).reshape(2, 3)
    return bool(np.allclose(directions @ directions.T, np.eye(2), atol=0.01))


def _axes(plane: Plane) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit directions along a row, along a column, and their normal."""
    along_row, along_column = np.asarray(plane.orientation, float).reshape(2, 3)
    along_row, along_column = along_row / np.linalg.norm(along_row), along_column / np.linalg.norm(along_column)
    return along_row, along_column, np.cross(along_row, along_column)


def _sorted(group: Group) -> list[Slice]:
    normal = _axes(group.entries[0].header.planes[0])[2]
    slices = [
        Slice(entry, frame, plane, float(np.dot(normal, plane.position)))
        for entry in group.entries
        for frame, plane in enumerate(entry.header.planes)
        if plane.position is not None
    ]
    return sorted(slices, key=lambda s: (round(s.at_mm, 4), *np.round(s.position, 4), s.entry.header.sop_instance_uid, s.frame))


def _without_duplicates(slices: list[Slice], decode: _Decoder) -> tuple[list[Slice], tuple[tuple[Say, str], ...]]:
    """One slice a place; those of the same pixels are dropped."""
    kept, dropped = slices[:1], 0
    differing: list[str] = []
    for s in slices[1:]:
        if np.linalg.norm(s.position - kept[-1].position) > SAME_PLACE_MM:
            kept.append(s)
        elif differing or not np.array_equal(decode(s), decode(kept[-1])):
            differing.append(_place(kept[-1]))
        else:
            dropped += 1
    if differing:
        places = list(dict.fromkeys(differing))
        where = f"at {len(places)} of the places, first {places[0]}"
        reason = f"several images with different pixels lie at one place ({where}): several echoes, phases or times; export one of them"
        return kept, (("refused", reason),)
    return kept, (("passed", f"left out as duplicates with the same pixels: {dropped}"),) if dropped else ()


def _placed(slices: list[Slice], allow_gaps: bool) -> tuple[list[int], FloatArray | None, tuple[tuple[Say, str], ...]]:
    """The place of each slice on a regular grid, the grid's affine, and what is odd about it."""
    count = len(slices)
    if count == 1:
        return [0], _affine(slices[0], _single_step(slices[0])), (("passed", "one slice only: its thickness is taken as the spacing"),)
    gaps = np.diff([s.at_mm for s in slices])
    typical = float(np.median(gaps))
    if typical <= SAME_PLACE_MM or not np.isfinite(typical):
        return [], None, (("refused", "the slices lie side by side, not one above the other; export one stack"),)
    slots = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(gaps / typical)))]).astype(int)
    step = (slices[-1].position - slices[0].position) / slots[-1]
    off = np.array([s.position for s in slices]) - (slices[0].position + slots[:, None] * step)
    worst = float(np.linalg.norm(off, axis=1).max())
    length = float(np.linalg.norm(step))
    notes = _tilt_note(slices[0].plane, step)
    if slots[-1] == count - 1 and worst <= IRREGULAR * length:
        return slots.tolist(), _checked(_affine(slices[0], step)), notes
    reason = _gap_words(slices, slots.tolist(), gaps, worst)
    if not allow_gaps or slots[-1] > MOST_SLOTS * count:
        return [], None, (("refused", f"{reason}; export the whole series, or pass allow_gaps = true in the plan's table acquire to read it anyway"),)
    if worst <= SLOT * length:
        missing = int(slots[-1]) + 1 - count
        done = f"{missing} slices were interpolated from their neighbours" if missing else f"slices lie up to {worst:.2f} mm from where they are shown"
        return slots.tolist(), _checked(_affine(slices[0], step)), (*notes, ("doubted", f"{reason}; {done}"))
    step = (slices[-1].position - slices[0].position) / (count - 1)
    off = np.array([s.position for s in slices]) - (slices[0].position + np.arange(count)[:, None] * step)
    worst = float(np.linalg.norm(off, axis=1).max())
    return list(range(count)), _checked(_affine(slices[0], step)), (*notes, ("doubted", f"{reason}; slices lie up to {worst:.1f} mm from where they are shown"))


def _checked(affine: FloatArray) -> FloatArray | None:
    return affine if is_usable(affine) else None


def _single_step(s: Slice) -> FloatArray:
    thickness = s.entry.header.slice_thickness
    return _axes(s.plane)[2] * (thickness if thickness and thickness > 0 else 1.0)


def _affine(first: Slice, step: FloatArray) -> FloatArray:
    """[k, j, i] to LPS mm."""
    along_row, along_column, _ = _axes(first.plane)
    between_rows, between_columns = first.plane.spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = step, along_column * between_rows, along_row * between_columns
    affine[:3, 3] = first.position
    return affine


def _tilt_note(plane: Plane, step: FloatArray) -> tuple[tuple[Say, str], ...]:
    normal = _axes(plane)[2]
    angle = float(np.degrees(np.arccos(np.clip(np.dot(normal, step) / np.linalg.norm(step), -1, 1))))
    return (("passed", f"tilted gantry: the slices are sheared by {angle:.1f} degrees; the exact geometry is kept"),) if angle > TILT_DEG else ()


def _gap_words(slices: list[Slice], slots: Sequence[int], gaps: FloatArray, worst: float) -> str:
    places = [n for n in range(len(gaps)) if slots[n + 1] - slots[n] > 1]
    if not places:
        return f"the slices are unevenly spaced: {gaps.min():.2f} to {gaps.max():.2f} mm apart, up to {worst:.2f} mm out of place"
    named = [f"{slots[n + 1] - slots[n] - 1} after {_place(slices[n])}" for n in places[:NAMED_GAPS]]
    more = f" and at {len(places) - NAMED_GAPS} more places" if len(places) > NAMED_GAPS else ""
    return f"{len(slices)} of {slots[-1] + 1} slices are there: missing {', '.join(named)}{more}"


def _place(s: Slice) -> str:
    """Where a slice lies, along the axis of the patient that its normal is nearest to."""
    axis = int(np.abs(_axes(s.plane)[2]).argmax())
    return f"{ALONG[axis]} = {s.position[axis]:.2f} mm"


def _stacked(slices: list[Slice], slots: list[int], decode: _Decoder) -> Array:
    """The slices at their slots; between them, where some are missing, interpolated."""
    header = slices[0].entry.header
    integral = all(float(v).is_integer() for s in slices for v in (s.plane.slope, s.plane.intercept))
    out = np.empty((slots[-1] + 1, header.rows, header.columns), np.int16 if integral else np.float32)
    for s, slot in zip(slices, slots, strict=True):
        values = compact(decode(s))
        if values.dtype == np.float32 and out.dtype == np.int16:
            out = out.astype(np.float32)
        out[slot] = values
    for before, after in zip(slots, slots[1:], strict=False):
        for slot in range(before + 1, after):
            share = (slot - before) / (after - before)
            between = out[before] * (1 - share) + out[after] * share
            out[slot] = np.round(between) if out.dtype == np.int16 else between
    return out


def _value_notes(group: Group) -> tuple[tuple[Say, str], ...]:
    header = group.entries[0].header
    notes: list[tuple[Say, str]] = []
    if header.modality == "CT" and not all(plane.is_rescaled for entry in group.entries for plane in entry.header.planes):
        notes.append(("doubted", "a CT without RescaleSlope and RescaleIntercept: its values may not be Hounsfield units"))
    if header.padding is not None:
        value = header.padding * header.planes[0].slope + header.planes[0].intercept
        notes.append(("passed", f"pixels outside the field of view hold the padding value {value:g}"))
    return tuple(notes)
