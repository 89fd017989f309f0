"""What a training is, decided: ``recipe.toml`` in the folder of the training, a reason beside each value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diaphane.core.recipe import InputRecipe, LabelRecipe
from diaphane.nets.design import EncoderName, NetworkName, NormName

LossName = Literal["dice_cross_entropy", "batch_dice_cross_entropy", "dice_focal", "cross_entropy", "focal"]
OptimizerName = Literal["adamw", "adam", "sgd"]
ScheduleName = Literal["poly", "cosine", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """What is learnt from."""

    name: str
    task: Literal["segment", "classify"]
    modality: str
    licence: str
    """Of the weights, as far as the data says."""
    labels: tuple[LabelRecipe, ...]
    digest: str
    """SHA-256 over the names, sizes and splits of all items: another data set is another training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTable:
    """Which network."""

    name: NetworkName
    """Of a data set of classes only the encoder is used, with a pooled linear head."""
    encoder: EncoderName = "plain"
    widths: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...] = ()
    norm: NormName
    deep_supervision: bool = False
    frozen_encoder: bool = False
    """Whether the encoder stays as ``--init`` gave it, and only what follows it learns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopTable:
    """How it is trained."""

    steps: int
    batch_size: int
    loss: LossName
    optimizer: OptimizerName
    learning_rate: float
    weight_decay: float
    schedule: ScheduleName
    warmup_steps: int
    clip_norm: float
    """Gradients longer than this are shortened to it."""
    ema: float
    """Share of the old weights kept in the moving average that is validated and exported."""
    foreground: float
    """Share of the windows of volumes that is centred on a structure."""
    precision: Literal["float32", "bfloat16"]
    channels_last: bool
    validations: int
    """How often validation is looked at."""
    validation_items: int
    """How many items of it each time, always the same; the evaluation at the end sees all."""
    checkpoint_minutes: float
    patience: int = 0
    """Looks at validation without a better one after which training ends; 0: never."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentTable:
    """How far augmentation goes. Everything is drawn a sample, then applied."""

    flip: tuple[bool, bool, bool]
    """Whether to mirror along slices, rows, columns (feet-head, front-back, right-left of volumes; up-down and left-right of pictures)."""
    rotation_deg: float
    """In the plane of rows and columns."""
    rotation_out_deg: float
    """About the other two axes; 0 for pictures."""
    scale: float
    """Zoom by 1/(1+scale) to 1+scale."""
    shift: float
    """Fraction of the window's size; for pictures."""
    gain: float
    """Contrast factor from 1-gain to 1+gain."""
    offset: float
    """Brightness, in standard deviations."""
    gamma: float
    """Exponent from 1/(1+gamma) to 1+gamma on the sample's own range."""
    noise: float
    """Largest standard deviation of Gaussian noise that is added."""
    blur: float
    """Largest sigma of Gaussian blur in pixels, to one sample in four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTable:
    """What is made of the network's probabilities, in the bundle and where it is judged."""

    mirror: tuple[bool, bool, bool]
    """Axes (as in augment.flip) along which the network also looks at the mirror image; each doubles the time of a prediction."""
    thresholds: tuple[float, ...]
    """Of each label: from this probability on a pixel is that structure, of several the last; empty: 0.5 of all together, and the most probable."""
    smallest_part: float
    """Parts of a structure below this share of its largest part are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRecipe:
    """All of it; the same recipe, data and seed give the same bytes on one machine."""

    data: DataTable
    input: InputRecipe
    network: NetworkTable
    loop: LoopTable
    augment: AugmentTable
    output: OutputTable
    folds: int
    """How many parts the data is cut into; each is validation once."""
    fold: tuple[int, ...]
    """Which of them are trained."""
    final: bool
    """Whether one network more learns from everything and is the bundle in place of the folds' ensemble."""
    minutes: float
    """What the whole was planned for."""
    threads: int
    """Of torch: another number rounds otherwise."""
