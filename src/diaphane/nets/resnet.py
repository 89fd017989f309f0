"""ResNet encoders. Source: He, Zhang, Ren, Sun, CVPR 2016, arXiv 1512.03385, table 1 and figure 5.

Differences from the paper: the stride of a bottleneck is in its 3x3 convolution, as everyone has it since;
instance or group normalisation; a dilated stage has stride 1.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from diaphane.nets.blocks import MAX_POOL, Layers

WIDTHS = (64, 128, 256, 512)
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
EXPANSION = {"resnet18": 1, "resnet34": 1, "resnet50": 4, "resnet101": 4}


class Residual(nn.Module):
    """ReLU of a few convolutions plus a shortcut: the input, or its 1x1 projection where the shape changes.

    ``expansion`` 1: two 3x3 convolutions of ``width``; 4: a bottleneck of 1x1, 3x3 and 1x1, four times as wide at its end.
    """

    def __init__(self, inputs: int, width: int, expansion: int, layers: Layers, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        relu, outputs = nn.ReLU(inplace=True), width * expansion
        if expansion == 1:
            units = [layers.unit(inputs, width, act=relu, stride=stride, dilation=dilation), layers.unit(width, width, dilation=dilation)]
        else:
            middle = layers.unit(width, width, act=relu, stride=stride, dilation=dilation)
            units = [layers.unit(inputs, width, 1, act=relu), middle, layers.unit(width, outputs, 1)]
        self.layers = nn.Sequential(*units)
        self.shortcut = layers.unit(inputs, outputs, 1, stride=stride) if stride > 1 or inputs != outputs else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum, rectified."""
        return torch.relu(self.layers(x) + self.shortcut(x))


def resnet_stages(name: str, channels: int, layers: Layers, depth: int, halvings: int) -> tuple[list[nn.Module], tuple[int, ...]]:
    """The first ``depth`` of stem and four stages of ``name``, and the channels after each.

    Stages after the first ``halvings`` keep the resolution and are dilated instead.
    """
    expansion = EXPANSION[name]
    widths = WIDTHS[: depth - 1]
    outputs = (64, *(width * expansion for width in widths))
    stages: list[nn.Module] = [layers.unit(channels, 64, 7, act=nn.ReLU(inplace=True), stride=2)]
    for n, (count, width, (before, after)) in enumerate(zip(BLOCKS[name], widths, pairwise(outputs), strict=False), 1):
        dilation = 2 ** max(0, n + 1 - halvings)
        stride = 2 if n > 1 and n < halvings else 1
        first = Residual(before, width, expansion, layers, stride=stride, dilation=dilation)
        rest = [Residual(after, width, expansion, layers, dilation=dilation) for _ in range(count - 1)]
        pool = [MAX_POOL[layers.dimensions](3, stride=2, padding=1)] if n == 1 else []
        stages.append(nn.Sequential(*pool, first, *rest))
    return stages, outputs
