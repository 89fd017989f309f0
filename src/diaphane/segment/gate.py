"""The gates: does the image look like what the model was trained on, and does the result look like a result?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diaphane import zoo
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import Check, OutputLimits
from diaphane.core.verdict import Verdict
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import UsageError
from diaphane.ops.fingerprint import strangeness
from diaphane.segment.gate_output import joint_verdicts
from diaphane.segment.options import Options

SURE = 0.9
"""A check that found this share of the held-out items that were altered so refuses; another doubts."""
MOST_SAID = 3
"""Alterations named that the gate cannot tell."""


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
    """How strange the image is to the bundle as a share of its limit: above 1 is unlike its training items, infinite where it is not known."""
    fingerprint = bundle.fingerprint
    return float("inf") if fingerprint is None or _is_other(image, bundle) else max(ratio for ratio, _ in strangeness(image, fingerprint))


def input_verdict(image: Image, bundle: Bundle) -> Verdict:
    """What the input gate of ``bundle`` says of the image.

    ``refused`` where the bundle takes volumes and the image is a picture, or the other way round; where it looks like none of the training
    items; where it looks like one of them turned, mirrored or inverted. ``doubted`` where it seems to have other grey levels, or a check
    speaks that is often silent.
    """
    kind = bundle.recipe.modality
    if _is_other(image, bundle):
        got, wanted = ("a picture", "volumes") if image.is_picture else ("a volume", "pictures")
        return Verdict(gate="input", verdict="refused", subject=image.name, reason=f"{got}; the bundle '{bundle.name}' takes {wanted} ({kind})")
    fingerprint = bundle.fingerprint
    if fingerprint is None:
        unchecked = "the bundle has no fingerprint: whether the image is of its kind was not checked"
        return Verdict(gate="input", verdict="passed", subject=bundle.name, reason=unchecked)
    found = strangeness(image, fingerprint)
    strange = [one for one in found if one[0] > 1]
    if not strange:
        told = f"looks like {kind}: {max(0.0, *(ratio for ratio, _ in found)):.2f} of the limit"
        missing = f"; not told: {', '.join(fingerprint.untold[:MOST_SAID])}" if fingerprint.untold else ""
        return Verdict(gate="input", verdict="passed", subject=bundle.name, reason=told + missing)
    severe = [one for one in strange if _refuses(one[1])]
    reason = _strange(image, kind, *_telling(severe or strange))
    return Verdict(gate="input", verdict="refused" if severe else "doubted", subject=bundle.name, reason=reason)


def _refuses(check: Check | None) -> bool:
    """Whether an image that fails it is no input at all; other grey levels may still be an image of the kind."""
    return check is None or (check.kind != "tone" and check.caught >= SURE)


def _telling(strange: Sequence[tuple[float, Check | None]]) -> tuple[float, Check | None]:
    """Of several the one that explains most: the turn (or the inversion) after which the image would look best, else what is furthest above its limit.

    What is further above the limit of unlikeness than above that of a turn is no turned image, but something else.
    """
    unlike = max((ratio for ratio, check in strange if check is None), default=0.0)
    layouts = [
        (check.centre + ratio * (check.limit - check.centre), ratio, check)
        for ratio, check in strange
        if check and check.kind != "tone" and ratio > unlike
    ]  # fmt: skip
    return max(layouts, key=lambda one: one[0])[1:] if layouts else max(strange, key=lambda one: one[0])


def _strange(image: Image, kind: str, ratio: float, check: Check | None) -> str:
    what = "picture" if image.is_picture else "volume"
    times = f"{ratio:.2f} times" if ratio < 100 else "more than 100 times"
    if check is None:
        return f"the {what} does not look like {kind}: {times} the bundle's limit of unlikeness"
    odd = f"the {what} looks like {kind} {check.name}: {times} the bundle's limit"
    return odd if image.is_picture or check.kind != "turned" else f"{odd}; its header says otherwise"


def _is_other(image: Image, bundle: Bundle) -> bool:
    """Whether one of the two is of volumes and the other of pictures."""
    return bundle.recipe.input is not None and bundle.recipe.input.is_volume == image.is_picture


def output_verdicts(labels: Labels, bundle: Bundle, geometry: Geometry | None = None) -> tuple[Verdict, ...]:
    """A verdict for each structure that the bundle knows something of; ``geometry`` that of a volume, None for a picture.

    ``doubted`` where it is unlike those in held-out results: by its place, size, shape and confidence together, or, of older bundles, where
    its area or confidence lies outside limits; or where an organ is missing. No lesion at all is a result.
    """
    known = bundle.output_fingerprint
    if known is not None:
        return joint_verdicts(labels, geometry, known, bundle.name)
    return tuple(_output_verdict(labels, bundle, limit) for limit in bundle.recipe.limits)


def _output_verdict(labels: Labels, bundle: Bundle, limit: OutputLimits) -> Verdict:
    structure = bundle.recipe.labels[limit.label - 1]
    name, mask = structure.name, labels.mask(limit.label)
    if structure.role == "lesion" and not mask.any():
        return Verdict(gate="output", verdict="passed", subject=bundle.name, reason=f"no {name} was found")
    share, whole = float(mask.mean(dtype=np.float64)), "picture" if len(mask) == 1 else "volume"
    low, high = limit.area_fraction
    confidence = float(np.mean(labels.probability[mask])) if labels.probability is not None and mask.any() else 0.0
    doubts = []
    if not low <= share <= high:
        doubts.append(f"{name} covers {share:.1%} of the {whole}, expected {low:.1%} to {high:.1%}")
    if confidence < limit.confidence:
        doubts.append(f"mean probability inside {name} is {confidence:.2f}, expected {limit.confidence:.2f} or more")
    fine = f"{name}: area {share:.1%} of the {whole}, mean probability {confidence:.2f}, both within the bundle's limits"
    return Verdict(gate="output", verdict="doubted" if doubts else "passed", subject=bundle.name, reason="; ".join(doubts) or fine)
