"""Read-only views: what every noun does to the arrays it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.integer[Any]]


def frozen(array: Array) -> Array:
    """A read-only view of ``array``; the caller's own array stays writable."""
    view = array.view()
    view.flags.writeable = False
    return view
