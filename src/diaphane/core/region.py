"""A region of a label map with its features, and ``features.csv``, which holds them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO

from diaphane.core.arrays import BoolArray, frozen
from diaphane.core.finding import Assessment
from diaphane.errors import InputError

COLUMNS = ["image", "region", "label", "family", "feature", "ibsi_code", "aggregation", "discretisation", "value", "unit", "nan_reason"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One number about a region, in the IBSI's words where it has them.

    Raises:
        InputError: The value is NaN or infinite and no reason is given.
    """

    family: str
    """``morphology``, ``intensity``, ``colour``, ``glcm`` …"""
    name: str
    value: float
    """NaN where the value does not exist; then ``nan_reason`` says why."""
    unit: str = "1"
    """UCUM where it has the unit; ``px`` where the picture has no scale; ``1`` for a plain number."""
    ibsi_code: str = ""
    """Four characters; empty where the IBSI does not define the feature."""
    aggregation: str = ""
    discretisation: str = ""
    nan_reason: str = ""

    @property
    def name_with_unit(self) -> str:
        """``area_mm2``; the name alone for a plain number."""
        return self.name if self.unit == "1" else f"{self.name}_{self.unit}"

    def __post_init__(self) -> None:
        if math.isfinite(self.value) == bool(self.nan_reason):
            raise InputError(f"feature {self.name}: a value that is not finite needs a reason, a finite one has none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A connected part of one structure (a lesion), or the whole of it (an organ)."""

    index: int
    """From 1, in the order of the structures' values, parts of one by falling size."""
    label: int
    """The value in the label map."""
    name: str
    """The structure in words."""
    role: str
    """``lesion`` or ``anatomy``."""
    box: tuple[tuple[int, int], ...]
    """Start and stop along k, j, i."""
    mask: BoolArray
    """Inside the box."""
    features: tuple[Feature, ...] = ()
    assessments: tuple[Assessment, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", frozen(self.mask))

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index into the image's array."""
        return tuple(slice(start, stop) for start, stop in self.box)

    @property
    def box_px(self) -> tuple[int, int, int, int]:
        """x, y, width, height in the slice plane."""
        (top, bottom), (left, right) = self.box[-2:]
        return left, top, right - left, bottom - top

    def feature(self, name: str) -> Feature | None:
        """The feature called ``name``; None where it was not measured."""
        return next((f for f in self.features if f.name == name), None)

    def value(self, name: str) -> float:
        """The value of the feature called ``name``; NaN where it was not measured."""
        found = self.feature(name)
        return math.nan if found is None else found.value


def features_csv(regions: Iterable[tuple[str, Region]]) -> str:
    """The text of ``features.csv`` for regions with the names of their images: a line a feature, exact numbers (``repr``)."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image, r in regions:
        for f in r.features:
            value = repr(float(f.value)) if math.isfinite(f.value) else "nan"
            writer.writerow([image, r.index, r.name, f.family, f.name, f.ibsi_code, f.aggregation, f.discretisation, value, f.unit, f.nan_reason])
    return out.getvalue()


def features_from_csv(text: str, where: str = "features.csv") -> dict[int, tuple[Feature, ...]]:
    """The features of each region index, as ``features_csv`` wrote them.

    Raises:
        InputError: Another header, or a value that is no number.
    """
    rows = csv.DictReader(StringIO(text))
    if rows.fieldnames != COLUMNS:
        raise InputError(f"{where}: expected the columns {','.join(COLUMNS)}, found {rows.fieldnames}")
    out: dict[int, list[Feature]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            feature = Feature(
                family=row["family"], name=row["feature"], value=float(row["value"]), unit=row["unit"], ibsi_code=row["ibsi_code"],
                aggregation=row["aggregation"], discretisation=row["discretisation"], nan_reason=row["nan_reason"],
            )  # fmt: skip
            out.setdefault(int(row["region"]), []).append(feature)
        except (TypeError, ValueError) as problem:
            raise InputError(f"{where}: line {number} is not a feature ({problem})") from problem
    return {index: tuple(features) for index, features in out.items()}
