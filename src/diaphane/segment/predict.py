"""The verb: from a prepared image to labels on the source grid."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.labels import Labels
from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import Bundle
from diaphane.engine.session import session_of
from diaphane.errors import BundleError
from diaphane.ops.resample import resample
from diaphane.segment.cleanup import cleaned
from diaphane.segment.options import Options


def predict(prepared: Prepared, bundle: Bundle, options: Options) -> Labels:
    """What ``bundle`` sees in the image: label map, probability and uncertainty, on the image's own grid.

    Raises:
        BundleError: The network gives another number of classes than the recipe names.
    """
    probability = class_probabilities(prepared, bundle)
    threshold = bundle.recipe.threshold if options.threshold is None else options.threshold
    smallest = bundle.recipe.smallest_part if options.smallest_part is None else options.smallest_part
    return Labels(
        cleaned(labels_of(probability, threshold), smallest)[None],
        bundle.recipe.labels,
        (1 - probability[0])[None],
        entropy(probability)[None],
        bundle.name,
    )


def class_probabilities(prepared: Prepared, bundle: Bundle) -> FloatArray:
    """(class, row, column) on the source grid; 0 is background; they add up to 1."""
    logits = session_of(bundle)(prepared.array[None])[0]
    classes = len(bundle.recipe.labels) + 1
    if logits.shape[0] != classes:
        raise BundleError(f"{bundle.name}: the network gives {logits.shape[0]} classes, its recipe names {classes} with background")
    soft = np.exp(logits - logits.max(axis=0))
    soft /= soft.sum(axis=0)
    top, left, height, width = prepared.box
    inside = soft[:, top : top + height, left : left + width]
    rows, columns = prepared.image.shape[1:]
    back = np.stack([resample(plane, rows, columns) for plane in inside])
    return np.asarray(back / back.sum(axis=0))


def labels_of(probability: FloatArray, threshold: float) -> IntArray:
    """Background where the structures together stay below ``threshold``; else the most probable structure."""
    best = 1 + np.argmax(probability[1:], axis=0)
    return np.where(1 - probability[0] >= threshold, best, 0).astype(np.uint8)


def entropy(probability: FloatArray) -> FloatArray:
    """Shannon entropy of (class, row, column) over its maximum, 0-1: 0 sure, 1 knows nothing."""
    safe = np.clip(probability, 1e-7, 1)
    return np.asarray(-(safe * np.log(safe)).sum(axis=0) / np.log(len(safe)), dtype=np.float32)
