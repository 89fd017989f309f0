"""SegNet. Source: Badrinarayanan, Kendall, Cipolla, IEEE TPAMI 39, 2481 (2017), arXiv 1511.00561, figure 2.

Differences from the paper: instance or group normalisation and leaky ReLU, which leaves fewer ties; widths as given
(the paper's, VGG-16's, are 64, 128, 256, 512, 512).

The decoder puts each value back where the maximum was. ``max_unpool2d`` does not export to ONNX, so that the place is
kept as two masks: in each pair of columns, is the right one larger; of two rows of such maxima, is the lower one larger.
Ties go left and up, so that this is the first maximum in reading order, which is the index that ``max_pool2d`` gives.
"""

from __future__ import annotations

import torch
from torch import nn

from diaphane.nets.blocks import Layers, Network
from diaphane.nets.design import Design

Place = tuple[torch.Tensor, torch.Tensor]


def pool(x: torch.Tensor) -> tuple[torch.Tensor, Place]:
    """The maximum of each 2x2 window, and its place: is it in the right column, is it in the lower row.

    Shape: (batch, channel, rows, columns) to (batch, channel, rows / 2, columns / 2); the place is (…, rows, columns / 2)
    and (…, rows / 2, columns / 2).
    """
    with torch.no_grad():
        left, right = x[..., ::2], x[..., 1::2]
        larger = torch.maximum(left, right)
        place = right > left, larger[..., 1::2, :] > larger[..., ::2, :]
    return nn.functional.max_pool2d(x, 2), place


def unpool(x: torch.Tensor, place: Place) -> torch.Tensor:
    """Each value at its place in a 2x2 window, 0 elsewhere.

    Shape: (batch, channel, rows, columns) to (batch, channel, 2 rows, 2 columns).
    """
    right, lower = place
    rows = torch.stack([x * ~lower, x * lower], dim=-2).flatten(-3, -2)
    return torch.stack([rows * ~right, rows * right], dim=-1).flatten(-2)


class SegNet(Network):
    """VGG's encoder and its mirror image, joined by the places of the maxima and nothing else.

    Shape: (batch, ``channels``, rows, columns) to logits (batch, ``classes``, rows, columns); sizes must be multiples of ``stride``.
    """

    def __init__(self, channels: int, classes: int, design: Design) -> None:
        super().__init__()
        layers, widths = Layers.of(design), tuple(design.widths)
        counts = [2 if n < 2 else 3 for n in range(len(widths))]
        before = (channels, *widths)
        levels = range(len(widths))
        self.stride = (2 ** len(widths),) * 2
        self.down = nn.ModuleList(_stage([before[n], *[widths[n]] * counts[n]], layers) for n in levels)
        self.up = nn.ModuleList(_stage([*[widths[n]] * counts[n], widths[max(0, n - 1)]], layers) for n in reversed(levels))
        self.head = layers.head(widths[0], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, one channel a class."""
        places = []
        for stage in self.down:
            x, place = pool(stage(x))
            places.append(place)
        for stage in self.up:
            x = stage(unpool(x, places.pop()))
        logits: torch.Tensor = self.head(x)
        return logits


def _stage(widths: list[int], layers: Layers) -> nn.Sequential:
    """3x3 convolutions from each of ``widths`` to the next."""
    return nn.Sequential(*(layers.unit(a, b, act=nn.LeakyReLU(0.01, inplace=True)) for a, b in zip(widths[:-1], widths[1:], strict=True)))
