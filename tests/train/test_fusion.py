from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.faces_made import grid_chart, seen
from tests.fusions import EACH, PEOPLE, SPOTS, write_candidates

from diaphane.core.coding import from_json_lines
from diaphane.core.face import Face
from diaphane.core.track import Sighting
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import BundleError, InputError, UsageError
from diaphane.fuse import Options, chosen, decide
from diaphane.fuse.columns import OF_LANDMARKS, values
from diaphane.fuse.learnt import judged
from diaphane.fuse.model import fusion_model
from diaphane.train.froc import Picture
from diaphane.train.fusion import fit_fusion
from diaphane.train.fusion_fit import Rows, parts_of
from diaphane.train.fusion_metrics import compared, figures, people_of
from diaphane.train.fusion_read import Candidates, read


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candidates(tmp_path_factory.mktemp("candidates"))


@pytest.fixture(scope="session")
def bundles(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    out = tmp_path_factory.mktemp("fusions")
    return {method: open_bundle(fit_fusion(folder, method, out / method)) for method in ("svm", "hierarchical", "deep", "ensemble")}


@pytest.fixture(scope="session")
def data(folder: Path) -> Candidates:
    return read(folder)


def of_picture(data: Candidates, number: int) -> list:
    return [c for c, n in zip(data.candidates, data.picture, strict=True) if n == number]


def faces_of(folder: Path, candidates: list) -> list[tuple]:
    lines = from_json_lines((folder / "tracks.jsonl").read_text(), "tracks.jsonl")
    return [tuple(s.face for s in map(Sighting.from_json, lines) if s.source_sha256 == candidates[0].source_sha256)]


def test_what_is_true_is_found_by_overlap(data: Candidates) -> None:
    assert len(data.candidates) == PEOPLE * EACH * len(SPOTS)
    assert data.truth.reshape(-1, len(SPOTS)).tolist() == [[int(true) for *_, true in SPOTS]] * (PEOPLE * EACH)
    assert data.overlap[data.truth == 1].min() > 0.9


@pytest.mark.parametrize("method", ["svm", "hierarchical", "deep", "ensemble"])
def test_each_method_learns_that_eyes_are_no_lesions(method: str, bundles: dict[str, Bundle], data: Candidates, folder: Path) -> None:
    metrics = bundles[method].json("metrics.json")["summary"]
    assert metrics[method]["cpm"]["mean"] > metrics["segmentation alone"]["cpm"]["mean"] + 0.1, metrics[method]["cpm"]
    own = of_picture(data, 3)
    decision = decide(own, faces_of(folder, own), bundles[method], Options(), {own[0].image: data.rgb(12)})
    assert decision.method == method
    assert {n for f in decision.findings for n in f.from_candidates} == {own[0].candidate, own[1].candidate}
    assert {s.candidate for s in decision.suppressed} == {own[2].candidate, own[3].candidate}
    assert all("fused probability 0." in s.reason for s in decision.suppressed)


def test_finding_says_where_how_sure_and_why(bundles: dict[str, Bundle], data: Candidates, folder: Path) -> None:
    own = of_picture(data, 3)
    finding = decide(own, faces_of(folder, own), bundles["svm"], Options()).findings[0]
    assert finding.site in ("right cheek", "chin", "left cheek")
    assert finding.face_mm is not None
    assert finding.interval95 is not None
    assert finding.interval95[0] <= finding.probability <= finding.interval95[1]
    assert finding.evidence.keys() == {"segmentation", "face", "persistence", "segmentation_log_odds", "measure_log_odds", "face_log_odds"}
    assert finding.measurements["estimated_diameter_mm"] == pytest.approx(12, abs=2)


def test_the_document_gives_what_was_fitted(bundles: dict[str, Bundle], data: Candidates) -> None:
    """Held out, the answers differ; on what it learnt from, a model read from its bundle must tell nearly everything apart."""
    for method in ("svm", "ensemble"):
        model = fusion_model(bundles[method])
        odds = model.of_candidates(data.candidates)
        assert np.mean((odds > 0) == (data.truth == 1)) > 0.97, method
        assert model.members == 6


def test_in_a_clip_a_lesion_is_one_finding_and_a_flicker_falls(bundles: dict[str, Bundle], data: Candidates) -> None:
    lesion, other = of_picture(data, 3)[:2]
    frames = [(seen_face,) for seen_face in [data_face()] * 5]
    film = [replace(lesion, candidate=n + 1, frame=n) for n in range(5)] + [replace(other, candidate=9, frame=2)]
    for method in ("svm", "hierarchical"):
        decision = decide(film, frames, bundles[method], Options(operating=0.5))
        assert [sorted(f.from_candidates) for f in decision.findings] == [[1, 2, 3, 4, 5]], method
        assert decision.findings[0].evidence["persistence"] == 1
        assert [s.candidate for s in decision.suppressed] == [9]


def data_face() -> Face:
    return seen(grid_chart())


def test_a_lost_face_two_faces_and_no_candidates(bundles: dict[str, Bundle], data: Candidates) -> None:
    lesion = of_picture(data, 3)[0]
    second = replace(lesion, candidate=2, features={**lesion.features, "face_identity": 2.0})
    both = decide([lesion, second], [(data_face(), replace(data_face(), identity=2))], bundles["svm"], Options())
    assert [f.from_candidates for f in both.findings] == [(1 if lesion.candidate == 1 else lesion.candidate,), (2,)]
    lost = decide([lesion, replace(lesion, candidate=2, frame=1)], [(data_face(),), ()], bundles["svm"], Options())
    assert [(s.candidate, s.reason) for s in lost.suppressed] == [(2, "its frame shows no tracked face")]
    nothing = decide([], [(data_face(),)], bundles["svm"], Options())
    assert (nothing.findings, nothing.suppressed, nothing.method) == ((), (), "svm")


def test_fitted_fusion_copes_with_a_tracker_that_gives_boxes_alone(bundles: dict[str, Bundle], data: Candidates) -> None:
    lesion = of_picture(data, 3)[0]
    gone = {name: float("nan") for name in (*OF_LANDMARKS, "face_x_mm", "face_region")} | {"face_mesh": 0.0}
    decision = decide([replace(lesion, features={**lesion.features, **gone})], [(data_face(),)], bundles["svm"], Options())
    assert len(decision.findings) + len(decision.suppressed) == 1
    assert all(f.face_mm is None and f.site for f in decision.findings)


def test_what_a_person_outlined_stands(bundles: dict[str, Bundle], data: Candidates) -> None:
    eye = replace(of_picture(data, 3)[2], probability=None)
    decision = decide([eye], [(data_face(),)], bundles["svm"], Options())
    assert [f.probability for f in decision.findings] == [None]


def test_candidates_without_faces_features_and_missing_pictures_are_refused(bundles: dict[str, Bundle], data: Candidates) -> None:
    lesion = of_picture(data, 3)[0]
    with pytest.raises(UsageError, match="know nothing of faces"):
        decide([replace(lesion, features={})], [(data_face(),)], bundles["svm"], Options())
    with pytest.raises(UsageError, match="looks at the pictures too: 00003 is not given"):
        decide([lesion], [(data_face(),)], bundles["deep"], Options())
    with pytest.raises(UsageError, match="another picture"):
        decide([lesion], [(data_face(),)], bundles["deep"], Options(), {"00003": np.zeros((9, 9, 3), np.uint8)})


def test_probabilities_of_a_photo_are_those_of_its_candidates(bundles: dict[str, Bundle], data: Candidates, folder: Path) -> None:
    own = of_picture(data, 7)
    model = fusion_model(bundles["svm"])
    places = judged(own, faces_of(folder, own), model, {})
    odds = dict(zip([c.candidate for c in own], model.log_odds(values(own, model.columns)), strict=True))
    for place in places:
        assert place.probability == pytest.approx(1 / (1 + np.exp(-odds[place.candidates[0].candidate])))


def test_same_data_and_seed_give_the_same_bytes(folder: Path, bundles: dict[str, Bundle], tmp_path: Path) -> None:
    again = open_bundle(fit_fusion(folder, "svm", tmp_path / "again"))
    assert again.files["model.json"] == bundles["svm"].files["model.json"]


def test_damaged_models_are_refused(bundles: dict[str, Bundle]) -> None:
    good = bundles["svm"].json("model.json")
    for change in ({"columns": ["age"]}, {"method": "magic"}, {"spread": -1}, {"learners": []}, {"centre": [0.0]}, {"operating": "high"}):
        damaged = replace(bundles["svm"], files={**bundles["svm"].files, "model.json": json.dumps({**good, **change}).encode()})
        with pytest.raises(BundleError, match="not a model of fusion"):
            fusion_model(damaged)


def test_folders_that_lack_something_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds candidates\.jsonl"):
        read(tmp_path)
    for name in ("candidates.jsonl", "tracks.jsonl"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(InputError, match=r"truth\.json: missing"):
        read(tmp_path)
    (tmp_path / "truth.json").write_text('{"images": []}')
    with pytest.raises(InputError, match="says nothing; they must belong together"):
        read(tmp_path)
    few = write_few(folder, tmp_path / "few", 9)
    with pytest.raises(InputError, match="needs 20 true and 20 false candidates on two faces or more, got 5 and 4 on 3"):
        fit_fusion(few, "svm", tmp_path / "out")


def write_few(source: Path, to: Path, count: int) -> Path:
    to.mkdir()
    lines = (source / "candidates.jsonl").read_text().splitlines()[:count]
    (to / "candidates.jsonl").write_text("\n".join(lines) + "\n")
    (to / "tracks.jsonl").write_bytes((source / "tracks.jsonl").read_bytes())
    truth = json.loads((source / "truth.json").read_text())
    (to / "truth.json").write_text(json.dumps(truth))
    (to / "masks").symlink_to(source / "masks")
    return to


def test_no_face_is_learnt_from_and_held_out_at_once(rng: np.random.Generator) -> None:
    groups = np.array([f"p{n}" for n in rng.integers(0, 7, 200)])
    for seen_rows, held in Rows((), np.zeros((200, 0)), np.zeros(200, int), groups).folds():
        assert not set(groups[seen_rows]) & set(groups[held])
    assert sorted(set(parts_of(groups))) == [0, 1, 2, 3, 4]


def test_figures_are_those_counted_by_hand() -> None:
    pictures = [Picture("a", (0.9, 0.4), (0.5,), ()), Picture("b", (0.8, -np.inf), (0.95, 0.1), ())]
    found = figures(list(people_of(pictures).values()), (0.25, 0.75, 1.0))
    assert found["sensitivity_at_0.5"] == 0.5
    assert found["sensitivity_at_1"] == 0.75
    assert (found["false_at_0.25"], found["false_at_0.75"], found["false_at_1"]) == (0.5, 1.0, np.inf)
    same = compared({"x": pictures, "y": pictures}, ("x",), draws=20)
    assert same["y"]["minus x"]["cpm"] == {"mean": 0.0, "ci95": [0.0, 0.0]}


def test_default_is_shipped_or_said_to_be_missing() -> None:
    bundle, why_not = chosen(Options())
    assert (bundle is None) == bool(why_not)
    assert chosen(Options(method="rules")) == (None, "")
    with pytest.raises(UsageError, match="no bundle 'nowhere'"):
        chosen(Options(bundle="nowhere"))


def test_bundle_of_another_method_than_asked_for_is_refused(bundles: dict[str, Bundle]) -> None:
    assert chosen(Options(bundle=str(bundles["svm"].path))).bundle is not None
    with pytest.raises(UsageError, match="is of the method svm, asked for is deep"):
        chosen(Options(method="deep", bundle=str(bundles["svm"].path)))
