from __future__ import annotations

import numpy as np
import pytest
from tests.phantoms import LESION, ellipse, lesion_of

from diaphane.core.face import Face
from diaphane.core.finding import Assessment
from diaphane.core.labels import Labels
from diaphane.engine.bundle import open_bundle
from diaphane.errors import UsageError
from diaphane.fuse import Options, decide, propose, with_assessments
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


def test_face_is_set_beside_as_evidence_and_changes_nothing(two: tuple) -> None:
    face = Face(identity=1, box_px=(0, 0, 60, 60), score=0.9, state="detected")
    alone, with_face = (decide(propose(*two), tracks, None, Options(min_probability=0.5)) for tracks in ((), [(face,)]))
    assert [f.evidence["face"] for f in with_face.findings] == [1.0, 0.0]
    assert [f.probability for f in alone.findings] == [f.probability for f in with_face.findings]


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
    decision = with_assessments(decide(propose(*two), (), None, Options(min_probability=0.5)), regions)
    assert [f.assessments for f in decision.findings] == [(verdict,), ()]


def test_learnt_fusion_is_refused_not_ignored(two: tuple) -> None:
    with pytest.raises(UsageError, match="fusion by a bundle .'lungs'. is not part of this version"):
        decide(propose(*two), (), open_bundle("lungs"), Options())
    with pytest.raises(ValueError, match="between 0 and 1"):
        Options(min_probability=2)
