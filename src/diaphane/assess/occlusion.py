"""Where a network's verdict on a picture comes from: each place is hidden in turn, and the log-odds are looked at again.

Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import cv2
import numpy as np

from diaphane.assess.options import Options
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.finding import Assessment
from diaphane.core.outcome import Explanation
from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import Bundle
from diaphane.engine.session import probabilities
from diaphane.ops.paint import sized
from diaphane.ops.picture import to_rgb

PATCHES = 5
"""Hidden squares side by side along the shorter side; they overlap by half, so that there are about twice as many each way."""
BATCH = 16
"""Pictures with something hidden that the network sees at once."""
SURE = 1e-6
"""Probabilities nearer to 0 or 1 than this have the log-odds of this."""
FOR, AGAINST = (230, 97, 1), (94, 60, 153)
"""Orange and purple, which people with a colour vision deficiency tell apart (ColorBrewer's PuOr)."""
LONG_SIDE_PX = 480
"""Of the picture of a map."""
STRONGEST = 0.65
"""Opacity of the largest share."""


def explained(prepared: Mapping[str, Prepared], said: Sequence[Assessment], bundles: Sequence[Bundle], options: Options) -> tuple[Explanation, ...]:
    """For each network that judged a picture, the map of its most probable class; none where ``options`` want none.

    ``prepared`` is what each was given of the picture, by the bundle's name; ``said`` what they answered.
    """
    found = []
    for bundle in bundles if options.maps else ():
        own = [a for a in said if a.bundle == bundle.name]
        if own and bundle.name in prepared:
            place = max(range(len(own)), key=lambda n: own[n].probability)
            drops = occlusion(prepared[bundle.name], bundle, place)
            found.append(Explanation(bundle.name, own[place].task, occlusion_picture(prepared[bundle.name], drops, LONG_SIDE_PX)))
    return tuple(found)


def occlusion(prepared: Prepared, bundle: Bundle, place: int) -> FloatArray:
    """By how much hiding each place lowers the log-odds of the class at ``place`` of the recipe, (row, column) of what the network saw of the picture.

    Hidden is a square, painted with the picture's mean; a place has the mean of the squares that cover it. What speaks against the class is negative.
    It says what this network reacts to, not what is so: not even that the place is ill.

    Raises:
        BundleError: The network gives another number of classes than the recipe names.
    """
    top, left, height, width = prepared.box
    mean = prepared.array[:, top : top + height, left : left + width].mean(axis=(1, 2))
    side = -(-min(height, width) // PATCHES)
    corners = [(top + r, left + c) for r, c in product(_starts(height, side), _starts(width, side))]
    whole = _log_odds(bundle, prepared.array[None], place)[0]
    total, times = np.zeros(prepared.array.shape[1:]), np.zeros(prepared.array.shape[1:])
    for first in range(0, len(corners), BATCH):
        some = corners[first : first + BATCH]
        hidden = np.repeat(prepared.array[None], len(some), axis=0)
        for picture, (row, column) in zip(hidden, some, strict=True):
            picture[:, row : row + side, column : column + side] = mean[:, None, None]
        for (row, column), odds in zip(some, _log_odds(bundle, hidden, place), strict=True):
            total[row : row + side, column : column + side] += whole - odds
            times[row : row + side, column : column + side] += 1
    return np.asarray((total / np.maximum(times, 1))[top : top + height, left : left + width])


def occlusion_picture(prepared: Prepared, drops: FloatArray, long_side: int) -> Array:
    """The picture in grey with ``drops`` over it: orange where hiding lowers the log-odds, purple where it raises them; RGB uint8."""
    grey = sized(to_rgb(prepared.image.array[0]), long_side).mean(axis=2, keepdims=True)
    smooth = cv2.resize(drops.astype(np.float32), grey.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    strength = np.clip(np.abs(smooth) / max(float(np.abs(drops).max()), 1e-9), 0, 1)[..., None] * STRONGEST
    tint = np.where(smooth[..., None] > 0, np.array(FOR), np.array(AGAINST))
    return np.asarray(np.rint((1 - strength) * grey + strength * tint).astype(np.uint8))


def _starts(length: int, side: int) -> list[int]:
    """Where squares of ``side`` begin, half a side apart; the last ends at the edge."""
    return [*range(0, length - side, max(1, side // 2)), length - side]


def _log_odds(bundle: Bundle, array: FloatArray, place: int) -> FloatArray:
    shares = np.clip(probabilities(bundle, array)[:, place].astype(np.float64), SURE, 1 - SURE)
    return np.asarray(np.log(shares / (1 - shares)))
