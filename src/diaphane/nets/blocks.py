"""The pieces that networks share."""

from __future__ import annotations

import torch
from torch import nn


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each followed by instance normalisation and leaky ReLU.

    Shape: (batch, ``inputs``, rows, columns) to (batch, ``outputs``, rows, columns).
    Source: Isensee et al., Nature Methods 18, 203 (2021), section "network architecture".
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.InstanceNorm2d(outputs, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.InstanceNorm2d(outputs, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply both convolutions."""
        out: torch.Tensor = self.layers(x)
        return out
