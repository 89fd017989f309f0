"""MobileNetV2 encoder. Source: Sandler, Howard, Zhu, Zhmoginov, Chen, CVPR 2018, arXiv 1801.04381, tables 1 and 2.

Differences from the paper: without the last 1x1 convolution to 1280 channels, as the authors' own segmentation
has it; instance or group normalisation; a dilated stage has stride 1.
"""

from __future__ import annotations

import torch
from torch import nn

from diaphane.nets.blocks import Layers

STAGES = (((1, 16, 1, 1),), ((6, 24, 2, 2),), ((6, 32, 3, 2),), ((6, 64, 4, 2), (6, 96, 3, 1)), ((6, 160, 3, 2), (6, 320, 1, 1)))
"""Table 2, cut where the resolution halves: expansion, channels, blocks, stride of the first block. A 3x3 convolution comes before."""


class InvertedResidual(nn.Module):
    """1x1 to more channels, 3x3 a channel, 1x1 to few without activation; the input is added where the shape stays."""

    def __init__(self, inputs: int, outputs: int, expansion: int, layers: Layers, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        wide = inputs * expansion
        widen = [layers.unit(inputs, wide, 1, act=nn.ReLU6(inplace=True))] if expansion > 1 else []
        each = layers.unit(wide, wide, act=nn.ReLU6(inplace=True), stride=stride, dilation=dilation, groups=wide)
        self.layers = nn.Sequential(*widen, each, layers.unit(wide, outputs, 1))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The convolutions, plus the input."""
        out: torch.Tensor = self.layers(x)
        return x + out if self.adds else out


def mobilenet_stages(channels: int, layers: Layers, depth: int, halvings: int) -> tuple[list[nn.Module], tuple[int, ...]]:
    """The first ``depth`` of five stages, and the channels after each.

    Stages after the first ``halvings`` keep the resolution and are dilated instead.
    """
    stages: list[nn.Module] = []
    inputs = 32
    for n, rows in enumerate(STAGES[:depth]):
        dilation = 2 ** max(0, n + 1 - halvings)
        blocks: list[nn.Module] = [layers.unit(channels, 32, act=nn.ReLU6(inplace=True), stride=2)] if n == 0 else []
        for expansion, outputs, count, stride in rows:
            for k in range(count):
                blocks.append(InvertedResidual(inputs, outputs, expansion, layers, stride=stride if k == 0 and n < halvings else 1, dilation=dilation))
                inputs = outputs
        stages.append(nn.Sequential(*blocks))
    return stages, tuple(rows[-1][1] for rows in STAGES[:depth])
