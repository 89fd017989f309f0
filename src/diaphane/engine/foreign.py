"""Networks that others made, from pinned weights: ONNX through ONNX Runtime, TFLite through OpenCV. One thread each, the same result every time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import onnxruntime

from diaphane.core.arrays import Array, FloatArray
from diaphane.engine.onnx_runtime import CPU
from diaphane.engine.pinned import Pinned, read_pinned
from diaphane.errors import BundleError


class OnnxNetwork:
    """An ONNX file: one input, any number of outputs, in the file's order.

    A small network gains nothing from a second thread and steals it from the rest.

    Raises:
        NotPulledError: The weights are not here.
        BundleError: They are not the pinned ones, or ONNX Runtime does not load them.
    """

    def __init__(self, pinned: Pinned) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(read_pinned(pinned), options, providers=[CPU])
        except BundleError:
            raise
        except Exception as problem:  # ONNX Runtime raises bare classes of its own
            raise BundleError(f"{pinned.name}: ONNX Runtime cannot load the network ({' '.join(str(problem).split())[:200]})") from problem
        self._input = self._session.get_inputs()[0].name

    def __call__(self, array: FloatArray) -> list[FloatArray]:
        """Its outputs for ``array``."""
        return [np.asarray(found) for found in self._session.run(None, {self._input: np.ascontiguousarray(array, np.float32)})]


class TfliteNetwork:
    """A TFLite file: one picture (row, column, 3) in, the named outputs out.

    Raises:
        BundleError: OpenCV does not load it.
    """

    def __init__(self, weights: bytes, outputs: Sequence[str], name: str) -> None:
        try:
            self._net = cv2.dnn.readNetFromTFLite(np.frombuffer(weights, np.uint8))
        except cv2.error as problem:
            raise BundleError(f"{name}: OpenCV cannot load the network ({' '.join(str(problem).split())[:200]})") from problem
        self._outputs = tuple(outputs)

    def __call__(self, picture: Array) -> list[FloatArray]:
        """The outputs, each as one row of numbers."""
        self._net.setInput(cv2.dnn.blobFromImage(picture))
        return [np.asarray(found, np.float32).ravel() for found in self._net.forward(self._outputs)]


@cache
def onnx_network(pinned: Pinned) -> OnnxNetwork:
    """Loaded once a process: it keeps nothing between calls."""
    return OnnxNetwork(pinned)
