"""The verb: from a prepared image to labels on the source grid."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.labels import Labels
from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import Bundle
from diaphane.engine.looks import Looks, entropy, looks_of
from diaphane.ops.resample import resample
from diaphane.segment.cleanup import cleaned, cleaned_volume
from diaphane.segment.options import Options
from diaphane.segment.volume import Maps, Rule, in_volume


def predict(prepared: Prepared, bundle: Bundle, options: Options) -> Labels:
    """What ``bundle`` sees in the image: label map, probability and uncertainty, on the image's own grid; of several looks their disagreement.

    Raises:
        BundleError: The network gives another number of classes than the recipe names.
        UsageError: Mirror images are asked for and the bundle declares no axis along which it may look at them.
        InputError: A volume needs more memory than there is.
    """
    rule = (bundle.recipe.thresholds or bundle.recipe.threshold) if options.threshold is None else options.threshold
    smallest = bundle.recipe.smallest_part if options.smallest_part is None else options.smallest_part
    looks = looks_of(bundle, mirror=options.mirror, members=options.members)
    if prepared.image.is_picture:
        seen = _in_picture(prepared, looks, rule, smallest)
    else:
        seen = in_volume(prepared, looks, rule, options.overlap)
        seen = seen._replace(labels=cleaned_volume(seen.labels, smallest))
    return Labels(seen.labels, bundle.recipe.labels, seen.probability, seen.uncertainty, bundle.name, seen.disagreement)


def _in_picture(prepared: Prepared, looks: Looks, rule: Rule, smallest: float) -> Maps:
    probability, own = class_probabilities(prepared, looks)
    doubt = entropy(probability)
    apart = None if own is None else np.maximum(doubt - own, 0)[None]
    return Maps(cleaned(labels_of(probability, rule), smallest)[None], (1 - probability[0])[None], doubt[None], apart)


def class_probabilities(prepared: Prepared, looks: Looks) -> tuple[FloatArray, FloatArray | None]:
    """(class, row, column) of a picture on the source grid; 0 is background; they add up to 1. And the mean entropy of several looks."""
    top, left, height, width = prepared.box
    inside = looks(prepared.array[None])[0, :, top : top + height, left : left + width]
    rows, columns = prepared.image.shape[1:]
    back = np.stack([resample(plane, rows, columns) for plane in inside])
    classes, own = (back[:-1], back[-1]) if looks.several else (back, None)
    return np.asarray(classes / classes.sum(axis=0)), own


def labels_of(probability: FloatArray, rule: Rule) -> IntArray:
    """What becomes of (class, row, column) by ``rule``, see there."""
    if isinstance(rule, float):
        best = 1 + np.argmax(probability[1:], axis=0)
        return np.where(1 - probability[0] >= rule, best, 0).astype(np.uint8)
    labels = np.zeros(probability.shape[1:], np.uint8)
    for value, threshold in enumerate(rule, start=1):
        labels[probability[value] >= threshold] = value
    return labels
