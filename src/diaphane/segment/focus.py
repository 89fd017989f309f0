"""Where a classifier of pictures looks: at the box around what another bundle segments, or at the whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from diaphane import zoo
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.prepared import Prepared
from diaphane.core.recipe import Recipe
from diaphane.core.verdict import Verdict
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import BundleError
from diaphane.ops.crop import Box, box_of, cropped_picture, widened
from diaphane.segment.gate import input_verdict
from diaphane.segment.options import Options
from diaphane.segment.predict import predict

Prepare = Callable[[Image, Recipe], Prepared]
"""The verb of ``prepare``, which this stage is handed: stages are strangers to one another."""
MARGIN = 0.1
"""Around the box on each side, as a share of its longer side: an outline is not always complete, and its surroundings tell something too."""
SMALLEST = 0.05
"""Share of the picture below which a box is not believed: lungs fill a third of a chest X-ray and more."""


def focused(image: Image, recipe: Recipe, prepare: Prepare) -> tuple[Image, str]:
    """The part of a picture that the network of ``recipe`` looks at; and why that is the whole, where it should be a part (else empty).

    The same in training and in use. A part is believed where every structure of the bundle that finds it is there, and their
    box is no smaller than ``SMALLEST``.

    Raises:
        BundleError: The recipe names no shipped bundle that segments pictures, or that one is altered.
    """
    finder = finder_of(recipe)
    if finder is None:
        return image, ""
    box, reason = part_of(image, predict(prepare(image, finder.recipe), finder, Options()))
    return (image if box is None else cropped_picture(image, box)), reason


def part_of(image: Image, labels: Labels) -> tuple[Box | None, str]:
    """The box around all ``labels`` of a picture, with ``MARGIN``; None, and why, where it is not believed."""
    missing = [label.name for label in labels.table if not labels.mask(label.value).any()]
    if missing:
        return None, f"the whole picture was judged, not a part of it: '{labels.source}' found no {' and no '.join(missing)}"
    box = box_of(labels.array[0] > 0)
    share = box[2] * box[3] / labels.array[0].size
    if share < SMALLEST:
        return None, f"the whole picture was judged, not a part of it: what '{labels.source}' found takes {share:.1%} of it, expected {SMALLEST:.0%} or more"
    return widened(box, MARGIN, image.size_px), ""


def admitted(image: Image, bundle: Bundle, prepare: Prepare) -> tuple[Prepared | None, tuple[Verdict, ...]]:
    """What a classifier's network is given of a picture, and what the gates say; None where the picture is refused.

    The input gate looks at the whole picture. ``doubted``: the part to look at was not found.
    """
    verdict = input_verdict(image, bundle)
    if verdict.verdict == "refused":
        return None, (verdict,)
    part, reason = focused(image, bundle.recipe, prepare)
    doubts = (Verdict(gate="input", verdict="doubted", subject=bundle.name, reason=reason),) if reason else ()
    return prepare(part, bundle.recipe), (verdict, *doubts)


def finder_of(recipe: Recipe) -> Bundle | None:
    """The bundle around whose structures the network of ``recipe`` looks; None where it looks at the whole.

    Raises:
        BundleError: It is no shipped one that segments pictures, or it is altered.
    """
    if recipe.input is None or not recipe.input.around:
        return None
    name = recipe.input.around
    if name not in zoo.names():  # by name alone: a recipe must not make other files be read
        raise BundleError(f"[input] around must name a shipped bundle, one of {', '.join(zoo.names())}; got {name!r}")
    finder = _opened(zoo.path(name))
    if finder.recipe.task != "segment" or finder.recipe.field_of_view != "image" or (finder.recipe.input is not None and finder.recipe.input.is_volume):
        raise BundleError(f"[input] around must name a bundle that segments whole pictures, such as 'lungs'; '{name}' does not")
    return finder


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Bundle:
    """Once for a folder of pictures."""
    return open_bundle(folder)
