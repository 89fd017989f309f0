"""The files that others rely on: what is written is read back, and anything else is refused by name."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diaphane.core.candidate import Candidate
from diaphane.core.coding import from_json, from_json_lines, from_rle, json_lines, json_text, to_rle
from diaphane.core.face import Face, HeadPose, Quality
from diaphane.core.finding import Assessment, Decision, Finding, Suppressed
from diaphane.core.region import COLUMNS, Feature, Region, features_csv, features_from_csv
from diaphane.core.track import Sighting, tracks_of
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError

FINDING_KEYS = {
    "id", "label", "probability", "image", "frame", "box_px", "centroid_mm", "site", "measurements", "evidence", "interval95", "face_mm", "assessments", "from",
}  # fmt: skip
TRACK_KEYS = ["source_sha256", "size_px", "frame", "time_s", "identity", "box_px", "score", "state", "landmarks_px", "landmark_set", "pose", "quality"]
CANDIDATE_KEYS = ["source_sha256", "size_px", "image", "frame", "candidate", "label", "box_px", "mask_rle", "probability", "features", "network"]


def candidate(number: int = 1) -> Candidate:
    mask = np.array([[True, False, True], [False, True, True]])
    return Candidate(
        source_sha256="ab", size_px=(64, 48), image="x", frame=0, candidate=number, label="skin lesion", box_px=(4, 5, 3, 2),
        mask=mask, probability=0.75, features={"area_px2": 4.0, "contrast": math.nan},
    )  # fmt: skip


def sighting(frame: int = 0, identity: int = 1, pose: HeadPose | None = None) -> Sighting:
    face = Face(
        identity=identity,
        box_px=(1.0, 2.0, 30.0, 40.0),
        score=0.9,
        state="detected",
        landmarks_px=np.array([[3.0, 4.5]]),
        landmark_set="one",
        pose=pose,
        quality=pose and Quality(sharp=0.5, light=1.0, size=0.25, facing=0.75),
    )
    return Sighting(source_sha256="cd", size_px=(640, 480), frame=frame, time_s=frame / 25, face=face)


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_run_lengths_give_the_mask_back(mask: np.ndarray) -> None:
    assert np.array_equal(from_rle(to_rle(mask), *mask.shape), mask)


def test_run_lengths_begin_with_background() -> None:
    assert to_rle(np.array([[True, True, False]])) == [0, 2, 1]
    with pytest.raises(InputError, match="add up to 6 pixels, got 5"):
        from_rle([2, 3], 2, 3)


def test_candidate_line_has_the_agreed_keys_and_comes_back() -> None:
    line = json.loads(json_lines([candidate().to_json()]))
    assert list(line) == CANDIDATE_KEYS
    assert line["features"]["contrast"] is None
    back = Candidate.from_json(line)
    assert np.array_equal(back.mask, candidate().mask)
    assert back.features["area_px2"] == 4.0
    assert math.isnan(back.features["contrast"])
    assert json_text(back.to_json()) == json_text(candidate().to_json())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mask_rle": [1]}, "add up to 6"), ({"box_px": 3}, "wrong kind"), ({"features": 1}, "wrong kind"), ({"frame": 1e400}, "wrong kind"),
        ({"probability": "sure"}, "wrong kind"), ({"box_px": [-1, 0, 3, 2]}, "must lie in a picture"), ({"size_px": [10**9, 10**9]}, "must lie in a picture"),
        ({"frame": 10**9}, "frame must lie between"), ({"probability": 1.5}, "between 0 and 1"), ({"image": "../secret"}, "without folders"),
    ],
)  # fmt: skip
def test_candidate_of_another_kind_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Candidate.from_json({**candidate().to_json(), **change})


def test_candidate_without_a_key_is_refused() -> None:
    with pytest.raises(InputError, match="needs the keys"):
        Candidate.from_json({"image": "x"})


def test_candidate_mask_must_fill_its_box() -> None:
    kept = {name: getattr(candidate(), name) for name in Candidate.__dataclass_fields__}
    with pytest.raises(InputError, match="box's size"):
        Candidate(**{**kept, "box_px": (0, 0, 9, 9)})


def test_track_line_has_the_agreed_keys_and_comes_back() -> None:
    turned = HeadPose(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), np.array([1.0, 2, 500]), 0.5, 3.0, focal_is_guess=True)
    line = json.loads(json_text(sighting(pose=turned).to_json()))
    assert list(line) == TRACK_KEYS
    assert line["pose"]["rotation"] == [0, -1, 0, 1, 0, 0, 0, 0, 1]
    assert list(line["pose"]) == ["rotation", "translation_mm", "turn_sd_deg", "place_sd_mm", "focal_is_guess"]
    assert line["quality"] == {"sharp": 0.5, "light": 1.0, "size": 0.25, "facing": 0.75}
    back = Sighting.from_json(line)
    assert json_text(back.to_json()) == json_text(sighting(pose=turned).to_json())
    assert Sighting.from_json(json.loads(json_text(sighting().to_json()))).face.pose is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": "guessed"}, "detected, tracked, predicted"),
        ({"landmarks_px": [1, 2]}, r"\(n, 2\)"),
        ({"pose": {"rotation": [1] * 9, "translation_mm": [0, 0, 0], "turn_sd_deg": 1, "place_sd_mm": 1, "focal_is_guess": False}}, "orthonormal"),
        ({"box_px": [1]}, "wrong kind"),
        ({"more": 1}, "has the keys"),
    ],
)
def test_track_of_another_kind_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Sighting.from_json({**json.loads(json_text(sighting().to_json())), **change})


def test_track_of_another_tracker_may_leave_out_quality_and_how_sure_a_pose_is() -> None:
    line = json.loads(json_text(sighting().to_json())) | {"pose": {"rotation": [1, 0, 0, 0, 1, 0, 0, 0, 1], "translation_mm": [0, 0, 500]}}
    del line["quality"]
    face = Sighting.from_json(line).face
    assert face.quality is None
    assert face.pose is not None and math.isnan(face.pose.turn_sd_deg) and face.pose.focal_is_guess


def test_sightings_are_gathered_by_identity_in_the_order_of_frames() -> None:
    tracks = tracks_of([sighting(1, 7), sighting(0, 2), sighting(0, 7)])
    assert [(t.identity, [s.frame for s in t.sightings]) for t in tracks] == [(7, [0, 1]), (2, [0])]


def test_findings_document_has_the_agreed_keys_and_comes_back() -> None:
    assessment = Assessment(task="melanoma", probability=0.2, interval95=(0.1, 0.3), bundle="melanoma", contributions=(("area", 0.5),))
    finding = Finding(
        id=1, label="skin lesion", probability=0.93, image="x", frame=0, box_px=(1, 2, 3, 4), measurements={"area_px2": 12.0},
        evidence={"segmentation": 0.93, "face": None}, assessments=(assessment,), from_candidates=(7, 12),
    )  # fmt: skip
    decision = Decision(method="segmentation alone", findings=(finding,), suppressed=(Suppressed(candidate=3, probability=0.1, reason="low"),))
    document = json.loads(json_text(decision.to_json()))
    assert document.keys() == {"method", "findings", "suppressed"}
    assert document["findings"][0].keys() == FINDING_KEYS
    assert document["findings"][0]["from"] == [7, 12]
    assert Decision.from_json(document) == decision


def test_findings_document_with_an_unknown_key_is_refused_by_name() -> None:
    document = Decision(method="m", findings=()).to_json() | {"findings": [{"from": [], "labl": "x"}]}
    with pytest.raises(InputError, match=r"findings\[0\]: unknown key 'labl'; did you mean 'label'"):
        Decision.from_json(document)
    with pytest.raises(InputError, match="expected the keys method"):
        Decision.from_json([])


def test_feature_table_has_the_agreed_columns_and_exact_numbers() -> None:
    assert ",".join(COLUMNS) == "image,region,label,family,feature,ibsi_code,aggregation,discretisation,value,unit,nan_reason"
    features = (
        Feature(family="glcm", name="contrast", value=0.1 + 0.2, ibsi_code="ACUI", aggregation="2D, slice-merged", discretisation="FBN 32"),
        Feature(family="glcm", name="correlation", value=math.nan, nan_reason='one level, "flat"'),
    )
    region = Region(index=2, label=1, name="left lung", role="anatomy", box=((0, 1), (0, 1), (0, 1)), mask=np.ones((1, 1, 1), bool), features=features)
    back = features_from_csv(features_csv([("x", region)]))[2]
    assert back[0] == features[0]
    assert math.isnan(back[1].value)
    assert back[1].nan_reason == 'one level, "flat"'


def test_feature_without_value_needs_a_reason_and_one_with_value_has_none() -> None:
    with pytest.raises(InputError, match="needs a reason"):
        Feature(family="a", name="b", value=math.nan)
    with pytest.raises(InputError, match="needs a reason"):
        Feature(family="a", name="b", value=1.0, nan_reason="why")


def test_feature_table_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="expected the columns image"):
        features_from_csv("a,b\n1,2\n")
    with pytest.raises(InputError, match="line 2 is not a feature"):
        features_from_csv(",".join(COLUMNS) + "\nx,1,l,f,n,,,,many,1,\n")


def test_json_has_null_for_what_is_not_finite_and_says_where_it_is_broken() -> None:
    assert json_text({"a": [math.nan, np.float32(math.inf), np.int64(3)]}) == '{"a": [null, null, 3]}'
    assert from_json_lines('{"a": 1}\n\n[2]\n', "f") == [{"a": 1}, [2]]
    with pytest.raises(InputError, match="f: not JSON"):
        from_json("{", "f")


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_transform_then_inverse_is_the_identity(a: float, b: float, c: float) -> None:
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    motion = RigidTransform(x @ z, np.array([a, b, c]) * 100)
    points = np.arange(12.0).reshape(4, 3)
    assert np.allclose(motion.inverse()(motion(points)), points, atol=1e-9)


def test_mirror_is_no_rigid_transform() -> None:
    with pytest.raises(InputError, match="right-handed"):
        RigidTransform(np.diag([1.0, 1, -1]), np.zeros(3))
