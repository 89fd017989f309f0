"""A network, loaded: ONNX Runtime on the CPU."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import onnxruntime

from diaphane.core.arrays import FloatArray
from diaphane.engine.bundle import Bundle
from diaphane.errors import BundleError


class Session:
    """Runs the network of one bundle.

    Raises:
        BundleError: The file is not a network that ONNX Runtime loads, or its inputs are not what the recipe says.
    """

    def __init__(self, weights: bytes, name: str, shape: tuple[int, int, int], threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # ONNX Runtime raises bare classes of its own
            raise BundleError(f"{name}: ONNX Runtime cannot load the network ({str(problem)[:200]})") from problem
        (first,) = self._session.get_inputs()
        wanted = [first.shape[n] for n in (1, 2, 3)] if len(first.shape) == 4 else first.shape
        if [n for n, m in zip(wanted, shape, strict=False) if isinstance(n, int) and n != m]:
            raise BundleError(f"{name}: the network takes {wanted}, its recipe says {list(shape)} (channels, rows, columns)")
        self._input = first.name

    def __call__(self, array: FloatArray) -> FloatArray:
        """Logits (batch, class, row, column) of ``array`` (batch, channel, row, column), float32."""
        (logits,) = self._session.run(None, {self._input: np.ascontiguousarray(array, np.float32)})
        return np.asarray(logits)


@lru_cache(maxsize=4)
def _cached(weights: bytes, name: str, shape: tuple[int, int, int]) -> Session:
    return Session(weights, name, shape)


def session_of(bundle: Bundle) -> Session:
    """The session of a bundle; several cases in one process share it."""
    if bundle.recipe.input is None:
        raise BundleError(f"{bundle.name}: has no network")
    return _cached(bundle.weights, bundle.name, (bundle.recipe.input.channels, *bundle.recipe.input.size))
