"""What one model needs to know about its input, and what its output means: ``recipe.toml`` in a bundle."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from diaphane.core.arrays import FloatArray

Role = Literal["lesion", "anatomy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRecipe:
    """One structure that the model segments, or one class that it tells."""

    value: int
    """The value in the label map; 0 is always background."""
    name: str
    """In words, from the field's terms; ``left`` and ``right`` are the patient's."""
    role: Role = "lesion"
    """``lesion``: a region becomes a candidate for a finding. ``anatomy``: it is measured only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecipe:
    """The grid and the scale on which the network was trained."""

    channels: int
    """Of pictures 1: grey; 3: RGB, a grey picture is repeated. Of volumes 1."""
    size: tuple[int, ...]
    """What the network sees: rows and columns of a picture; slices, rows and columns of the window that slides over a volume (1 slice: a 2-D network)."""
    fit: Literal["stretch", "pad", "windows"]
    """``stretch``: to the size, changing the aspect ratio. ``pad``: keep it, fill the rest with the image's edge. ``windows``: slide over a volume."""
    normalisation: Literal["fixed", "z-score", "window", "percentile", "histogram"]
    """``fixed``: subtract ``mean``, divide by ``std`` (pictures: of the 0-1 scale). ``z-score``: by the image's own. To 0-1: ``window`` takes
    the values of ``window``, ``percentile`` those between the image's own ``percentiles``; ``histogram`` gives each value the share of the image
    below it (equalisation) or, with ``landmarks``, brings the image's own percentiles to these."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    """Of volumes, turned feet to head, front to back, right to left: they are resampled to it."""
    clip: tuple[float, ...] = ()
    """Of volumes: values are first cut to this range."""
    around: str = ""
    """For classes of pictures, the name of a shipped bundle: the network sees the box around what that segments, and some margin; empty: all of it."""
    window: tuple[float, ...] = ()
    """Centre and width (pictures: of the 0-1 scale); what lies outside becomes 0 or 1."""
    percentiles: tuple[float, ...] = ()
    """The lower and the upper one, 0-100; what lies outside becomes 0 or 1."""
    landmarks: tuple[float, ...] = ()
    """Where the percentiles 1, 10, 20 … 90, 99 of an image come to lie: 11 rising numbers; empty: equalisation."""
    bias_field: Literal["none", "n4"] = "none"
    """Of MR volumes: ``n4`` takes out the slow change of brightness that the coils make; needs the extra ``n4``."""
    denoise: Literal["none", "median", "nonlocal", "bilateral"] = "none"
    """On the network's grid: ``median`` of 3 x 3 (x 3), ``nonlocal`` means, or a ``bilateral`` filter."""
    denoise_strength: float = 1.0
    """Of nonlocal and bilateral: differences up to so many times the image's own noise are evened out."""
    mirror: tuple[bool, ...] = ()
    """Along which axes of ``size`` the sample may also be looked at in the mirror, for the network learned from such images too; empty: none."""

    def __post_init__(self) -> None:
        volume = self.is_volume
        if len(self.size) != 2 + volume or min(self.size[-2:]) < 8 or min(self.size) < 1 or max(self.size) > 4096:
            raise ValueError(f"size must be {2 + volume} numbers between 8 and 4096, got {list(self.size)}")
        if self.channels not in ((1,) if volume else (1, 3)):
            raise ValueError(f"channels must be {'1' if volume else '1 or 3'}, got {self.channels}")
        _check_scale(self)
        if len(self.spacing_mm) != 3 * volume or any(s <= 0 for s in self.spacing_mm):
            raise ValueError(f"spacing_mm must be three positive numbers for volumes and absent for pictures, got {list(self.spacing_mm)}")
        if len(self.clip) not in (0, 2) or (self.clip and not self.clip[0] < self.clip[1]):
            raise ValueError(f"clip must be two rising numbers, got {list(self.clip)}")
        if self.mirror and (len(self.mirror) != len(self.size) or any(safe and n == 1 for safe, n in zip(self.mirror, self.size, strict=True))):
            raise ValueError(f"mirror must be a flag for each number of size, false where that is 1, got {list(self.mirror)} for {list(self.size)}")

    @property
    def is_volume(self) -> bool:
        """Whether the network is for volumes."""
        return self.fit == "windows"

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """What the network takes of one sample: channels and size, where a window of one slice is a picture."""
        return (self.channels, *(self.size[1:] if self.is_volume and self.size[0] == 1 else self.size))


def _check_scale(recipe: InputRecipe) -> None:
    kind = recipe.normalisation
    wanted = recipe.channels if kind == "fixed" else 0
    if len(recipe.mean) != wanted or len(recipe.std) != wanted or any(s <= 0 for s in recipe.std):
        raise ValueError(f"'{kind}' takes {wanted} values of mean and of (positive) std")
    if len(recipe.window) != 2 * (kind == "window") or not all(0 < width < math.inf for width in recipe.window[1:]):
        raise ValueError(f"window must be a centre and a positive width, for 'window' alone, got {list(recipe.window)} for '{kind}'")
    if len(recipe.percentiles) != 2 * (kind == "percentile") or not _rises(recipe.percentiles, 0, 100):
        raise ValueError(f"percentiles must be two rising numbers, 0 to 100, for 'percentile' alone, got {list(recipe.percentiles)} for '{kind}'")
    if len(recipe.landmarks) not in (0, 11 * (kind == "histogram")) or not _rises(recipe.landmarks):
        raise ValueError(f"landmarks must be 11 rising numbers, for 'histogram' alone, got {list(recipe.landmarks)} for '{kind}'")
    if recipe.bias_field != "none" and not recipe.is_volume:
        raise ValueError("bias_field is for volumes: leave it out for pictures")
    if not 0 < recipe.denoise_strength <= 10:
        raise ValueError(f"denoise_strength must lie above 0, at most 10, got {recipe.denoise_strength}")


def _rises(values: tuple[float, ...], least: float = -1e30, greatest: float = 1e30) -> bool:
    return all(low < high for low, high in pairwise(values)) and all(least <= v <= greatest for v in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLimits:
    """What the output gate takes for plausible in one structure; the card says from which pictures."""

    label: int
    area_fraction: tuple[float, float]
    """Smallest and largest share of the picture that the label covers."""
    confidence: float
    """Smallest mean probability inside the label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAssessed:
    """Something that a reader might look for and that was not done."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything about a model but its weights.

    Raises:
        ValueError: Contradictory values (through the dataclasses that it is made of).
    """

    name: str
    task: Literal["segment", "classify", "fuse"]
    modality: str
    """The kind of picture in words, as the report prints it: ``dermoscopy``, ``chest X-ray``."""
    network: str
    """The architecture: ``unet``, ``logistic regression``."""
    labels: tuple[LabelRecipe, ...]
    licence: str
    """Of the weights."""
    input: InputRecipe | None = None
    """None for a model that takes features."""
    applies_to: str = ""
    """For a classifier: the name of the label whose regions it judges."""
    field_of_view: Literal["image", "face"] = "image"
    """What the network is given: the whole image, or the square around each face (``ops.crop.face_square``)."""
    threshold: float = 0.5
    """From this probability on, a pixel (or a region) is called positive."""
    thresholds: tuple[float, ...] = ()
    """Of each label, where structures are segmented: from this probability on a pixel is that structure, of several the last. Empty: ``threshold``,
    for the structures together, of which the most probable is taken."""
    smallest_part: float = 0.02
    """Parts of a structure below this share of its largest part are dropped as specks."""
    limits: tuple[OutputLimits, ...] = ()
    not_assessed: tuple[NotAssessed, ...] = ()
    """What a reader might expect of this kind of picture and no shipped model does."""
    caution: str = ""
    """A sentence without its full stop that must stand beside each of its verdicts."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {self.threshold}")
        if self.thresholds and (self.task != "segment" or len(self.thresholds) != len(self.labels) or not all(0 < t < 1 for t in self.thresholds)):
            raise ValueError(f"thresholds must be a number between 0 and 1 for each label that is segmented, got {list(self.thresholds)}")
        if not 0 <= self.smallest_part <= 1:
            raise ValueError(f"smallest_part must lie between 0 and 1, got {self.smallest_part}")
        values = [label.value for label in self.labels]
        if values != list(range(1, len(values) + 1)):
            raise ValueError(f"labels must have the values 1, 2, 3 … in this order without gap, got {values}")
        if any(limit.label not in values for limit in self.limits):
            raise ValueError("limits name a label that is not there")
        if self.task == "segment" and self.input is None:
            raise ValueError("a segmentation model needs [input]")
        if self.input is not None and self.input.around and (self.task, self.input.is_volume) != ("classify", False):
            raise ValueError("around is for classes of pictures: it must be absent where structures are segmented, or volumes taken")

    @property
    def classes(self) -> int:
        """How many numbers the network gives a pixel, or a picture: a segmentation has background beside its labels."""
        return len(self.labels) + (self.task == "segment")


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One question that the input gate asks beside the distance."""

    kind: Literal["turned", "inverted", "tone"]
    """Whether the image looks more like a training item turned, with its greys inverted, or with other grey levels."""
    name: str
    """In words, what is the matter with an image that scores high: ``upside down``."""
    centre: float
    """Mean score of held-out training items."""
    limit: float
    """The score above which an image is strange."""
    caught: float
    """Share of held-out training items, so altered on purpose, that lie above it."""
    turn: tuple[int, ...] = ()
    """Of ``turned``: after which turn the image would look right (``ops.turns``)."""
    weights: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Of ``tone``: one a descriptor, one a square of it, and a constant."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of training item: a normal distribution of its descriptors."""

    height: float
    """Logarithm of the density at ``mean``, but for the constant that all kinds have in common."""
    mean: FloatArray
    """(d,)."""
    precision: FloatArray
    """(d, d), the inverse of their shrunk covariance."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What the training items look like: the input gate asks how strange a new one is beside them."""

    mean: FloatArray
    """(d,), of the descriptors."""
    kinds: tuple[Kind, ...]
    """One or more."""
    limit: float
    """The distance beyond which an image is refused (``ops.fingerprint.distance``)."""
    basis: str = field(default="")
    """How the limits were chosen, in words."""
    checks: tuple[Check, ...] = ()
    scale: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(d,), the standard deviations of the descriptors, which the checks of grey levels go by."""
    layout: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Weights of the thumbnail's cells: their sum tells how upright it is."""
    untold: tuple[str, ...] = ()
    """What the checks cannot tell, or what is natural for such images."""


@dataclass(frozen=True, slots=True, eq=False)
class Typical:
    """What one structure is like in held-out results."""

    label: int
    mean: FloatArray
    """(d,), of the descriptors of a structure (``segment.gate_output``)."""
    precision: FloatArray
    """(d, d), the inverse of their shrunk covariance."""
    centre: float
    """Mean logarithm of the held-out results' Mahalanobis distance."""
    spread: float
    """Its standard deviation."""


@dataclass(frozen=True, slots=True, eq=False)
class OutputFingerprint:
    """What results are like: the output gate doubts one that is not."""

    limit: float
    """Largest log distance of a structure that is believed, in standard deviations from its centre; one for all structures together."""
    basis: str
    """How it was chosen, in words."""
    structures: tuple[Typical, ...]
