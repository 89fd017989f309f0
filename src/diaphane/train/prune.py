"""UNet++ as shallow as validation allows. Source: Zhou et al., IEEE TMI 39, 1856 (2020), section III-C: "model pruning"."""

from __future__ import annotations

import logging

from torch import nn

from diaphane.nets.unetplusplus import UNetPlusPlus
from diaphane.train.look import Look

log = logging.getLogger(__name__)
TOLERANCE = 0.002
"""Mean Dice that a shallower network may lose."""


def pruned(network: nn.Module, look: Look) -> nn.Module:
    """The shallowest of a deeply supervised UNet++'s networks that loses at most ``TOLERANCE`` on validation; any other network as it is."""
    if not isinstance(network, UNetPlusPlus) or len(network.heads) < 2:
        return network
    depths = [int(depth) for depth in network.heads]
    scores = {depth: look(network.pruned(depth)) for depth in depths}
    chosen = min(depth for depth in depths if scores[depth] >= scores[max(depths)] - TOLERANCE)
    words = ", ".join(f"{depth}: {score:.3f}" for depth, score in scores.items())
    log.info("prune    to depth %d of %d (mean Dice by depth %s)", chosen, max(depths), words)
    return network.pruned(chosen)
