"""Regions on their way to findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diaphane.core.candidate import Candidate
from diaphane.core.finding import Decision
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.region import Region


def propose(image: Image, labels: Labels, regions: tuple[Region, ...]) -> tuple[Candidate, ...]:
    """A candidate for each region of a lesion; its number is the region's."""
    lesions = (region for region in regions if region.role == "lesion")
    return tuple(_candidate(image, labels, region) for region in lesions)


def _candidate(image: Image, labels: Labels, region: Region) -> Candidate:
    inside = None if labels.probability is None else labels.probability[region.slices][region.mask]
    return Candidate(
        source_sha256=image.source_sha256,
        size_px=image.size_px,
        image=image.name,
        frame=0,
        candidate=region.index,
        label=region.name,
        box_px=region.box_px,
        mask=region.mask[0],
        probability=1.0 if inside is None else float(np.mean(inside, dtype=np.float64)),
        features={f.name_with_unit: f.value for f in region.features},
    )


def with_assessments(decision: Decision, regions: tuple[Region, ...]) -> Decision:
    """``decision`` with what assessment said of the regions that each finding came from."""
    known = {region.index: region.assessments for region in regions}
    findings = (replace(f, assessments=tuple(a for n in f.from_candidates for a in known.get(n, ()))) for f in decision.findings)
    return replace(decision, findings=tuple(findings))
