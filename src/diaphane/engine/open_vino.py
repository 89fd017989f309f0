"""OpenVINO: the fast path on a CPU, of the extra ``openvino``."""

from __future__ import annotations

import importlib
import sys
from threading import Lock
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.provenance import Ran
from diaphane.engine.header import Header
from diaphane.engine.machine import has_bfloat16, has_openvino
from diaphane.engine.options import Precision
from diaphane.errors import BundleError, UsageError

HOW = 'pip install "diaphane[openvino]"'
HINTS: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
"""What is not quantised in an int8 network is float32."""
CONVERTER = "openvino.tools.ovc"
"""On its import it sends a word about it to its maker; it converts from other frameworks, and nothing here needs it."""


def openvino() -> Any:
    """The library, loaded without the part that reports its use over the network.

    Raises:
        UsageError: It is not installed.
    """
    if not has_openvino():
        raise UsageError(f"the engine openvino is not installed: {HOW}, or leave --engine on auto")
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    sys.modules[CONVERTER] = None  # type: ignore[assignment]  # Python's word for "not to be imported"; openvino goes on without it
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[CONVERTER]


def device_of(available: list[str]) -> str:
    """The first graphics processor, else the CPU."""
    return next((name for name in available if name.startswith("GPU")), "CPU")


def runs_bfloat16() -> bool:
    """Whether OpenVINO's device computes in bfloat16, and the processor lists it."""
    core = openvino().Core()
    device = device_of(core.available_devices)
    return "BF16" in core.get_property(device, "OPTIMIZATION_CAPABILITIES") and (device != "CPU" or has_bfloat16())


class OpenVinoSession:
    """A network, compiled for this machine.

    Raises:
        UsageError: OpenVINO is not installed.
        BundleError: It does not load the network.
    """

    def __init__(self, weights: bytes, header: Header, name: str, precision: Precision, threads: int) -> None:
        library = openvino()
        core = library.Core()
        device = device_of(core.available_devices)
        settings = {"INFERENCE_PRECISION_HINT": HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
        if device == "CPU" and threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            self._network = core.compile_model(core.read_model(weights), device, settings)
        except Exception as problem:  # it raises bare classes of its own
            raise BundleError(f"{name}: OpenVINO cannot load the network ({' '.join(str(problem).split())[:200]})") from problem
        self._input, self._name, self._lock = header.input, name, Lock()
        version = library.__version__.partition("-")[0]
        self.ran = Ran(engine="openvino", version=version, device=device, precision=precision, threads=threads)

    def __call__(self, array: FloatArray) -> FloatArray:
        """Logits (batch, class[, …]) of ``array`` (batch, channel, …), float32.

        Raises:
            BundleError: The network does not run on it, or needs more memory than there is.
        """
        try:
            with self._lock:  # one request at a time: it has all threads
                return np.asarray(self._network({self._input: np.ascontiguousarray(array, np.float32)})[0])
        except Exception as problem:  # bare classes of its own here too
            raise BundleError(f"{self._name}: OpenVINO cannot run the network on {list(array.shape)} ({' '.join(str(problem).split())[:200]})") from problem
