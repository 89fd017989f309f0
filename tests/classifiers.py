"""Classifier bundles with a known answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.train.export import write_bundle

COLOURS = ("red", "green", "blue")


def colour_network(gain: float) -> bytes:
    """ONNX whose logits are the mean of each channel times ``gain``."""
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 16, 16])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Mul", ["flat", "gain"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "colours", [given], [logits], [numpy_helper.from_array(np.array(gain, np.float32), "gain")])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def colour_bundle(folder: Path, gains: Sequence[float] = (4.0,), around: str = "", **more: bytes) -> Path:
    """A bundle that tells red, green and blue pictures, or parts of them; an ensemble where there are several ``gains``."""
    names = ["model.onnx"] if len(gains) == 1 else [f"member_{n}.onnx" for n in range(len(gains))]
    recipe = Recipe(
        name="colours", task="classify", modality="colour", network="mean", licence="CC0-1.0",
        labels=tuple(LabelRecipe(value=n, name=name) for n, name in enumerate(COLOURS, start=1)),
        input=InputRecipe(channels=3, size=(16, 16), fit="stretch", normalisation="fixed", mean=(0.5,) * 3, std=(0.5,) * 3, around=around),
    )  # fmt: skip
    files = {name: colour_network(gain) for name, gain in zip(names, gains, strict=True)}
    write_bundle(folder, recipe, files | {name.replace("_json", ".json"): data for name, data in more.items()})
    return folder
