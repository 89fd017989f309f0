"""Networks, loaded: ONNX Runtime on the CPU."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import onnxruntime

from diaphane.core.arrays import FloatArray
from diaphane.engine.bundle import Bundle
from diaphane.errors import BundleError


class Session:
    """Runs one network of a bundle, on pictures (channels, rows, columns) or windows of volumes (channels, slices, rows, columns).

    Raises:
        BundleError: The file is not a network that ONNX Runtime loads, or its inputs are not what the recipe says.
    """

    def __init__(self, weights: bytes, name: str, shape: tuple[int, ...], threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # as fast without, and members of an ensemble do not hold a third of a gigabyte each between windows
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # ONNX Runtime raises bare classes of its own
            raise BundleError(f"{name}: ONNX Runtime cannot load the network ({str(problem)[:200]})") from problem
        (first,) = self._session.get_inputs()
        takes = first.shape[1:]
        if len(takes) != len(shape) or [n for n, m in zip(takes, shape, strict=True) if isinstance(n, int) and n != m]:
            words = "channels, rows, columns" if len(shape) == 3 else "channels, slices, rows, columns"
            raise BundleError(f"{name}: the network takes {takes}, its recipe says {list(shape)} ({words})")
        self._input = first.name

    def __call__(self, array: FloatArray) -> FloatArray:
        """Logits (batch, class[, …]) of ``array`` (batch, channel, …), float32."""
        (logits,) = self._session.run(None, {self._input: np.ascontiguousarray(array, np.float32)})
        return np.asarray(logits)


@lru_cache(maxsize=16)
def _cached(weights: bytes, name: str, shape: tuple[int, ...]) -> Session:
    return Session(weights, name, shape)


def session_of(bundle: Bundle, member: int = 0) -> Session:
    """The session of a bundle's network, or of one in an ensemble; several cases in one process share it."""
    if bundle.recipe.input is None:
        raise BundleError(f"{bundle.name}: has no network")
    return _cached(bundle.members[member], bundle.name, bundle.recipe.input.tensor_shape)


def probabilities(bundle: Bundle, array: FloatArray) -> FloatArray:
    """Softmax over the classes, (batch, class, …) of a segmentation network, (batch, class) of a classifier; the mean of an ensemble's members.

    ``array`` is (batch, channel, …), of the shape that the recipe's ``tensor_shape`` gives.

    Raises:
        BundleError: A network gives another number of classes than the recipe names, or not one for each pixel.
    """
    wanted = (len(array), bundle.recipe.classes, *(array.shape[2:] if bundle.recipe.task == "segment" else ()))
    total = np.zeros(wanted, np.float32)
    for member in range(len(bundle.members)):
        logits = session_of(bundle, member)(array)
        if logits.shape != wanted:
            raise BundleError(f"{bundle.name}: the network gives {list(logits.shape)} (batch, class, …), its recipe names {list(wanted)}")
        soft = np.exp(logits - logits.max(axis=1, keepdims=True))
        total += soft / soft.sum(axis=1, keepdims=True)
    return np.asarray(total / len(bundle.members))
