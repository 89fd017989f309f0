from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from diaphane.nets.classifier import classifier  # noqa: E402
from diaphane.nets.cost import cost  # noqa: E402
from diaphane.nets.design import Design  # noqa: E402
from diaphane.nets.encoders import encoder  # noqa: E402
from diaphane.nets.network import NETWORKS, network  # noqa: E402


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_accumulates"),
    [
        # torchvision's tables, less the linear layer (MobileNetV2: and less the convolution to 1280 channels)
        ("resnet18", 11_689_512 - 513_000, 1.814e9),
        ("resnet34", 21_797_672 - 513_000, 3.664e9),
        ("resnet50", 25_557_032 - 2_049_000, 4.089e9),
        ("resnet101", 44_549_160 - 2_049_000, 7.801e9),
        ("mobilenetv2", 3_504_872 - 1_281_000 - 412_160, 0.301e9 - 21.4e6),
    ],
)
def test_encoders_cost_what_their_papers_networks_cost(name, parameters, multiply_accumulates) -> None:
    with torch.device("meta"):
        built = encoder(3, Design(encoder=name))
    got = cost(built, (3, 224, 224))
    assert got.parameters == parameters
    assert got.multiply_accumulates == pytest.approx(multiply_accumulates, rel=2e-3)


@pytest.mark.parametrize(("name", "dimensions", "kind"), [*((n, 2, "plain") for n in NETWORKS), ("deeplabv3plus", 2, "mobilenetv2"), ("unet", 3, "resnet18")])
def test_cost_is_torchs_own_count(name, dimensions, kind) -> None:
    net = network(name, 3, 2, dimensions=dimensions, encoder=kind, widths=(4, 8, 12)).eval()
    shape = (3, *[16] * dimensions)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, *shape))
    assert cost(net, shape).multiply_accumulates == counter.get_total_flops() // 2
    assert cost(net, shape).parameters == sum(p.numel() for p in net.parameters())


def test_linear_layers_count_and_frozen_weights_too() -> None:
    net = classifier(1, 10, widths=(4, 8))
    before = cost(net, (1, 8, 8))
    assert before.multiply_accumulates == 64 * (9 * 4 + 36 * 4) + 16 * (36 * 8 + 72 * 8) + 360
    net.head.requires_grad_(False)
    assert cost(net, (1, 8, 8)).parameters == before.parameters == sum(p.numel() for p in net.parameters())


def test_counting_leaves_the_network_as_it_was() -> None:
    net = network("unet", 3, 2, widths=(4, 8)).train()
    cost(net, (3, 8, 8))
    assert net.training
    assert {p.device.type for p in net.parameters()} == {"cpu"}
    assert net(torch.zeros(1, 3, 8, 8)).shape == (1, 2, 8, 8)


def test_cost_reads_as_a_line() -> None:
    assert str(cost(network("unet", 3, 2), (3, 256, 256))) == "1.94 M parameters, 3.03 G multiply-accumulates at 3x256x256"
