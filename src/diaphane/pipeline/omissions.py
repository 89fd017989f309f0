"""What a reader might look for in a report, and why it is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diaphane import zoo
from diaphane.assess import lacking
from diaphane.core.outcome import Part
from diaphane.core.recipe import NotAssessed
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.pipeline.faces import Faces

GIVEN = "given"
"""The source of labels that someone made."""


def not_assessed(parts: Sequence[Part], faces: Faces, used: Sequence[Bundle], classifiers: Sequence[Bundle]) -> tuple[NotAssessed, ...]:
    """Said of every case: by the bundles' recipes, by features that do not exist, by the scale that a picture lacks."""
    told = [n for part in parts if part.frame is None for n in _of_part(part)]
    told += [n for bundle in used for n in bundle.recipe.not_assessed]
    told += [n for part in parts for n in _lacking(part, classifiers)]
    told += _of_faces(parts, faces)
    if not parts:
        told.append(NotAssessed(what="everything", why="the input was refused"))
    told.append(NotAssessed(what="change over time", why="one examination was given"))
    return tuple(dict.fromkeys(told))


def _of_part(part: Part) -> Iterator[NotAssessed]:
    if part.labels is None:
        known = ", ".join(sorted({r.modality for r in (open_bundle(n).recipe for n in zoo.names()) if r.task == "segment"}))
        why = f"no model for this kind of image; the shipped ones know {known} and, by rule, heads in CT and MR"
        yield NotAssessed(what="everything in the image", why=why)
    elif not part.image.is_picture and part.labels.source != GIVEN and not any(label.role == "lesion" for label in part.labels.table):
        yield NotAssessed(what="lesions in the scan", why="no model for this; --labels takes those that someone outlined")
    if part.image.is_picture and not part.image.geometry.calibrated:
        yield NotAssessed(what="sizes in millimetres", why="the picture has no scale; give one with --spacing-mm")


def _of_faces(parts: Sequence[Part], faces: Faces) -> Iterator[NotAssessed]:
    if faces.video is None:
        return
    if faces.sightings and any(part.frame is None for part in parts):
        yield NotAssessed(what="where the face's findings lie in the scan", why="scan and face are not registered to each other in this version")
    if faces.sightings:
        yield NotAssessed(what="sizes on the face in millimetres", why="a photo or clip of a face carries no scale")
        yield NotAssessed(what="kinds of lesion on the face (melanoma or other)", why="no model for ordinary photos")
    if faces.sightings and not any(part.labels is not None for part in parts if part.frame is not None):
        yield NotAssessed(what="lesions on the face", why="the bundle that was asked for does not look at faces")


def _lacking(part: Part, classifiers: Sequence[Bundle]) -> Iterator[NotAssessed]:
    for region in part.regions:
        for classifier in classifiers:
            without = lacking(region, classifier)
            if without:
                what = f"{classifier.recipe.labels[0].name} of {region.name} {region.index}"
                yield NotAssessed(what=what, why="features that the model needs do not exist: " + "; ".join(without))
