"""The verb: regions and the case with class probabilities."""

from __future__ import annotations

from dataclasses import replace

from diaphane import zoo
from diaphane.assess.options import Options
from diaphane.assess.tabular import LogisticModel
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.region import Region
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import UsageError


def score(
    image: Image, labels: Labels, regions: tuple[Region, ...], context: PatientContext, options: Options
) -> tuple[tuple[Region, ...], tuple[Assessment, ...]]:
    """``regions`` with their assessments, and the assessments of the whole case (none of the shipped models makes one).

    A region that lacks a feature which the model needs is not assessed. The shipped models use neither ``image``,
    ``labels`` nor ``context``: features hold what they need.

    Raises:
        BundleError: A classifier is altered or malformed.
    """
    models = [(bundle, LogisticModel.from_bundle(bundle)) for bundle in classifiers(options)]
    scored = []
    for region in regions:
        verdicts = [m.assess(region, b) for b, m in models if b.recipe.applies_to == region.name]
        scored.append(replace(region, assessments=tuple(v for v in verdicts if v is not None)))
    return tuple(scored), ()


def classifiers(options: Options) -> list[Bundle]:
    """The classifiers of regions that ``options`` ask for.

    Raises:
        UsageError: There is no such bundle, or it does not classify, or it takes whole pictures.
        BundleError: It is altered or malformed.
    """
    if options.bundle is not None:
        bundle = open_bundle(options.bundle)
        if bundle.recipe.task != "classify":
            raise UsageError(f"the bundle '{bundle.name}' does not classify: its task is {bundle.recipe.task}")
        if bundle.recipe.input is not None:
            raise UsageError(f"the bundle '{bundle.name}' judges whole pictures, here regions are judged: use diaphane assess --bundle {options.bundle}")
        return [bundle]
    bundles = (open_bundle(name) for name in zoo.names())
    return [bundle for bundle in bundles if bundle.recipe.task == "classify" and bundle.recipe.input is None]


def lacking(region: Region, bundle: Bundle) -> list[str]:
    """The features that keep ``region`` from being judged by ``bundle``, each with its reason; none where it does not apply."""
    if bundle.recipe.applies_to != region.name:
        return []
    found = [(name, region.feature(name)) for name in LogisticModel.from_bundle(bundle).names]
    return [f"{name}: {feature.nan_reason if feature else 'not measured'}" for name, feature in found if feature is None or feature.nan_reason]
