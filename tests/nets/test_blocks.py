"""One block of each kind against loops over every output position."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from torch import nn  # noqa: E402

from diaphane.nets.blocks import ConvBlock, Layers  # noqa: E402
from diaphane.nets.deeplabv3plus import AtrousPyramid, separable  # noqa: E402
from diaphane.nets.mobilenet import InvertedResidual  # noqa: E402
from diaphane.nets.resnet import Residual  # noqa: E402

FLAT, FLAT_GROUP, SOLID = Layers(2, "instance"), Layers(2, "group"), Layers(3, "instance")


def slow_conv(layer, x: np.ndarray) -> np.ndarray:
    weight, groups, step, gap = layer.weight.detach().numpy(), layer.groups, layer.stride[0], layer.dilation[0]
    padded = np.pad(x, [(0, 0), *[(p, p) for p in layer.padding]])
    reach = gap * (weight.shape[2] - 1) + 1
    sizes = [(n - reach) // step + 1 for n in padded.shape[1:]]
    out = np.zeros((len(weight), *sizes))
    per_in, per_out = len(x) // groups, len(weight) // groups
    for o in range(len(weight)):
        inputs = padded[o // per_out * per_in :][:per_in]
        for at in itertools.product(*map(range, sizes)):
            window = inputs[(slice(None), *[slice(p * step, p * step + reach, gap) for p in at])]
            out[(o, *at)] = (window * weight[o]).sum()
    return out if layer.bias is None else out + over(layer.bias, out)


def slow_norm(layer, x: np.ndarray) -> np.ndarray:
    groups = layer.num_groups if isinstance(layer, nn.GroupNorm) else len(x)
    parts = x.reshape(groups, -1)
    parts = (parts - parts.mean(1, keepdims=True)) / np.sqrt(parts.var(1, keepdims=True) + layer.eps)
    return parts.reshape(x.shape) * over(layer.weight, x) + over(layer.bias, x)


def over(values, x: np.ndarray) -> np.ndarray:
    return values.detach().numpy().reshape(-1, *[1] * (x.ndim - 1))


SLOW = {
    nn.Conv2d: slow_conv,
    nn.Conv3d: slow_conv,
    nn.InstanceNorm2d: slow_norm,
    nn.InstanceNorm3d: slow_norm,
    nn.GroupNorm: slow_norm,
    nn.LeakyReLU: lambda _, x: np.where(x > 0, x, 0.01 * x),
    nn.ReLU: lambda _, x: np.maximum(x, 0),
    nn.ReLU6: lambda _, x: np.clip(x, 0, 6),
    nn.AdaptiveAvgPool2d: lambda _, x: x.mean((1, 2), keepdims=True),
    nn.Identity: lambda _, x: x,
}


def slow(layer, x: np.ndarray) -> np.ndarray:
    for part in layer if isinstance(layer, nn.Sequential) else []:
        x = slow(part, x)
    return x if isinstance(layer, nn.Sequential) else SLOW[type(layer)](layer, x)


def both(block, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What ``block`` gives for noise, with scales and shifts that are not 1 and 0; and the noise."""
    generator = torch.Generator().manual_seed(2)
    for p in block.parameters():
        p.data = p.data + 0.3 * torch.randn(p.shape, generator=generator)
    x = torch.randn(1, *shape, generator=generator)
    with torch.no_grad():
        return block(x)[0].numpy(), x[0].double().numpy()


@pytest.mark.parametrize(("layers", "size"), [(FLAT, (5, 6)), (FLAT_GROUP, (5, 6)), (SOLID, (3, 4, 5))])
def test_conv_block(layers: Layers, size: tuple[int, ...]) -> None:
    block = ConvBlock(2, 4, layers)
    got, x = both(block, (2, *size))
    assert np.allclose(got, slow(block.layers, x), atol=1e-4)


def test_conv_block_pools_first_along_the_axes_that_it_is_told() -> None:
    block = ConvBlock(2, 3, SOLID, (1, 2, 2))
    got, x = both(block, (2, 3, 4, 6))
    pooled = x.reshape(2, 3, 2, 2, 3, 2).max((3, 5))
    assert np.allclose(got, slow(block.layers, pooled), atol=1e-4)


@pytest.mark.parametrize("norm", ["instance", "group"])
@pytest.mark.parametrize(("inputs", "width", "expansion", "stride", "dilation"), [(4, 4, 1, 1, 1), (3, 4, 1, 2, 1), (8, 2, 4, 1, 2), (4, 2, 4, 2, 1)])
def test_residual_block(inputs: int, width: int, expansion: int, stride: int, dilation: int, norm) -> None:
    block = Residual(inputs, width, expansion, Layers(2, norm), stride=stride, dilation=dilation)
    got, x = both(block, (inputs, 6, 8))
    assert got.shape == (width * expansion, 6 // stride, 8 // stride)
    assert np.allclose(got, np.maximum(slow(block.layers, x) + slow(block.shortcut, x), 0), atol=1e-4)
    assert isinstance(block.shortcut, nn.Identity) == (stride == 1 and inputs == width * expansion)


@pytest.mark.parametrize(("outputs", "expansion", "stride", "dilation"), [(3, 6, 1, 1), (3, 1, 1, 2), (5, 6, 2, 1)])
def test_inverted_residual_block(outputs: int, expansion: int, stride: int, dilation: int) -> None:
    block = InvertedResidual(3, outputs, expansion, FLAT, stride=stride, dilation=dilation)
    got, x = both(block, (3, 6, 8))
    expected = slow(block.layers, x)
    assert np.allclose(got, expected + x if outputs == 3 else expected, atol=1e-4)


def test_separable_convolution() -> None:
    block = separable(3, 4, FLAT, 2)
    got, x = both(block, (3, 7, 6))
    assert np.allclose(got, slow(block, x), atol=1e-4)
    assert sum(p.ndim == 4 and p[0].numel() == 9 for p in block.parameters()) == 1


def test_atrous_pyramid_joins_five_scales() -> None:
    pyramid = AtrousPyramid(3, 4, FLAT)
    got, x = both(pyramid, (3, 14, 15))
    scales = [slow(scale, x) for scale in pyramid.scales]
    scales.append(np.broadcast_to(slow(pyramid.whole, x), (4, 14, 15)))
    assert np.allclose(got, slow(pyramid.project, np.concatenate(scales)), atol=1e-4)


def test_transposed_convolution_paints_each_point_as_a_patch() -> None:
    up = FLAT.up(2, 3, (2, 2))
    got, x = both(up, (2, 3, 4))
    expected = np.zeros((3, 6, 8)) + over(up.bias, got)
    weight = up.weight.detach().numpy()
    for row, column in itertools.product(range(3), range(4)):
        expected[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] += np.einsum("i,iorc->orc", x[:, row, column], weight)
    assert np.allclose(got, expected, atol=1e-5)
