"""The verb: regions and the picture with class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from diaphane import zoo
from diaphane.assess.network import judged
from diaphane.assess.options import Options
from diaphane.assess.tabular import LogisticModel
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.prepared import Prepared
from diaphane.core.region import Region
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import UsageError


def score(
    image: Image,
    labels: Labels | None,
    regions: tuple[Region, ...],
    context: PatientContext,
    options: Options,
    *,
    prepared: Mapping[str, Prepared] = MappingProxyType({}),
) -> tuple[tuple[Region, ...], tuple[Assessment, ...]]:
    """``regions`` with their assessments, and the assessments of the whole image.

    A region that lacks a feature which the model needs is not assessed. Networks judge the whole image; ``prepared`` is what each is
    given of it, by the bundle's name: those that are absent do not judge. No shipped model uses ``image``, ``labels`` or ``context``:
    features and ``prepared`` hold what they need.

    Raises:
        BundleError: A classifier is altered or malformed.
    """
    bundles = classifiers(options)
    models = [(bundle, LogisticModel.from_bundle(bundle)) for bundle in bundles if bundle.recipe.input is None]
    scored = []
    for region in regions:
        verdicts = [m.assess(region, b) for b, m in models if b.recipe.applies_to == region.name]
        scored.append(replace(region, assessments=tuple(v for v in verdicts if v is not None)))
    return tuple(scored), tuple(a for bundle in bundles if bundle.name in prepared for a in judged(prepared[bundle.name], bundle))


def classifiers(options: Options) -> list[Bundle]:
    """The classifiers that ``options`` ask for, of regions (without ``input`` in their recipe) or of whole pictures; else those that are used unasked.

    Raises:
        UsageError: There is no such bundle, or it does not classify.
        BundleError: It is altered or malformed.
    """
    if options.bundle is not None:
        bundle = open_bundle(options.bundle)
        if bundle.recipe.task != "classify":
            raise UsageError(f"the bundle '{bundle.name}' does not classify: its task is {bundle.recipe.task}")
        return [bundle]
    return [bundle for bundle in map(open_bundle, zoo.UNASKED) if bundle.recipe.task == "classify"]


def lacking(region: Region, bundle: Bundle) -> list[str]:
    """The features that keep ``region`` from being judged by ``bundle``, each with its reason; none where it does not apply."""
    if bundle.recipe.input is not None or bundle.recipe.applies_to != region.name:
        return []
    found = [(name, region.feature(name)) for name in LogisticModel.from_bundle(bundle).names]
    return [f"{name}: {feature.nan_reason if feature else 'not measured'}" for name, feature in found if feature is None or feature.nan_reason]
