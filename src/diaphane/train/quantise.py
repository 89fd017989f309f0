"""A bundle in eight-bit integers: calibrated on pictures, and refused where that costs more than two thousandths of Dice.

Post-training quantisation: the range of every convolution's input is seen on pictures, weights are scaled channel by channel; the rest of the network
stays float32. Source: Jacob et al., CVPR 2018, arXiv 1712.05877.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from diaphane.core.arrays import FloatArray
from diaphane.engine import bundle as names
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.engine.header import read_header
from diaphane.engine.machine import has_openvino
from diaphane.engine.options import Options
from diaphane.engine.session import running
from diaphane.engine.tiles import slide
from diaphane.errors import BundleError, UsageError
from diaphane.prepare import prepare
from diaphane.train.check import check
from diaphane.train.dataset import Checked, Item
from diaphane.train.evaluate import metrics_document
from diaphane.train.export import json_bytes, network_files, write_bundle
from diaphane.train.forms import read_dataset
from diaphane.train.judge import Judged, judged
from diaphane.train.read import read_image

log = logging.getLogger(__name__)
CALIBRATION, HELD_OUT = 32, 100
"""Images for the ranges, and for the comparison, at most."""
WINDOWS = 4
"""Of a volume, for the ranges: the brightest first, for the rest is often air."""
LARGEST_FALL = 0.002
OPERATORS = ["Conv", "ConvTranspose"]
"""What is computed in integers, but for the first and the last: those two cost half of the Dice that is lost and no time, and to keep
pooling and concatenation in integers too won nothing (docs/engine.md)."""
CARD = """
## Eight-bit integers

Made from the bundle `{name}` (weights {sha}…) by calibration on {calibration} images; its {operators} operators
compute in int8, all but the first and the last convolution; the rest is float32.
Dice on {held_out} images that the calibration did not see, mean over images and structures:

| engine | float32 | int8 |
| --- | --- | --- |
{rows}

The figures above this section are the float32 bundle's.
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """The mean Dice of a bundle and of what was made from it, with one engine."""

    engine: str
    before: float
    after: float

    @property
    def fall(self) -> float:
        """How much was lost; negative: won."""
        return self.before - self.after


def quantise(name: str, data: Path, out: Path, seed: int = 0) -> tuple[Compared, ...]:
    """Write the int8 form of the bundle ``name`` to ``out``, calibrated and compared on the data set ``data``; what it costs with each engine.

    Raises:
        UsageError: The bundle does not segment, is int8 already, ``out`` exists, or the data set has other structures.
        BundleError: Dice falls by more than ``LARGEST_FALL``; nothing is written.
    """
    bundle = open_bundle(name)
    _check(bundle, out)
    checked = check(read_dataset(data))
    if len(checked.dataset.labels) != len(bundle.recipe.labels):
        raise UsageError(f"{data}: must have the bundle's {len(bundle.recipe.labels)} structures, has {len(checked.dataset.labels)}")
    seen, unseen = _parted(checked, np.random.default_rng(seed))
    samples = [sample for item in seen for sample in _samples(item, bundle)]
    log.info("quantise %s: %d samples of %d images, compared on %d others", bundle.name, len(samples), len(seen), len(unseen))
    networks = network_files([int8_network(weights, samples, bundle.name) for weights in bundle.members])
    kept = {key: value for key, value in bundle.files.items() if key not in (names.RECIPE, *names.weight_files(bundle.files))}
    with TemporaryDirectory() as folder:
        trial = Path(folder) / "bundle"
        write_bundle(trial, bundle.recipe, {**kept, **networks})
        found, compared = _compared(bundle, open_bundle(trial), unseen, checked, Path(folder))
    for one in compared:
        if one.fall > LARGEST_FALL:
            raise BundleError(
                f"{bundle.name}: refused: with {one.engine} Dice falls from {one.before:.4f} to {one.after:.4f}, by {one.fall:.4f}, in int8 on {len(unseen)} "
                f"held-out images; at most {LARGEST_FALL} is allowed. Nothing was written: use it in float32 or bfloat16"
            )
    write_bundle(out, bundle.recipe, {**kept, **networks, **_texts(bundle, found, compared, len(seen), len(unseen))})
    return compared


def int8_network(weights: bytes, samples: Sequence[FloatArray], name: str) -> bytes:
    """The network in int8, its ranges those that ``samples`` (channel, …) give."""
    wanted = read_header(weights, name).input
    with TemporaryDirectory() as folder:
        whole, folded, small = (Path(folder) / f"{step}.onnx" for step in ("whole", "folded", "small"))
        whole.write_bytes(weights)
        quant_pre_process(str(whole), str(folded), skip_symbolic_shape=True)
        quantize_static(
            str(folded), str(small), _Reader(wanted, samples), quant_format=QuantFormat.QDQ, op_types_to_quantize=OPERATORS, nodes_to_exclude=_ends(folded),
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return small.read_bytes()


def _ends(network: Path) -> list[str]:
    """The first convolution, which sees the picture itself, and the last, which makes the answer; none of a network of two or fewer."""
    convolutions = [node.name for node in onnx.load(network).graph.node if node.op_type == "Conv"]
    return [convolutions[0], convolutions[-1]] if len(convolutions) > 2 else []


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # a class without types
    """Sample after sample, as the calibration asks for them."""

    def __init__(self, wanted: str, samples: Sequence[FloatArray]) -> None:
        self._left: Iterator[dict[str, FloatArray]] = ({wanted: sample[None]} for sample in samples)

    def get_next(self) -> dict[str, FloatArray] | None:
        """The next one; None after the last."""
        return next(self._left, None)


def _check(bundle: Bundle, out: Path) -> None:
    if bundle.recipe.task != "segment":
        raise UsageError(f"{bundle.name}: must be a bundle that segments, for its loss is counted in Dice; its task is {bundle.recipe.task}")
    if any(read_header(weights, bundle.name).is_int8 for weights in bundle.members):
        raise UsageError(f"{bundle.name}: is int8 already; give the bundle that it was made from")
    if out.exists():
        raise UsageError(f"{out}: exists already; give --out another name")


def _parted(checked: Checked, rng: np.random.Generator) -> tuple[list[Item], list[Item]]:
    """Items for the ranges and others for the comparison, no patient in both; the comparison takes the publisher's test part where there is one."""
    items = [checked.dataset.items[n] for n in rng.permutation(len(checked.dataset.items))]
    patients = list(dict.fromkeys(item.patient for item in items))
    tested = {item.patient for item in items if item.part == "test"} or set(patients[len(patients) // 3 :])
    seen = [item for item in items if item.patient not in tested][:CALIBRATION]
    unseen = [item for item in items if item.patient in tested][:HELD_OUT]
    if not seen or not unseen:
        raise UsageError(f"{checked.dataset.root}: must hold images of two patients or more, and not only a test part: some calibrate, others compare")
    return seen, unseen


def _samples(item: Item, bundle: Bundle) -> list[FloatArray]:
    """What the network is given of an image: all of a picture, of a volume some windows."""
    array, recipe = prepare(read_image(item.image), bundle.recipe).array, bundle.recipe.input
    if recipe is None or not recipe.is_volume:
        return [array]
    windows: list[FloatArray] = []
    slices, rows, columns = recipe.size

    def note(batch: FloatArray) -> FloatArray:
        windows.extend(window.copy() for window in batch)
        return np.zeros((len(batch), 1, slices, rows, columns), np.float32)

    slide(array, (slices, rows, columns), note)
    brightest = sorted(windows, key=lambda window: -float(window.mean()))[:WINDOWS]
    return [window[:, 0] if slices == 1 else window for window in brightest]


def _compared(before: Bundle, after: Bundle, items: Sequence[Item], checked: Checked, folder: Path) -> tuple[Judged, tuple[Compared, ...]]:
    """Both on the same items with every engine that is here; and all that ONNX Runtime's int8 gave."""
    kept: list[Judged] = []
    compared: list[Compared] = []
    for engine in (Options(engine="onnxruntime"), *([Options(engine="openvino")] if has_openvino() else [])):
        with running(engine):
            small = judged(after, items, checked, folder / "predictions")
            kept.append(small)
            whole = judged(before, items, checked, folder / "predictions") if engine.engine == "onnxruntime" else None
        dice = _dice(whole) if whole else compared[0].before
        compared.append(Compared(engine.engine, dice, _dice(small)))
    return kept[0], tuple(compared)


def _dice(found: Judged) -> float:
    return float(np.mean([case.dice for case in found.cases]))


def _texts(bundle: Bundle, found: Judged, compared: Sequence[Compared], seen: int, unseen: int) -> dict[str, bytes]:
    """Card and metrics of the int8 bundle."""
    rows = "\n".join(f"| {one.engine} | {one.before:.4f} | {one.after:.4f} |" for one in compared)
    words = CARD.format(
        name=bundle.name, sha=bundle.weights_sha256[:16], calibration=seen, held_out=unseen, rows=rows, operators=" and ".join(OPERATORS)
    )  # fmt: skip
    dice = {one.engine: {"float32": one.before, "int8": one.after} for one in compared}
    made: dict[str, Any] = {"from_weights_sha256": bundle.weights_sha256, "calibration": seen, "held_out": unseen, "dice": dice}
    metrics = metrics_document(found.cases, found.groups) | {"quantised": made}
    return {names.CARD: bundle.files.get(names.CARD, b"") + words.encode(), names.METRICS: json_bytes(metrics)}
