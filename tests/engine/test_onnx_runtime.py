"""ONNX Runtime: what fails is a broken bundle, and nothing is kept about its use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.networks import threshold_network

from diaphane.engine.header import read_header
from diaphane.engine.onnx_runtime import CPU, GPUS, OnnxRuntimeSession, providers
from diaphane.errors import BundleError


def session() -> OnnxRuntimeSession:
    weights = threshold_network((1, 4, 5), [0.3])
    return OnnxRuntimeSession(weights, read_header(weights, "x"), "x", "float32", 1)


def test_logits_are_what_the_network_computes(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 1, 4, 5)).astype(np.float32)
    assert np.allclose(session()(x)[:, 1:], 50 * (x - 0.3), atol=1e-4)


def test_array_that_the_network_does_not_take_is_told_as_a_broken_bundle() -> None:
    with pytest.raises(BundleError, match=r"x: ONNX Runtime cannot run the network on \[1, 2, 4, 5\] \(.+\)"):
        session()(np.zeros((1, 2, 4, 5), np.float32))


def test_processor_comes_last() -> None:
    assert providers([CPU, "DmlExecutionProvider", "OtherProvider"]) == [("DmlExecutionProvider", GPUS["DmlExecutionProvider"][1]), CPU]


RUN = """
import sys
weights = sys.stdin.buffer.read()
import {first}
import numpy, onnxruntime
onnxruntime.InferenceSession(weights).run(None, {{"image": numpy.zeros((1, 1, 4, 5), numpy.float32)}})
"""


@pytest.mark.parametrize("first", ["diaphane", "diaphane.engine.session"])
def test_running_a_network_keeps_nothing_about_its_use(first: str, tmp_path: Path) -> None:
    places = {name: str(tmp_path) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR")}
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(first=first)], input=threshold_network((1, 4, 5), [0.3]), env={**clean, **places}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.rglob("*")) == []
