from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.phantoms import coloured, disc, lesion_of

from diaphane import zoo
from diaphane.assess import Options, classifiers, lacking, score
from diaphane.assess.tabular import CLIP, LogisticModel, sigmoid
from diaphane.core.case import PatientContext
from diaphane.core.region import Region
from diaphane.engine.bundle import open_bundle
from diaphane.errors import BundleError
from diaphane.measure import Options as MeasureOptions
from diaphane.measure import extract


@pytest.fixture(scope="module")
def lesion() -> tuple:
    picture = np.clip(coloured(disc(30)) + np.random.default_rng(0).integers(-20, 20, (128, 128, 3)), 0, 255).astype(np.uint8)
    image, labels = lesion_of(disc(30), picture)
    return image, labels, extract(image, labels, MeasureOptions())


def test_probability_is_the_logistic_of_the_weighted_scores(lesion: tuple) -> None:
    (bundle,) = classifiers(Options())
    values = bundle.json("model.json")
    scored, whole = score(*lesion, PatientContext(), Options())
    (found,) = scored[0].assessments
    logit = values["intercept"]
    for name, mean, deviation, weight in zip(*(values[k] for k in ("features", "mean", "deviation", "coefficients")), strict=True):
        logit += weight * min(CLIP, max(-CLIP, (lesion[2][0].value(name) - mean) / deviation))
    assert found.probability == pytest.approx(1 / (1 + math.exp(-logit)))
    assert found.interval95[0] < found.probability < found.interval95[1]
    assert whole == ()
    assert [abs(s) for _, s in found.contributions] == sorted((abs(s) for _, s in found.contributions), reverse=True)


def test_region_of_another_structure_is_not_judged(lesion: tuple) -> None:
    organ = replace(lesion[2][0], name="left lung", role="anatomy")
    scored, _ = score(lesion[0], lesion[1], (organ,), PatientContext(), Options())
    assert scored[0].assessments == ()
    assert lacking(organ, open_bundle("melanoma")) == []


def test_region_that_lacks_a_feature_is_not_judged_and_the_reason_is_known() -> None:
    image, labels = lesion_of(np.ones((40, 40), bool))
    regions = extract(image, labels, MeasureOptions())
    scored, _ = score(image, labels, regions, PatientContext(), Options())
    assert scored[0].assessments == ()
    assert any("surrounding skin" in reason for reason in lacking(regions[0], open_bundle("melanoma")))


def test_more_certain_model_has_a_narrower_interval(lesion: tuple) -> None:
    region: Region = lesion[2][0]
    bundle = open_bundle("melanoma")
    model = LogisticModel.from_bundle(bundle)
    wide, narrow = (replace(model, covariance=model.covariance * k).assess(region, bundle) for k in (1.0, 0.01))
    assert wide is not None
    assert narrow is not None
    assert narrow.interval95[1] - narrow.interval95[0] < wide.interval95[1] - wide.interval95[0]


def test_sigmoid_does_not_overflow() -> None:
    assert (sigmoid(0), sigmoid(-1e9), sigmoid(1e9)) == (0.5, 0, 1)


@pytest.mark.parametrize(("key", "value", "says"), [("mean", [1.0], "other sizes"), ("covariance", [], "other sizes"), ("features", 3, "not a logistic model")])
def test_model_that_contradicts_itself_is_refused(tmp_path: Path, key: str, value: object, says: str) -> None:
    folder = Path(shutil.copytree(zoo.path("melanoma"), tmp_path / "bundle"))
    old = (folder / "model.json").read_bytes()
    (folder / "model.json").write_text(json.dumps({**json.loads(old), key: value}))
    sums = folder / "SHA256SUMS"
    new = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    sums.write_text(sums.read_text().replace(hashlib.sha256(old).hexdigest(), new))
    with pytest.raises(BundleError, match=says):
        LogisticModel.from_bundle(open_bundle(folder))


def test_impossible_age_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 130, got 200"):
        PatientContext(age_years=200)
