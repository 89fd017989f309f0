"""DICOM Segmentation of a scan or picture: ``seg.dcm``.

Source: DICOM PS3.3 A.51 (Segmentation IOD), C.8.20; written by highdicom.
"""

from __future__ import annotations

import warnings
from hashlib import sha256
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from pydicom.valuerep import DA, DT, TM

from diaphane.core.arrays import IntArray
from diaphane.core.case_folder import SEG
from diaphane.core.labels import Labels
from diaphane.core.outcome import Outcome, Part
from diaphane.core.provenance import digest
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.report.coding import coded, plain
from diaphane.report.dicom_derived import write_derived
from diaphane.report.dicom_series import Series, series_of
from diaphane.report.identifiers import moment, uid
from diaphane.report.options import Options

DERIVED = "dicom"
SERIES_NUMBER = 9001
GIVEN = "Labels given by the user, origin unknown"
DESCRIPTION = "For research use. Not a medical device."


def why_no_seg(part: Part) -> str:
    """Why there is no segmentation object of this part; empty where there is one."""
    geometry = part.image.geometry
    if part.frame is not None:
        return "a frame of a clip has no segmentation object of its own"
    if part.labels is None or not part.labels.array.any():
        return "nothing was segmented"
    if not part.image.is_picture and not geometry.calibrated:
        return "the volume has no geometry in millimetres"
    if not part.image.is_picture and abs(float(geometry.direction[:, 1] @ geometry.direction[:, 2])) > 1e-4:
        return "rows and columns of the volume are not at right angles, which DICOM cannot hold"
    return ""


def write_seg(part: Part, outcome: Outcome, folder: Path, options: Options) -> tuple[Path, ...]:
    """``seg.dcm`` below ``folder``, and the series that it lies on where the source was no DICOM (``dicom/0001.dcm`` …).

    Nothing where ``why_no_seg`` has a reason. The same outcome gives the same bytes.

    Raises:
        InputError: There are more segments than DICOM can number.
    """
    if part.labels is None or why_no_seg(part):
        return ()
    series = series_of(part)
    seg = _segmentation(part, part.labels, series, outcome, options)
    path = folder / SEG
    seg.save_as(path)
    wanted = series.derived and options.derived_series
    return (path, *(write_derived(series, part.image, folder / DERIVED) if wanted else ()))


def seg_uids(part: Part, outcome: Outcome, options: Options) -> tuple[str, str]:
    """Of its series and of the instance: both follow from what is in it and the moment of the case."""
    labels = part.labels
    if labels is None:
        raise InputError("an image without labels has no segmentation object")
    array = sha256(np.ascontiguousarray(labels.array).data).hexdigest()
    made = [labels.source, options.labelmap_above, outcome.provenance.version, outcome.provenance.created]
    key = digest([part.image.source_sha256, array, [(x.value, x.name) for x in labels.table], *made])
    return uid("seg series", key), uid("seg", key)


def _segmentation(part: Part, labels: Labels, series: Series, outcome: Outcome, options: Options) -> Segmentation:
    present, numbered = _numbered(labels)
    many = len(present) > options.labelmap_above
    created = moment(outcome.provenance.created)
    series_uid, instance_uid = seg_uids(part, outcome, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about the form of names and numbers that the source has and that stay as they are
        seg = Segmentation(
            source_images=series.headers, pixel_array=numbered[series.slices],
            segmentation_type=SegmentationTypeValues.LABELMAP if many else SegmentationTypeValues.BINARY,
            segment_descriptions=[_description(n, label, labels, outcome, part) for n, label in enumerate(present, start=1)],
            transfer_syntax_uid=RLELossless if many else ExplicitVRLittleEndian,
            series_instance_uid=series_uid, series_number=SERIES_NUMBER, sop_instance_uid=instance_uid, instance_number=1,
            manufacturer="Diaphane", manufacturer_model_name="diaphane", software_versions=outcome.provenance.version,
            device_serial_number=outcome.provenance.plan_sha256[:16] or "none",
            series_description="Segmentation (research use)", content_label="SEGMENTATION", content_description=DESCRIPTION,
            content_date=created.date(), content_time=created.time(), specific_character_set="ISO_IR 192",
        )  # fmt: skip
    return _timeless(seg, outcome.provenance.created, instance_uid)


def _numbered(labels: Labels) -> tuple[list[LabelRecipe], IntArray]:
    """The structures that are there, and the label map with their segment numbers: 1, 2, 3 … whatever the values were."""
    counts = np.zeros(int(labels.array.max()) + 1, np.int64)
    for plane in labels.array:  # a slice at a time: counting makes eight bytes of every voxel
        counts += np.bincount(plane.ravel(), minlength=counts.size)
    present = [label for label in labels.table if label.value < counts.size and counts[label.value]]
    if len(present) > np.iinfo(np.uint16).max:
        raise InputError(f"a segmentation object holds at most 65535 segments, got {len(present)}")
    number = np.zeros(counts.size, np.uint8 if len(present) < 256 else np.uint16)
    number[[label.value for label in present]] = np.arange(1, len(present) + 1)
    return present, np.asarray(number[labels.array])


def _description(number: int, label: LabelRecipe, labels: Labels, outcome: Outcome, part: Part) -> SegmentDescription:
    code = coded(label.name, label.role)
    given = labels.source == "given"
    family = codes.DCM.ArtificialIntelligence if labels.source in outcome.provenance.weights else codes.DCM.MorphologicalOperations
    algorithm = hd.AlgorithmIdentificationSequence(
        name=GIVEN if given else plain(labels.source),
        version=outcome.provenance.version,
        family=codes.DCM.ManualProcessing if given else family,
    )
    item = SegmentDescription(
        segment_number=number,
        segment_label=plain(label.name),
        segmented_property_category=code.category,
        segmented_property_type=code.type,
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC if given else SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_id=plain(f"{part.image.source_sha256[:12]} {label.value} {label.name}"),
        tracking_uid=uid("segment", part.image.source_sha256, str(label.value), label.name),
        anatomic_regions=None if code.region is None else [code.region],
    )
    if code.side is not None:
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [hd.sr.CodedConcept.from_code(code.side)]
    return item


def _timeless(seg: Segmentation, created: str, key: str) -> Segmentation:
    """With the case's own time and stable UIDs where highdicom takes the present and random ones."""
    at = moment(created)
    seg.InstanceCreationDate, seg.InstanceCreationTime = DA(at.date()), TM(at.time())
    seg.ContributingEquipmentSequence[-1].ContributionDateTime = DT(at)  # of highdicom itself
    organisation = uid("dimensions", key)
    for item in (*seg.DimensionOrganizationSequence, *seg.get("DimensionIndexSequence", [])):
        item.DimensionOrganizationUID = organisation
    return seg
