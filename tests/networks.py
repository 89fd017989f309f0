"""Bundles of networks that can be written down: of a voxel x, the logit of structure n is ``gain * (x - level n)``, of background 0."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="made networks need onnx, of the extra 'train'")

from onnx import helper, numpy_helper  # noqa: E402

from diaphane import zoo  # noqa: E402


def threshold_network(shape: Sequence[int], levels: Sequence[float], gain: float = 50.0) -> bytes:
    """ONNX of a 1x1 convolution on samples of ``shape`` (channel, …)."""
    dimensions = len(shape) - 1
    weight = np.zeros((len(levels) + 1, shape[0], *[1] * dimensions), np.float32)
    weight[1:, 0] = gain
    bias = np.array([0.0, *(-gain * level for level in levels)], np.float32)
    return _network([helper.make_node("Conv", ["image", "weight", "bias"], ["logits"])], {"weight": weight, "bias": bias}, shape, len(levels) + 1, shape[1:])


def mean_network(shape: Sequence[int], weights: Sequence[float]) -> bytes:
    """ONNX of a classifier: the logit of class n is ``weights[n]`` times the mean of the picture."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=list(range(1, len(shape) + 1)), keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["column"]),
        helper.make_node("Mul", ["column", "weight"], ["logits"]),
    ]
    return _network(nodes, {"weight": np.array([weights], np.float32), "axis": np.array([1], np.int64)}, shape, len(weights), ())


def _network(nodes: list[Any], numbers: dict[str, np.ndarray], shape: Sequence[int], classes: int, out: Sequence[int]) -> bytes:
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", *shape])
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", classes, *out])
    known = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    graph = helper.make_graph(nodes, "made", [image], [logits], known)
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())


def write_made_bundle(folder: Path, recipe: str, networks: Sequence[bytes]) -> Path:
    """A bundle folder; several networks make an ensemble."""
    folder.mkdir(parents=True)
    names = ["model.onnx"] if len(networks) == 1 else [f"member_{n}.onnx" for n in range(len(networks))]
    files = dict(zip(names, networks, strict=True)) | {"recipe.toml": recipe.encode()}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "SHA256SUMS").write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()))
    return folder


def volume_recipe(size: Sequence[int], spacing_mm: Sequence[float], structures: Sequence[str] = ("blob",), smallest_part: float = 0.0) -> str:
    """``recipe.toml`` of a bundle for volumes whose values the network is given as they are."""
    labels = "".join(f'[[labels]]\nvalue = {n}\nname = "{name}"\n' for n, name in enumerate(structures, start=1))
    return (
        f'name = "made"\ntask = "segment"\nmodality = "made blobs"\nnetwork = "threshold"\nlicence = "none"\nsmallest_part = {smallest_part}\n{labels}'
        f'[input]\nchannels = 1\nsize = {list(size)}\nfit = "windows"\nnormalisation = "fixed"\nmean = [0.0]\nstd = [1.0]\nspacing_mm = {list(spacing_mm)}\n'
    )


def spots_bundle(folder: Path, shape: tuple[int, int], structures: Sequence[str] = ("spot",)) -> Path:
    """A bundle ``spots`` that segments what is brighter than the middle, on a grid of ``shape``; of several structures the first always wins."""
    labels = "".join(f'[[labels]]\nvalue = {n}\nname = "{name}"\n' for n, name in enumerate(structures, start=1))
    recipe = (
        f'name = "spots"\ntask = "segment"\nmodality = "made"\nnetwork = "threshold"\nlicence = "none"\nsmallest_part = 0.0\n{labels}'
        f'[input]\nchannels = 1\nsize = {list(shape)}\nfit = "stretch"\nnormalisation = "fixed"\nmean = [0.0]\nstd = [1.0]\n'
    )
    levels = [0.5 + 0.1 * n for n in range(len(structures))]
    return write_made_bundle(folder, recipe, [threshold_network((1, *shape), levels)])


def zoo_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of what is shipped, to which bundles can be added."""
    shipped = {name: zoo.path(name) for name in zoo.names()}
    folder.mkdir()
    for name, path in shipped.items():
        (folder / name).symlink_to(path)
    monkeypatch.setattr(zoo, "HERE", folder)
    return folder
