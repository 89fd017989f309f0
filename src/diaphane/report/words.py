"""What the report says, before it is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diaphane.core.finding import Assessment, Finding
from diaphane.core.outcome import Outcome
from diaphane.core.region import Feature, Region
from diaphane.report.html import number, percent

LESION_FEATURES = (
    "area", "area_fraction", "maximum_diameter", "perimeter", "circularity", "asymmetry",
    "variegation", "lightness_contrast", "colour_asymmetry", "border_touch",
)  # fmt: skip
STRUCTURE_FEATURES = ("area", "area_fraction", "area_ratio_to_opposite_side", "perimeter", "maximum_diameter", "elongation")
FAMILIES = {"morphology": "shape", "colour": "colour", "intensity": "brightness", "glcm": "texture"}
EXPLAINED = {
    "area_fraction": "share of the picture's area",
    "maximum_diameter": "largest distance between two points",
    "circularity": "1 for a disc, less the longer or rougher the border",
    "asymmetry": "share of the area off its own mirror image, mean of both principal axes",
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


def summary_of(outcome: Outcome) -> list[str]:
    """The result in a sentence or three."""
    if outcome.labels is None:
        return ["No model here is made for this kind of picture: nothing was segmented, measured or assessed."]
    lesions = outcome.decision.findings
    sentences = [_count(lesions)] if any(label.role == "lesion" for label in outcome.labels.table) else []
    sentences += [_assessed(a, f) for f in lesions for a in f.assessments]
    structures = [r for r in outcome.regions if r.role == "anatomy"]
    if structures:
        areas = (f"{r.name} {number(a.value)} {a.unit.replace('2', '²')}" for r in structures if (a := r.feature("area")))
        sentences.append("Segmented: " + ", ".join(areas) + ".")
        ratios = (r.feature("area_ratio_to_opposite_side") for r in structures if r.name.startswith("right "))
        sentences += [f"Right to left area ratio: {number(f.value)}." for f in ratios if f and not f.nan_reason]
    absent = [label.name for label in outcome.labels.table if label.role == "anatomy" and not outcome.labels.mask(label.value).any()]
    sentences += [f"Not seen: {name}." for name in absent]
    return sentences


def findings_of(outcome: Outcome, contributions: int) -> list[Told]:
    """The lesions that stand."""
    regions = {region.index: region for region in outcome.regions}
    return [
        Told(
            f"{finding.label.capitalize()} {finding.id}",
            finding,
            _features(regions[finding.from_candidates[0]], LESION_FEATURES),
            tuple(_judged(a, regions[finding.from_candidates[0]], contributions) for a in finding.assessments),
        )
        for finding in outcome.decision.findings
    ]


def structures_of(outcome: Outcome) -> list[Told]:
    """The organs that were outlined."""
    return [Told(r.name.capitalize(), None, _features(r, STRUCTURE_FEATURES)) for r in outcome.regions if r.role == "anatomy"]


def _features(region: Region, names: tuple[str, ...]) -> tuple[tuple[Feature, str], ...]:
    found = (region.feature(name) for name in names)
    return tuple((f, EXPLAINED.get(f.name, "")) for f in found if f is not None)


def _judged(assessment: Assessment, region: Region, count: int) -> Judged:
    family = {f.name: FAMILIES.get(f.family, f.family) for f in region.features}
    sums: dict[str, float] = {}
    for name, share in assessment.contributions:
        sums[family.get(name, name)] = sums.get(family.get(name, name), 0.0) + share
    ordered = sorted(sums.items(), key=lambda item: -abs(item[1]))
    return Judged(assessment, _scaled(ordered), _scaled(assessment.contributions[:count]))


def _scaled(shares: Sequence[tuple[str, float]]) -> tuple[tuple[str, float, float], ...]:
    largest = max((abs(share) for _, share in shares), default=1.0) or 1.0
    return tuple((name, share, abs(share) / largest) for name, share in shares)


def _count(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "No lesion was found."
    labels = sorted({f.label for f in findings})
    noun = labels[0] if len(labels) == 1 else "lesion"
    return f"{len(findings)} {noun}{'s' if len(findings) > 1 else ''} found."


def _assessed(assessment: Assessment, finding: Finding) -> str:
    low, high = assessment.interval95
    return (
        f"{finding.label.capitalize()} {finding.id}: {assessment.task} probability {percent(assessment.probability)} "
        f"(95 % interval {percent(low)} to {percent(high)})."
    )
