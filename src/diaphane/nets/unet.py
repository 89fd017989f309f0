"""U-Net. Source: Ronneberger, Fischer, Brox, MICCAI 2015, arXiv 1505.04597, figure 1; Cicek et al., MICCAI 2016, arXiv 1606.06650 (3-D).

Differences from the papers: padded convolutions (the output has the input's size), instance or group
normalisation, any encoder; max pooling and transposed convolution as there, widths as given.
"""

from __future__ import annotations

import torch
from torch import nn

from diaphane.nets.blocks import ConvBlock, Layers, Network
from diaphane.nets.design import Design
from diaphane.nets.encoders import encoder


class UNet(Network):
    """An encoder, a decoder, and a skip connection at every resolution.

    Shape: (batch, ``channels``, …) to logits (batch, ``classes``, …); sizes must be multiples of ``stride``.
    """

    def __init__(self, channels: int, classes: int, design: Design) -> None:
        super().__init__()
        layers, widths = Layers.of(design), design.widths
        self.encoder = encoder(channels, design)
        seen, strides = self.encoder.widths, self.encoder.strides
        depth = len(strides)
        below = [*widths[:depth], seen[depth]]
        levels = range(depth - 1, -1, -1)
        self.stride = self.encoder.stride(depth)
        self.up = nn.ModuleList(layers.up(below[n + 1], widths[n], strides[n]) for n in levels)
        self.merge = nn.ModuleList(ConvBlock(seen[n] + widths[n], widths[n], layers) for n in levels)
        self.head = layers.head(widths[0], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, one channel a class."""
        skips = self.encoder(x)
        out: torch.Tensor = skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            out = merge(torch.cat([skips.pop(), up(out)], dim=1))
        logits: torch.Tensor = self.head(out)
        return logits
