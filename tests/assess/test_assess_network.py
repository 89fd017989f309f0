"""Whole pictures by a network, regions of a table by a model of features, and the answer that is made of either."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.classifiers import colour_bundle
from tests.networks import zoo_with
from tests.phantoms import lesion_of

from diaphane import zoo
from diaphane.assess import Options, answer, classifiers, judged, judged_table, no_verdict, score, table_model
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.region import Region, features_csv
from diaphane.engine.bundle import open_bundle
from diaphane.errors import BundleError, InputError, RefusedError, UsageError
from diaphane.measure import Options as MeasureOptions
from diaphane.measure import extract
from diaphane.prepare import prepare
from diaphane.simulate.skin import draw_lesion, render_lesion


def plain(colour: tuple[int, int, int]) -> Image:
    return Image(np.full((1, 20, 30, 3), colour, np.uint8), Geometry.of_picture(None), "plain")


def chance(task: str, p: float) -> Assessment:
    return Assessment(task=task, probability=p, interval95=(p - 0.05, p + 0.1), bundle="b")


@pytest.fixture(scope="module")
def lesion() -> Region:
    picture, truth = render_lesion(draw_lesion(np.random.default_rng(3), 192, 256))
    (region,) = extract(*lesion_of(truth, picture), MeasureOptions())
    return region


def test_probabilities_are_the_softmax_of_the_networks_logits(tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "b"))
    colour = (255, 51, 102)
    logits = 4 * (np.array(colour) / 255 - 0.5) / 0.5
    expected = np.exp(logits) / np.exp(logits).sum()
    found = judged(prepare(plain(colour), bundle.recipe), bundle)
    assert [a.task for a in found] == ["red", "green", "blue"]
    assert [a.probability for a in found] == pytest.approx(expected, abs=1e-6)
    assert all(math.isnan(end) for a in found for end in a.interval95)
    assert {a.basis for a in found} == {"the picture as a whole; the network's own probability, not calibrated on other pictures"}
    part = open_bundle(colour_bundle(tmp_path / "part", around="lungs"))
    assert judged(prepare(plain(colour), part.recipe), part)[0].basis.startswith("the picture, cropped to what 'lungs' segments where that was found; ")


def test_ensemble_gives_the_mean_of_its_members(tmp_path: Path) -> None:
    picture, gains = plain((255, 51, 102)), (1.0, 8.0)
    alone = [[a.probability for a in judged(prepare(picture, b.recipe), b)] for b in (open_bundle(colour_bundle(tmp_path / f"{g}", (g,))) for g in gains)]
    both = open_bundle(colour_bundle(tmp_path / "both", gains))
    assert [a.probability for a in judged(prepare(picture, both.recipe), both)] == pytest.approx(np.mean(alone, axis=0), abs=1e-6)


def test_network_with_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "b"))
    two = replace(bundle, recipe=replace(bundle.recipe, labels=bundle.recipe.labels[:2]))
    with pytest.raises(BundleError, match="its recipe names"):
        judged(prepare(plain((1, 2, 3)), two.recipe), two)


def test_most_probable_class_is_named() -> None:
    found = answer("x", (chance("a", 0.2), chance("b", 0.5), chance("c", 0.3)), limit=0.5)
    assert (found.named, found.probability, found.verdict, found.exit_code) == ("b", 0.5, "passed", 0)
    assert found.probabilities == {"a": 0.2, "b": 0.5, "c": 0.3}


def test_below_the_threshold_no_class_is_named() -> None:
    few = (chance("a", 0.2), chance("b", 0.5), chance("c", 0.3))
    assert answer("x", few, limit=0.5, threshold=0.5).named == "b"
    found = answer("x", few, limit=0.5, threshold=0.51)
    assert (found.named, found.probability, found.verdict, found.exit_code) == (None, 0.5, "doubted", 4)
    assert found.reason == "not sure: b has a probability of 0.500, below the threshold of 0.51"


@pytest.mark.parametrize(
    ("p", "threshold", "named", "verdict"),
    [(0.3, None, "m", "passed"), (0.2, None, None, "passed"), (0.2, 0.1, "m", "passed"), (0.2, 0.25, None, "doubted"), (0.3, 0.4, None, "doubted")],
)
def test_model_of_one_class_names_it_from_a_limit_on_and_rules_nothing_out(p: float, threshold: float | None, named: str | None, verdict: str) -> None:
    found = answer("x", (chance("m", p),), limit=0.3, threshold=threshold)
    assert (found.named, found.verdict) == (named, verdict)
    assert (found.probability, found.interval95, found.probabilities) == (p, (p - 0.05, p + 0.1), {"m": p})
    assert ("does not rule it out" in found.reason) == (named is None and verdict == "passed")


@pytest.mark.parametrize("name", ["skin lesion", "label 1"])
def test_regions_of_a_table_are_judged_as_in_a_run(lesion: Region, name: str) -> None:
    bundle = open_bundle("melanoma")
    verdict = table_model(bundle).judge(lesion, bundle)
    assert not isinstance(verdict, str)
    (known,) = verdict
    organ = replace(lesion, index=7, name="left lung")
    (found,) = judged_table(features_csv([("mole", replace(lesion, name=name)), ("mole", organ)]), bundle)
    assert (found.image, found.region) == ("mole", 1)
    assert found.probabilities["melanoma"] == pytest.approx(known.probability)
    assert found.contributions == known.contributions


@pytest.mark.parametrize("times", [2, 5])
def test_picture_larger_than_those_of_the_training_is_judged_nearly_alike(lesion: Region, times: int) -> None:
    picture, truth = render_lesion(draw_lesion(np.random.default_rng(3), 192, 256))
    large = np.repeat(np.repeat(picture, times, axis=0), times, axis=1)
    (region,) = extract(*lesion_of(np.repeat(np.repeat(truth, times, axis=0), times, axis=1), large), MeasureOptions())
    bundle = open_bundle("melanoma")
    small, found = (table_model(bundle).judge(r, bundle) for r in (lesion, region))
    assert not isinstance(small, str)
    assert not isinstance(found, str), found
    assert found[0].probability == pytest.approx(small[0].probability, abs=0.05)


@pytest.mark.parametrize("name", ["skin lesion", "label 1"])
def test_region_without_a_feature_of_the_model_is_refused_with_its_reason(name: str) -> None:
    regions = extract(*lesion_of(np.ones((40, 40), bool)), MeasureOptions())
    (found,) = judged_table(features_csv(("mole", replace(r, name=name)) for r in regions), open_bundle("melanoma"))
    assert (found.verdict, found.named, found.exit_code) == ("refused", None, 3)
    assert "runs along the picture's edge" in found.reason


def test_table_without_a_region_for_the_model_is_refused(lesion: Region) -> None:
    with pytest.raises(RefusedError, match="no region in it is a skin lesion"):
        judged_table(features_csv([("x", replace(lesion, name="left lung"))]), open_bundle("melanoma"))


def test_table_in_which_two_regions_share_a_number_is_refused(lesion: Region) -> None:
    text = features_csv([("a", lesion), ("a", replace(lesion, name="other"))])
    with pytest.raises(InputError, match="region 1 stands for two regions of 'a'"):
        judged_table(text, open_bundle("melanoma"))
    with pytest.raises(InputError, match="of region 1 stands there twice"):
        judged_table(features_csv([("a", lesion), ("a", lesion)]), open_bundle("melanoma"))


def test_table_of_several_pictures_is_judged_picture_by_picture(lesion: Region) -> None:
    answers = judged_table(features_csv([("a", lesion), ("b", lesion)]), open_bundle("melanoma"))
    assert [(a.image, a.region) for a in answers] == [("a", 1), ("b", 1)]
    assert answers[0].probability == answers[1].probability


def test_network_judges_the_picture_that_was_prepared_for_it_and_no_region(lesion: Region, tmp_path: Path) -> None:
    options = Options(bundle=str(colour_bundle(tmp_path / "b")))
    (bundle,) = classifiers(options)
    prepared = prepare(plain((255, 51, 102)), bundle.recipe)
    scored, whole = score(plain((0, 0, 0)), None, (lesion,), PatientContext(), options, prepared={"colours": prepared})
    assert whole == judged(prepared, bundle)
    assert scored[0].assessments == ()
    assert score(plain((0, 0, 0)), None, (), PatientContext(), options) == ((), ())
    assert no_verdict(lesion, bundle, PatientContext(), ()) == ""


def test_unasked_melanoma_alone_judges_and_a_bundle_that_segments_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = zoo_with(tmp_path / "zoo", monkeypatch)
    (folder / "nevus").symlink_to(zoo.path("melanoma"))
    colour_bundle(folder / "colours")
    assert {"nevus", "colours"} < set(zoo.names())
    assert [b.path.name for b in classifiers(Options())] == ["melanoma"]
    assert [b.name for b in classifiers(Options(bundle="colours"))] == ["colours"]
    with pytest.raises(UsageError, match="does not classify: its task is segment"):
        classifiers(Options(bundle="lungs"))
