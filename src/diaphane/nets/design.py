"""What a network is made of, in words and numbers; needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from diaphane.errors import UsageError

NetworkName = Literal["unet", "unetplusplus", "segnet", "deeplabv3plus"]
EncoderName = Literal["plain", "mobilenetv2", "resnet18", "resnet34", "resnet50", "resnet101"]
NormName = Literal["instance", "group"]

WIDTHS = (16, 32, 64, 128, 256)
"""Channels from full resolution down, as a laptop likes them: a quarter of the U-Net paper's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How a network is built, apart from what goes in and what comes out."""

    dimensions: Literal[2, 3] = 2
    """2 for pictures and slices, 3 for volumes."""
    encoder: EncoderName = "plain"
    """The half that looks; ResNets and MobileNetV2 have the widths of their papers."""
    widths: Sequence[int] = WIDTHS
    """Channels at each resolution, from full resolution down: of the decoder, and of the plain encoder, whose lowest is the last one."""
    norm: NormName = "instance"
    """Instance normalisation looks at one channel of one sample, group normalisation at groups of channels, eight of them where they divide.
    The first trains only where the lowest resolution has more than one point, and is exact only where it has many."""
    strides: Sequence[Sequence[int]] = ()
    """Of the plain encoder from one resolution to the next, such as (1, 2, 2) for thick slices; 2 everywhere when empty."""
    deep_supervision: bool = False
    """UNet++ only: a head at every depth."""

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise UsageError(f"widths must be two or more positive numbers, got {tuple(self.widths)}: give one a resolution, such as {WIDTHS}")
        if self.strides and self.encoder != "plain":
            raise UsageError(f"strides are the plain encoder's to choose, got encoder {self.encoder!r}: leave them empty or use 'plain'")
        wrong = [s for s in self.strides if len(s) != self.dimensions or not set(s) <= {1, 2}]
        if wrong or len(self.strides) not in (0, len(self.widths) - 1):
            raise UsageError(
                f"strides must be {len(self.widths) - 1} times {self.dimensions} numbers that are 1 or 2, got {[tuple(s) for s in self.strides]}: "
                "give one from each resolution to the next"
            )
