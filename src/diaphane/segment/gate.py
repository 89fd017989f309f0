"""The gates: does the image look like what the model was trained on, and does the result look like a result?"""

from __future__ import annotations

import numpy as np

from diaphane import zoo
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import OutputLimits
from diaphane.core.verdict import Verdict
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import UsageError
from diaphane.ops.fingerprint import distance
from diaphane.segment.options import Options


def segmenters(options: Options) -> dict[str, Bundle]:
    """The bundles that may segment: the one that ``options`` name, or those that are used unasked; by the name they were asked for.

    Raises:
        UsageError: There is no such bundle, or it does not segment.
        BundleError: It is altered or malformed.
    """
    if options.bundle is None:
        bundles = {name: open_bundle(name) for name in zoo.UNASKED}
        return {name: bundle for name, bundle in bundles.items() if bundle.recipe.task == "segment"}
    bundle = open_bundle(options.bundle)
    if bundle.recipe.task != "segment":
        raise UsageError(f"the bundle '{bundle.name}' does not segment: its task is {bundle.recipe.task}")
    return {options.bundle: bundle}


def likeness(image: Image, bundle: Bundle) -> float:
    """Distance of the image from the bundle's training pictures over the bundle's limit: above 1 is unlike, infinite where it is not known."""
    fingerprint = bundle.fingerprint
    return float("inf") if fingerprint is None or _is_other(image, bundle) else distance(image, fingerprint) / fingerprint.limit


def input_verdict(image: Image, bundle: Bundle) -> Verdict:
    """``refused`` where the bundle takes volumes and the image is a picture, or the other way round, or looks like none of the training pictures.

    It looks like none where it is further from them than the bundle's limit.
    """
    kind = bundle.recipe.modality
    if _is_other(image, bundle):
        got, wanted = ("a picture", "volumes") if image.is_picture else ("a volume", "pictures")
        return Verdict(gate="input", verdict="refused", subject=image.name, reason=f"{got}; the bundle '{bundle.name}' takes {wanted} ({kind})")
    if bundle.fingerprint is None:
        unchecked = "the bundle has no fingerprint: whether the image is of its kind was not checked"
        return Verdict(gate="input", verdict="passed", subject=bundle.name, reason=unchecked)
    ratio = likeness(image, bundle)
    if ratio > 1:
        times = f"{ratio:.2f} times" if ratio < 100 else "more than 100 times"
        reason = f"the picture does not look like {kind}: {times} the bundle's limit of unlikeness"
        return Verdict(gate="input", verdict="refused", subject=bundle.name, reason=reason)
    return Verdict(gate="input", verdict="passed", subject=bundle.name, reason=f"looks like {kind}: {ratio:.2f} of the limit")


def _is_other(image: Image, bundle: Bundle) -> bool:
    """Whether one of the two is of volumes and the other of pictures."""
    return bundle.recipe.input is not None and bundle.recipe.input.is_volume == image.is_picture


def output_verdicts(labels: Labels, bundle: Bundle) -> tuple[Verdict, ...]:
    """A verdict for each structure that the bundle has limits for.

    ``doubted`` where its area or confidence lies outside them, or an organ is missing. No lesion at all is a result.
    """
    return tuple(_output_verdict(labels, bundle, limit) for limit in bundle.recipe.limits)


def _output_verdict(labels: Labels, bundle: Bundle, limit: OutputLimits) -> Verdict:
    structure = bundle.recipe.labels[limit.label - 1]
    name, mask = structure.name, labels.mask(limit.label)
    if structure.role == "lesion" and not mask.any():
        return Verdict(gate="output", verdict="passed", subject=bundle.name, reason=f"no {name} was found")
    share, whole = float(mask.mean()), "picture" if len(mask) == 1 else "volume"
    low, high = limit.area_fraction
    confidence = float(np.mean(labels.probability[mask])) if labels.probability is not None and mask.any() else 0.0
    doubts = []
    if not low <= share <= high:
        doubts.append(f"{name} covers {share:.1%} of the {whole}, expected {low:.1%} to {high:.1%}")
    if confidence < limit.confidence:
        doubts.append(f"mean probability inside {name} is {confidence:.2f}, expected {limit.confidence:.2f} or more")
    fine = f"{name}: area {share:.1%} of the {whole}, mean probability {confidence:.2f}, both within the bundle's limits"
    return Verdict(gate="output", verdict="doubted" if doubts else "passed", subject=bundle.name, reason="; ".join(doubts) or fine)
