from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from diaphane.nets.classifier import classifier, pooled  # noqa: E402
from diaphane.nets.encoders import ENCODERS  # noqa: E402
from diaphane.nets.network import network  # noqa: E402
from diaphane.train.export import onnx_bytes  # noqa: E402


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_logit_a_class_for_small_pictures_of_any_size(encoder) -> None:
    net = classifier(1, 10, encoder=encoder)
    assert net(torch.randn(2, 1, 32, 45)).shape == (2, 10)


def test_volumes_too() -> None:
    assert classifier(2, 3, dimensions=3, widths=(4, 8))(torch.randn(1, 2, 6, 8, 10)).shape == (1, 3)


@pytest.mark.parametrize("encoder", ["plain", "mobilenetv2", "resnet18"])
def test_every_parameter_gets_a_gradient(encoder) -> None:
    torch.manual_seed(1)
    net = classifier(2, 3, encoder=encoder, widths=(4, 8, 12))
    net(torch.randn(2, 2, 32, 32)).square().sum().backward()
    assert [key for key, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_head_reads_mean_maximum_and_deviation_of_every_feature_at_every_resolution() -> None:
    torch.manual_seed(1)
    net = classifier(3, 4, widths=(4, 8)).eval()
    x = torch.randn(1, 3, 8, 8)
    levels = [f.detach().numpy()[0].reshape(f.shape[1], -1) for f in net.encoder(x)]
    read = np.concatenate([np.concatenate([f.mean(axis=1), f.max(axis=1), f.std(axis=1)]) for f in levels])
    expected = net.head.linear.weight.detach().numpy() @ read + net.head.linear.bias.detach().numpy()
    assert np.allclose(net(x)[0].detach().numpy(), expected, atol=1e-4)


def test_settled_head_reads_numbers_of_mean_0_and_deviation_1_and_says_the_same_of_all() -> None:
    torch.manual_seed(1)
    net = classifier(3, 4, widths=(4, 8)).eval()
    samples = [torch.randn(8, 3, 16, 16) * (n + 1) for n in range(4)]
    net.settle(samples)
    read = torch.cat([(pooled(net.encoder(x)) - net.head.shift) * net.head.scale for x in samples]).detach()
    assert torch.allclose(read.mean(dim=0), torch.zeros(36), atol=1e-4)
    assert read.std(dim=0).min() > 0.5
    assert read.std(dim=0).max() < 1.001
    logits = torch.cat([net(x) for x in samples])
    assert torch.allclose(logits, net.head.linear.bias.expand_as(logits))


@pytest.mark.parametrize("norm", ["instance", "group"])
@pytest.mark.parametrize("encoder", ["plain", "mobilenetv2", "resnet18"])
def test_different_pictures_give_different_logits(encoder, norm) -> None:
    torch.manual_seed(1)
    net = classifier(3, 4, encoder=encoder, widths=(4, 8, 12), norm=norm).eval()
    smooth = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    rough = torch.randn(1, 3, 32, 32)
    assert (net(smooth) - net(rough)).abs().max() > 1e-3


def test_its_encoder_is_that_of_a_segmentation_network() -> None:
    ours, theirs = classifier(3, 4, encoder="resnet18"), network("unet", 3, 2, encoder="resnet18", norm="group")
    theirs.encoder.load_state_dict(ours.encoder.state_dict())


def test_onnx_gives_what_torch_gives() -> None:
    net = classifier(3, 4, encoder="mobilenetv2", widths=(4, 8, 12)).eval()
    net.load_state_dict({name: value.half().float() for name, value in net.state_dict().items()})  # as they are stored
    x = torch.randn(2, 3, 32, 32)
    out = onnxruntime.InferenceSession(onnx_bytes(net, (3, 32, 32))).run(None, {"image": x.numpy()})[0]
    assert np.allclose(out, net(x).detach().numpy(), atol=1e-4)
