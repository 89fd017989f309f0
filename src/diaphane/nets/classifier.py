"""A classifier: an encoder, what its features are like at every resolution, and one linear layer.

Source: Lin, Chen, Yan, ICLR 2014, arXiv 1312.4400, section 3.2 (mean over the picture in place of dense layers); first weights of the scale from
data: Krähenbühl et al., ICLR 2016, arXiv 1511.06856.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from diaphane.nets.design import WIDTHS, Design, EncoderName, NormName
from diaphane.nets.encoders import encoder as make_encoder

POOLED = 3
"""Numbers of each feature: mean, largest, standard deviation over the picture."""
LEAST = 1e-3
"""Features that differ less than this between pictures are not blown up further."""


class PooledHead(nn.Module):
    """Features at every resolution to logits.

    Normalised features have nearly the same mean in every picture: what differs is small beside what does not, and a linear layer alone does not get
    hold of it. So each number is brought to the same scale, first as a sample of pictures has it (``settle``), then as is learnt.
    """

    def __init__(self, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        count = POOLED * sum(widths)
        self.shift = nn.Parameter(torch.zeros(count))
        self.scale = nn.Parameter(torch.ones(count))
        self.linear = nn.Linear(count, classes)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """(batch, classes)."""
        logits: torch.Tensor = self.linear((pooled(features) - self.shift) * self.scale)
        return logits


class Classifier(nn.Module):
    """A linear layer on mean, maximum and standard deviation of the encoder's features at every resolution.

    Shape: (batch, ``channels``, …) to logits (batch, ``classes``); any size.
    """

    def __init__(self, channels: int, classes: int, design: Design) -> None:
        super().__init__()
        self.encoder = make_encoder(channels, design)
        self.head = PooledHead(self.encoder.widths, classes)
        self.settled = False
        """Whether the head has a scale: by ``settle``, or with weights that it was given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, one a class."""
        logits: torch.Tensor = self.head(self.encoder(x))
        return logits

    @torch.no_grad()
    def settle(self, samples: Sequence[torch.Tensor]) -> None:
        """Gives what the head reads mean 0 and deviation 1 over ``samples`` (batches as ``forward`` takes them), before anything is learnt."""
        read = torch.cat([pooled(self.encoder(x)) for x in samples])
        self.head.shift.copy_(read.mean(dim=0))
        self.head.scale.copy_(1 / (read.std(dim=0) + LEAST))
        self.head.linear.weight.zero_()
        self.settled = True


def pooled(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """(batch, 3 x channels of all levels): mean, maximum and standard deviation over the picture, in single precision."""
    flat = [level.float().flatten(2) for level in features]
    return torch.cat([torch.cat([f.mean(dim=2), f.amax(dim=2), _deviation(f)], dim=1) for f in flat], dim=1)


def _deviation(f: torch.Tensor) -> torch.Tensor:
    away = f - f.mean(dim=2, keepdim=True)
    return (away.square().mean(dim=2) + LEAST**2).sqrt()  # never 0, where the root has no slope


def classifier(
    channels: int,
    classes: int,
    *,
    dimensions: Literal[2, 3] = 2,
    encoder: EncoderName = "plain",
    widths: Sequence[int] = WIDTHS,
    norm: NormName = "group",
    strides: Sequence[Sequence[int]] = (),
) -> Classifier:
    """The encoder of a segmentation network with a pooled linear head.

    Group normalisation, because instance normalisation takes mean and deviation from each channel, which the head reads.
    """
    return Classifier(channels, classes, Design(dimensions=dimensions, encoder=encoder, widths=widths, norm=norm, strides=strides))
