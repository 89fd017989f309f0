from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from diaphane.nets.network import network  # noqa: E402


def test_forward_is_the_figure_of_the_paper() -> None:
    net = network("unet", 3, 2, widths=(4, 8, 16)).eval()
    x = torch.randn(1, 3, 8, 12)
    a = net.encoder.stem(x)
    b = net.encoder.down[0].layers(torch.nn.functional.max_pool2d(a, 2))
    c = net.encoder.down[1].layers(torch.nn.functional.max_pool2d(b, 2))
    b = net.merge[0](torch.cat([b, net.up[0](c)], dim=1))
    a = net.merge[1](torch.cat([a, net.up[1](b)], dim=1))
    assert torch.equal(net(x), net.head(a))
