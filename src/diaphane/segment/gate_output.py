"""The output gate of a bundle that knows what its held-out results were like: where each structure lies, its size, shape and confidence."""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe, OutputFingerprint, Typical
from diaphane.core.verdict import Verdict
from diaphane.ops.orient import turned

NAMES = ("share of the image", "place along {0}", "place along {1}", "place along {2}", "extent along {0}", "extent along {1}", "extent along {2}",
         "mean probability", "share of doubtful pixels")  # fmt: skip
PICTURE, VOLUME = ("slices", "rows", "columns"), ("feet-head", "front-back", "right-left")
DOUBTFUL = (0.1, 0.9)
"""Between these probabilities a pixel is doubtful."""
LEAST = 1e-4


def descriptors(labels: Labels, value: int, geometry: Geometry | None) -> FloatArray | None:
    """(9,) float64: what the structure ``value`` is like; None where it is absent. ``geometry`` turns volumes as the patient lies; None for pictures.

    Logarithm of its share, centre and logarithm of its spread along each axis as a share of the image, log odds of its mean probability, logarithm
    of the doubtful pixels in and next to it as a share of its own.
    """
    mask = labels.mask(value) if geometry is None else turned(labels.mask(value), geometry)
    if not mask.any():
        return None
    box = tuple(_extent(mask, axis) for axis in range(3))
    part = mask[box]
    count = float(part.sum(dtype=np.int64))
    places = [_moments(part, axis, box[axis].start, mask.shape[axis]) for axis in range(3)]
    sure, doubtful = 1.0, 0.0
    if labels.probability is not None:
        probability = labels.probability if geometry is None else turned(labels.probability, geometry)
        sure, doubtful = _confidence(np.asarray(probability[box], np.float32), part)
    odds = math.log(max(sure, LEAST) / max(1 - sure, LEAST))
    centres, spreads = zip(*places, strict=True)
    return np.array([math.log(count / mask.size + LEAST), *centres, *spreads, odds, math.log(doubtful / count + LEAST)])


def joint_verdicts(labels: Labels, geometry: Geometry | None, limits: OutputFingerprint, bundle: str) -> tuple[Verdict, ...]:
    """A verdict for each structure: ``doubted`` where it is unlike those of held-out results, or an organ is missing. No lesion at all is a result."""
    table = {label.value: label for label in labels.table}
    each = ((table[one.label], descriptors(labels, one.label, geometry), one) for one in limits.structures if one.label in table)
    whole = "picture" if geometry is None else "volume"
    said = [_missing(label) if found is None else _said(label, found, typical, limits.limit, whole) for label, found, typical in each]
    return tuple(Verdict(gate="output", verdict="doubted" if odd else "passed", subject=bundle, reason=reason) for odd, reason in said)


def strangeness(found: FloatArray, typical: Typical, limit: float) -> float:
    """How unlike the held-out results a structure is, as a share of the limit: doubted above 1."""
    away = found - typical.mean
    log = math.log(math.sqrt(max(0.0, float(away @ typical.precision @ away))) + 1e-6)
    return (log - typical.centre) / typical.spread / limit


def _missing(label: LabelRecipe) -> tuple[bool, str]:
    """Whether that is odd, and why."""
    organ = label.role == "anatomy"
    return organ, f"no {label.name} was found" + ("; held-out results show one" if organ else "")


def _said(label: LabelRecipe, found: FloatArray, typical: Typical, limit: float, whole: str) -> tuple[bool, str]:
    """The same of a structure that is there."""
    ratio = strangeness(found, typical, limit)
    share, sure = math.exp(found[0]) - LEAST, 1 / (1 + math.exp(-found[7]))
    words = f"{label.name}: {share:.1%} of the {whole}, mean probability {sure:.2f}"
    if ratio <= 1:
        return False, f"{words}; like held-out results, {max(0.0, ratio):.2f} of the limit"
    return True, f"{words}; unlike held-out results, {ratio:.2f} times the limit, most of all its {_oddest(found, typical, whole)}"


def _oddest(found: FloatArray, typical: Typical, whole: str) -> str:
    """The descriptor that adds most to the distance."""
    away = found - typical.mean
    return NAMES[int(np.argmax(away * (typical.precision @ away)))].format(*(PICTURE if whole == "picture" else VOLUME))


def _extent(mask: BoolArray, axis: int) -> slice:
    """From the first to the last place along the axis that the mask reaches."""
    reached = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
    return slice(int(reached[0]), int(reached[-1]) + 1)


def _moments(part: BoolArray, axis: int, start: int, length: int) -> tuple[float, float]:
    """Centre, 0-1, and logarithm of the standard deviation along an axis, as shares of its length."""
    profile = part.sum(axis=tuple(n for n in range(3) if n != axis), dtype=np.float64)
    profile /= profile.sum()
    at = (np.arange(len(profile)) + start + 0.5) / length
    centre = float(profile @ at)
    return centre, math.log(math.sqrt(float(profile @ (at - centre) ** 2)) + 0.1 / length)


def _confidence(probability: FloatArray, part: BoolArray) -> tuple[float, float]:
    """Mean probability inside, and how many pixels of the box are doubtful."""
    low, high = DOUBTFUL
    return float(probability[part].mean(dtype=np.float64)), float(np.count_nonzero((probability > low) & (probability < high)))
