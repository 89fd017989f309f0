"""U-Net. Source: Ronneberger, Fischer, Brox, MICCAI 2015, arXiv 1505.04597, figure 1.

Differences from the paper: padded convolutions (the output has the input's size), instance
normalisation, strided max pooling and transposed convolution as there, widths as given.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from diaphane.nets.blocks import ConvBlock


class UNet(nn.Module):
    """An encoder, a decoder, and a skip connection at every resolution.

    Shape: (batch, ``channels``, rows, columns) to logits (batch, ``classes``, rows, columns); rows and
    columns must be multiples of ``2 ** (len(widths) - 1)``.
    """

    def __init__(self, channels: int, classes: int, widths: Sequence[int] = (16, 32, 64, 128, 256)) -> None:
        super().__init__()
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.stem = ConvBlock(channels, widths[0])
        self.down = nn.ModuleList(ConvBlock(a, b) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(ConvBlock(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, one channel a class."""
        skips = [self.stem(x)]
        for block in self.down:
            skips.append(block(self.pool(skips[-1])))
        out: torch.Tensor = skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            out = merge(torch.cat([skips.pop(), up(out)], dim=1))
        logits: torch.Tensor = self.head(out)
        return logits
