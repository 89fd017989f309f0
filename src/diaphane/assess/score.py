"""The verb: regions and the picture with class probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from diaphane import zoo
from diaphane.assess.model_json import table_model
from diaphane.assess.network import judged
from diaphane.assess.options import Options
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

    Networks judge the whole image first; ``prepared`` is what each is given of it, by the bundle's name: those that are absent do not judge. A
    model of features may take their verdicts, and what is known of the patient, as features. A region that lacks what a model needs, or is
    unlike those of its training, is not assessed by it: ``no_verdict`` says why. No shipped model uses ``image`` or ``labels`` itself.

    Raises:
        BundleError: A classifier is altered or malformed.
    """
    bundles = classifiers(options)
    whole = tuple(a for bundle in bundles if bundle.name in prepared for a in judged(prepared[bundle.name], bundle))
    models = [(bundle, table_model(bundle)) for bundle in bundles if bundle.recipe.input is None]
    scored = []
    for region in regions:
        verdicts = [model.judge(region, bundle, context, whole) for bundle, model in models if bundle.recipe.applies_to == region.name]
        scored.append(replace(region, assessments=tuple(a for verdict in verdicts if not isinstance(verdict, str) for a in verdict)))
    return tuple(scored), whole


def classifiers(options: Options) -> list[Bundle]:
    """The classifiers that ``options`` ask for, of regions (without ``input`` in their recipe) or of whole pictures; else those that are used unasked.

    With a model that takes the verdicts of networks come those networks, where they are shipped.

    Raises:
        UsageError: There is no such bundle, or it does not classify.
        BundleError: It is altered or malformed.
    """
    if options.bundle is not None:
        bundle = open_bundle(options.bundle)
        if bundle.recipe.task != "classify":
            raise UsageError(f"the bundle '{bundle.name}' does not classify: its task is {bundle.recipe.task}")
        return _with_networks([bundle])
    return _with_networks([bundle for bundle in map(open_bundle, zoo.UNASKED) if bundle.recipe.task == "classify"])


def no_verdict(region: Region, bundle: Bundle, context: PatientContext, assessments: Sequence[Assessment]) -> str:
    """Why ``region`` is not judged by ``bundle``, given the networks' ``assessments`` of the picture; empty where it is, or where it does not apply."""
    if bundle.recipe.input is not None or bundle.recipe.applies_to != region.name:
        return ""
    verdict = table_model(bundle).judge(region, bundle, context, assessments)
    return verdict if isinstance(verdict, str) else ""


def _with_networks(bundles: list[Bundle]) -> list[Bundle]:
    """Only shipped networks are opened: a bundle cannot have other files read."""
    needed = [name for bundle in bundles if bundle.recipe.input is None for name in table_model(bundle).networks()]
    here = {bundle.name for bundle in bundles}
    return [*bundles, *(open_bundle(zoo.path(name)) for name in dict.fromkeys(needed) if name not in here and name in zoo.names())]
