from __future__ import annotations

import io

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from diaphane.nets.blocks import ConvBlock  # noqa: E402
from diaphane.nets.unet import UNet  # noqa: E402


@pytest.fixture
def network():
    torch.manual_seed(1)
    return UNet(3, 2, (4, 8, 16)).eval()


@pytest.mark.parametrize(("channels", "classes", "rows", "columns"), [(1, 2, 16, 16), (3, 4, 32, 48)])
def test_output_has_the_inputs_size_and_a_channel_a_class(channels: int, classes: int, rows: int, columns: int) -> None:
    assert UNet(channels, classes, (4, 8, 16))(torch.zeros(2, channels, rows, columns)).shape == (2, classes, rows, columns)


def test_every_parameter_gets_a_gradient(network) -> None:
    network(torch.randn(1, 3, 16, 16)).square().sum().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_block_equals_a_slow_obvious_forward() -> None:
    torch.manual_seed(2)
    block = ConvBlock(2, 3).eval()
    x = torch.randn(1, 2, 5, 6)
    now = x[0].numpy()
    with torch.no_grad():
        for n in (0, 3):
            weight, scale = block.layers[n].weight.numpy(), block.layers[n + 1]
            padded = np.pad(now, ((0, 0), (1, 1), (1, 1)))
            out = np.zeros((3, 5, 6))
            for o in range(3):
                for y in range(5):
                    for c in range(6):
                        out[o, y, c] = (padded[:, y : y + 3, c : c + 3] * weight[o]).sum()
            out = (out - out.mean((1, 2), keepdims=True)) / np.sqrt(out.var((1, 2), keepdims=True) + scale.eps)
            out = out * scale.weight.numpy()[:, None, None] + scale.bias.numpy()[:, None, None]
            now = np.where(out > 0, out, 0.01 * out)
        assert np.allclose(block(x)[0].numpy(), now, atol=1e-5)


def test_onnx_gives_what_torch_gives(network) -> None:
    from diaphane.train.export import onnx_bytes

    session = onnxruntime.InferenceSession(io.BytesIO(onnx_bytes(network, (3, 16, 32))).getvalue())
    x = np.random.default_rng(0).normal(size=(3, 3, 16, 32)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    assert np.allclose(session.run(None, {"image": x})[0], expected, atol=1e-4)
