"""The DICOM series that a segmentation refers to: the one that the image was read from, or one derived from its file.

A derived series stands in a study of its own, of a patient called Anonymous whose ID is a hash of the file: two files never
become one patient. It carries no date, so that one file gives one series, byte by byte, whenever it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage, SecondaryCaptureImageStorage
from pydicom.valuerep import DA, TM, format_number_as_ds

from diaphane.core.arrays import IntArray
from diaphane.core.instance import Instance
from diaphane.core.outcome import Part
from diaphane.core.provenance import digest, version
from diaphane.core.storage import reading
from diaphane.report.identifiers import uid

TYPE_2 = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "Manufacturer", "Modality",
)  # fmt: skip
"""What DICOM allows to be empty but not to be absent, and old files leave out all the same."""
CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage}
IN_SPACE = (CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage)
"""Classes whose images must have a frame of reference: without one, nothing may refer to them in space."""
PLACED = ("ImageOrientationPatient", "ImagePositionPatient", "FrameOfReferenceUID", "PixelSpacing")
TOLERANCE_MM = 0.01


@dataclass(frozen=True, slots=True)
class Series:
    """Headers without pixels."""

    headers: tuple[Dataset, ...]
    """One a slice, in the order of slices; or the one of a multi-frame instance."""
    slices: IntArray
    """The slice of the image that each frame is, in the order of frames."""
    derived: bool
    """Whether it was made here, since the image was read from something else."""

    @property
    def first(self) -> Dataset:
        """What holds for all: patient, study, series."""
        return self.headers[0]


def series_of(part: Part) -> Series:
    """The series behind the image, where a segmentation can refer to it; else the derived one."""
    headers = tuple(_header(instance) for instance in part.instances)
    slices = _slices(headers, part) if headers and _one_series(headers, part) else None
    if slices is not None:
        return Series(headers, slices, derived=False)
    return Series(tuple(_derived(part, k) for k in range(part.image.shape[0])), np.arange(part.image.shape[0]), derived=True)


def pseudonym(source_sha256: str) -> str:
    """The ID of a patient of whom nothing is known but a file: two files never become one patient."""
    return f"anonymous-{source_sha256[:12]}"


def _header(instance: Instance) -> Dataset:
    """A header with what its file leaves out: the class from the meta header, type 2 attributes empty, invalid values empty.

    Raises:
        InputError: The file went away.
    """
    with reading(instance.path), instance.open() as file:
        header = dcmread(file, stop_before_pixels=True, force=True)
    header.SOPClassUID, header.SOPInstanceUID = instance.sop_class_uid, instance.sop_instance_uid
    for keyword in TYPE_2:
        if header.get(keyword) is None:
            setattr(header, keyword, "")
    for keyword, valid in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
        try:
            valid(header[keyword].value)
        except ValueError:
            setattr(header, keyword, "")
    if header.PatientSex not in ("", "M", "F", "O"):
        header.PatientSex = ""
    return header


def _one_series(headers: tuple[Dataset, ...], part: Part) -> bool:
    """Whether the headers are of one study, series and frame of reference, on the image's grid of rows and columns."""
    first = headers[0]
    keys = ("StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "FrameOfReferenceUID")
    named = bool(first.get("StudyInstanceUID")) and bool(first.get("SeriesInstanceUID"))
    same = all(h.get(key) == first.get(key) for h in headers for key in keys)
    return named and same and (first.get("Rows"), first.get("Columns")) == part.image.shape[1:]


def _slices(headers: tuple[Dataset, ...], part: Part) -> IntArray | None:
    """The slice that each frame is; None where the frames do not lie as the image's slices do."""
    count, first = part.image.shape[0], headers[0]
    if "SharedFunctionalGroupsSequence" in first:
        return _slices_of_frames(first, part) if len(headers) == 1 else None
    if len(headers) != count:
        return None
    if all(keyword not in first for keyword in PLACED[:2]):
        alone = count == 1 and int(first.get("NumberOfFrames") or 1) == 1
        return np.arange(count) if alone and ("FrameOfReferenceUID" in first or first.SOPClassUID not in IN_SPACE) else None
    if any(keyword not in first for keyword in PLACED) or first.SOPClassUID not in (*IN_SPACE, SecondaryCaptureImageStorage):
        return None
    if not _lies_as(part, first.ImageOrientationPatient, first.ImagePositionPatient):
        return None
    for header in headers:  # slices of one stack differ by rounding only; a segmentation has one orientation and no thickness of its own
        header.ImageOrientationPatient = first.ImageOrientationPatient
        header.SliceThickness = header.get("SliceThickness") or format_number_as_ds(part.image.geometry.spacing[0])
        if "SpacingBetweenSlices" in header:
            del header.SpacingBetweenSlices  # taken from the positions instead
    return np.arange(count)


def _slices_of_frames(header: Dataset, part: Part) -> IntArray | None:
    """For a multi-frame instance, whose frames may come in any order."""
    shared, frames = header.SharedFunctionalGroupsSequence[0], header.get("PerFrameFunctionalGroupsSequence", [])
    if "PlaneOrientationSequence" not in shared or "PixelMeasuresSequence" not in shared or "FrameOfReferenceUID" not in header:
        return None
    if len(frames) != part.image.shape[0] or any("PlanePositionSequence" not in frame for frame in frames):
        return None
    positions = np.array([frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames], float)
    slices = np.rint(part.image.geometry.to_index(positions)[:, 0]).astype(np.int64)
    if sorted(slices) != list(range(len(frames))):
        return None
    at = positions[int(np.argmin(slices))]
    return slices if _lies_as(part, shared.PlaneOrientationSequence[0].ImageOrientationPatient, at) else None


def _lies_as(part: Part, orientation: object, position: object) -> bool:
    """Whether the first slice has this orientation and position in the image's own geometry."""
    geometry = part.image.geometry
    turned = np.abs(np.array(orientation, float).reshape(2, 3) - geometry.direction.T[[2, 1]]).max()
    return bool(turned < 1e-3 and np.abs(np.array(position, float) - geometry.origin).max() < TOLERANCE_MM)


def _derived(part: Part, k: int) -> Dataset:
    """Slice ``k`` of the derived series, without pixels."""
    image, geometry = part.image, part.image.geometry
    modality = part.dicom_modality or next((word for word in part.modality.split() if word in CLASSES), "OT")
    key = digest([image.source_sha256, geometry.affine.tolist(), modality, version()])
    d = Dataset()
    for keyword in TYPE_2:
        setattr(d, keyword, "")
    d.PatientName, d.PatientID = "Anonymous^", pseudonym(image.source_sha256)
    d.StudyInstanceUID, d.SeriesInstanceUID = uid("study", image.source_sha256), uid("series", key)
    in_space = not image.is_picture or (geometry.calibrated and modality in CLASSES)
    d.SOPClassUID = CLASSES.get(modality, SecondaryCaptureImageStorage) if in_space else SecondaryCaptureImageStorage
    d.SOPInstanceUID = uid("slice", key, str(k))
    d.Modality, d.Manufacturer = modality, "Diaphane"
    d.SpecificCharacterSet = "ISO_IR 192"
    d.SeriesDescription = "Converted by Diaphane (research use)"
    d.SeriesNumber, d.InstanceNumber, d.ImageType = 1, k + 1, ["DERIVED", "SECONDARY"]
    d.Rows, d.Columns = image.shape[1:]
    if geometry.calibrated:
        d.PixelSpacing = [format_number_as_ds(x) for x in geometry.spacing[1:]]
    if in_space:
        d.FrameOfReferenceUID = geometry.frame_of_reference_uid or uid("frame", key)
        d.PositionReferenceIndicator = ""
        d.ImageOrientationPatient = [format_number_as_ds(float(x)) for x in geometry.direction.T[[2, 1]].ravel()]
        d.ImagePositionPatient = [format_number_as_ds(float(x)) for x in geometry.to_world(np.array([k, 0, 0]))]
        d.SliceThickness = format_number_as_ds(geometry.spacing[0])
    return d
