"""What a bundle says of a sample when it looks several times: with each network of an ensemble, and at the sample's mirror images.

How far the looks differ is the part of the uncertainty that more looks could settle: the Jensen-Shannon divergence. Sources: Lin, IEEE
Trans Inf Theory 37, 145 (1991); Smith and Gal, UAI 2018, arXiv 1803.08533.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from typing import Literal

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.engine.bundle import NETWORK, Bundle, weight_files
from diaphane.engine.session import probabilities
from diaphane.errors import UsageError

Members = Literal["all", "first"]


@dataclass(frozen=True, slots=True)
class Looks:
    """Networks and the mirror images at which each of them looks; what all of them say counts alike."""

    networks: tuple[Bundle, ...]
    """Of one network each."""
    mirrors: tuple[tuple[int, ...], ...]
    """The axes along which the sample is mirrored for a look, counted from the end; none for the sample itself."""

    @property
    def several(self) -> bool:
        """Whether there is more than one look, so that they can disagree."""
        return len(self.networks) * len(self.mirrors) > 1

    @property
    def channels(self) -> int:
        """How many numbers a call gives for each pixel."""
        return self.networks[0].recipe.classes + self.several

    def __call__(self, array: FloatArray) -> FloatArray:
        """(batch, class, …): the mean of what the looks say of ``array`` (batch, channel, …); of several, one channel more: their mean entropy."""
        if not self.several:
            return probabilities(self.networks[0], array)
        total: FloatArray | None = None
        for network, axes in product(self.networks, self.mirrors):
            soft = _mirrored(probabilities(network, _mirrored(array, axes)), axes)
            if total is None:
                total = np.zeros((len(soft), self.channels, *soft.shape[2:]), np.float32)
            total[:, :-1] += soft
            for sample, one in zip(total, soft, strict=True):
                sample[-1] += entropy(one)
        return np.asarray(total) / np.float32(len(self.networks) * len(self.mirrors))


def looks_of(bundle: Bundle, *, mirror: bool = False, members: Members = "all") -> Looks:
    """The looks of ``bundle``: its networks, or the first of them alone; with ``mirror`` also at the mirror images that its recipe declares.

    Raises:
        UsageError: Mirror images are asked for and the recipe declares no axis.
    """
    recipe = bundle.recipe.input
    flags = recipe.mirror if recipe is not None else ()
    axes = [n - len(flags) for n, safe in enumerate(flags) if safe]
    if mirror and not axes:
        raise UsageError(f"the bundle '{bundle.name}' declares no axis along which it may look at mirror images ([input] mirror); leave --mirror out")
    count = len(bundle.members) if members == "all" else 1
    subsets = chain.from_iterable(combinations(axes, n) for n in range(len(axes) + 1))
    return Looks(tuple(_alone(bundle, n) for n in range(count)), tuple(subsets) if mirror else ((),))


def entropy(classes: Iterable[FloatArray]) -> FloatArray:
    """Shannon entropy of the probabilities of classes, given one after the other, over its maximum, 0-1: 0 sure, 1 knows nothing."""
    each = [surprise(probability) for probability in classes]
    return np.asarray(sum(each) / np.float32(np.log(len(each))), np.float32)


def surprise(probability: FloatArray) -> FloatArray:
    """What a class adds to the entropy, in nats."""
    safe = np.clip(probability, 1e-7, 1)
    return np.asarray(-safe * np.log(safe))


def _alone(bundle: Bundle, member: int) -> Bundle:
    """A bundle of one network of an ensemble."""
    weights = weight_files(bundle.files)
    if len(weights) == 1:
        return bundle
    rest = {name: data for name, data in bundle.files.items() if name not in weights}
    return replace(bundle, files={**rest, NETWORK: bundle.files[weights[member]]})


def _mirrored(array: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    return np.flip(array, axes) if axes else array
