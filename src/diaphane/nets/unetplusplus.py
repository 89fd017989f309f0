"""UNet++. Source: Zhou, Siddiquee, Tajbakhsh, Liang, IEEE TMI 39, 1856 (2020), arXiv 1912.05074, figure 1 and equation 1.

Differences from the paper: instance or group normalisation, leaky ReLU, any encoder, two and three dimensions; in
evaluation the deepest head speaks alone (the paper's "fast mode"), ``pruned`` gives the others.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from diaphane.errors import UsageError
from diaphane.nets.blocks import ConvBlock, Layers, Network
from diaphane.nets.design import Design
from diaphane.nets.encoders import encoder


class UNetPlusPlus(Network):
    """U-Nets of every depth, one inside the other, on one encoder.

    Node (i, j) lies at resolution i and sees every node (i, k < j) and, made larger, node (i + 1, j - 1). A head of
    depth j reads node (0, j).
    Shape: (batch, ``channels``, …) to logits (batch, ``classes``, …); sizes must be multiples of ``stride``. With deep
    supervision, training gives a list of such logits, from the shallowest head to the deepest.
    """

    def __init__(self, channels: int, classes: int, design: Design) -> None:
        super().__init__()
        layers, widths = Layers.of(design), design.widths
        self.encoder = encoder(channels, design)
        seen, strides = self.encoder.widths, self.encoder.strides
        depth = len(strides)
        self.stride = self.encoder.stride(depth)
        self.up, self.nodes = nn.ModuleDict(), nn.ModuleDict()
        for i, j in _nodes(depth):
            self.up[f"{i}_{j}"] = layers.up(seen[i + 1] if j == 1 else widths[i + 1], widths[i], strides[i])
            self.nodes[f"{i}_{j}"] = ConvBlock(seen[i] + j * widths[i], widths[i], layers)
        depths = range(1, depth + 1) if design.deep_supervision else [depth]
        self.heads = nn.ModuleDict({str(j): layers.head(widths[0], classes) for j in depths})

    def forward(self, x: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Logits, one channel a class; in training, of every head."""
        rows = [[feature] for feature in self.encoder(x)]
        for i, j in _nodes(len(rows) - 1):
            larger = self.up[f"{i}_{j}"](rows[i + 1][j - 1])
            rows[i].append(self.nodes[f"{i}_{j}"](torch.cat([*rows[i], larger], dim=1)))
        if self.training and len(self.heads) > 1:
            return [head(rows[0][int(j)]) for j, head in self.heads.items()]
        logits: torch.Tensor = self.heads[str(len(rows) - 1)](rows[0][-1])
        return logits

    def pruned(self, depth: int) -> UNetPlusPlus:
        """A copy of what the head of ``depth`` needs, and nothing else.

        Raises:
            UsageError: There is no such head.
        """
        if str(depth) not in self.heads:
            raise UsageError(f"UNet++ can be pruned to a depth that has a head ({', '.join(self.heads)}), got {depth}: train with deep supervision")
        kept = {f"{i}_{j}" for i, j in _nodes(depth)}
        small = copy.deepcopy(self)
        small.encoder = small.encoder.cut(depth)
        small.stride = small.encoder.stride(depth)
        small.up = nn.ModuleDict({k: m for k, m in small.up.items() if k in kept})
        small.nodes = nn.ModuleDict({k: m for k, m in small.nodes.items() if k in kept})
        small.heads = nn.ModuleDict({str(depth): small.heads[str(depth)]})
        return small


def _nodes(depth: int) -> list[tuple[int, int]]:
    """(i, j) of every node but the encoder's, in an order in which each comes after those it reads."""
    return [(i, j) for j in range(1, depth + 1) for i in range(depth + 1 - j)]
