from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.classifiers import colour_bundle
from tests.networks import zoo_with
from tests.phantoms import coloured, disc, lesion_of
from tests.tables import column, document, linear, region, table_bundle

from diaphane.assess import Options, classifiers, no_verdict, score
from diaphane.assess.tabular import sigmoid
from diaphane.core.case import PatientContext
from diaphane.core.image import Image
from diaphane.engine.bundle import open_bundle
from diaphane.measure import Options as MeasureOptions
from diaphane.measure import extract
from diaphane.prepare import prepare

UNKNOWN = PatientContext()


@pytest.fixture(scope="module")
def lesion() -> tuple:
    picture = np.clip(coloured(disc(30)) + np.random.default_rng(0).integers(-20, 20, (128, 128, 3)), 0, 255).astype(np.uint8)
    image, labels = lesion_of(disc(30), picture)
    return image, labels, extract(image, labels, MeasureOptions())


def test_shipped_melanoma_judges_a_lesion_and_explains_itself(lesion: tuple) -> None:
    bundle = classifiers(Options())[0]
    assert bundle.name == "melanoma"
    scored, _ = score(*lesion, PatientContext(age_years=50, sex="female"), Options())
    if reason := no_verdict(lesion[2][0], bundle, PatientContext(age_years=50, sex="female"), ()):
        assert reason.startswith(("unlike what the model learnt from", "what the model needs does not exist: network:"))
        assert scored[0].assessments == ()
        return
    (found,) = scored[0].assessments
    assert found.interval95[0] < found.probability < found.interval95[1]
    assert [abs(s) for _, s in found.contributions] == sorted((abs(s) for _, s in found.contributions), reverse=True)


def test_region_of_another_structure_is_not_judged(lesion: tuple) -> None:
    organ = replace(lesion[2][0], name="left lung", role="anatomy")
    scored, _ = score(lesion[0], lesion[1], (organ,), UNKNOWN, Options())
    assert scored[0].assessments == ()
    assert no_verdict(organ, open_bundle("melanoma"), UNKNOWN, ()) == ""


def test_region_that_lacks_a_feature_is_not_judged_and_the_reason_is_known() -> None:
    image, labels = lesion_of(np.ones((40, 40), bool))
    regions = extract(image, labels, MeasureOptions())
    scored, _ = score(image, labels, regions, UNKNOWN, Options())
    assert scored[0].assessments == ()
    assert "runs along the picture's edge" in no_verdict(regions[0], open_bundle("melanoma"), UNKNOWN, ())


def test_shipped_network_judges_the_picture_first_and_its_verdict_is_a_feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colour_bundle(zoo_with(tmp_path / "zoo", monkeypatch) / "colours")
    columns = [column("a"), column("network:colours:red", source="network", key=["colours", "red"]), column("sex", source="context", fill=0.0)]
    folder = table_bundle(tmp_path / "both", document(columns=columns, members=[linear([[1.0, 0.5, 2.0]], [0.0])]))
    joint, net = classifiers(Options(bundle=str(folder)))
    assert (joint.name, net.name) == ("made", "colours")
    picture = Image(np.full((1, 20, 30, 3), (255, 51, 102), np.uint8), name="plain")
    known, mole = PatientContext(sex="male"), region({"a": 0.3})
    (scored,), whole = score(picture, None, (mole,), known, Options(bundle=str(folder)), prepared={"colours": prepare(picture, net.recipe)})
    red = next(a for a in whole if a.task == "red").probability
    shares = dict(scored.assessments[0].contributions)
    assert shares["network:colours:red"] == pytest.approx(0.5 * np.arcsinh(np.log(red / (1 - red))), rel=1e-6)
    assert shares["sex"] == pytest.approx(2 * np.arcsinh(1))
    (scored,), whole = score(picture, None, (mole,), known, Options(bundle=str(folder)))
    assert (scored.assessments, whole) == ((), ())
    assert "the network 'colours' did not judge the picture" in no_verdict(mole, joint, known, ())


def test_network_that_is_not_shipped_is_not_opened(tmp_path: Path) -> None:
    colour_bundle(tmp_path / "colours")
    key = [str(tmp_path / "colours"), "red"]
    model = document(columns=[column("n", source="network", key=key)], members=[linear([[1.0]], [0.0])])
    assert [b.name for b in classifiers(Options(bundle=str(table_bundle(tmp_path / "b", model))))] == ["made"]


def test_sigmoid_does_not_overflow() -> None:
    assert (sigmoid(0), sigmoid(-1e9), sigmoid(1e9)) == (0.5, 0, 1)


def test_impossible_age_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 130, got 200"):
        PatientContext(age_years=200)
