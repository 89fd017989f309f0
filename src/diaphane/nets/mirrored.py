"""A network that also looks in the mirror: the mean of what it says of a picture and of its left-right mirror image.

For things without a side. Twice the cost of one look, no more weights. Source: test-time augmentation, Krizhevsky et al., NIPS 2012, section 4.1.
"""

from __future__ import annotations

import torch
from torch import nn

LEAST = 1e-9
"""Added before the logarithm."""


class Mirrored(nn.Module):
    """``network`` on the picture and its mirror image.

    Shape: (batch, channels, rows, columns) to (batch, classes, rows, columns): logarithms of mean probabilities, which softmax leaves as they are.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log probabilities, one channel a class."""
        straight = self.network(x).softmax(dim=1)
        mirrored = self.network(x.flip(3)).softmax(dim=1).flip(3)
        return torch.log((straight + mirrored) / 2 + LEAST)
