"""A DICOM Segmentation must show the same labels at the same place, whoever reads it."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from diaphane.acquire.options import Options as AcquireOptions
from diaphane.acquire.read import read
from diaphane.core.finding import Decision
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.instance import Instance
from diaphane.core.labels import Labels
from diaphane.core.outcome import Outcome, Part
from diaphane.core.provenance import Provenance
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.report.coding import PRIVATE, SIDES, STRUCTURES, coded
from diaphane.report.dicom_seg import seg_uids, why_no_seg, write_seg
from diaphane.report.options import Options

SHAPE = (5, 12, 10)
SOURCE = "5a" * 32
TABLE = (
    LabelRecipe(value=2, name="left lung", role="anatomy"),
    LabelRecipe(value=5, name="absent", role="anatomy"),
    LabelRecipe(value=9, name="kidney_right", role="anatomy"),
    LabelRecipe(value=200, name="foie gras é", role="anatomy"),
)


def affine(orientation: str = "axial", step: tuple[float, float, float] | None = None) -> np.ndarray:
    """[k, j, i] to LPS; ``step`` replaces the way from slice to slice: downwards, or as a tilted gantry moves."""
    turn = np.eye(3)
    if orientation == "oblique":
        a, b = np.deg2rad([23.0, -17.0])
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
            [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
        )
    i, j, k = turn.T
    out = np.eye(4)
    out[:3] = np.stack([2.5 * k if step is None else np.array(step), 0.7 * j, 0.6 * i, (-31.25, 12.5, 80.125)], axis=1)
    return out


def label_map(rng: np.random.Generator, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return rng.choice(np.array([0, 2, 9, 200], np.uint8), shape, p=[0.6, 0.2, 0.1, 0.1])


def part_of(array: np.ndarray, matrix: np.ndarray, instances: tuple[Instance, ...] = (), source: str = "given") -> Part:
    image = Image(np.zeros(array.shape, np.int16), Geometry(matrix, calibrated=True), "name_of_a_patient", SOURCE)
    return Part(image=image, modality="CT", labels=Labels(array, TABLE, source=source), instances=instances, dicom_modality="CT")


def outcome_of(part: Part, created: str = "2026-01-02T03:04:05Z") -> Outcome:
    provenance = Provenance(version="1.2.3", inputs={}, plan_sha256="cd" * 32, weights={"lungs": "ab"}, recipes={}, licences={}, seed=0, created=created)
    return Outcome(name="x", parts=(part,), decision=Decision(method="none"), verdicts=(), not_assessed=(), provenance=provenance)


def write_series(folder: Path, matrix: np.ndarray, count: int = SHAPE[0], sop_class: str = CTImageStorage, **more: object) -> tuple[Instance, ...]:
    """A DICOM file a slice, of an identified patient."""
    geometry, study, series, frame = Geometry(matrix, calibrated=True), generate_uid(), generate_uid(), generate_uid()
    folder.mkdir(exist_ok=True)
    instances = []
    for k in range(count):
        d = Dataset()
        d.SpecificCharacterSet = "ISO_IR 100"
        d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = "Müller^Jörg", "PID-4711", "19610203", "M"
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = study, series, frame
        d.StudyDate, d.StudyTime, d.AccessionNumber, d.StudyID, d.ReferringPhysicianName = "20200102", "030405", "A1", "S1", ""
        d.SOPClassUID, d.SOPInstanceUID, d.Modality, d.Manufacturer = sop_class, generate_uid(), "CT", "Maker"
        d.Rows, d.Columns = SHAPE[1:]
        d.PixelSpacing = [str(x) for x in geometry.spacing[1:]]
        d.SliceThickness = "3"
        d.ImageOrientationPatient = [f"{x:.12f}"[:16] for x in geometry.direction.T[[2, 1]].ravel()]
        d.ImagePositionPatient = [f"{x:.10f}"[:16] for x in geometry.to_world(np.array([k, 0, 0]))]
        for keyword, value in more.items():
            d.pop(keyword, None)
            if value is not None:
                setattr(d, keyword, value)
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = sop_class, d.SOPInstanceUID
        path = folder / f"{count - k}.dcm"
        d.save_as(path, enforce_file_format="SOPClassUID" not in more)
        if "SOPClassUID" in more:
            pydicom.dcmwrite(path, d, enforce_file_format=False)
        instances.append(Instance(path=path, sop_class_uid=sop_class, sop_instance_uid=d.SOPInstanceUID))
    return tuple(instances)


def frames_of(seg: Dataset) -> np.ndarray:
    """The pixels of every frame, unpacked by hand: PS3.5 8.1.1, least significant bit first."""
    bits = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    shape = (seg.NumberOfFrames, seg.Rows, seg.Columns)
    return bits[: np.prod(shape)].reshape(shape).astype(bool)


def points_of(path: Path) -> dict[str, np.ndarray]:
    """Each segment's LPS points, by its name, from nothing but the attributes of its frames."""
    seg = pydicom.dcmread(path)
    names = {s.SegmentNumber: s.SegmentLabel for s in seg.SegmentSequence}
    shared = seg.SharedFunctionalGroupsSequence[0]
    row, column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    down, along = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    points: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    for pixels, groups in zip(frames_of(seg), seg.PerFrameFunctionalGroupsSequence, strict=True):
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        number = (groups if "SegmentIdentificationSequence" in groups else shared).SegmentIdentificationSequence[0].ReferencedSegmentNumber
        j, i = np.nonzero(pixels)
        points[names[number]].append(position + np.outer(i * along, row) + np.outer(j * down, column))
    return {name: np.concatenate(found) for name, found in points.items()}


def assert_same_points(path: Path, part: Part) -> None:
    """Every voxel of every label, and no other, lies within 1e-6 voxels of where it was."""
    found = points_of(path)
    seen = np.zeros_like(part.labels.array)
    for label in part.labels.table:
        index = part.image.geometry.to_index(found.pop(label.name, np.empty((0, 3))))
        assert np.abs(index - np.rint(index)).max(initial=0) < 1e-6
        k, j, i = np.rint(index).astype(int).T
        assert (np.bincount(np.ravel_multi_index((k, j, i), seen.shape), minlength=1) <= 1).all(), "a voxel is there twice"
        seen[k, j, i] = label.value
    assert not found
    assert (seen == part.labels.array).all()


GRIDS = {
    "axial": affine(),
    "downwards": affine(step=(0.0, 0.0, -2.5)),
    "oblique": affine("oblique"),
    "tilted gantry": affine(step=(0.0, 0.8, 2.4)),
    "oblique and tilted": affine("oblique", step=(0.2, -0.9, 2.2)),
}


@pytest.mark.parametrize("source", ["DICOM", "NIfTI"])
@pytest.mark.parametrize("grid", GRIDS)
def test_labels_lie_at_the_same_points(grid: str, source: str, rng: np.random.Generator, tmp_path: Path) -> None:
    matrix = GRIDS[grid]
    part = part_of(label_map(rng), matrix, write_series(tmp_path / "source", matrix) if source == "DICOM" else ())
    path = write_seg(part, outcome_of(part), tmp_path, Options())[0]
    assert path.name == "seg.dcm"
    assert_same_points(path, part)


@pytest.mark.parametrize("grid", ["axial", "downwards", "oblique"])
def test_another_library_reads_the_same_volume(grid: str, rng: np.random.Generator, tmp_path: Path) -> None:
    array = np.where(label_map(rng) == 9, np.uint8(9), np.uint8(0))
    array[:, 3, 4] = 9  # no slice is empty: ITK knows one spacing only
    part = part_of(array, GRIDS[grid])
    volume = SimpleITK.ReadImage(str(write_seg(part, outcome_of(part), tmp_path, Options())[0]))
    expected = part.image.geometry.to_world(np.argwhere(array == 9))
    inside = np.argwhere(SimpleITK.GetArrayFromImage(volume) > 0)
    found = np.array([volume.TransformIndexToPhysicalPoint(index[::-1].tolist()) for index in inside])
    apart = np.linalg.norm(found[:, None] - expected[None], axis=2)
    assert len(found) == len(expected)
    assert max(apart.min(axis=0).max(), apart.min(axis=1).max()) < 1e-6


def test_it_refers_to_the_source_and_is_identified_as_it_is(rng: np.random.Generator, tmp_path: Path) -> None:
    matrix = affine("oblique")
    instances = write_series(tmp_path / "source", matrix)
    part = part_of(label_map(rng), matrix, instances)
    seg, source = pydicom.dcmread(write_seg(part, outcome_of(part), tmp_path, Options())[0]), pydicom.dcmread(instances[0].path)
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientName", "PatientID", "PatientBirthDate", "StudyDate", "AccessionNumber"):
        assert seg[keyword].value == source[keyword].value, keyword
    assert seg.SeriesInstanceUID != source.SeriesInstanceUID
    referred = [i.ReferencedSOPInstanceUID for i in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence]
    assert referred == [i.sop_instance_uid for i in instances]
    for groups in seg.PerFrameFunctionalGroupsSequence:
        position = groups.PlanePositionSequence[0].ImagePositionPatient
        behind = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert pydicom.dcmread(instances[referred.index(behind)].path).ImagePositionPatient == position
    assert not (tmp_path / "dicom").exists()


@pytest.mark.parametrize(
    "dirt",
    [
        {"SOPClassUID": ""},
        {"SliceThickness": None, "StudyID": None, "AccessionNumber": None, "ReferringPhysicianName": None},
        {"PatientBirthDate": None, "PatientSex": None, "StudyDate": None, "StudyTime": None, "SpacingBetweenSlices": "-99"},
        {"PatientName": "Single", "Manufacturer": None, "SpecificCharacterSet": None},
    ],
)
def test_a_dirty_header_does_not_stop_it(dirt: dict[str, object], rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine("oblique"), write_series(tmp_path / "source", affine("oblique"), **dirt))
    path = write_seg(part, outcome_of(part), tmp_path, Options())[0]
    assert pydicom.dcmread(path).ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPClassUID == CTImageStorage
    assert_same_points(path, part)


def test_a_series_inside_a_zip_archive_is_referred_to(rng: np.random.Generator, tmp_path: Path) -> None:
    files = write_series(tmp_path / "source", affine())
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        for file in files:
            archive.write(file.path, file.path.name)
    zipped = tuple(replace(file, path=tmp_path / "case.zip", member=file.path.name) for file in files)
    part = part_of(label_map(rng), affine(), zipped)
    assert_same_points(write_seg(part, outcome_of(part), tmp_path, Options())[0], part)


def test_frames_of_a_multi_frame_source_may_come_in_any_order(rng: np.random.Generator, tmp_path: Path) -> None:
    matrix, order = affine("oblique"), [3, 0, 4, 1, 2]
    single = [pydicom.dcmread(i.path) for i in write_series(tmp_path / "source", matrix)]
    whole = Dataset(single[0])
    whole.SOPClassUID, whole.NumberOfFrames = pydicom.uid.EnhancedCTImageStorage, 5
    shared = Dataset()
    shared.PlaneOrientationSequence = [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = whole.ImageOrientationPatient
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PixelMeasuresSequence[0].PixelSpacing, shared.PixelMeasuresSequence[0].SliceThickness = whole.PixelSpacing, "2.5"
    whole.SharedFunctionalGroupsSequence, frames = [shared], []
    for k in order:
        groups = Dataset()
        groups.PlanePositionSequence = [Dataset()]
        groups.PlanePositionSequence[0].ImagePositionPatient = single[k].ImagePositionPatient
        frames.append(groups)
    whole.PerFrameFunctionalGroupsSequence = frames
    del whole.ImagePositionPatient, whole.ImageOrientationPatient, whole.PixelSpacing
    whole.file_meta = FileMetaDataset()
    whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    whole.save_as(tmp_path / "whole.dcm", enforce_file_format=True)
    part = part_of(label_map(rng), matrix, (Instance(path=tmp_path / "whole.dcm", sop_class_uid=whole.SOPClassUID, sop_instance_uid=whole.SOPInstanceUID),))
    seg = pydicom.dcmread(write_seg(part, outcome_of(part), tmp_path, Options())[0])
    assert seg.StudyInstanceUID == whole.StudyInstanceUID
    assert_same_points(tmp_path / "seg.dcm", part)
    for groups in seg.PerFrameFunctionalGroupsSequence:
        frame = int(groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        assert frames[frame - 1].PlanePositionSequence[0].ImagePositionPatient == groups.PlanePositionSequence[0].ImagePositionPatient


def test_a_picture_without_orientation_is_referred_to(rng: np.random.Generator, tmp_path: Path) -> None:
    bare = dict.fromkeys(("ImageOrientationPatient", "ImagePositionPatient", "FrameOfReferenceUID", "PixelSpacing", "SliceThickness"))
    files = write_series(tmp_path / "source", affine(), 1, DigitalXRayImageStorageForPresentation, **bare)
    array = label_map(rng, (1, *SHAPE[1:]))
    part = part_of(array, np.eye(4), files)
    part = replace(part, image=Image(part.image.array, Geometry.of_picture(), "x", SOURCE))
    seg = pydicom.dcmread(write_seg(part, outcome_of(part), tmp_path, Options())[0])
    assert seg.PatientID == "PID-4711"
    numbers = [g.SegmentIdentificationSequence[0].ReferencedSegmentNumber for g in seg.PerFrameFunctionalGroupsSequence]
    assert {n: f.tolist() for n, f in zip(numbers, frames_of(seg), strict=True)} == {n: (array[0] == v).tolist() for n, v in enumerate((2, 9, 200), 1)}


@pytest.mark.parametrize("dirt", [{"FrameOfReferenceUID": None}, {"StudyInstanceUID": None}, {"ImagePositionPatient": ["0", "0", "0"]}])
def test_a_source_that_cannot_be_referred_to_gives_a_derived_study_without_identity(dirt: dict[str, object], rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine(), write_series(tmp_path / "source", affine(), **dirt))
    path = write_seg(part, outcome_of(part), tmp_path, Options())[0]
    assert pydicom.dcmread(path).PatientID == f"anonymous-{SOURCE[:12]}"
    assert_same_points(path, part)


def test_the_derived_series_is_the_image_and_what_the_segmentation_lies_on(rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine("oblique"))
    voxels = rng.integers(-1024, 3000, SHAPE).astype(np.int16)
    part = replace(part, image=Image(voxels, part.image.geometry, "name_of_a_patient", SOURCE))
    path, *slices = write_seg(part, outcome_of(part), tmp_path, Options())
    seg, images = pydicom.dcmread(path), [pydicom.dcmread(p) for p in slices]
    assert [p.relative_to(tmp_path).as_posix() for p in slices] == [f"dicom/000{k}.dcm" for k in range(1, 6)]
    assert {i.StudyInstanceUID for i in images} == {seg.StudyInstanceUID}
    assert {i.FrameOfReferenceUID for i in images} == {seg.FrameOfReferenceUID}
    referred = [i.ReferencedSOPInstanceUID for i in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence]
    assert referred == [i.SOPInstanceUID for i in images]
    assert "name_of_a_patient" not in str(seg) + "".join(map(str, images))
    volume = SimpleITK.ReadImage([str(p) for p in slices])
    assert SimpleITK.GetArrayFromImage(volume).tolist() == voxels.tolist()
    assert np.allclose(volume.TransformIndexToPhysicalPoint((9, 11, 4)), part.image.geometry.to_world(np.array((4, 11, 9))), atol=1e-4)


@pytest.mark.parametrize(("words", "told", "modality"), [("head CT", "", "CT"), ("brain MR", "", "MR"), ("", "", "OT"), ("head CT", "MR", "MR")])
def test_a_derived_series_is_of_the_kind_that_is_known(words: str, told: str, modality: str, rng: np.random.Generator, tmp_path: Path) -> None:
    part = replace(part_of(label_map(rng), affine()), modality=words, dicom_modality=told)
    image = pydicom.dcmread(write_seg(part, outcome_of(part), tmp_path, Options())[1])
    expected = {"CT": CTImageStorage, "MR": pydicom.uid.MRImageStorage, "OT": pydicom.uid.SecondaryCaptureImageStorage}[modality]
    assert (image.Modality, image.SOPClassUID) == (modality, expected)
    assert image.ImagePositionPatient == [-31.25, 12.5, 80.125]


@pytest.mark.parametrize("kind", ["float", "wide", "colour", "grey 16", "colour 16"])
def test_derived_pixels_keep_their_values(kind: str, rng: np.random.Generator, tmp_path: Path) -> None:
    shape = (1, 6, 7)
    values = {
        "float": rng.normal(0, 0.01, shape).astype(np.float32),
        "wide": rng.integers(-100_000, 1_000_000, shape),
        "colour": rng.integers(0, 256, (*shape, 3)).astype(np.uint8),
        "grey 16": rng.integers(0, 65536, shape).astype(np.uint16),
        "colour 16": rng.integers(0, 65536, (*shape, 3)).astype(np.uint16),
    }[kind]
    labels = Labels(np.full(shape, 2, np.uint8), TABLE[:1])
    part = Part(image=Image(values, Geometry.of_picture(0.1), "x", SOURCE), modality="", labels=labels)
    d = pydicom.dcmread(write_seg(part, outcome_of(part), tmp_path, Options())[1])
    stored = d.pixel_array.astype(float)
    step = float(d.get("RescaleSlope", 1))
    if kind == "colour 16":
        assert (stored == values[0] >> 8).all()
    else:
        assert np.abs(stored * step + float(d.get("RescaleIntercept", 0)) - values[0]).max() <= (0.51 * step if "RescaleSlope" in d else 0)


def test_codes_and_algorithm_say_what_a_segment_is(rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine(), source="lungs")
    lung, kidney, other = pydicom.dcmread(write_seg(part, outcome_of(part), tmp_path, Options())[0]).SegmentSequence
    assert [s.SegmentNumber for s in (lung, kidney, other)] == [1, 2, 3]
    coded_type = lung.SegmentedPropertyTypeCodeSequence[0]
    assert (coded_type.CodeValue, coded_type.CodingSchemeDesignator) == ("39607008", "SCT")
    assert coded_type.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert kidney.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Right"
    assert (other.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator, other.SegmentLabel) == (PRIVATE, "foie gras é")
    assert (lung.SegmentAlgorithmType, lung.SegmentAlgorithmName) == ("AUTOMATIC", "lungs")
    assert len({s.TrackingUID for s in (lung, kidney, other)}) == 3
    given = part_of(label_map(rng), affine())
    assert pydicom.dcmread(write_seg(given, outcome_of(given), tmp_path, Options())[0]).SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"


def test_every_code_is_in_the_dictionary_of_the_standard() -> None:
    known = {getattr(codes.SCT, name).value for name in codes.SCT.dir()}
    assert {code.value for code in (*STRUCTURES.values(), *SIDES.values())} <= known


def test_names_are_understood_in_other_spellings() -> None:
    assert coded("Kidney_Left", "anatomy") == coded("left kidney", "anatomy")
    assert coded("vertebrae_T12", "anatomy").type == codes.SCT.T12Vertebra
    assert coded("skin lesion", "lesion").region == codes.SCT.Skin
    long = [coded(f"a very long structure's name {side}", "anatomy").type for side in ("left", "right")]
    assert long[0].value != long[1].value
    assert max(len(c.value) for c in long) <= 16


def test_many_structures_make_a_label_map_with_the_same_labels(rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine("oblique"))
    seg = hd.seg.segread(write_seg(part, outcome_of(part), tmp_path, Options(labelmap_above=2))[0])
    assert seg.SegmentationType == "LABELMAP"
    numbered = np.searchsorted([0, 2, 9, 200], part.labels.array)
    volume = seg.get_volume(combine_segments=True)
    for index in np.argwhere(numbered):
        at = volume.map_reference_to_indices(part.image.geometry.to_world(index)[None], round_output=True)[0]
        assert volume.array[tuple(at)] == numbered[tuple(index)]


def test_required_attributes_are_there_and_highdicom_reads_it(rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine("oblique"))
    path = write_seg(part, outcome_of(part), tmp_path, Options())[0]
    seg = pydicom.dcmread(path)
    type_1 = (
        "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber", "Modality", "FrameOfReferenceUID", "Manufacturer", "ManufacturerModelName",
        "DeviceSerialNumber", "SoftwareVersions", "InstanceNumber", "ContentDate", "ContentTime", "ContentLabel", "ImageType", "SamplesPerPixel",
        "PhotometricInterpretation", "PixelRepresentation", "BitsAllocated", "BitsStored", "HighBit", "LossyImageCompression", "SegmentationType",
        "SegmentSequence", "NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionOrganizationSequence",
        "DimensionIndexSequence", "ReferencedSeriesSequence", "SOPClassUID", "SOPInstanceUID",
    )  # fmt: skip
    assert [keyword for keyword in type_1 if seg.get(keyword) in (None, "")] == []
    assert (seg.SOPClassUID, seg.Modality, seg.BitsAllocated) == (pydicom.uid.SegmentationStorage, "SEG", 1)
    assert hd.seg.segread(path).number_of_segments == 3


def test_a_run_that_goes_on_writes_the_same_bytes_and_another_run_another_instance(rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine("oblique"))
    first, again = (write_seg(part, outcome_of(part), tmp_path / name, Options()) for name in ("a", "b") if not (tmp_path / name).mkdir())
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    other = outcome_of(part, "2027-01-01T00:00:00Z")
    assert not set(seg_uids(part, outcome_of(part), Options())) & set(seg_uids(part, other, Options()))
    (tmp_path / "c").mkdir()
    later = write_seg(part, other, tmp_path / "c", Options())
    assert [p.read_bytes() for p in first[1:]] == [p.read_bytes() for p in later[1:]], "the images are the same, whenever they are written"


def test_what_dicom_cannot_hold_is_left_out_with_a_reason(rng: np.random.Generator, tmp_path: Path) -> None:
    sheared = affine()
    sheared[:3, 2] += (0.0, 0.1, 0.0)
    part = part_of(label_map(rng), sheared)
    assert "right angles" in why_no_seg(part)
    assert write_seg(part, outcome_of(part), tmp_path, Options()) == ()
    assert "nothing" in why_no_seg(replace(part, labels=Labels(np.zeros(SHAPE, np.uint8), TABLE)))
    assert "clip" in why_no_seg(replace(part, frame=3))
    assert "millimetres" in why_no_seg(replace(part, image=Image(part.image.array, Geometry(affine()), "x", SOURCE)))


@pytest.mark.data
def test_a_real_abdomen_keeps_its_41_organs_in_place(data: Path, tmp_path: Path) -> None:
    volume = SimpleITK.ReadImage(str(data / "abdomen_ct" / "example_seg.nii.gz"))
    array = SimpleITK.GetArrayFromImage(volume).astype(np.uint8)
    matrix = np.eye(4)
    matrix[:3, :3] = (np.array(volume.GetDirection()).reshape(3, 3) * volume.GetSpacing())[:, ::-1]
    matrix[:3, 3] = volume.GetOrigin()
    image = Image(np.zeros(array.shape, np.int16), Geometry(matrix, calibrated=True), "x", SOURCE)
    table = tuple(LabelRecipe(value=int(v), name=f"organ {v}", role="anatomy") for v in np.unique(array) if v)
    part = Part(image=image, modality="", labels=Labels(array, table, source="given"), dicom_modality="CT")
    path = write_seg(part, outcome_of(part), tmp_path, Options(derived_series=False))[0]
    assert len(pydicom.dcmread(path).SegmentSequence) == 41
    assert_same_points(path, part)


@pytest.mark.data
def test_a_real_series_is_referred_to(data: Path, tmp_path: Path) -> None:
    case = read(data / "dicom" / "pydicom" / "test_files" / "dicomdirtests" / "98892001" / "CT5N", AcquireOptions())
    (image,), source = case.images, pydicom.dcmread(case.instances[0].path)
    above = (image.array > np.median(image.array)).astype(np.uint8)
    labels = Labels(above, (LabelRecipe(value=1, name="bone", role="anatomy"),), source="thresholds")
    part = Part(image=image, modality="", labels=labels, instances=case.instances, dicom_modality=case.modality)
    path = write_seg(part, outcome_of(part), tmp_path, Options())[0]
    assert pydicom.dcmread(path).StudyInstanceUID == source.StudyInstanceUID
    assert_same_points(path, part)


def test_a_source_that_went_away_is_named(rng: np.random.Generator, tmp_path: Path) -> None:
    part = part_of(label_map(rng), affine(), write_series(tmp_path / "source", affine()))
    part.instances[2].path.unlink()
    with pytest.raises(InputError, match=r"3\.dcm: cannot be read"):
        write_seg(part, outcome_of(part), tmp_path, Options())


def test_options_refuse_a_number_of_structures_out_of_range() -> None:
    with pytest.raises(ValueError, match="labelmap_above must lie between 0 and 1000"):
        Options(labelmap_above=-1)
