from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="networks need the extra 'train'")

from diaphane.errors import UsageError  # noqa: E402
from diaphane.nets.encoders import ENCODERS  # noqa: E402
from diaphane.nets.network import NETWORKS, network  # noqa: E402
from diaphane.train.export import onnx_bytes  # noqa: E402

THREE, FIVE = (4, 8, 12), (4, 6, 8, 10, 12)
PAIRS = [(name, encoder) for name in NETWORKS for encoder in ENCODERS if name != "segnet" or encoder == "plain"]
FLAT = [(2, name, encoder) for name, encoder in PAIRS]
SOLID = [(3, name, encoder) for name in ("unet", "unetplusplus") for encoder in ("plain", "mobilenetv2", "resnet18", "resnet50")]


def noise(*shape: int):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("dimensions", "name", "encoder"), FLAT + SOLID)
def test_output_has_the_inputs_size_and_a_channel_a_class(dimensions, name, encoder) -> None:
    net = network(name, 5, 3, dimensions=dimensions, encoder=encoder, widths=THREE).eval()
    size = (2 * net.stride[0], *net.stride[1:])
    with torch.no_grad():
        assert net(noise(2, 5, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize(("name", "encoder"), [("unet", "resnet101"), ("unetplusplus", "resnet101"), ("deeplabv3plus", "mobilenetv2"), ("segnet", "plain")])
def test_full_depth_takes_odd_channels_and_one_class(name, encoder) -> None:
    net = network(name, 7, 1, encoder=encoder, widths=FIVE).eval()
    assert net.stride == ((16, 16) if name == "deeplabv3plus" else (32, 32))
    with torch.no_grad():
        assert net(noise(1, 7, 64, 32)).shape == (1, 1, 64, 32)


@pytest.mark.parametrize("norm", ["instance", "group"])
@pytest.mark.parametrize(
    ("dimensions", "name", "encoder"), [f for f in FLAT if f[2] not in ("resnet34", "resnet101")] + [(3, "unet", "plain"), (3, "unetplusplus", "resnet18")]
)
def test_every_parameter_gets_a_gradient(dimensions, name, encoder, norm) -> None:
    torch.manual_seed(1)
    net = network(name, 2, 3, dimensions=dimensions, encoder=encoder, widths=THREE, norm=norm)
    net(noise(1, 2, *[32] * 2 if dimensions == 2 else [16] * 3)).square().mean().backward()
    assert [key for key, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("norm", ["instance", "group"])
def test_norm_is_the_one_asked_for(name, norm) -> None:
    kinds = {type(m).__name__ for m in network(name, 3, 2, widths=THREE, norm=norm).modules() if "Norm" in type(m).__name__}
    assert kinds == {"InstanceNorm2d" if norm == "instance" else "GroupNorm"}


@pytest.mark.parametrize(("name", "encoder"), [("unet", "plain"), ("unetplusplus", "plain"), ("deeplabv3plus", "plain"), ("deeplabv3plus", "resnet50")])
def test_bfloat16_gives_nearly_what_float32_gives_with_the_norm_by_default(name, encoder) -> None:
    torch.manual_seed(1)
    net, x = network(name, 3, 2, encoder=encoder, widths=FIVE).eval(), noise(1, 3, 64, 64)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = net(x).float()
    with torch.no_grad():
        exact = net(x)
    assert (rounded - exact).abs().mean() < 0.05 * exact.std()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_seed_builds_the_same_network(name) -> None:
    twins = []
    for seed in (4, 4, 5):
        torch.manual_seed(seed)
        twins.append(network(name, 3, 2, widths=THREE).state_dict())
    assert all(torch.equal(values, twins[1][key]) for key, values in twins[0].items())
    assert not torch.equal(
        twins[0]["head.weight" if name != "unetplusplus" else "heads.2.weight"], twins[2]["head.weight" if name != "unetplusplus" else "heads.2.weight"]
    )


ONE_THREAD = onnxruntime.SessionOptions()
ONE_THREAD.intra_op_num_threads = 1


@pytest.mark.parametrize(
    ("dimensions", "name", "encoder", "widths"),
    [
        *((2, name, "plain", FIVE) for name in NETWORKS),
        *((2, name, encoder, THREE) for name, encoder in PAIRS if encoder in ("mobilenetv2", "resnet18")),
        (2, "unetplusplus", "resnet50", THREE),
        (2, "deeplabv3plus", "resnet18", FIVE),
        (3, "unet", "plain", THREE),
        (3, "unetplusplus", "resnet18", THREE),
    ],
)
def test_onnx_gives_what_torch_gives(dimensions, name, encoder, widths) -> None:
    torch.manual_seed(1)
    net = network(name, 3, 2, dimensions=dimensions, encoder=encoder, widths=widths).eval()
    net.load_state_dict({key: value.half().float() for key, value in net.state_dict().items()})  # as they are stored
    shape = (3, 64, 96) if dimensions == 2 else (3, 16, 24, 16)
    session = onnxruntime.InferenceSession(onnx_bytes(net, shape), ONE_THREAD)
    x = noise(3, *shape)
    with torch.no_grad():
        expected = net(x).numpy()
    assert expected.std() > 0.05
    assert np.allclose(session.run(None, {"image": x.numpy()})[0], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["unet", "unetplusplus"])
def test_thick_slices_are_halved_only_where_the_strides_say(name) -> None:
    net = network(name, 1, 2, dimensions=3, widths=THREE, strides=((1, 2, 2), (2, 2, 2))).eval()
    assert net.stride == (2, 4, 4)
    with torch.no_grad():
        assert net(noise(1, 1, 6, 8, 12)).shape == (1, 2, 6, 8, 12)


def test_deeplab_dilates_what_would_go_below_a_sixteenth() -> None:
    net = network("deeplabv3plus", 3, 2, encoder="resnet18", widths=FIVE)
    dilated = {key: m.dilation for key, m in net.encoder.named_modules() if isinstance(m, torch.nn.Conv2d) and m.dilation != (1, 1)}
    assert set(dilated.values()) == {(2, 2)}
    assert all(key.startswith("down.4") for key in dilated)
    assert net.encoder(noise(1, 3, 64, 32))[-1].shape == (1, 512, 4, 2)


def test_whole_picture_branch_tells_pictures_apart_even_after_instance_norm() -> None:
    torch.manual_seed(1)
    net = network("deeplabv3plus", 3, 2, encoder="mobilenetv2", widths=FIVE, norm="instance").eval()
    smooth, rough = (net.context.whole[:2](net.encoder(x)[-1]) for x in (torch.linspace(0, 1, 64).expand(1, 3, 64, 64), noise(1, 3, 64, 64)))
    assert (smooth - rough).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("segnet", {"dimensions": 3}, "segnet is for pictures.*use unet"),
        ("deeplabv3plus", {"dimensions": 3}, "deeplabv3plus is for pictures"),
        ("deeplabv3plus", {"strides": [(2, 2)] * 4}, "deeplabv3plus is for pictures with equal strides"),
        ("segnet", {"encoder": "resnet18"}, "segnet has an encoder of its own, got 'resnet18'"),
        ("unet", {"deep_supervision": True}, "deep supervision is unetplusplus's, got unet"),
        ("unet", {"widths": (16,)}, "two or more positive numbers, got \\(16,\\)"),
        ("unet", {"encoder": "resnet18", "widths": (4,) * 6}, "resnet18 halves the resolution five times, got 6"),
        ("unet", {"encoder": "resnet18", "strides": [(2, 2)] * 4}, "strides are the plain encoder's"),
        ("unet", {"strides": [(2, 2)]}, "4 times 2 numbers that are 1 or 2"),
        ("unet", {"strides": [(2, 3)] * 4}, "4 times 2 numbers that are 1 or 2"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_way_out(name, options, message) -> None:
    with pytest.raises(UsageError, match=message):
        network(name, 3, 2, **options)
