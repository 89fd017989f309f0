"""A network that also looks in the mirror: the mean of what it says of a sample and of its mirror images.

For things without a side. Twice the time for each axis, no more weights. Source: test-time augmentation, Krizhevsky et al., NIPS 2012,
section 4.1.
"""

from __future__ import annotations

from itertools import chain, combinations

import torch
from torch import nn

LEAST = 1e-9
"""Added before the logarithm."""


class Mirrored(nn.Module):
    """``network`` on a sample and its mirror images along every combination of ``axes``, which count from the end: -1 is left-right.

    Shape: (batch, channels, …) to what the network gives: logarithms of mean probabilities, which softmax leaves as they are.
    """

    def __init__(self, network: nn.Module, axes: tuple[int, ...] = (-1,)) -> None:
        super().__init__()
        self.network = network
        self.looks = tuple(chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log probabilities, one channel a class."""
        soft = [_flipped(self.network(_flipped(x, look)).softmax(dim=1), look) for look in self.looks]
        return torch.log(torch.stack(soft).mean(dim=0) + LEAST)


def _flipped(x: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """``x`` mirrored; as it is along no axis, and where it has none any more (classes)."""
    return x.flip(axes) if axes and x.ndim > 2 else x
