from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from torch.nn import functional  # noqa: E402

from diaphane.nets.network import network  # noqa: E402
from diaphane.nets.segnet import pool, unpool  # noqa: E402


def pictures(kind: str):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 3, 16, 12, generator=generator)
    return {"noise": x, "many ties": x.round(), "nearly all ties": x.relu().round() * 0, "rectified": x.relu()}[kind]


@pytest.mark.parametrize("kind", ["noise", "many ties", "nearly all ties", "rectified"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_unpooling_by_place_is_unpooling_by_indices(kind, layout, dtype) -> None:
    x = pictures(kind).to(dtype=dtype, memory_format=layout)
    values = torch.randn(2, 3, 8, 6).to(dtype)
    pooled, place = pool(x)
    expected, indices = functional.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(pooled, expected)
    assert torch.equal(unpool(values, place), functional.max_unpool2d(values.contiguous(), indices.contiguous(), 2))


def test_the_first_maximum_in_reading_order_wins() -> None:
    x = torch.tensor([[1.0, 5.0, 2.0, 2.0], [5.0, 5.0, 2.0, 2.0]])[None, None]
    _, place = pool(x)
    expected = torch.tensor([[0.0, 7.0, 8.0, 0.0], [0.0, 0.0, 0.0, 0.0]])[None, None]
    assert torch.equal(unpool(torch.tensor([[[[7.0, 8.0]]]]), place), expected)


def test_gradients_are_those_of_index_unpooling() -> None:
    x = pictures("many ties").requires_grad_()
    weight = torch.randn(x.shape)
    pooled, place = pool(x)
    (ours,) = torch.autograd.grad((unpool(pooled.square(), place) * weight).sum(), x)
    pooled, indices = functional.max_pool2d(x, 2, return_indices=True)
    (theirs,) = torch.autograd.grad((functional.max_unpool2d(pooled.square(), indices, 2) * weight).sum(), x)
    assert torch.equal(ours, theirs)


def test_forward_is_the_papers_with_torchs_own_index_unpooling() -> None:
    torch.manual_seed(1)
    net = network("segnet", 3, 2, widths=(4, 6, 8)).eval()
    x = torch.randn(1, 3, 16, 24)
    expected, places = x, []
    for stage in net.down:
        expected, indices = functional.max_pool2d(stage(expected), 2, return_indices=True)
        places.append(indices)
    for stage in net.up:
        expected = stage(functional.max_unpool2d(expected, places.pop(), 2))
    assert torch.equal(net(x), net.head(expected))


def test_convolutions_a_stage_are_vgg16s() -> None:
    net = network("segnet", 3, 2, widths=(4, 4, 4, 4, 4))
    assert [len(stage) for stage in net.down] == [2, 2, 3, 3, 3]
    assert [len(stage) for stage in net.up] == [3, 3, 3, 2, 2]


def test_unpooling_exports_and_breaks_ties_alike() -> None:
    import onnxruntime

    from diaphane.train.export import onnx_bytes

    class Both(torch.nn.Module):
        def forward(self, x):
            pooled, place = pool(x)
            return unpool(pooled + 1, place)

    x = pictures("many ties")
    session = onnxruntime.InferenceSession(onnx_bytes(Both(), (3, 16, 12)))
    assert np.array_equal(session.run(None, {"image": x.numpy()})[0], Both()(x).numpy())
