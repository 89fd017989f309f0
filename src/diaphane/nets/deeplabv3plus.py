"""DeepLabV3+. Source: Chen, Zhu, Papandreou, Schroff, Adam, ECCV 2018, arXiv 1802.02611, figures 2 and 3, section 4.

Differences from the paper: instance or group normalisation, no dropout; a separable convolution normalises once, at its
end; the branch that sees the whole picture has no normalisation (a map of one point has no spread) and averages what
is above zero (the plain mean of a channel after instance normalisation is the same for every picture).
"""

from __future__ import annotations

import torch
from torch import nn

from diaphane.nets.blocks import Layers, Network
from diaphane.nets.design import Design
from diaphane.nets.encoders import encoder

RATES = (6, 12, 18)
"""Of the atrous convolutions, at the sixteenth part of the resolution."""


def separable(inputs: int, outputs: int, layers: Layers, dilation: int = 1) -> nn.Sequential:
    """3x3 a channel, then 1x1 across channels, normalisation and ReLU."""
    each = layers.conv(inputs, inputs, dilation=dilation, groups=inputs)
    return nn.Sequential(each, *layers.unit(inputs, outputs, 1, act=nn.ReLU(inplace=True)))


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling: the same features seen at five scales, from a point to the whole picture.

    Shape: (batch, ``inputs``, rows, columns) to (batch, ``outputs``, rows, columns).
    """

    def __init__(self, inputs: int, outputs: int, layers: Layers) -> None:
        super().__init__()
        point = layers.unit(inputs, outputs, 1, act=nn.ReLU(inplace=True))
        self.scales = nn.ModuleList([point, *(separable(inputs, outputs, layers, rate) for rate in RATES)])
        self.whole = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), layers.conv(inputs, outputs, 1, bias=True), nn.ReLU(inplace=True))
        self.project = layers.unit(5 * outputs, outputs, 1, act=nn.ReLU(inplace=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All five, projected to one."""
        seen = [scale(x) for scale in self.scales]
        seen.append(self.whole(x).expand_as(seen[0]))
        out: torch.Tensor = self.project(torch.cat(seen, dim=1))
        return out


class DeepLabV3Plus(Network):
    """An encoder down to a sixteenth, an atrous pyramid on it, and a short decoder that adds detail from a quarter.

    The pyramid and the decoder have the last of the design's widths (256 in the paper), the detail 3/16 of it (48).
    Shape: (batch, ``channels``, rows, columns) to logits (batch, ``classes``, rows, columns); sizes must be multiples of ``stride``.
    """

    def __init__(self, channels: int, classes: int, design: Design) -> None:
        super().__init__()
        layers, width = Layers.of(design), design.widths[-1]
        self.encoder = encoder(channels, design, halvings=4)
        depth = len(self.encoder.strides)
        self.level = min(2, depth - 1)
        self.stride = self.encoder.stride(depth)
        self.fine = self.encoder.stride(self.level)[0]
        detail = max(1, 3 * width // 16)
        self.context = AtrousPyramid(self.encoder.widths[-1], width, layers)
        self.detail = layers.unit(self.encoder.widths[self.level], detail, 1, act=nn.ReLU(inplace=True))
        self.decoder = nn.Sequential(separable(width + detail, width, layers), separable(width, width, layers))
        self.head = layers.head(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, one channel a class."""
        features = self.encoder(x)
        context = _larger(self.context(features[-1]), self.stride[0] // self.fine)
        merged = torch.cat([context, self.detail(features[self.level])], dim=1)
        return _larger(self.head(self.decoder(merged)), self.fine)


def _larger(x: torch.Tensor, scale: int) -> torch.Tensor:
    return nn.functional.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
