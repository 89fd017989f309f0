"""The options of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from diaphane.ops.paint import Colormap


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the report shows."""

    picture_px: int = 900
    """long side of the pictures in the page"""
    colormap: Colormap = "viridis"
    """colours of structures and of the probability map in the page"""
    contributions: int = 6
    """how many single features are listed, below the sums, that spoke for or against a class"""
    segmentation_object: bool = True
    """write the structures as DICOM Segmentation, seg.dcm"""
    derived_series: bool = True
    """where the source was no DICOM, write it as DICOM images too (dicom/), so that a PACS has what seg.dcm lies on"""
    labelmap_above: int = 64
    """with more structures than this, seg.dcm is a label map: much smaller and faster, and read by newer viewers only"""
    fhir: bool = True
    """write findings and measurements as a FHIR R4 bundle, fhir.json"""

    def __post_init__(self) -> None:
        if not 128 <= self.picture_px <= 4096:
            raise ValueError(f"picture_px must lie between 128 and 4096, got {self.picture_px}")
        if self.colormap not in get_args(Colormap):
            raise ValueError(f"colormap must be one of {', '.join(get_args(Colormap))}, got '{self.colormap}'")
        if not 0 <= self.contributions <= 100:
            raise ValueError(f"contributions must lie between 0 and 100, got {self.contributions}")
        if not 0 <= self.labelmap_above <= 1000:
            raise ValueError(f"labelmap_above must lie between 0 and 1000, got {self.labelmap_above}")
