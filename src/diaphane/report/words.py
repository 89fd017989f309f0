"""What the report says, before it is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diaphane.core.finding import Assessment, Finding
from diaphane.core.outcome import Outcome, Part
from diaphane.core.region import Feature, Region
from diaphane.report.abcd import Rule, rule_of
from diaphane.report.html import number, percent, title, unit

LESION_FEATURES = (
    "volume", "maximum_3d_diameter", "surface_area",
    "area", "area_fraction", "maximum_diameter", "perimeter", "circularity", "asymmetry",
    "border_irregularity", "border_sharpness_mean", "variegation", "lightness_contrast", "colour_difference_to_skin", "colour_asymmetry", "border_touch",
)  # fmt: skip
STRUCTURE_FEATURES = ("area", "area_fraction", "area_ratio_to_opposite_side", "perimeter", "maximum_diameter", "elongation")
FAMILIES = {
    "morphology": "shape", "shape": "shape", "colour": "colour", "abcd": "ABCD rule",
    **dict.fromkeys(("intensity", "intensity_histogram", "intensity_volume_histogram", "local_intensity", "firstorder"), "brightness"),
    **dict.fromkeys(("glcm", "glrlm", "glszm", "gldzm", "gldm", "ngtdm", "ngldm"), "texture"),
}  # fmt: skip
"""Of features, in words; pyradiomics' too."""
LISTED = 4
"""Structures named in the summary; where there are more, the largest."""
EXPLAINED = {
    "area_fraction": "share of the picture's area",
    "maximum_diameter": "largest distance between two points",
    "circularity": "1 for a disc, less the longer or rougher the border",
    "asymmetry": "share of the area off its own mirror image, mean of both principal axes",
    "border_irregularity": "how far the outline strays from an ellipse, share of its radius",
    "border_sharpness_mean": "share of the contrast that is gained within a twentieth of the diameter; 1 is a sharp edge",
    "colour_difference_to_skin": "mean colour against the skin around, CIEDE2000; 1 can just be seen",
    "variegation": "spread of colour inside, CIELAB units",
    "lightness_contrast": "lighter (+) or darker (-) than the skin around, CIELAB units",
    "colour_asymmetry": "colour difference between halves, CIELAB units",
    "border_touch": "share of the picture's edge that it lies on; above 0 it may be cut off",
    "area_ratio_to_opposite_side": "area over the other side's area",
    "elongation": "minor over major axis: 1 round, towards 0 long",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """An assessment with what spoke for and against it: (name, share of the log-odds, its size over the largest)."""

    assessment: Assessment
    families: tuple[tuple[str, float, float], ...]
    """Sums over the families of features. Features of a family depend on each other: only their sum can be read."""
    single: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding or structure with what is shown of it."""

    title: str
    finding: Finding | None
    features: tuple[tuple[Feature, str], ...]
    """With the explanation of each."""
    assessments: tuple[Judged, ...] = ()
    rule: Rule | None = None


def summary_of(outcome: Outcome) -> list[str]:
    """The result in a few sentences."""
    whole = [_of_whole(part, outcome) for part in outcome.parts if part.assessments]
    if all(part.labels is None for part in outcome.parts) and outcome.video is None:
        if not outcome.parts:
            return ["The input was refused: nothing was segmented, measured or assessed. Why, and what to do, stands below."]
        if whole:
            return [*whole, "No model here outlines anything in this kind of image: nothing was segmented or measured."]
        return ["No model here is made for this kind of image: nothing was segmented, measured or assessed."]
    lesions = outcome.decision.findings
    sentences = _faces(outcome)
    if any(label.role == "lesion" for part in outcome.parts if part.labels for label in part.labels.table):
        possible = all(outcome.part(f.image).frame is not None for f in lesions)
        sentences.append(_count(lesions, "possible " if possible else ""))
    sentences += [_assessed(a, f) for f in lesions for a in f.assessments]
    return sentences + whole + [s for part in outcome.parts for s in _structures(part)]


def whole_of(part: Part, outcome: Outcome) -> str:
    """``The picture as a whole``, or which frame of the clip."""
    return f"Frame {part.frame} as a whole" if outcome.video and not outcome.video.is_photo and part.frame is not None else "The picture as a whole"


def findings_of(outcome: Outcome, contributions: int) -> list[Told]:
    """The lesions that stand."""
    regions = {region.index: region for region in outcome.regions}
    return [
        Told(
            f"{title(finding.label)} {finding.id}",
            finding,
            _features(regions[finding.from_candidates[0]], LESION_FEATURES),
            tuple(_judged(a, regions[finding.from_candidates[0]], contributions) for a in finding.assessments),
            rule_of(regions[finding.from_candidates[0]], outcome.part(finding.image).modality),
        )
        for finding in outcome.decision.findings
    ]


def structures_of(outcome: Outcome) -> list[Told]:
    """The organs that were outlined in pictures; those of a volume stand in a table."""
    regions = (r for part in outcome.parts if part.image.is_picture for r in part.regions)
    return [Told(title(r.name), None, _features(r, STRUCTURE_FEATURES)) for r in regions if r.role == "anatomy"]


def solids_of(outcome: Outcome) -> list[Region]:
    """The regions of volumes, in the order of their labels."""
    return [r for part in outcome.parts if not part.image.is_picture for r in part.regions]


def _of_whole(part: Part, outcome: Outcome) -> str:
    """What networks say of the whole picture; of a clip's key frame, which frame."""
    told = ", ".join(f"{a.task} {percent(a.probability)}" for a in part.assessments)
    by = " and ".join(dict.fromkeys(f"'{a.bundle}'" for a in part.assessments))
    cautions = "".join(f" {caution}." for caution in dict.fromkeys(a.caution for a in part.assessments) if caution)
    return f"{whole_of(part, outcome)}: {told}, the network's own probability ({by}), not calibrated.{cautions}"


def _structures(part: Part) -> list[str]:
    structures = [r for r in part.regions if r.role == "anatomy"]
    if part.labels is None:
        return []
    if not part.labels.table:
        return ["The labels that were given are empty: there was nothing to measure."]
    absent = [label.name for label in part.labels.table if label.role == "anatomy" and label.name not in {r.name for r in structures}]
    unseen = [f"Not seen: {name}." for name in absent]
    return _sizes(part, structures) + unseen if structures else unseen


def _sizes(part: Part, structures: list[Region]) -> list[str]:
    name = "area" if part.image.is_picture else "volume"
    sized = sorted(((r, f) for r in structures if (f := r.feature(name)) and not f.nan_reason), key=lambda pair: -pair[1].value)
    kept = [pair for pair in zip(structures, (r.feature(name) for r in structures), strict=True) if pair[1]] if len(sized) <= LISTED else sized[:LISTED]
    told = ", ".join(f"{r.name} {number(f.value)} {unit(f.unit)}" for r, f in kept if f)
    sentences = [f"Segmented: {told}." if len(sized) <= LISTED else f"{len(structures)} structures were measured; the largest: {told}."]
    ratios = (r.feature("area_ratio_to_opposite_side") for r in structures if r.name.startswith("right "))
    return sentences + [f"Right to left area ratio: {number(f.value)}." for f in ratios if f and not f.nan_reason]


def _faces(outcome: Outcome) -> list[str]:
    if outcome.video is None:
        return []
    seen = [s for s in outcome.sightings if s.face.state != "predicted"]
    people = len({s.face.identity for s in seen})
    if not people:
        return ["No face was found."]
    faces = "1 face" if people == 1 else f"{people} faces"
    if outcome.video.is_photo:
        return [f"{faces} found in the photo."]
    return [f"{faces} tracked, in {len({s.frame for s in seen})} frames of the clip."]


def _features(region: Region, names: tuple[str, ...]) -> tuple[tuple[Feature, str], ...]:
    found = (region.feature(name) for name in names)
    return tuple((f, EXPLAINED.get(f.name, "")) for f in found if f is not None)


def _judged(assessment: Assessment, region: Region, count: int) -> Judged:
    family = {name: FAMILIES.get(f.family, f.family) for f in region.features for name in (f.name, f"{f.family} {f.name}")}
    sums: dict[str, float] = {}
    for name, share in assessment.contributions:
        kind = family.get(name.partition(" (")[0]) or _beside(name)
        sums[kind] = sums.get(kind, 0.0) + share
    ordered = sorted(sums.items(), key=lambda item: -abs(item[1]))
    return Judged(assessment, _scaled(ordered), _scaled([(_beside(name), share) for name, share in assessment.contributions[:count]]))


def _beside(name: str) -> str:
    """What is no feature of the region in words: the patient's age and sex, and the verdict of a network; other names as they are."""
    kind, _, network = name.partition(":")
    return f"the network {network}" if kind == "network" and network else name.removesuffix("_not_known").removesuffix("_years")


def _scaled(shares: Sequence[tuple[str, float]]) -> tuple[tuple[str, float, float], ...]:
    largest = max((abs(share) for _, share in shares), default=1.0) or 1.0
    return tuple((name, share, abs(share) / largest) for name, share in shares)


def _count(findings: tuple[Finding, ...], how: str) -> str:
    if not findings:
        return "No lesion was found."
    labels = sorted({f.label for f in findings})
    one = labels[0] if len(labels) == 1 else "lesion"
    nouns = ("region of {}", "regions of {}") if one.endswith("s") else ("{}", "{}s")
    sites = ", ".join(dict.fromkeys(f.site for f in findings if f.site))
    return f"{len(findings)} {how}{nouns[len(findings) > 1].format(one)} found{': ' + sites if sites else ''}."


def _assessed(assessment: Assessment, finding: Finding) -> str:
    low, high = assessment.interval95
    return (
        f"{title(finding.label)} {finding.id}: {assessment.task} probability {percent(assessment.probability)} "
        f"(95 % interval {percent(low)} to {percent(high)})."
    )
