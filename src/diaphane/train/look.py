"""A look at validation while training: the same metric of the same items each time, on the network's own grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.engine.tiles import slide
from diaphane.ops.overlap import dice
from diaphane.train.arrays import Arrays, Stored
from diaphane.train.evaluate import auc_of_items
from diaphane.train.loop import laid_out
from diaphane.train.losses import IGNORE
from diaphane.train.recipe import TrainRecipe

REACH = 1.5
"""Of a volume larger than this many windows along an axis only so much is looked at: eight windows, whatever the volume."""
AT_ONCE = 8
"""Pictures given to the network together."""


class Look:
    """Mean Dice over structures and items of a network, or of classes the area under the ROC curve; at most ``recipe.loop.validation_items``, evenly taken.

    A structure that is neither there nor predicted in an item does not count for it. Of more than two classes the area is the mean over those
    that the items have, each against the rest; where they have one only, it is the share that is told right.
    """

    def __init__(self, arrays: Arrays, names: Sequence[str], recipe: TrainRecipe) -> None:
        every = np.linspace(0, len(names) - 1, min(len(names), recipe.loop.validation_items)).round().astype(int)
        self.arrays, self.names, self.recipe = arrays, [names[n] for n in dict.fromkeys(every.tolist())], recipe

    @property
    def metric(self) -> str:
        """What it gives, in words."""
        if self.recipe.data.task == "segment":
            return "mean Dice"
        return "AUC" if len({self.arrays[name].target for name in self.names}) > 1 else "accuracy"

    def __call__(self, network: nn.Module) -> float:
        """The mean of all; labels weigh the same however often they occur. 0 where nothing can be said."""
        each = self.each(network)
        seen = ~np.isnan(each)
        by_label = [each[seen[:, n], n].mean() for n in range(each.shape[1]) if seen[:, n].any()]
        return float(np.mean(by_label)) if by_label else 0.0

    @torch.inference_mode()
    def each(self, network: nn.Module) -> FloatArray:
        """(item, structure) Dice, NaN where it does not count; of classes (item, 1) what it adds to the area, so that the mean is the area.

        Two networks on the same items may be compared in pairs by it (``evaluate.auc_of_items``).
        """
        network.eval()
        if self.recipe.input.fit == "windows":
            return np.stack([self._volume(network, name) for name in self.names])
        parts = [self.names[n : n + AT_ONCE] for n in range(0, len(self.names), AT_ONCE)]
        found = np.concatenate([self._pictures(network, part) for part in parts])
        return found if self.recipe.data.task == "segment" else self._classes(found)[:, None]

    def _pictures(self, network: nn.Module, names: Sequence[str]) -> FloatArray:
        """(item, structure) Dice, or (item, class) probabilities."""
        stored = [self.arrays[name] for name in names]
        logits = self._logits(network, np.stack([one.x[:, 0] for one in stored]))
        if self.recipe.data.task == "classify":
            return _softmax(np.asarray(logits, np.float64))
        return np.stack([self._dice(found.argmax(axis=0)[None], one.y) for found, one in zip(logits, stored, strict=True)])

    def _classes(self, probabilities: FloatArray) -> FloatArray:
        truth = np.array([self.arrays[name].target - 1 for name in self.names])
        if self.metric == "accuracy":
            return np.asarray(probabilities.argmax(axis=1) == truth, np.float64)
        return auc_of_items(truth, probabilities)

    def _volume(self, network: nn.Module, name: str) -> FloatArray:
        stored = self.arrays[name]
        size = self.recipe.input.size
        flat = size[0] == 1
        cut = _seen(stored, (size[0], size[1], size[2]))

        def of(windows: FloatArray) -> FloatArray:
            soft = _softmax(self._logits(network, windows[:, :, 0] if flat else windows))
            return soft[:, :, None] if flat else soft

        probability = slide(np.asarray(stored.x[:, *cut], np.float32), (size[0], size[1], size[2]), of)
        return self._dice(probability.argmax(axis=0), None if stored.y is None else stored.y[cut])

    def _logits(self, network: nn.Module, x: FloatArray) -> FloatArray:
        loop = self.recipe.loop
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=loop.precision == "bfloat16"):
            logits = network(laid_out(torch.from_numpy(np.asarray(x, np.float32)), loop))
        return np.asarray(logits.float().numpy())

    def _dice(self, found: IntArray, truth: IntArray | None) -> FloatArray:
        known = np.asarray(truth) != IGNORE
        pairs = [((found == label.value) & known, np.asarray(truth) == label.value) for label in self.recipe.data.labels]
        return np.array([dice(a, b) if a.any() or b.any() else np.nan for a, b in pairs])


def _seen(stored: Stored, size: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """The part of a volume that is looked at: all of it, or of a large one ``REACH`` windows a side about the middle of its structures."""
    places = [voxels.mean(axis=0) for voxels in stored.places.values()]
    shape = stored.x.shape[1:]
    middle = np.mean(places, axis=0) if places else np.array(shape) / 2
    lengths = [min(n, max(1, int(REACH * window))) for n, window in zip(shape, size, strict=True)]
    starts = [int(np.clip(round(m - n / 2), 0, whole - n)) for m, n, whole in zip(middle, lengths, shape, strict=True)]
    k, j, i = (slice(start, start + n) for start, n in zip(starts, lengths, strict=True))
    return k, j, i


def _softmax(logits: FloatArray) -> FloatArray:
    soft = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(soft / soft.sum(axis=1, keepdims=True))


def mean_of_items(each: FloatArray) -> FloatArray:
    """The mean of each row of what ``Look.each`` gives; 1 where nothing is there and nothing was found."""
    seen = ~np.isnan(each)
    return np.where(seen.any(axis=1), np.where(seen, each, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 1.0)
