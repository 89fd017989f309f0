"""OpenVINO beside ONNX Runtime: the same networks, the same results."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.networks import threshold_network

from diaphane import acquire
from diaphane.core.arrays import FloatArray
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.engine.header import read_header
from diaphane.engine.machine import has_openvino
from diaphane.engine.open_vino import OpenVinoSession, runs_bfloat16
from diaphane.engine.options import Options
from diaphane.engine.session import _cached, probabilities, running
from diaphane.errors import BundleError
from diaphane.ops.overlap import dice
from diaphane.ops.picture import read_png
from diaphane.prepare import prepare
from diaphane.segment import Options as SegmentOptions
from diaphane.segment import predict

pytestmark = pytest.mark.skipif(not has_openvino(), reason="needs the extra 'openvino'")  # importorskip would load all of it

EXACT, OPEN = Options(engine="onnxruntime", threads=1), Options(engine="openvino", precision="float32", threads=1)
HALF = Options(engine="openvino", precision="bfloat16", threads=1)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle("skin_lesion")


@pytest.fixture
def sample(rng: np.random.Generator) -> FloatArray:
    return rng.normal(size=(2, 3, 144, 192)).astype(np.float32)


def test_openvino_in_float32_agrees_with_onnx_runtime(bundle: Bundle, sample: FloatArray) -> None:
    assert np.abs(probabilities(bundle, sample, OPEN) - probabilities(bundle, sample, EXACT)).max() < 1e-4


@pytest.mark.parametrize("options", [EXACT, OPEN, HALF], ids=lambda o: f"{o.engine}-{o.precision}")
def test_two_loads_with_the_same_engine_precision_and_threads_give_the_same_bytes(options: Options, bundle: Bundle, sample: FloatArray) -> None:
    if options is HALF and not runs_bfloat16():
        pytest.skip("this processor lists no bfloat16")
    found = []
    for _ in range(2):
        _cached.cache_clear()
        found.append([probabilities(bundle, sample, options).tobytes() for _ in range(2)])
    assert len({one for both in found for one in both}) == 1


def test_network_of_windows_of_any_batch_runs(rng: np.random.Generator) -> None:
    weights = threshold_network((1, 4, 8, 9), [0.3])
    session = OpenVinoSession(weights, read_header(weights, "x"), "x", "float32", 1)
    for batch in (1, 3, 2):
        x = rng.normal(size=(batch, 1, 4, 8, 9)).astype(np.float32)
        assert np.allclose(session(x)[:, 1:], 50 * (x - 0.3), atol=1e-3)
    assert session.ran.words.endswith("on CPU, float32, 1 thread")


def test_network_that_openvino_does_not_load_is_a_broken_bundle() -> None:
    weights = threshold_network((1, 4, 8, 9), [0.3])
    with pytest.raises(BundleError, match="x: OpenVINO cannot load the network"):
        OpenVinoSession(weights[:-40], read_header(weights, "x"), "x", "float32", 1)


def test_array_that_the_network_does_not_take_is_told_as_a_broken_bundle() -> None:
    weights = threshold_network((1, 4, 8, 9), [0.3])
    session = OpenVinoSession(weights, read_header(weights, "x"), "x", "float32", 1)
    with pytest.raises(BundleError, match=r"x: OpenVINO cannot run the network on \[1, 2, 4, 8, 9\] \(.+\)"):
        session(np.zeros((1, 2, 4, 8, 9), np.float32))


def test_running_openvino_reports_nothing_to_anyone(tmp_path: Path) -> None:
    code = """
import sys
opened = []
sys.addaudithook(lambda event, words: opened.append(event) if event.startswith("socket.") else None)
from diaphane.engine.header import read_header
from diaphane.engine.open_vino import OpenVinoSession
weights = sys.stdin.buffer.read()
session = OpenVinoSession(weights, read_header(weights, "x"), "x", "float32", 1)
import numpy as np
session(np.zeros((1, 1, 4, 5), np.float32))
assert not opened, opened
assert not any("telemetry" in name for name in sys.modules)
assert "openvino.tools.ovc" not in sys.modules
"""
    places = {name: str(tmp_path) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR")}
    weights = threshold_network((1, 4, 5), [0.3])
    done = subprocess.run([sys.executable, "-c", code], input=weights, env={**os.environ, **places}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.data
def test_bfloat16_keeps_the_dice_of_real_lesions(bundle: Bundle, data: Path) -> None:
    if not runs_bfloat16():
        pytest.skip("this processor lists no bfloat16")
    with (data / "isic2017/index.csv").open() as listed:
        rows = [row for row in csv.DictReader(listed) if row["split"] == "test"][:24]
    found: dict[Options, list[float]] = {EXACT: [], HALF: []}
    for row in rows:
        image = acquire.read(data / "isic2017" / row["image"], acquire.Options()).images[0]
        truth = read_png(data / "isic2017" / row["mask"]) > 0
        prepared = prepare(image, bundle.recipe)
        for options, dices in found.items():
            with running(options):
                dices.append(dice(predict(prepared, bundle, SegmentOptions()).array[0] > 0, truth))
    assert np.mean(found[EXACT]) > 0.7
    assert abs(np.mean(found[EXACT]) - np.mean(found[HALF])) < 0.002
