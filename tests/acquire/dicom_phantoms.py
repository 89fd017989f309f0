"""Made DICOM sources whose voxels and geometry are known in closed form."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

Change = Callable[[Dataset, int], None]
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
SECRET = "Mustermann^Erika"
"""The patient's name in every phantom: it must never be said."""


@dataclass(frozen=True)
class Stack:
    """What a series holds."""

    array: np.ndarray
    """[k, j, i] after rescale, k along the normal."""
    affine: np.ndarray
    """[k, j, i] to LPS mm."""
    datasets: list[Dataset]


def oblique(angle_deg: float = 25.0) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Directions along a row and along a column, turned about x and then about z."""
    a, b = np.radians(angle_deg), np.radians(angle_deg / 2)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    turn = about_z @ about_x
    return tuple(turn[:, 0]), tuple(turn[:, 1])


def instance(pixels: np.ndarray, *, sop_class: str = CTImageStorage, modality: str = "CT", series: str = "", frames: int = 1, **tags: Any) -> Dataset:
    """An uncompressed instance of ``pixels`` ([frame,] row, column[, 3]); ``tags`` by keyword."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = sop_class
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex, data.PatientAge = SECRET, "4711", "19700203", "F", "054Y"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.StudyDate, data.StudyTime = generate_uid(), series or generate_uid(), "20240102", ""
    data.StudyID, data.AccessionNumber, data.ReferringPhysicianName = "", "", ""
    data.Modality, data.SeriesNumber, data.InstanceNumber, data.SeriesDescription = modality, 3, 1, SECRET
    colour = pixels.ndim - (frames > 1) == 3
    data.Rows, data.Columns = pixels.shape[int(frames > 1) :][:2]
    data.SamplesPerPixel, data.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        data.PlanarConfiguration = 0
    if frames > 1:
        data.NumberOfFrames = frames
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return data


def stack(
    shape: tuple[int, int, int] = (6, 10, 8), *, spacing: tuple[float, float, float] = (2.5, 0.75, 0.5), axes: Sequence[Sequence[float]] = AXIAL,
    tilt_mm: float = 0.0, origin: tuple[float, float, float] = (-31.5, 12.25, -140.0), slope: float = 1, intercept: float = -1024,
    modality: str = "CT", sop_class: str = CTImageStorage, seed: int = 0, change: Change | None = None,
) -> Stack:  # fmt: skip
    """Slices of random values; ``tilt_mm`` shifts each against the one before, along the columns; ``change`` alters data set n."""
    stored = np.random.default_rng(seed).integers(0, 3000, shape).astype(np.uint16)
    along_row, along_column = (np.array(axis) for axis in axes)
    step = np.cross(along_row, along_column) * spacing[0] + along_column * tilt_mm
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = step, along_column * spacing[1], along_row * spacing[2], origin
    series, study, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    datasets = []
    for n, plane in enumerate(stored):
        data = instance(
            plane, series=series, modality=modality, sop_class=sop_class, RescaleSlope=slope, RescaleIntercept=intercept,
            FrameOfReferenceUID=frame_of_reference, ImagePositionPatient=[format_number_as_ds(float(x)) for x in affine[:3, 3] + n * step],
            ImageOrientationPatient=[format_number_as_ds(float(x)) for x in (*along_row, *along_column)],
            PixelSpacing=list(spacing[1:]), SliceThickness=spacing[0], InstanceNumber=len(stored) - n, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        )  # fmt: skip
        data.StudyInstanceUID = study
        if change is not None:
            change(data, n)
        datasets.append(data)
    return Stack(stored.astype(int) * slope + intercept, affine, datasets)


def scout(of: Stack | None = None) -> Dataset:
    """A localizer, sagittal; in the series of ``of`` where that is given."""
    data = instance(
        np.full((20, 16), 7, np.uint16), FrameOfReferenceUID=generate_uid(), ImagePositionPatient=[0, -80, 90], ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        PixelSpacing=[2, 2], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], RescaleSlope=1, RescaleIntercept=0, SeriesNumber=1,
    )  # fmt: skip
    if of is not None:
        data.SeriesInstanceUID = of.datasets[0].SeriesInstanceUID
        data.FrameOfReferenceUID = of.datasets[0].FrameOfReferenceUID
    return data


def write(folder: Path, *groups: Sequence[Dataset]) -> Path:
    """The data sets as files whose names sort unlike their places; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    datasets = [data for group in groups for data in group]
    for n, data in enumerate(datasets):
        place = folder / f"sub{n % 2}" / f"{(n * 7) % len(datasets):03d}_{len(list(folder.rglob('*')))}"
        place.parent.mkdir(exist_ok=True)
        dcmwrite(place, data, enforce_file_format=True)
    return folder


def zipped(folder: Path, target: Path) -> Path:
    """The files of ``folder`` in an archive; returns it."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return target


def multi_frame(of: Stack, sop_class: str = "1.2.840.10008.5.1.4.1.1.2.1") -> Dataset:
    """The slices of a stack as one enhanced instance, its frames in the order 1, 0, 3, 2, …"""
    order = [n ^ 1 if (n ^ 1) < len(of.datasets) else n for n in range(len(of.datasets))]
    first = of.datasets[0]
    pixels = np.stack([np.frombuffer(of.datasets[n].PixelData, np.uint16).reshape(first.Rows, first.Columns) for n in order])
    data = instance(pixels, sop_class=sop_class, frames=len(order), FrameOfReferenceUID=first.FrameOfReferenceUID)
    shared, frames = Dataset(), []
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.PixelMeasuresSequence = _item(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)
    shared.PixelValueTransformationSequence = _item(RescaleSlope=first.RescaleSlope, RescaleIntercept=first.RescaleIntercept, RescaleType="HU")
    for n in order:
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=of.datasets[n].ImagePositionPatient)
        frames.append(frame)
    data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence = Items([shared]), Items(frames)
    return data


def film(stream: bytes, frames: int, size_px: tuple[int, int], syntax: str = "1.2.840.10008.1.2.4.102") -> Dataset:
    """A video file's bytes inside DICOM."""
    data = instance(np.zeros((2, 2, 3), np.uint8), sop_class="1.2.840.10008.5.1.4.1.1.77.1.1.1", modality="ES", FrameTime=40)
    data.Columns, data.Rows, data.NumberOfFrames = *size_px, frames
    data.PhotometricInterpretation, data.file_meta.TransferSyntaxUID = "YBR_PARTIAL_420", syntax
    data.PixelData = encapsulate([stream])
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
    return data


def radiograph(pixels: np.ndarray, **tags: Any) -> Dataset:
    """A digital radiograph."""
    return instance(pixels, sop_class="1.2.840.10008.5.1.4.1.1.1.1", modality="DX", **tags)


def screen(pixels: np.ndarray, **tags: Any) -> Dataset:
    """A secondary capture."""
    return instance(pixels, sop_class=SecondaryCaptureImageStorage, modality="OT", **tags)


def _item(**tags: Any) -> Items:
    data = Dataset()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return Items([data])
