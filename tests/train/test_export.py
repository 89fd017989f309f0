from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe  # noqa: E402
from diaphane.engine.bundle import open_bundle  # noqa: E402
from diaphane.engine.session import probabilities  # noqa: E402
from diaphane.nets.classifier import classifier  # noqa: E402
from diaphane.nets.network import network  # noqa: E402
from diaphane.train.export import network_files, onnx_bytes, write_bundle  # noqa: E402

LABELS = tuple(LabelRecipe(value=n, name=f"label {n}") for n in (1, 2))
PICTURE = InputRecipe(channels=3, size=(32, 48), fit="stretch", normalisation="z-score")
VOLUME = InputRecipe(channels=1, size=(4, 16, 24), fit="windows", normalisation="z-score", spacing_mm=(3.0, 1.0, 1.0))
SLICES = InputRecipe(channels=1, size=(1, 16, 24), fit="windows", normalisation="z-score", spacing_mm=(3.0, 1.0, 1.0))
THICK = {"dimensions": 3, "widths": (4, 8, 8), "strides": ((1, 2, 2), (2, 2, 2))}
SMALL = {"widths": (4, 8, 8)}


@pytest.mark.parametrize(
    ("name", "given", "more", "count"),
    [
        ("unet", VOLUME, THICK, 3), ("unetplusplus", VOLUME, THICK | {"deep_supervision": True}, 1), ("unet", SLICES, SMALL, 1),
        ("unetplusplus", PICTURE, SMALL, 1), ("segnet", PICTURE, SMALL, 1), ("deeplabv3plus", PICTURE, {"widths": (4, 8, 8, 8, 8)}, 1),
    ],
)  # fmt: skip
def test_bundle_says_what_torch_says(name: str, given: InputRecipe, more: dict, count: int, tmp_path: Path) -> None:  # type: ignore[type-arg]
    networks = [_seeded(n, lambda: network(name, given.channels, 3, **more).eval()) for n in range(count)]  # type: ignore[arg-type]
    recipe = Recipe(name="made", task="segment", modality="m", network=name, licence="x", labels=LABELS, input=given)
    write_bundle(tmp_path / "b", recipe, network_files([onnx_bytes(n, given.tensor_shape) for n in networks]))
    _assert_equal(tmp_path / "b", networks, given, count)


def test_ensemble_of_classifiers_says_what_torch_says(tmp_path: Path) -> None:
    networks = [_seeded(n, lambda: classifier(3, 2, widths=(4, 8)).eval()) for n in range(2)]
    recipe = Recipe(name="made", task="classify", modality="m", network="ensemble of 2 plain", licence="x", labels=LABELS, input=PICTURE)
    write_bundle(tmp_path / "b", recipe, network_files([onnx_bytes(n, PICTURE.tensor_shape) for n in networks]))
    _assert_equal(tmp_path / "b", networks, PICTURE, 2)


def _seeded(seed: int, make: Callable[[], Any]) -> Any:
    torch.manual_seed(seed)
    return make()


def _assert_equal(folder: Path, networks: list[Any], given: InputRecipe, count: int) -> None:
    bundle = open_bundle(folder)
    assert len(bundle.members) == count
    assert bundle.recipe.input == given
    x = np.random.default_rng(0).normal(size=(2, *given.tensor_shape)).astype(np.float32)
    with torch.inference_mode():
        expected = np.mean([n(torch.from_numpy(x)).softmax(dim=1).numpy() for n in networks], axis=0)
    found = probabilities(bundle, x)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4
    assert expected.std() > 0.01  # it says something
