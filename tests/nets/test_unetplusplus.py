from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from diaphane.errors import UsageError  # noqa: E402
from diaphane.nets.network import network  # noqa: E402

FORMS = [(2, "plain"), (3, "plain"), (2, "resnet18")]


@pytest.fixture(params=FORMS, ids=str)
def net(request):
    dimensions, encoder = request.param
    torch.manual_seed(1)
    return network("unetplusplus", 3, 2, dimensions=dimensions, encoder=encoder, widths=(4, 6, 8, 10), deep_supervision=True)


@pytest.fixture
def x(net):
    return torch.randn(1, 3, *[2 * n for n in net.stride])


def node(net, features, i: int, j: int):
    """Equation 1 of the paper, by recursion."""
    if j == 0:
        return features[i]
    before = [node(net, features, i, k) for k in range(j)]
    return net.nodes[f"{i}_{j}"](torch.cat([*before, net.up[f"{i}_{j}"](node(net, features, i + 1, j - 1))], dim=1))


def test_forward_is_the_papers_equation(net, x) -> None:
    features = net.encoder(x)
    expected = [net.heads[str(j)](node(net, features, 0, j)) for j in range(1, len(features))]
    outputs = net(x)
    assert len(outputs) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(outputs, expected, strict=True))


def test_deep_supervision_gives_a_list_in_training_and_one_tensor_in_evaluation(net, x) -> None:
    outputs = net.train()(x)
    assert isinstance(outputs, list)
    assert [o.shape for o in outputs] == [(1, 2, *x.shape[2:])] * len(outputs)
    assert torch.equal(net.eval()(x), outputs[-1])


def test_every_parameter_gets_a_gradient_from_all_heads(net, x) -> None:
    sum(o.square().mean() for o in net(x)).backward()
    assert [key for key, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_pruned_network_equals_its_own_inner_output(net, x) -> None:
    inner = net.train()(x)
    before = {key: values.clone() for key, values in net.state_dict().items()}
    sizes = []
    for depth, expected in enumerate(inner, 1):
        small = net.pruned(depth)
        assert torch.equal(small.train()(x), expected)
        assert torch.equal(small.eval()(x), expected)
        assert net.stride[0] % small.stride[0] == 0
        assert len(small.encoder(x)) == depth + 1
        sizes.append(sum(p.numel() for p in small.parameters()))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)
    assert before.keys() == net.state_dict().keys()
    assert all(torch.equal(values, net.state_dict()[key]) for key, values in before.items())


def test_pruned_network_needs_only_its_own_multiple(net) -> None:
    small = net.pruned(1).eval()
    size = [6] * len(net.stride)
    assert small.stride == (2,) * len(net.stride)
    assert small(torch.randn(1, 3, *size)).shape == (1, 2, *size)


def test_pruning_to_a_depth_without_a_head_is_refused() -> None:
    net = network("unetplusplus", 3, 2, widths=(4, 6, 8))
    with pytest.raises(UsageError, match=r"has a head \(2\), got 1: train with deep supervision"):
        net.pruned(1)
