"""How radiomic features are taken of a volume: the steps of the IBSI's scheme and their settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Family = Literal[
    "morphology", "local_intensity", "intensity", "intensity_histogram", "intensity_volume_histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"
]
FAMILIES: tuple[Family, ...] = get_args(Family)
Dimension = Literal["2d", "2.5d", "3d"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The image processing scheme of the IBSI (reference manual, chapter 2), with a switch for each rule in which pyradiomics differs."""

    families: tuple[Family, ...] = FAMILIES
    """which families are taken; none: shape and intensity statistics on the volume's own grid"""
    dimensions: tuple[Dimension, ...] = ("3d",)
    """of texture: within slices (2d), within slices and then over all of them (2.5d), or in space (3d); without 3d the grid changes within slices only"""
    resample_mm: float = 0.0
    """spacing of the grid that features are taken on; 0: the volume's own"""
    interpolation: Literal["nearest", "linear", "cubic"] = "linear"
    """of intensities, by B-splines of that order"""
    mask_interpolation: Literal["nearest", "linear"] = "linear"
    """of the mask, which then holds what is at least a half; pyradiomics: nearest"""
    alignment: Literal["centre", "corner"] = "centre"
    """what both grids share: the centre (IBSI), or the corner of the first voxel (pyradiomics)"""
    rounding: Literal["none", "nearest", "down"] = "none"
    """of intensities after interpolation, to the nearest whole number (IBSI, of Hounsfield units) or towards 0 (pyradiomics, of images of whole numbers)"""
    lowest: float | None = None
    """re-segmentation: lower intensities leave the region"""
    highest: float | None = None
    """re-segmentation: higher intensities leave the region"""
    outlier_sigma: float = 0.0
    """re-segmentation: intensities further from the mean than so many standard deviations leave the region; 0: none"""
    bin_width: float | None = None
    """width of a grey level (IBSI: fixed bin size); none: so many grey levels as bin_count says"""
    bin_count: int = 32
    """grey levels over the region's own range (IBSI: fixed bin number)"""
    bin_origin: Literal["lowest", "zero"] = "lowest"
    """where grey levels of one width begin: at the lowest intensity of the re-segmentation, else of the region (IBSI),
    or at a multiple of the width (pyradiomics)"""
    ivh_bin_width: float | None = None
    """of the intensity-volume histogram: width of a level, whose centre stands for it (IBSI: continuous intensities with a unit)"""
    ivh_bin_count: int | None = None
    """of the intensity-volume histogram: levels over the region's own range (IBSI: intensities without a unit);
    without a width or a count whole numbers stay what they are, and others become 1000 levels"""
    names: Literal["ibsi", "pyradiomics"] = "ibsi"
    """the IBSI's names, or those features that pyradiomics has, under its names and by its formulas"""

    def __post_init__(self) -> None:
        widths = [n for n in (self.bin_width, self.ivh_bin_width) if n is not None]
        numbers = (self.resample_mm, self.outlier_sigma, *widths, *(n for n in (self.lowest, self.highest) if n is not None))
        if not all(map(math.isfinite, numbers)) or self.resample_mm < 0 or self.outlier_sigma < 0:
            raise ValueError("resample_mm and outlier_sigma must be at least 0 and every number finite")
        if widths and min(widths) <= 0:
            raise ValueError(f"bin_width and ivh_bin_width must be above 0, got {min(widths)}")
        if not 2 <= self.bin_count <= 1024 or (self.ivh_bin_count is not None and self.ivh_bin_count < 2):
            raise ValueError(f"bin_count must lie between 2 and 1024 and ivh_bin_count be at least 2, got {self.bin_count} and {self.ivh_bin_count}")
        if self.ivh_bin_width is not None and self.ivh_bin_count is not None:
            raise ValueError("ivh_bin_width and ivh_bin_count are two ways to make levels; give one of them")
        if self.lowest is not None and self.highest is not None and self.lowest >= self.highest:
            raise ValueError(f"lowest must lie below highest, got {self.lowest} and {self.highest}")
        if not self.dimensions or len(set(self.dimensions)) != len(self.dimensions) or len(set(self.families)) != len(self.families):
            raise ValueError("dimensions must not be empty, and neither dimensions nor families may name one twice")
        if self.names == "pyradiomics" and self.dimensions not in (("2.5d",), ("3d",)):
            raise ValueError(f"under pyradiomics' names dimensions must be 2.5d or 3d alone, got {', '.join(self.dimensions)}")

    @property
    def in_plane(self) -> bool:
        """Whether the grid changes within slices only."""
        return "3d" not in self.dimensions

    @property
    def scheme(self) -> str:
        """In words, for the column ``discretisation``."""
        bins = f"FBN {self.bin_count}" if self.bin_width is None else f"FBS {self.bin_width:g}"
        return f"{bins}, {self.grid}"

    @property
    def grid(self) -> str:
        """In words: the grid and what was re-segmented."""
        words = [f"{self.resample_mm:g} mm {'in plane' if self.in_plane else 'grid'}" if self.resample_mm else "source grid"]
        if self.lowest is not None or self.highest is not None:
            words.append(f"{'' if self.lowest is None else f'{self.lowest:g}'}..{'' if self.highest is None else f'{self.highest:g}'}")
        return ", ".join(words + ([f"{self.outlier_sigma:g} sigma"] if self.outlier_sigma else []))


IN_PLANE: tuple[Dimension, ...] = ("2d", "2.5d")
CONFIGURATIONS: dict[str, Configuration] = {
    "digital-phantom": Configuration(dimensions=("2d", "2.5d", "3d"), bin_width=1.0),
    "ibsi-a": Configuration(dimensions=IN_PLANE, lowest=-500, highest=400, bin_width=25, rounding="nearest"),
    "ibsi-b": Configuration(dimensions=IN_PLANE, resample_mm=2, lowest=-500, highest=400, rounding="nearest"),
    "ibsi-c": Configuration(resample_mm=2, lowest=-1000, highest=400, bin_width=25, rounding="nearest", ivh_bin_width=2.5),
    "ibsi-d": Configuration(resample_mm=2, outlier_sigma=3, rounding="nearest"),
    "ibsi-e": Configuration(resample_mm=2, interpolation="cubic", lowest=-1000, highest=400, outlier_sigma=3, rounding="nearest", ivh_bin_count=1000),
    "pyradiomics": Configuration(
        bin_width=25, bin_origin="zero", names="pyradiomics", alignment="corner", interpolation="cubic", mask_interpolation="nearest",
    ),
}  # fmt: skip
"""By name: the IBSI's configurations for its phantoms (reference manual, chapter 5), and what pyradiomics does when nothing is set."""
