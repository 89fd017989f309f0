from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.phantoms import LESION, ellipse, lesion_of

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.finding import Assessment
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.engine.bundle import open_bundle
from diaphane.errors import BundleError
from diaphane.fuse import Options, decide, merged, propose, with_regions
from diaphane.fuse.site import site_of
from diaphane.measure import Options as MeasureOptions
from diaphane.measure import extract


@pytest.fixture
def two() -> tuple:
    """A sure lesion (0.9) and an unsure one (0.55)."""
    sure, unsure = ellipse(60, 120, (30, 30), (15, 15)), ellipse(60, 120, (30, 90), (9, 9))
    image, _ = lesion_of(sure | unsure)
    probability = np.where(sure, 0.9, np.where(unsure, 0.55, 0.1))[None]
    labels = Labels((sure | unsure)[None].astype(np.uint8), LESION, probability)
    return image, labels, extract(image, labels, MeasureOptions())


def test_candidate_is_its_region(two: tuple) -> None:
    image, labels, regions = two
    first, second = propose(image, labels, regions)
    assert (first.candidate, second.candidate) == (1, 2)
    assert first.probability == pytest.approx(0.9)
    assert first.mask.sum() == regions[0].value("area") == first.features["area_px2"]
    assert first.box_px == (15, 15, 31, 31)
    assert (first.size_px, first.source_sha256) == ((120, 60), "0" * 64)


def test_sure_candidate_stands_and_unsure_one_is_suppressed_with_a_reason(two: tuple) -> None:
    decision = decide(propose(*two), (), None, Options())
    assert [f.from_candidates for f in decision.findings] == [(1,)]
    assert [(s.candidate, s.reason) for s in decision.suppressed] == [(2, "mean segmentation probability below 0.6")]
    assert decision.method == "segmentation alone"
    assert decision.findings[0].evidence["face"] is None


def test_lower_limit_lets_both_stand_the_more_probable_first(two: tuple) -> None:
    decision = decide(propose(*two)[::-1], (), None, Options(min_probability=0.5))
    assert [(f.id, f.from_candidates) for f in decision.findings] == [(1, (1,)), (2, (2,))]


def face(identity: int, x: float, y: float = 0, side: float = 60) -> Face:
    return Face(identity=identity, box_px=(x, y, side, side), score=0.9, state="detected")


def test_with_faces_a_candidate_must_lie_on_one_and_gets_its_site(two: tuple) -> None:
    decision = decide(propose(*two), [(face(1, 0),)], None, Options(face_min_probability=0.5))
    (finding,) = decision.findings
    assert (finding.from_candidates, finding.site) == ((1,), "nose")
    assert finding.evidence == {"segmentation": pytest.approx(0.9), "face": 0.9}
    assert [(s.candidate, s.reason) for s in decision.suppressed] == [(2, "lies on no tracked face")]
    assert decision.method == "segmentation on tracked faces"


def moved(candidate: Candidate, number: int, frame: int, right: int, probability: float) -> Candidate:
    x, y, width, height = candidate.box_px
    return replace(candidate, candidate=number, frame=frame, box_px=(x + right, y, width, height), probability=probability)


def test_in_a_clip_a_lesion_that_moves_with_its_face_is_one_finding_and_a_flicker_falls(two: tuple) -> None:
    first, other = propose(*two)
    tracks = [(face(1, 10 * n),) if n in (0, 2, 5) else () for n in range(6)]
    seen = [moved(first, n + 1, f, 10 * f, p) for n, (f, p) in enumerate([(0, 0.9), (2, 0.8), (5, 0.7)])]
    flicker = moved(other, 9, 5, 0, 0.9)
    decision = decide([*seen, flicker], tracks, None, Options(face_min_probability=0.5))
    (finding,) = decision.findings
    assert (finding.from_candidates, finding.frame) == ((1, 2, 3), 0)
    assert finding.probability == pytest.approx(0.8)
    (fallen,) = decision.suppressed
    assert fallen.candidate == 9
    assert "mean probability 0.30 over the frames looked at" in fallen.reason


def test_the_same_place_on_two_faces_is_two_findings(two: tuple) -> None:
    first = propose(*two)[0]
    decision = decide([first, moved(first, 2, 0, 60, 0.8)], [(face(1, 0), face(2, 60))], None, Options())
    assert [f.from_candidates for f in decision.findings] == [(1,), (2,)]


@pytest.mark.parametrize(
    ("x", "y", "site"),
    [(30, 5, "forehead"), (10, 35, "right cheek"), (50, 35, "left cheek"), (30, 35, "nose"), (30, 58, "chin"), (57, 57, "left jaw"), (61, 30, None)],
)
def test_sites_are_the_patients_own_sides(x: float, y: float, site: str | None) -> None:
    assert site_of(face(1, 0), x, y) == site


def test_merged_decisions_are_numbered_through(two: tuple) -> None:
    first, second = propose(*two)
    both = merged([decide([second], (), None, Options(min_probability=0)), decide([first], [(face(1, 0),)], None, Options())])
    assert [(f.id, f.from_candidates) for f in both.findings] == [(1, (1,)), (2, (2,))]
    assert both.method == "segmentation alone; segmentation on tracked faces"


def test_lesion_of_a_volume_says_where_it_lies_in_the_patient() -> None:
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1:3, 2, 3] = 1
    mask[1, 2, 4] = 1
    geometry = Geometry(np.array([[0, 0, 2, 10], [0, 3, 0, 20], [4, 0, 0, 30], [0, 0, 0, 1.0]]), calibrated=True)
    image = Image(np.zeros(mask.shape, np.int16), geometry, "scan", "0" * 64)
    labels = Labels(mask, LESION, source="given")
    regions = extract(image, labels, MeasureOptions())
    (candidate,) = propose(image, labels, regions)
    assert (candidate.frame, candidate.box_px, candidate.probability) == (1, (3, 2, 2, 1), None)
    decision = with_regions(decide([candidate], (), None, Options()), regions, {"scan": image})
    assert decision.findings[0].centroid_mm == pytest.approx((10 + 2 * 10 / 3, 26, 30 + 4 * 4 / 3))


def test_no_candidates_give_an_empty_decision() -> None:
    decision = decide((), (), None, Options())
    assert (decision.findings, decision.suppressed) == ((), ())


def test_anatomy_is_no_candidate(two: tuple) -> None:
    from dataclasses import replace

    image, labels, regions = two
    assert propose(image, labels, tuple(replace(r, role="anatomy") for r in regions)) == ()


def test_finding_carries_the_assessments_of_its_region(two: tuple) -> None:
    from dataclasses import replace

    verdict = Assessment(task="melanoma", probability=0.3, interval95=(0.2, 0.4), bundle="melanoma")
    regions = (replace(two[2][0], assessments=(verdict,)), two[2][1])
    decision = with_regions(decide(propose(*two), (), None, Options(min_probability=0.5)), regions, {"phantom": two[0]})
    assert [f.assessments for f in decision.findings] == [(verdict,), ()]


def test_bundle_of_something_else_is_refused(two: tuple) -> None:
    with pytest.raises(BundleError, match="lungs: is not for fusion but to segment"):
        decide(propose(*two), [(face(1, 0),)], open_bundle("lungs"), Options())
    with pytest.raises(ValueError, match="between 0 and 1"):
        Options(min_probability=2)
