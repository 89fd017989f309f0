"""Classes of a whole picture, by a network."""

from __future__ import annotations

import math

from diaphane.core.finding import Assessment
from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import Bundle
from diaphane.engine.session import probabilities

BASIS = "{}; the network's own probability, not calibrated on other pictures"


def judged(prepared: Prepared, bundle: Bundle) -> tuple[Assessment, ...]:
    """An assessment a class, in the order of the recipe; their probabilities add up to 1. An interval does not exist: it is NaN.

    Raises:
        BundleError: The network gives another number of classes than the recipe names.
    """
    (shares,) = probabilities(bundle, prepared.array[None])
    unknown = (math.nan, math.nan)
    around = bundle.recipe.input.around if bundle.recipe.input else ""
    basis = BASIS.format(f"the picture, cropped to what '{around}' segments where that was found" if around else "the picture as a whole")
    return tuple(
        Assessment(task=label.name, probability=float(share), interval95=unknown, bundle=bundle.name, basis=basis, caution=bundle.recipe.caution)
        for label, share in zip(bundle.recipe.labels, shares, strict=True)
    )
