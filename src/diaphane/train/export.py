"""Bundles: what training leaves behind."""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tomli_w
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from diaphane.core.coding import json_text
from diaphane.core.recipe import Fingerprint, OutputFingerprint, Recipe
from diaphane.engine import bundle as names
from diaphane.engine.fingerprints import plain

SMALL = 512
"""Weights of fewer numbers (biases, scales) are stored as they are."""


def onnx_bytes(network: nn.Module, shape: tuple[int, ...]) -> bytes:
    """The network as ONNX, opset 17, any batch size, of samples of ``shape`` (channel, …): pictures, or windows of volumes.

    By the TorchScript exporter: its graph is 1 % smaller and it needs no package but onnx; torch warns that it will go. Constants are not
    folded: the weights keep their names, by which ``--init`` finds them, and ONNX Runtime folds when it loads. Weights are stored in half
    precision, half the bytes, and computed with in float32.
    """
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(1, *shape),), out,  # type: ignore[arg-type]  # takes a stream, says a path
            input_names=["image"], output_names=["logits"], opset_version=17,
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}}, dynamo=False, do_constant_folding=False,
        )  # fmt: skip
    return _halved(out.getvalue())


def _halved(network: bytes) -> bytes:
    """``network`` with its large weights stored as float16; each is cast back to float32 before it is used, once, when it is loaded."""
    model = onnx.load_from_string(network)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL or not np.abs(values).max() < np.finfo(np.float16).max:
            continue
        whole = f"{tensor.name}.float32"
        for node in graph.node:
            node.input[:] = [whole if name == tensor.name else name for name in node.input]
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), tensor.name))
        casts.append(helper.make_node("Cast", [tensor.name], [whole], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def write_bundle(folder: Path, recipe: Recipe, files: dict[str, bytes]) -> None:
    """A bundle in ``folder``, whole or not at all: ``files``, the recipe, and the checksums of both."""
    everything = {**files, names.RECIPE: tomli_w.dumps(_plain(asdict(recipe))).encode()}
    aside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name, data in everything.items():
        (aside / name).write_bytes(data)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(everything.items()))
    (aside / names.CHECKSUMS).write_text(sums, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)


def network_files(networks: Sequence[bytes]) -> dict[str, bytes]:
    """The files of a bundle that hold these ONNX networks: one, or the members of an ensemble."""
    if len(networks) == 1:
        return {names.NETWORK: networks[0]}
    return {names.MEMBER.format(n): network for n, network in enumerate(networks)}


def fingerprint_bytes(fingerprint: Fingerprint | OutputFingerprint) -> bytes:
    """A fingerprint as JSON."""
    return json_bytes(plain(fingerprint))


def json_bytes(value: Any) -> bytes:
    """JSON, a key a line at the top."""
    return (json_text(value, indent=1) + "\n").encode()


def _plain(value: Any) -> Any:
    """Without None and empty tuples, which TOML has no word for or no need of."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None and v != ()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else value
