from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

from tests.networks import threshold_network, write_made_bundle
from tests.train.made import discs

from diaphane.engine.bundle import open_bundle
from diaphane.engine.header import read_header
from diaphane.engine.machine import has_openvino
from diaphane.engine.options import Options
from diaphane.engine.session import probabilities
from diaphane.errors import BundleError, UsageError
from diaphane.train import quantise as module
from diaphane.train.quantise import int8_network, quantise

RECIPE = """name = "made"
task = "segment"
modality = "made discs"
network = "threshold"
licence = "none"
labels = [{value = 1, name = "disc"}]
input = {channels = 1, size = [32, 32], fit = "stretch", normalisation = "fixed", mean = [0.0], std = [1.0]}
"""


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """A bundle, and a data set that it segments."""
    return write_made_bundle(tmp_path / "b", RECIPE, [threshold_network((1, 32, 32), [0.5])]), discs(tmp_path / "data", 12)


def test_int8_bundle_is_whole_says_what_it_costs_and_gives_nearly_the_same(made: tuple[Path, Path], tmp_path: Path, rng: np.random.Generator) -> None:
    bundle, data = made
    compared = quantise(str(bundle), data, tmp_path / "int8")
    assert [one.engine for one in compared] == ["onnxruntime", "openvino"][: 1 + has_openvino()]
    assert all(one.before > 0.9 and abs(one.fall) <= 0.002 for one in compared)
    small, whole = open_bundle(tmp_path / "int8"), open_bundle(bundle)
    assert read_header(small.members[0], "x").is_int8
    assert small.recipe == whole.recipe
    made_of = small.json("metrics.json")["quantised"]
    assert made_of["from_weights_sha256"] == whole.weights_sha256
    assert made_of["dice"]["onnxruntime"]["int8"] == compared[0].after
    assert (made_of["calibration"], made_of["held_out"]) == (4, 8)
    assert f"| onnxruntime | {compared[0].before:.4f} | {compared[0].after:.4f} |" in small.files["card.md"].decode()
    x = rng.uniform(0, 1, (3, 1, 32, 32)).astype(np.float32)
    both = [probabilities(b, x, Options(engine="onnxruntime")) for b in (small, whole)]
    assert np.mean(both[0].argmax(axis=1) == both[1].argmax(axis=1)) > 0.98


def test_bundle_that_loses_dice_in_int8_is_refused_with_the_figure(made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "int8_network", lambda *_: threshold_network((1, 32, 32), [0.02]))
    with pytest.raises(BundleError, match=r"made: refused: with onnxruntime Dice falls from 0\.9\d+ to 0\.\d+, by 0\.\d+, in int8 on 8 held-out images"):
        quantise(str(made[0]), made[1], tmp_path / "int8")
    assert not (tmp_path / "int8").exists()


def test_what_cannot_be_quantised_is_said(made: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, data = made
    with pytest.raises(UsageError, match="melanoma: must be a bundle that segments"):
        quantise("melanoma", data, tmp_path / "int8")
    with pytest.raises(UsageError, match="exists already"):
        quantise(str(bundle), data, bundle)
    small = int8_network(open_bundle(bundle).members[0], [np.linspace(0, 1, 1024, dtype=np.float32).reshape(1, 32, 32)], "made")
    again = write_made_bundle(tmp_path / "small", RECIPE, [small])
    with pytest.raises(UsageError, match="made: is int8 already"):
        quantise(str(again), data, tmp_path / "int8")
    two = RECIPE.replace('name = "disc"}', 'name = "disc"}, {value = 2, name = "ring"}')
    other = write_made_bundle(tmp_path / "two", two, [threshold_network((1, 32, 32), [0.5, 0.8])])
    with pytest.raises(UsageError, match="must have the bundle's 2 structures, has 1"):
        quantise(str(other), data, tmp_path / "int8")
