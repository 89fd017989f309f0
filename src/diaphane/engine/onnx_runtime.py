"""ONNX Runtime: part of every installation, exact, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from diaphane.core.arrays import FloatArray
from diaphane.core.provenance import Ran
from diaphane.engine.header import Header
from diaphane.engine.options import Precision
from diaphane.errors import BundleError

if hasattr(onnxruntime, "disable_telemetry_events"):  # for a program that imported it before diaphane, which asks it for none (``__init__.py``)
    onnxruntime.disable_telemetry_events()

GPUS: dict[str, tuple[str, dict[str, str]]] = {
    "CUDAExecutionProvider": ("GPU (CUDA)", {"use_tf32": "0"}),
    "MIGraphXExecutionProvider": ("GPU (MIGraphX)", {}),
    "DmlExecutionProvider": ("GPU (DirectML)", {}),
    "CoreMLExecutionProvider": ("GPU (CoreML)", {"ModelFormat": "MLProgram"}),
}
"""Providers that are taken where this build of ONNX Runtime has them, best first: device in words, and options that keep float32 what it says."""
CPU = "CPUExecutionProvider"


def providers(available: Sequence[str]) -> list[Any]:
    """Those to try, in this order: graphics processors, then the CPU."""
    return [*((name, options) for name, (_, options) in GPUS.items() if name in available), CPU]


class OnnxRuntimeSession:
    """A network, loaded.

    Raises:
        BundleError: ONNX Runtime does not load it.
    """

    def __init__(self, weights: bytes, header: Header, name: str, precision: Precision, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # as fast without, and members of an ensemble do not hold a third of a gigabyte each between windows
        options.enable_mem_pattern = "DmlExecutionProvider" not in onnxruntime.get_available_providers()  # DirectML asks for that
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=providers(onnxruntime.get_available_providers()))
        except Exception as problem:  # ONNX Runtime raises bare classes of its own
            raise BundleError(f"{name}: ONNX Runtime cannot load the network ({' '.join(str(problem).split())[:200]})") from problem
        self._input, self._name = header.input, name
        device = GPUS.get(self._session.get_providers()[0], ("CPU", {}))[0]
        self.ran = Ran(engine="onnxruntime", version=onnxruntime.__version__, device=device, precision=precision, threads=threads)

    def __call__(self, array: FloatArray) -> FloatArray:
        """Logits (batch, class[, …]) of ``array`` (batch, channel, …), float32.

        Raises:
            BundleError: The network does not run on it, or needs more memory than there is.
        """
        try:
            (logits,) = self._session.run(None, {self._input: np.ascontiguousarray(array, np.float32)})
        except Exception as problem:  # bare classes of its own here too
            raise BundleError(f"{self._name}: ONNX Runtime cannot run the network on {list(array.shape)} ({' '.join(str(problem).split())[:200]})") from problem
        return np.asarray(logits)
