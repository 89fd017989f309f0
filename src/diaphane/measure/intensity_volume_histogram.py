"""The share of a region that has at least some intensity. Source: IBSI reference manual, section 3.5; El Naqa et al., Pattern Recognit 42, 1162 (2009).

Intensities are whole numbers and stay what they are, or are centres of levels of one width, or are numbers of levels over the region's range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.measure.aggregate import Aggregated
from diaphane.measure.configuration import Configuration
from diaphane.measure.sample import Sample

CODES = {
    "volume_at_intensity_fraction_10": "BC2M", "volume_at_intensity_fraction_90": "BC2M",
    "intensity_at_volume_fraction_10": "GBPN", "intensity_at_volume_fraction_90": "GBPN",
    "volume_fraction_difference_between_intensity_fractions": "DDTU", "intensity_fraction_difference_between_volume_fractions": "CNV2",
}  # fmt: skip
"""The IBSI's own tables give both fractions, in percent, one code."""
PERCENT = (10, 90)
ARBITRARY = 1000
"""Levels of intensities without a unit (IBSI)."""
BLOCK = 1 << 16
"""Values at a time."""
TIE = 1e-9
"""A step that rounding moves so far is the same."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The intensities at which the histogram is looked at, numbered from 0 on."""

    words: str
    """For the column ``discretisation``."""
    begin: float
    width: float
    """Of ``times`` steps together."""
    last: float
    """Where the range ends, in steps."""
    first: float
    """The intensity that stands for step 0."""
    apart: float
    """That of a step less that of the one before."""
    times: int = 1

    def of(self, values: Array) -> FloatArray:
        """The step of each of ``values``."""
        return np.asarray(np.floor(self.times * (values.astype(np.float64) - self.begin) / self.width))


def features(sample: Sample, c: Configuration) -> tuple[Aggregated, str]:
    """Every feature of CODES, and how intensities were discretised."""
    if sample.no_value:
        return _nothing(sample.no_value), _words(c)
    inside = sample.inside
    steps = steps_of(inside, c)
    if steps.last <= 0 or not steps.width:
        return _nothing("all intensities are in one level"), steps.words
    found = [*(volume(inside, steps, percent) for percent in PERCENT), *intensities(inside, steps)]
    values = dict(zip(CODES, [*found, found[0] - found[1], found[2] - found[3]], strict=True))
    why = f"the highest level holds more than {PERCENT[math.isnan(found[3])]} % of the region"
    return Aggregated("", values, {name: why for name, value in values.items() if math.isnan(value)}), steps.words


def _nothing(why: str) -> Aggregated:
    return Aggregated("", dict.fromkeys(CODES, math.nan), dict.fromkeys(CODES, why))


def unit_of(name: str, words: str, unit: str) -> str:
    """The unit of the feature ``name`` of intensities in ``unit``; numbers of levels have none."""
    return unit if CODES[name] in {"GBPN", "CNV2"} and not words.startswith("FBN") else "1"


def _words(c: Configuration) -> str:
    if c.ivh_bin_width is not None:
        return f"FBS {c.ivh_bin_width:g}"
    return "own intensities" if c.ivh_bin_count is None else f"FBN {c.ivh_bin_count}"


def steps_of(inside: Array, c: Configuration) -> Steps:
    """As ``c`` wants them; without its word whole numbers stay what they are, and others become ARBITRARY levels."""
    low, high = float(inside.min()), float(inside.max())
    if c.ivh_bin_width is None and (c.ivh_bin_count is not None or not _whole(inside)):
        count = c.ivh_bin_count or ARBITRARY
        return Steps(f"FBN {count}", low, high - low, count - 1, 1, 1, count)
    begin, end = low if c.lowest is None else c.lowest, high if c.highest is None else c.highest
    if c.ivh_bin_width is None:
        return Steps(_words(c), begin, 1, end - begin, begin, 1)
    width = c.ivh_bin_width
    return Steps(_words(c), begin, width, (end - begin) / width - 1, begin + width / 2, width)


def _whole(values: Array) -> bool:
    blocks = (values[n : n + BLOCK] for n in range(0, values.size, BLOCK))
    return values.dtype.kind in "iub" or all(np.array_equal(block, np.rint(block)) for block in blocks)


def volume(inside: Array, steps: Steps, percent: int) -> float:
    """The share of (n,) ``inside`` that lies at least so far up the range."""
    least = math.ceil(steps.last * percent / 100 - TIE)
    return sum(int(np.count_nonzero(steps.of(inside[n : n + BLOCK]) >= least)) for n in range(0, inside.size, BLOCK)) / inside.size


def intensities(inside: Array, steps: Steps) -> list[float]:
    """The lowest intensity of the range that at most so many percent of (n,) ``inside`` reach, for each of PERCENT; NaN where more of it reach any."""
    places = [inside.size - 1 - inside.size * percent // 100 for percent in PERCENT]
    above = steps.of(np.partition(inside, places)[places]) + 1
    return [float(steps.first + n * steps.apart) if n <= steps.last + TIE else math.nan for n in above]
