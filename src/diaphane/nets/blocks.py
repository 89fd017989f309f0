"""The pieces that networks share, in two and three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from diaphane.nets.design import Design, NormName

Make = Callable[..., nn.Module]

CONV: dict[int, Make] = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, Make] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAX_POOL: dict[int, Make] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
INSTANCE_NORM: dict[int, Make] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


class Network(nn.Module):
    """A network from pictures (batch, channel, …) to logits (batch, class, …) of the same size."""

    stride: tuple[int, ...]
    """The input's size along each axis must be a multiple of this."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Makes the layers of a network: knows its number of dimensions and its normalisation."""

    dimensions: int
    norm_name: NormName

    @classmethod
    def of(cls, design: Design) -> Layers:
        """The layers that ``design`` asks for."""
        return cls(design.dimensions, design.norm)

    def conv(self, inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1, groups: int = 1, bias: bool = False) -> nn.Module:
        """A convolution that keeps the size, but for its stride."""
        padding = dilation * (kernel // 2)
        return CONV[self.dimensions](inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias)

    def norm(self, channels: int) -> nn.Module:
        """Normalisation with a learned scale and shift a channel.

        Source: Ulyanov et al., arXiv 1607.08022 (instance); Wu and He, ECCV 2018, arXiv 1803.08494 (group).
        """
        if self.norm_name == "group":
            return nn.GroupNorm(math.gcd(channels, 8), channels)
        return INSTANCE_NORM[self.dimensions](channels, affine=True)

    def unit(
        self, inputs: int, outputs: int, kernel: int = 3, *, act: nn.Module | None = None, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> nn.Sequential:
        """A convolution and its normalisation, then ``act`` if there is one."""
        parts = [self.conv(inputs, outputs, kernel, stride=stride, dilation=dilation, groups=groups), self.norm(outputs)]
        return nn.Sequential(*parts, act) if act is not None else nn.Sequential(*parts)

    def up(self, inputs: int, outputs: int, stride: Sequence[int]) -> nn.Module:
        """A transposed convolution, ``stride`` times larger."""
        return TRANSPOSED[self.dimensions](inputs, outputs, tuple(stride), stride=tuple(stride))

    def head(self, inputs: int, classes: int) -> nn.Module:
        """A 1x1 convolution to logits."""
        return self.conv(inputs, classes, 1, bias=True)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each followed by normalisation and leaky ReLU; with a ``stride``, after max pooling.

    Shape: (batch, ``inputs``, …) to (batch, ``outputs``, …), ``stride`` times smaller.
    Source: Isensee et al., Nature Methods 18, 203 (2021), section "network architecture".
    """

    def __init__(self, inputs: int, outputs: int, layers: Layers, stride: Sequence[int] = (), dilation: int = 1) -> None:
        super().__init__()
        self.pool = MAX_POOL[layers.dimensions](tuple(stride)) if max(stride, default=1) > 1 else nn.Identity()
        self.layers = nn.Sequential(
            *layers.unit(inputs, outputs, act=nn.LeakyReLU(0.01, inplace=True), dilation=dilation),
            *layers.unit(outputs, outputs, act=nn.LeakyReLU(0.01, inplace=True), dilation=dilation),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool, then apply both convolutions."""
        out: torch.Tensor = self.layers(self.pool(x))
        return out
