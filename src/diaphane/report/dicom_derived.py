"""The derived series as files: the images of a case that was no DICOM, so that its segmentation has something to lie on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from diaphane.core.arrays import Array
from diaphane.core.image import Image
from diaphane.report.dicom_series import Series


def write_derived(series: Series, image: Image, folder: Path) -> tuple[Path, ...]:
    """A file a slice below ``folder``. Integers of 16 bits stay as they are; other numbers are spread over 16 bits by a rescale slope,
    what is no number is stored as the least one, and colours have 8 bits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    low, slope = _scale(image)
    paths = []
    for k, header in enumerate(series.headers):
        d = _with_pixels(header, image.array[k], low, slope)
        path = folder / f"{k + 1:04d}.dcm"
        d.save_as(path, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def _scale(image: Image) -> tuple[float, float]:
    """The value stored as 0 and the step, for 16 bits without sign; a step of 0 where the values are stored as they are."""
    finite = [plane[np.isfinite(plane)] for plane in image.array] if image.array.dtype.kind == "f" else list(image.array)
    low = min((float(plane.min()) for plane in finite if plane.size), default=0.0)
    high = max((float(plane.max()) for plane in finite if plane.size), default=0.0)
    if image.array.dtype.kind in "iu" and ((low >= -32768 and high <= 32767) or (low >= 0 and high <= 65535)):
        return 0.0, 0.0
    return low, (high - low) / 65535 or 1.0


def _stored(plane: Array, low: float, slope: float) -> Array:
    if slope:
        return np.asarray(np.rint((np.nan_to_num(plane, nan=low, neginf=low, posinf=low) - low) / slope).astype("<u2"))
    if plane.ndim == 3 and plane.dtype == np.uint16:
        return np.asarray((plane >> 8).astype(np.uint8))
    return plane if plane.dtype.itemsize == 1 else np.asarray(plane.astype(f"<{plane.dtype.kind}2"))


def _with_pixels(header: Dataset, plane: Array, low: float, slope: float) -> Dataset:
    d, stored = Dataset(header), _stored(plane, low, slope)
    d.SamplesPerPixel = 3 if plane.ndim == 3 else 1
    d.PhotometricInterpretation = "RGB" if plane.ndim == 3 else "MONOCHROME2"
    if plane.ndim == 3:
        d.PlanarConfiguration = 0
    d.BitsAllocated = d.BitsStored = 8 * stored.dtype.itemsize
    d.HighBit, d.PixelRepresentation = d.BitsStored - 1, int(stored.dtype.kind == "i")
    d.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    _add_modality(d, low, slope)
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return d


def _add_modality(d: Dataset, low: float, slope: float) -> None:
    """What the kind of image asks for beside pixels."""
    if d.SOPClassUID == CTImageStorage or slope:
        d.RescaleIntercept, d.RescaleSlope = format_number_as_ds(low), format_number_as_ds(slope or 1.0)
        d.RescaleType = "HU" if d.SOPClassUID == CTImageStorage else "US"
    if d.SOPClassUID == CTImageStorage:
        d.ImageType, d.KVP, d.AcquisitionNumber = ["DERIVED", "SECONDARY", "AXIAL"], None, None
    elif d.SOPClassUID == MRImageStorage:
        d.ScanningSequence, d.SequenceVariant, d.ScanOptions, d.MRAcquisitionType = "RM", "NONE", "", ""
        d.EchoTime, d.EchoTrainLength = None, None
    else:
        d.ConversionType, d.PatientOrientation = "WSD", ""
