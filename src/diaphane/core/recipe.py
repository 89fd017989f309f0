"""What one model needs to know about its input, and what its output means: ``recipe.toml`` in a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
    normalisation: Literal["fixed", "z-score"]
    """``fixed``: subtract ``mean``, divide by ``std`` (pictures: of the 0-1 scale). ``z-score``: by the image's own."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    """Of volumes, turned feet to head, front to back, right to left: they are resampled to it."""
    clip: tuple[float, ...] = ()
    """Of volumes: values are first cut to this range."""
    around: str = ""
    """For classes of pictures, the name of a shipped bundle: the network sees the box around what that segments, and some margin; empty: all of it."""

    def __post_init__(self) -> None:
        volume = self.is_volume
        if len(self.size) != 2 + volume or min(self.size[-2:]) < 8 or min(self.size) < 1 or max(self.size) > 4096:
            raise ValueError(f"size must be {2 + volume} numbers between 8 and 4096, got {list(self.size)}")
        if self.channels not in ((1,) if volume else (1, 3)):
            raise ValueError(f"channels must be {'1' if volume else '1 or 3'}, got {self.channels}")
        wanted = self.channels if self.normalisation == "fixed" else 0
        if len(self.mean) != wanted or len(self.std) != wanted or any(s <= 0 for s in self.std):
            raise ValueError(f"'{self.normalisation}' takes {wanted} values of mean and of (positive) std")
        if len(self.spacing_mm) != 3 * volume or any(s <= 0 for s in self.spacing_mm):
            raise ValueError(f"spacing_mm must be three positive numbers for volumes and absent for pictures, got {list(self.spacing_mm)}")
        if len(self.clip) not in (0, 2) or (self.clip and not self.clip[0] < self.clip[1]):
            raise ValueError(f"clip must be two rising numbers, got {list(self.clip)}")

    @property
    def is_volume(self) -> bool:
        """Whether the network is for volumes."""
        return self.fit == "windows"

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """What the network takes of one sample: channels and size, where a window of one slice is a picture."""
        return (self.channels, *(self.size[1:] if self.is_volume and self.size[0] == 1 else self.size))


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
    task: Literal["segment", "classify"]
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
    smallest_part: float = 0.02
    """Parts of a structure below this share of its largest part are dropped as specks."""
    limits: tuple[OutputLimits, ...] = ()
    not_assessed: tuple[NotAssessed, ...] = ()
    """What a reader might expect of this kind of picture and no shipped model does."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {self.threshold}")
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


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the training pictures look like: the input gate measures a new picture's distance from them."""

    mean: FloatArray
    """(d,), of the descriptors."""
    precision: FloatArray
    """(d, d), the inverse of their shrunk covariance."""
    limit: float
    """The Mahalanobis distance beyond which a picture is refused."""
    basis: str = field(default="")
    """How the limit was chosen, in words."""
