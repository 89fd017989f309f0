from __future__ import annotations

import torch

from diaphane.nets.mirrored import Mirrored
from diaphane.nets.network import network as make_network


def test_mirrored_picture_gets_the_mirrored_answer_and_softmax_leaves_it_alone() -> None:
    torch.manual_seed(0)
    network = Mirrored(make_network("unet", 3, 2, widths=(4, 8))).eval()
    x = torch.rand(1, 3, 8, 12)
    with torch.inference_mode():
        straight, mirrored = network(x), network(x.flip(3)).flip(3)
        alone = network.network(x).softmax(dim=1), network.network(x.flip(3)).softmax(dim=1).flip(3)
    assert torch.allclose(straight, mirrored, atol=1e-6)
    assert torch.allclose(straight.softmax(dim=1), sum(alone) / 2, atol=1e-6)
