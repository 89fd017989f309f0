"""Regions on their way to findings."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from diaphane.core.candidate import Candidate
from diaphane.core.finding import Decision
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.region import Region

EDGE_PX = 2


def propose(image: Image, labels: Labels, regions: tuple[Region, ...], frame: int | None = None) -> tuple[Candidate, ...]:
    """A candidate for each region of a lesion; its number is the region's.

    ``frame`` is the image's place in its clip. In a volume, a candidate is shown by the slice in which it is largest.
    """
    lesions = (region for region in regions if region.role == "lesion")
    return tuple(_candidate(image, labels, region, frame) for region in lesions)


def _candidate(image: Image, labels: Labels, region: Region, frame: int | None) -> Candidate:
    inside = None if labels.probability is None else labels.probability[region.slices][region.mask]
    largest = int(np.argmax(region.mask.sum(axis=(1, 2))))
    return Candidate(
        source_sha256=image.source_sha256,
        size_px=image.size_px,
        image=image.name,
        frame=region.box[0][0] + largest if frame is None else frame,
        candidate=region.index,
        label=region.name,
        box_px=region.box_px,
        mask=region.mask[largest],
        probability=None if inside is None else float(np.mean(inside, dtype=np.float64)),
        features={f.name_with_unit: f.value for f in region.features} | _sureness(labels, region, largest),
        network=labels.source,
    )


def _sureness(labels: Labels, region: Region, slice_number: int) -> dict[str, float]:
    """How high the segmentation's probability rises in the region's largest slice, and how steeply it falls around it; nothing where a person drew it."""
    if labels.probability is None:
        return {}
    (k, _), (top, bottom), (left, right) = region.box
    y0, x0 = max(0, top - EDGE_PX), max(0, left - EDGE_PX)
    around = np.asarray(labels.probability[k + slice_number, y0 : bottom + EDGE_PX, x0 : right + EDGE_PX], float)
    inside = np.zeros(around.shape, bool)
    inside[top - y0 : bottom - y0, left - x0 : right - x0] = region.mask[slice_number]
    near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)) > 0
    edge = around[near & ~inside]
    mean = float(around[inside].mean())
    return {"segmentation_highest": float(around[inside].max()), "segmentation_fall": mean - float(edge.mean()) if edge.size else float("nan")}


def with_regions(decision: Decision, regions: tuple[Region, ...], images: dict[str, Image]) -> Decision:
    """``decision`` with what is known of the regions that each finding came from: assessments, and where a volume's lesion lies."""
    known = {region.index: region for region in regions}
    findings = []
    for finding in decision.findings:
        sources = [known[n] for n in finding.from_candidates if n in known]
        place = _centroid_mm(sources[0], images[finding.image]) if sources else None
        findings.append(replace(finding, assessments=tuple(a for r in sources for a in r.assessments), centroid_mm=place))
    return replace(decision, findings=tuple(findings))


def _centroid_mm(region: Region, image: Image) -> tuple[float, float, float] | None:
    """LPS; None for a picture, which has no place in the patient."""
    if image.is_picture:
        return None
    index = np.array([start for start, _ in region.box]) + np.argwhere(region.mask).mean(axis=0)
    x, y, z = image.geometry.to_world(index)
    return float(x), float(y), float(z)
