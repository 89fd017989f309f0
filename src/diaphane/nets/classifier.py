"""A classifier: an encoder, the mean over the picture, and one linear layer. Source: Lin, Chen, Yan, ICLR 2014, arXiv 1312.4400, section 3.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from diaphane.nets.design import WIDTHS, Design, EncoderName, NormName
from diaphane.nets.encoders import encoder as make_encoder


class Classifier(nn.Module):
    """A linear layer on the mean of what is above zero in the encoder's last features.

    Shape: (batch, ``channels``, …) to logits (batch, ``classes``); any size.
    """

    def __init__(self, channels: int, classes: int, design: Design) -> None:
        super().__init__()
        self.encoder = make_encoder(channels, design)
        self.head = nn.Linear(self.encoder.widths[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, one a class."""
        logits: torch.Tensor = self.head(self.encoder(x)[-1].relu().flatten(2).mean(dim=2))
        return logits


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

    Group normalisation, because instance normalisation takes from each channel most of the mean that the head reads.
    """
    return Classifier(channels, classes, Design(dimensions=dimensions, encoder=encoder, widths=widths, norm=norm, strides=strides))
