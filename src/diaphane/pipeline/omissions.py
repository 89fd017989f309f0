"""What a reader might look for in a report, and why it is not there."""

from __future__ import annotations

from diaphane import zoo
from diaphane.assess import lacking
from diaphane.core.image import Image
from diaphane.core.recipe import NotAssessed
from diaphane.core.region import Region
from diaphane.engine.bundle import Bundle, open_bundle


def not_assessed(image: Image, bundle: Bundle | None, regions: tuple[Region, ...], classifiers: list[Bundle]) -> tuple[NotAssessed, ...]:
    """Said of every case: by the bundle's recipe, by features that do not exist, by the scale that a picture lacks."""
    if bundle is None:
        known = ", ".join(sorted({r.modality for r in (open_bundle(n).recipe for n in zoo.names()) if r.task == "segment"}))
        return (NotAssessed(what="everything", why=f"no model for this kind of picture; the shipped models know {known}"),)
    told = list(bundle.recipe.not_assessed)
    for region in regions:
        for classifier in classifiers:
            without = lacking(region, classifier)
            if without:
                what = f"{classifier.recipe.labels[0].name} of {region.name} {region.index}"
                told.append(NotAssessed(what=what, why="features that the model needs do not exist: " + "; ".join(without)))
    if not image.geometry.calibrated:
        told.append(NotAssessed(what="sizes in millimetres", why="the picture has no scale; give one with --spacing-mm"))
    told.append(NotAssessed(what="change over time", why="one picture was given"))
    return tuple(told)
