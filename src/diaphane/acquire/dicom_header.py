"""What acquisition needs to know of a DICOM instance, as plain values; nothing that names a person leaves here.

Source: DICOM PS3.3, C.7.6.2 (image plane), C.7.6.16 (functional groups), C.7.6.5 (cine), C.11.1 (modality LUT).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from diaphane.acquire.quiet import quiet

TAGS = [
    "PatientOrientation",
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "Modality", "PatientID", "PatientAge", "PatientSex", "SliceThickness",
    "CineRate", "FrameTime", "FrameTimeVector", "RecommendedDisplayFrameRate", "ImagerPixelSpacing", "SeriesInstanceUID", "SeriesNumber",
    "ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames",
    "Rows", "Columns", "PixelSpacing", "BitsAllocated", "BitsStored", "PixelRepresentation", "PixelPaddingValue", "RescaleIntercept", "RescaleSlope",
    "ModalityLUTSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "SegmentSequence", "SegmentationType",
    "MaximumFractionalValue", "SegmentsOverlap",
]  # fmt: skip
VIDEO_SYNTAXES = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in ("100", "100.1", "101", "101.1", "102", "102.1", "103", "103.1", "104", "104.1",
    "105", "105.1", "106", "106.1", "107", "108"))  # fmt: skip
SEGMENTATIONS = frozenset(("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"))
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
AGE = re.compile(r"(\d{1,3})([DWMY])")
DAYS_OF = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
SEXES: dict[str, Literal["female", "male", "other"]] = {"F": "female", "M": "male", "O": "other"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Where a frame lies and what its stored values mean; None where the file does not say."""

    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    """Direction of growing column index, then of growing row index."""
    spacing: tuple[float, ...] | None
    """Between rows, between columns, mm."""
    slope: float
    intercept: float
    is_rescaled: bool
    """Whether slope and intercept are stated; else they are 1 and 0."""

    @property
    def is_placed(self) -> bool:
        """Whether it says where it lies."""
        return self.position is not None and self.orientation is not None and self.spacing is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Of one instance."""

    modality: str
    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    series_number: int | None
    patient: str
    """A digest that tells patients apart; empty without PatientID."""
    age_years: float | None
    sex: Literal["female", "male", "other"] | None
    is_localizer: bool
    frame_of_reference_uid: str | None
    transfer_syntax: str
    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    slice_thickness: float | None
    picture_spacing: tuple[float, ...] | None
    """Between rows, between columns of a projection or a photo, mm."""
    towards: tuple[str, ...]
    """Patient Orientation of a projection: where its columns run to (L, R, A, P, H, F, or several of them), and its rows; empty where that is not told."""
    padding: float | None
    rate_hz: float | None
    has_lut: bool
    planes: tuple[Plane, ...]
    """One a frame; empty where a multi-frame image has no functional groups."""

    @property
    def is_image(self) -> bool:
        """Whether it claims pixels of a kind that is read."""
        other = self.sop_class_uid in SEGMENTATIONS or self.sop_class_uid in (WHOLE_SLIDE, RT_DOSE)
        return self.rows > 0 and self.columns > 0 and not other

    @property
    def is_segmentation(self) -> bool:
        """Whether it is a DICOM Segmentation."""
        return self.sop_class_uid in SEGMENTATIONS

    @property
    def is_clip(self) -> bool:
        """Whether its frames follow each other in time: a film, or frames in colour or at a rate without positions in space."""
        if self.transfer_syntax in VIDEO_SYNTAXES:
            return True
        placed = bool(self.planes) and self.planes[0].is_placed
        return self.frames > 1 and not placed and (self.samples == 3 or self.photometric == "PALETTE COLOR" or self.rate_hz is not None)


def header_from(data: Dataset) -> Header:
    """The header of a data set that was read up to its pixels."""
    frames = _whole(data, "NumberOfFrames") or 1
    planes = _planes(data, frames)
    return Header(
        modality=_code(data, "Modality"), sop_class_uid=sop_class_of(data), sop_instance_uid=_uid(data, "SOPInstanceUID"),
        series_uid=_uid(data, "SeriesInstanceUID"), series_number=_whole(data, "SeriesNumber"), patient=_patient(data),
        age_years=_age(data), sex=SEXES.get(_code(data, "PatientSex")), is_localizer="LOCALIZER" in _image_type(data),
        frame_of_reference_uid=_uid(data, "FrameOfReferenceUID") or None, transfer_syntax=syntax_of(data),
        rows=_whole(data, "Rows") or 0, columns=_whole(data, "Columns") or 0, frames=frames, samples=_whole(data, "SamplesPerPixel") or 1,
        photometric=_code(data, "PhotometricInterpretation"), bits_stored=_whole(data, "BitsStored") or 0,
        bits_allocated=_whole(data, "BitsAllocated") or 0, is_signed=_whole(data, "PixelRepresentation") == 1,
        slice_thickness=_first(data, "SliceThickness"), towards=_towards(data), padding=_first(data, "PixelPaddingValue"),
        picture_spacing=_floats(data, "PixelSpacing", 2) or _floats(data, "ImagerPixelSpacing", 2),
        rate_hz=_rate(data), has_lut="ModalityLUTSequence" in data, planes=planes,
    )  # fmt: skip


def _towards(data: Dataset) -> tuple[str, ...]:
    sides = tuple(str(value).strip().upper() for value in _values(data, "PatientOrientation"))
    return sides if len(sides) == 2 and all(re.fullmatch("[LRAPHF]{1,3}", side) for side in sides) else ()


def sop_class_of(data: Dataset) -> str:
    """The SOP class, from the file's meta header where the data set has none."""
    meta = getattr(data, "file_meta", None)
    return _uid(data, "SOPClassUID") or ("" if meta is None else _uid(meta, "MediaStorageSOPClassUID"))


def syntax_of(data: Dataset) -> str:
    """The transfer syntax; as the data set was found encoded where the meta header does not say."""
    meta = getattr(data, "file_meta", None)
    stated = "" if meta is None else _uid(meta, "TransferSyntaxUID")
    if stated:
        return stated
    implicit, little = getattr(data, "original_encoding", (True, True))
    return str(ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


def syntax_name(uid: str) -> str:
    """The name of a transfer syntax in the standard's words."""
    with quiet():
        name = UID(uid).name
    return "an unknown transfer syntax" if name == uid else str(name)


def _planes(data: Dataset, frames: int) -> tuple[Plane, ...]:
    shared = list(data.get("SharedFunctionalGroupsSequence") or [])[:1]
    own = list(data.get("PerFrameFunctionalGroupsSequence") or [])
    if frames == 1:
        return (_plane([*_groups(own[:1], shared), data]),)
    return tuple(_plane(_groups([group], shared)) for group in own) if len(own) == frames else ()


GROUPS = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence")


def _groups(own: list[Dataset], shared: list[Dataset]) -> list[Dataset]:
    return [group for name in GROUPS for holder in (*own, *shared) for group in list(holder.get(name) or [])[:1]]


def _plane(holders: list[Dataset]) -> Plane:
    def stated(name: str, count: int) -> tuple[float, ...] | None:
        return next((value for holder in holders if (value := _floats(holder, name, count))), None)

    slope, intercept = stated("RescaleSlope", 1), stated("RescaleIntercept", 1)
    spacing = stated("PixelSpacing", 2)
    return Plane(
        position=stated("ImagePositionPatient", 3), orientation=stated("ImageOrientationPatient", 6),
        spacing=spacing if spacing and min(spacing) > 0 else None, slope=slope[0] if slope and slope[0] != 0 else 1.0,
        intercept=intercept[0] if intercept else 0.0, is_rescaled=bool(slope and intercept),
    )  # fmt: skip


def _values(data: Dataset, keyword: str) -> list[Any]:
    value = data.get(keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]


def _floats(data: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(v) for v in _values(data, keyword))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _first(data: Dataset, keyword: str) -> float | None:
    numbers = _floats(data, keyword, 1)
    return numbers[0] if numbers else None


def _whole(data: Dataset, keyword: str) -> int | None:
    number = _first(data, keyword)
    return None if number is None else int(number)


def _code(data: Dataset, keyword: str) -> str:
    """A code string, cut to what the standard allows: 16 capitals, digits, spaces, underscores."""
    return re.sub(r"[^A-Z0-9 _]", "", str(data.get(keyword) or "").upper())[:16].strip()


def _uid(data: Dataset, keyword: str) -> str:
    return re.sub(r"[^0-9.]", "", str(data.get(keyword) or ""))[:64]


def _image_type(data: Dataset) -> set[str]:
    return {str(value).upper() for value in _values(data, "ImageType")}


def _patient(data: Dataset) -> str:
    stated = str(data.get("PatientID") or "").strip()
    return hashlib.sha256(stated.encode("utf-8", "replace")).hexdigest() if stated else ""


def _age(data: Dataset) -> float | None:
    found = AGE.fullmatch(str(data.get("PatientAge") or "").strip().upper())
    years = int(found[1]) * DAYS_OF[found[2]] / DAYS_OF["Y"] if found else None
    return years if years is not None and years <= 130 else None


def _rate(data: Dataset) -> float | None:
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        if (rate := _first(data, keyword)) and 0 < rate <= 1000:
            return rate
    times = _values(data, "FrameTimeVector")[1:] if "FrameTimeVector" in data else []
    time_ms = _first(data, "FrameTime") or (sum(map(float, times)) / len(times) if times else None)
    return 1000 / time_ms if time_ms and 1 <= time_ms <= 100_000 else None
