"""The four networks by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from diaphane.errors import UsageError
from diaphane.nets.blocks import Network
from diaphane.nets.deeplabv3plus import DeepLabV3Plus
from diaphane.nets.design import WIDTHS, Design, EncoderName, NetworkName, NormName
from diaphane.nets.segnet import SegNet
from diaphane.nets.unet import UNet
from diaphane.nets.unetplusplus import UNetPlusPlus

NETWORKS: dict[NetworkName, type[UNet | UNetPlusPlus | SegNet | DeepLabV3Plus]] = {
    "unet": UNet,
    "unetplusplus": UNetPlusPlus,
    "segnet": SegNet,
    "deeplabv3plus": DeepLabV3Plus,
}

NORMS: dict[NetworkName, NormName] = {"unet": "instance", "unetplusplus": "instance", "segnet": "group", "deeplabv3plus": "group"}
"""What each is normalised by unless told. Where all that comes out went through fifty layers of instance normalisation, each of
which magnifies a little, bfloat16 gives another answer than float32; skip connections at full resolution keep the U-Nets from it."""


def network(
    name: NetworkName,
    channels: int,
    classes: int,
    *,
    dimensions: Literal[2, 3] = 2,
    encoder: EncoderName = "plain",
    widths: Sequence[int] = WIDTHS,
    norm: NormName | None = None,
    strides: Sequence[Sequence[int]] = (),
    deep_supervision: bool = False,
) -> Network:
    """A network from ``channels`` to logits of ``classes``, with the weights that torch's random state gives; options as in `Design`, ``norm`` as in `NORMS`.

    Raises:
        UsageError: The network has no such form.
    """
    design = Design(dimensions=dimensions, encoder=encoder, widths=widths, norm=norm or NORMS[name], strides=strides, deep_supervision=deep_supervision)
    nested = name in ("unet", "unetplusplus")
    if not nested and (dimensions != 2 or strides):
        raise UsageError(f"{name} is for pictures with equal strides, got {dimensions} dimensions and strides {tuple(strides)}: use unet or unetplusplus")
    if name == "segnet" and encoder != "plain":
        raise UsageError(f"segnet has an encoder of its own, got {encoder!r}: leave it out or use another network")
    if deep_supervision and name != "unetplusplus":
        raise UsageError(f"deep supervision is unetplusplus's, got {name}: leave it out or use unetplusplus")
    return NETWORKS[name](channels, classes, design)
