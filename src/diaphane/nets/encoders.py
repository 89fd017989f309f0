"""Encoders: from a picture to features at every resolution. ResNet and MobileNetV2 have a file each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import nn

from diaphane.errors import UsageError
from diaphane.nets.blocks import ConvBlock, Layers
from diaphane.nets.design import Design, EncoderName
from diaphane.nets.mobilenet import mobilenet_stages
from diaphane.nets.resnet import resnet_stages

UNLIMITED = 99
"""More halvings than any encoder has."""


class Encoder(nn.Module):
    """Features from full resolution down; level 0 is what ``stem`` makes of the input.

    ``widths`` are the channels of each level, ``strides`` the step from each level to the next.
    """

    def __init__(self, stem: nn.Module, down: Sequence[nn.Module], widths: Sequence[int], strides: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.stem = stem
        self.down = nn.ModuleList(down)
        self.widths = tuple(widths)
        self.strides = tuple(tuple(s) for s in strides)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """One tensor a level."""
        features = [self.stem(x)]
        for stage in self.down:
            features.append(stage(features[-1]))
        return features

    def stride(self, level: int) -> tuple[int, ...]:
        """How much smaller than the input ``level`` is along each axis."""
        return tuple(math.prod(s[axis] for s in self.strides[:level]) for axis in range(len(self.strides[0])))

    def cut(self, depth: int) -> Encoder:
        """The same modules down to level ``depth``."""
        return Encoder(self.stem, list(self.down)[:depth], self.widths[: depth + 1], self.strides[:depth])


def plain(channels: int, design: Design, halvings: int) -> Encoder:
    """Two convolutions a level, max pooling between: the U-Net paper's."""
    layers = Layers.of(design)
    flat, half = (1,) * design.dimensions, (2,) * design.dimensions
    strides = design.strides or [half if n < halvings else flat for n in range(len(design.widths) - 1)]
    dilations = [2 ** max(0, n + 1 - halvings) for n in range(len(strides))]
    stem = ConvBlock(channels, design.widths[0], layers)
    down = [ConvBlock(a, b, layers, s, d) for (a, b), s, d in zip(pairwise(design.widths), strides, dilations, strict=True)]
    return Encoder(stem, down, design.widths, strides)


def published(name: str, channels: int, design: Design, halvings: int) -> Encoder:
    """A ResNet or MobileNetV2, as many of its five stages as ``design`` has widths; level 0 is the input itself."""
    depth, layers = len(design.widths), Layers.of(design)
    if depth > 5:
        raise UsageError(f"{name} halves the resolution five times, got {depth} widths: give at most five")
    make = mobilenet_stages if name == "mobilenetv2" else partial(resnet_stages, name)
    stages, outputs = make(channels, layers, depth, halvings)
    strides = [(2 if n < halvings else 1,) * design.dimensions for n in range(depth)]
    return Encoder(nn.Identity(), stages, (channels, *outputs), strides)


ENCODERS: dict[EncoderName, Callable[[int, Design, int], Encoder]] = {
    "plain": plain,
    "mobilenetv2": partial(published, "mobilenetv2"),
    "resnet18": partial(published, "resnet18"),
    "resnet34": partial(published, "resnet34"),
    "resnet50": partial(published, "resnet50"),
    "resnet101": partial(published, "resnet101"),
}


def encoder(channels: int, design: Design, halvings: int = UNLIMITED) -> Encoder:
    """The encoder that ``design`` names; stages after the first ``halvings`` are dilated in place of a stride."""
    return ENCODERS[design.encoder](channels, design, halvings)
