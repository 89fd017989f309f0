"""Which model looks at an image, and what the gates say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from diaphane import acquire, fuse, measure, track
from diaphane.core.candidate import Candidate
from diaphane.core.case import Case
from diaphane.core.case_folder import SEGMENTATION
from diaphane.core.finding import Decision
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Part, Preparation
from diaphane.core.prepared import Prepared
from diaphane.core.recipe import LabelRecipe
from diaphane.core.region import Region
from diaphane.core.strict import from_mapping
from diaphane.core.verdict import Verdict
from diaphane.engine.bundle import Bundle
from diaphane.errors import InputError
from diaphane.fuse import Options as FuseOptions
from diaphane.measure import Options as MeasureOptions
from diaphane.ops.hounsfield import is_hounsfield
from diaphane.ops.picture import read_png, to_rgb, write_png
from diaphane.pipeline.faces import Faces, segment_faces
from diaphane.plan import Plan
from diaphane.prepare import before_after, prepare, steps
from diaphane.segment import admitted, likeness, predict
from diaphane.segment.files import read_labels, write_labels
from diaphane.segment.gate import input_verdict, output_verdicts

PREPARED = "{}_prepared.png"


class Seen(NamedTuple):
    """What was seen in an image."""

    modality: str
    """The kind of image in words; empty: none is known."""
    labels: Labels | None
    verdicts: tuple[Verdict, ...]
    """What the gates say."""
    preparation: Preparation | None = None


def look(case: Case, image: Image, given: Path | None, bundles: Mapping[str, Bundle], plan: Plan) -> Seen:
    """``image`` by the labels that were given, by the rule for heads, or by the bundle that the input gate lets through."""
    if any(v.verdict == "refused" for v in case.verdicts):
        return Seen("", None, ())
    if given:
        labels = acquire.read_labels(given, image)
        reason = f"{len(labels.table)} structures given, on the grid of the image"
        return Seen(_kind(case, image), labels, (Verdict(gate="input", verdict="passed", subject="labels", reason=reason), *_swapped(image, labels)))
    if not image.is_picture and plan.segment.bundle is None:
        from diaphane.segment.head import segment_head  # scikit-image: not for a picture

        labels_or_none, verdicts = segment_head(image, case.modality)
        kind = modality_of(case, image)
        guess = "the file does not say CT or MR and its values are not Hounsfield units: taken for MR"
        told = () if kind else (Verdict(gate="input", verdict="passed", subject=image.name, reason=guess),)
        return Seen(f"head {kind or 'scan, taken for MR'}" if labels_or_none else "", labels_or_none, (*told, *verdicts))
    return _by_bundle(image, bundles, plan)


def _swapped(image: Image, labels: Labels) -> tuple[Verdict, ...]:
    """A doubt about pairs of which the left one lies on the patient's right of the right one."""
    if image.is_picture:
        return ()
    regions = {r.name: r for r in measure.regions_of(labels)}

    def across(region: Region) -> float:
        middle = np.array([start for start, _ in region.box]) + np.argwhere(region.mask).mean(axis=0)
        return float(image.geometry.to_world(middle)[0])

    pairs = [(name, measure.opposite(name)) for name in regions if "left" in name.lower() and measure.opposite(name) in regions]
    wrong = [left for left, right in pairs if across(regions[left]) < across(regions[right])]
    reason = f"{', '.join(wrong[:5])}: lies on the patient's right of its counterpart; the labels or the scan may be mirrored"
    return (Verdict(gate="input", verdict="doubted", subject="labels", reason=reason),) if wrong else ()


def look_at_faces(image: Image, frame: int, faces: Faces, bundle: Bundle | None, plan: Plan) -> Seen:
    """The faces of a key frame by ``bundle``; no labels where there is no face, or no model to look with."""
    here = faces.in_frame(frame)
    if not here or bundle is None:
        return Seen("face photo" if here else "", None, ())
    labels = segment_faces(image, here, bundle, plan.segment)
    return Seen(bundle.recipe.modality, labels, output_verdicts(labels, bundle))


def record(image: Image, seen: Seen, to: Path) -> dict[str, Any]:
    """Labels, and how the image was prepared for them, as files below ``to``, the rest as what ``labels_of`` and ``preparation_of`` need to read them."""
    labels, shown = seen.labels, seen.preparation
    if labels is not None:
        write_labels(labels, to / SEGMENTATION, image.name, geometry=None if image.is_picture else image.geometry)
    if shown is not None:
        write_png(to / SEGMENTATION / PREPARED.format(image.name), shown.rgb)
    table = None if labels is None else [asdict(label) for label in labels.table]
    told = {"source": labels and labels.source, "table": table, "prepared": None if shown is None else shown.steps}
    return {"image": image.name, "modality": seen.modality} | told


def labels_of(folder: Path, part: Mapping[str, Any]) -> Labels | None:
    """What ``record`` wrote."""
    if part["table"] is None:
        return None
    table = tuple(from_mapping(LabelRecipe, label, "case.json: labels", InputError) for label in part["table"])
    return read_labels(folder / SEGMENTATION, part["image"], table, part["source"])


def preparation_of(folder: Path, part: Mapping[str, Any]) -> Preparation | None:
    """What ``record`` wrote of how the image was prepared."""
    if part["prepared"] is None:
        return None
    return Preparation(tuple(part["prepared"]), read_png(folder / SEGMENTATION / PREPARED.format(part["image"])))


def measured(parts: Sequence[Part], options: MeasureOptions) -> tuple[Part, ...]:
    """The parts with measured regions. Key frames are measured on their own grid: shrunk, a mole on a face would vanish."""

    def extract(part: Part, labels: Labels) -> tuple[Region, ...]:
        return measure.extract(part.image, labels, options if part.frame is None else replace(options, long_side_px=0))

    return _numbered(parts, extract)


def regions_only(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with the same regions, not measured."""
    return _numbered(parts, lambda _, labels: measure.regions_of(labels))


def _numbered(parts: Sequence[Part], regions: Callable[[Part, Labels], tuple[Region, ...]]) -> tuple[Part, ...]:
    """Regions are counted on from part to part: an index is unique in the case."""
    out: list[Part] = []
    count = 0
    for part in parts:
        found = () if part.labels is None else regions(part, part.labels)
        out.append(replace(part, regions=tuple(replace(r, index=r.index + count) for r in found)))
        count += len(found)
    return tuple(out)


def prepared_for(image: Image, bundles: Sequence[Bundle]) -> tuple[dict[str, Prepared], tuple[Verdict, ...]]:
    """What the networks among the classifiers ``bundles`` are given of a picture, by the bundle's name, and what the gates say; nothing of a volume."""
    found = {b.name: admitted(image, b, prepare) for b in bundles if b.recipe.input is not None and image.is_picture}
    return {name: given for name, (given, _) in found.items() if given is not None}, tuple(v for _, said in found.values() for v in said)


def fused(parts: Sequence[Part], faces: Faces, options: FuseOptions) -> tuple[tuple[Candidate, ...], Decision]:
    """All candidates, and what stands: those on key frames together with the tracked faces, the others by themselves."""
    own: list[Candidate] = []
    on_faces: list[Candidate] = []
    for part in parts:
        if part.labels is not None and part.frame is None:
            own.extend(fuse.propose(part.image, part.labels, part.regions))
        elif part.labels is not None and part.frame is not None:
            proposed = fuse.propose(part.image, part.labels, part.regions, part.frame)
            on_faces.extend(fuse.with_context(proposed, part.image, faces.in_frame(part.frame), track.chart()))
    decisions = []
    if any(part.frame is None and part.labels is not None for part in parts):
        decisions.append(fuse.decide(own, (), None, options))
    if faces.sightings:
        bundle, why_not = fuse.chosen(options)
        pictures = {part.image.name: to_rgb(part.image.array[0]) for part in parts if part.frame is not None}
        decision = fuse.decide(on_faces, faces.looked_at(), bundle, options, pictures)
        decisions.append(replace(decision, method=f"{decision.method} ({why_not})") if why_not else decision)
    regions = tuple(r for part in parts for r in part.regions)
    decision = fuse.with_regions(fuse.merged(decisions), regions, {part.image.name: part.image for part in parts})
    return (*own, *on_faces), decision


def used_bundles(parts: Sequence[Part], bundles: Sequence[Bundle]) -> list[Bundle]:
    """Those that segmented a part, the classifiers of what they segment, and those that judged a whole picture."""
    sources = {part.labels.source for part in parts if part.labels is not None}
    segmented = [b for b in bundles if b.recipe.task == "segment" and b.name in sources]
    told = {label.name for b in segmented for label in b.recipe.labels}
    of_regions = [b for b in bundles if b.recipe.task == "classify" and b.recipe.input is None and b.recipe.applies_to in told]
    of_pictures = [b for b in bundles if b.name in {a.bundle for part in parts for a in part.assessments}]
    return [*segmented, *of_regions, *of_pictures]


def _by_bundle(image: Image, bundles: Mapping[str, Bundle], plan: Plan) -> Seen:
    if not bundles:  # a bundle for faces was asked for by name
        reason = "no face was found, and the bundle that was asked for looks at faces alone"
        return Seen("", None, (Verdict(gate="input", verdict="refused", subject=image.name, reason=reason),))
    nearest_first = sorted(bundles, key=lambda n: likeness(image, bundles[n]))
    verdict = input_verdict(image, bundles[nearest_first[0]])
    if verdict.verdict == "refused":
        return Seen("", None, tuple(input_verdict(image, bundles[n]) for n in nearest_first))
    bundle = bundles[nearest_first[0]]
    prepared = prepare(image, bundle.recipe)
    labels = predict(prepared, bundle, plan.segment)
    shown = Preparation(steps(bundle.recipe), before_after(prepared, labels.array))
    return Seen(bundle.recipe.modality, labels, (verdict, *output_verdicts(labels, bundle, None if image.is_picture else image.geometry)), shown)


def modality_of(case: Case, image: Image) -> str:
    """DICOM's code: as the file says, or CT where a volume's values are Hounsfield units; empty where nothing tells it."""
    return case.modality or ("CT" if is_hounsfield(image) else "")


def _kind(case: Case, image: Image) -> str:
    return f"{modality_of(case, image) or ('picture' if image.is_picture else 'scan')}, labels given"
