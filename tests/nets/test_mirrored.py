from __future__ import annotations

import torch

from diaphane.nets.classifier import classifier
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


def test_along_several_axes_every_combination_is_looked_at_and_classes_are_not_turned_back() -> None:
    torch.manual_seed(0)
    volumes = Mirrored(make_network("unet", 1, 2, dimensions=3, widths=(4, 8)), (-3, -1)).eval()
    x = torch.rand(1, 1, 8, 8, 8)
    with torch.inference_mode():
        assert torch.allclose(volumes(x.flip(2)).flip(2), volumes(x), atol=1e-6)
        assert torch.allclose(volumes(x.flip(2, 4)).flip(2, 4), volumes(x), atol=1e-6)
        assert not torch.allclose(volumes(x.flip(3)).flip(3), volumes(x), atol=1e-3)
        classes = Mirrored(classifier(3, 2, widths=(4, 8))).eval()
        y = torch.rand(2, 3, 16, 16)
        assert torch.allclose(classes(y.flip(3)), classes(y), atol=1e-6)
