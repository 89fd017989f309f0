"""What a reader might look for in a report, and why it is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diaphane import zoo
from diaphane.assess import no_verdict
from diaphane.core.case import PatientContext
from diaphane.core.outcome import Part
from diaphane.core.recipe import NotAssessed
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.pipeline.faces import Faces

GIVEN = "given"
"""The source of labels that someone made."""


def not_assessed(
    parts: Sequence[Part], faces: Faces, used: Sequence[Bundle], classifiers: Sequence[Bundle], context: PatientContext
) -> tuple[NotAssessed, ...]:
    """Said of every case: by the bundles' recipes, by features that do not exist, by the scale that a picture lacks."""
    told = [n for part in parts if part.frame is None for n in _of_part(part)]
    told += [n for bundle in used for n in bundle.recipe.not_assessed]
    told += [n for part in parts for n in _without_verdict(part, classifiers, context)]
    told += [n for bundle in classifiers for n in _not_judged(parts, bundle)]
    told += _of_faces(parts, faces)
    if not parts:
        told.append(NotAssessed(what="everything", why="the input was refused"))
    told.append(NotAssessed(what="change over time", why="one examination was given"))
    return tuple(dict.fromkeys(told))


def _of_part(part: Part) -> Iterator[NotAssessed]:
    if part.labels is None:
        known = ", ".join(sorted({r.modality for r in (open_bundle(n).recipe for n in zoo.UNASKED) if r.task == "segment"}))
        why = f"no model for this kind of image; those used unasked know {known} and, by rule, heads in CT and MR; diaphane models list names the others"
        what = "structures and lesions in the image" if part.assessments else "everything in the image"
        yield NotAssessed(what=what, why=why)
    elif not part.image.is_picture and part.labels.source != GIVEN and not any(label.role == "lesion" for label in part.labels.table):
        yield NotAssessed(what="lesions in the scan", why="no model for this; --labels takes those that someone outlined")
    if part.image.is_picture and not part.image.geometry.calibrated:
        yield NotAssessed(what="sizes in millimetres", why="the picture has no scale; give one with --spacing-mm")


def _of_faces(parts: Sequence[Part], faces: Faces) -> Iterator[NotAssessed]:
    if faces.video is None:
        return
    if faces.sightings and any(part.frame is None for part in parts):
        yield NotAssessed(what="where the face's findings lie in the scan", why="findings on a face are not carried to its scan in this version")
    if faces.sightings:
        yield NotAssessed(what="sizes on the face in millimetres", why="a photo or clip of a face carries no scale")
        yield NotAssessed(what="kinds of lesion on the face (melanoma or other)", why="no model for ordinary photos")
    if faces.sightings and not any(part.labels is not None for part in parts if part.frame is not None):
        yield NotAssessed(what="lesions on the face", why="the bundle that was asked for does not look at faces")


def _not_judged(parts: Sequence[Part], bundle: Bundle) -> Iterator[NotAssessed]:
    """Of a network that judges whole pictures."""
    if bundle.recipe.input is None or any(a.bundle == bundle.name for part in parts for a in part.assessments):
        return
    refused = f"the input gate of '{bundle.name}' refused the picture"
    why = refused if any(part.image.is_picture for part in parts) else f"'{bundle.name}' judges pictures, and there is none"
    yield NotAssessed(what=" or ".join(label.name for label in bundle.recipe.labels), why=why)


def _without_verdict(part: Part, classifiers: Sequence[Bundle], context: PatientContext) -> Iterator[NotAssessed]:
    """Regions that a model of features is for and does not judge: a feature or a network's verdict does not exist, or they are unlike its training."""
    for region in part.regions:
        for classifier in classifiers:
            if why := no_verdict(region, classifier, context, part.assessments):
                yield NotAssessed(what=f"{' or '.join(label.name for label in classifier.recipe.labels)} of {region.name} {region.index}", why=why)
