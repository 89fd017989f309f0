"""The verb: from a prepared image to labels on the source grid."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.labels import Labels
from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import Bundle
from diaphane.engine.session import probabilities
from diaphane.engine.tiles import slide
from diaphane.errors import BundleError
from diaphane.ops.orient import turned, turned_back
from diaphane.ops.resample import resample, resample_volume
from diaphane.segment.cleanup import cleaned, cleaned_volume
from diaphane.segment.options import Options

Seen = tuple[IntArray, FloatArray, FloatArray]
"""Label map, probability of any structure, uncertainty: [k, j, i] on the source grid."""


def predict(prepared: Prepared, bundle: Bundle, options: Options) -> Labels:
    """What ``bundle`` sees in the image: label map, probability and uncertainty, on the image's own grid.

    Raises:
        BundleError: The network gives another number of classes than the recipe names.
    """
    threshold = bundle.recipe.threshold if options.threshold is None else options.threshold
    smallest = bundle.recipe.smallest_part if options.smallest_part is None else options.smallest_part
    seen = _in_picture if prepared.image.is_picture else _in_volume
    labels, probability, uncertainty = seen(prepared, bundle, threshold, smallest)
    return Labels(labels, bundle.recipe.labels, probability, uncertainty, bundle.name)


def _in_picture(prepared: Prepared, bundle: Bundle, threshold: float, smallest: float) -> Seen:
    probability = class_probabilities(prepared, bundle)
    return cleaned(labels_of(probability, threshold), smallest)[None], (1 - probability[0])[None], entropy(probability)[None]


def _in_volume(prepared: Prepared, bundle: Bundle, threshold: float, smallest: float) -> Seen:
    """Class by class onto the source grid: all classes of a large scan at once would not fit into memory."""
    geometry = prepared.image.geometry
    slices, rows, columns = turned(prepared.image.array, geometry).shape
    grid = window_probabilities(prepared, bundle)
    structures = 1 - resample_volume(grid[0], (slices, rows, columns))
    doubt = _surprise(1 - structures)
    best, labels = np.zeros_like(structures), np.zeros(structures.shape, np.uint8)
    for value, on_grid in enumerate(grid[1:], start=1):
        probability = resample_volume(on_grid, (slices, rows, columns))
        labels[probability > best] = value
        np.maximum(best, probability, out=best)
        doubt += _surprise(probability)
    labels[structures < threshold] = 0
    doubt /= np.float32(np.log(len(grid)))
    back = (np.ascontiguousarray(turned_back(array, geometry)) for array in (cleaned_volume(labels, smallest), structures, doubt))
    whole, probability, uncertainty = back
    return whole, probability, uncertainty


def class_probabilities(prepared: Prepared, bundle: Bundle) -> FloatArray:
    """(class, row, column) of a picture on the source grid; 0 is background; they add up to 1."""
    top, left, height, width = prepared.box
    inside = probabilities(bundle, prepared.array[None])[0, :, top : top + height, left : left + width]
    rows, columns = prepared.image.shape[1:]
    back = np.stack([resample(plane, rows, columns) for plane in inside])
    return np.asarray(back / back.sum(axis=0))


def window_probabilities(prepared: Prepared, bundle: Bundle) -> FloatArray:
    """(class, k, j, i) of a volume on the network's grid; 0 is background; they add up to 1."""
    if bundle.recipe.input is None:
        raise BundleError(f"{bundle.name}: has no network")
    slices, rows, columns = bundle.recipe.input.size

    def seen(windows: FloatArray) -> FloatArray:
        return probabilities(bundle, windows) if slices > 1 else probabilities(bundle, windows[:, :, 0])[:, :, None]

    return slide(prepared.array, (slices, rows, columns), seen)


def labels_of(probability: FloatArray, threshold: float) -> IntArray:
    """Background where the structures together stay below ``threshold``; else the most probable structure."""
    best = 1 + np.argmax(probability[1:], axis=0)
    return np.where(1 - probability[0] >= threshold, best, 0).astype(np.uint8)


def entropy(probability: FloatArray) -> FloatArray:
    """Shannon entropy of (class, row, column) over its maximum, 0-1: 0 sure, 1 knows nothing."""
    return np.asarray(_surprise(probability).sum(axis=0) / np.log(len(probability)), dtype=np.float32)


def _surprise(probability: FloatArray) -> FloatArray:
    """What a class adds to the entropy."""
    safe = np.clip(probability, 1e-7, 1)
    return np.asarray(-safe * np.log(safe))
