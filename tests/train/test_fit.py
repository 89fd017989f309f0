from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from tests.train.made import bars, discs  # noqa: E402

from diaphane.engine.bundle import open_bundle  # noqa: E402
from diaphane.engine.session import probabilities  # noqa: E402
from diaphane.errors import InputError, TrainingError, UsageError  # noqa: E402
from diaphane.nets.network import network  # noqa: E402
from diaphane.train import one_fold  # noqa: E402
from diaphane.train.arrays import Arrays  # noqa: E402
from diaphane.train.batches import Batches  # noqa: E402
from diaphane.train.build import build  # noqa: E402
from diaphane.train.bundles import TRAINING  # noqa: E402
from diaphane.train.fit import Asked, fit  # noqa: E402
from diaphane.train.init import start_from, weights_of  # noqa: E402
from diaphane.train.loop import settle  # noqa: E402
from diaphane.train.machine import Machine  # noqa: E402
from diaphane.train.options import Options  # noqa: E402
from diaphane.train.pilot import _with_looks  # noqa: E402
from diaphane.train.planner_draft import Planned  # noqa: E402
from diaphane.train.prune import pruned  # noqa: E402
from diaphane.train.reasons import loads  # noqa: E402

QUICK = {"threads": 1, "network": {"widths": [4, 8]}, "loop": {"precision": "float32", "channels_last": False, "validations": 2}}


def quick(data: Path, out: Path, *, overrides: dict = QUICK, resume: bool = False, init: object = None, **options: object) -> Path:
    return fit(data, out, Options(**{"epochs": 2, **options}), Asked(overrides=overrides, where="PLAN.toml", resume=resume, init=init))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return discs(tmp_path_factory.mktemp("data"), 15)


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "out"
    quick(data, out)
    return out


def test_resume_into_another_training_is_refused_and_nothing_is_lost(done: Path, data: Path, tmp_path: Path) -> None:
    out = shutil.copytree(done, tmp_path / "out")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file() and p.name != "check.csv"}
    other = discs(tmp_path / "other", 15, seed=9)
    for words, wrong in (
        ("begun with --network unet, got segnet", lambda: quick(data, out, network="segnet", resume=True)),
        ("begun with about 2 passes, got --epochs 9", lambda: quick(data, out, epochs=9, resume=True)),
        ("begun with loop.learning_rate = 0.002, the plan says 0.1", lambda: quick(data, out, overrides={"loop": {"learning_rate": 0.1}}, resume=True)),
        ("begun with other data", lambda: quick(other, out, resume=True)),
        ("holds a training already; go on with it by --resume", lambda: quick(data, out)),
    ):
        with pytest.raises(UsageError, match=words):
            wrong()
    assert {p: p.read_bytes() for p in before} == before


def test_refused_training_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lerning_rate.*did you mean 'learning_rate'"):
        quick(data, tmp_path / "out", overrides={"loop": {"lerning_rate": 0.1}})
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="fewer than 20 folds; give --folds 15"):
        quick(data, tmp_path / "out", folds=20)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("x")
    with pytest.raises(UsageError, match=r"holds other things \(thesis.doc\)"):
        quick(data, tmp_path / "full")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["thesis.doc"]


def test_split_that_lies_there_is_reused_and_validation_is_never_learnt_from(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(p.stem for p in (data / "images").iterdir())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "split.json").write_text(json.dumps({"folds": [names[:4], names[4:12]], "test": names[12:14], "left_out": names[14:]}))
    seen: set[str] = set()
    from diaphane.train import batches

    found = batches.Batches.name
    monkeypatch.setattr(batches.Batches, "name", lambda self, number: [name := found(self, number), seen.add(name)][0])
    quick(data, tmp_path / "out", epochs=3)
    assert seen == set(names[4:12])
    held = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {case["case"] for case in held["cases"]} == set(names[:4])
    tested = json.loads((tmp_path / "out" / "test" / "metrics.json").read_text())
    assert {case["case"] for case in tested["cases"]} == set(names[12:14])
    assert "read once" in (tmp_path / "out" / "bundle" / "card.md").read_text()


def test_weights_of_a_bundle_are_found_by_name_and_the_bundle_is_kept_for_resuming(done: Path, data: Path, tmp_path: Path) -> None:
    bundle = open_bundle(done / "bundle")
    quick(data, tmp_path / "out", overrides={"loop": {**QUICK["loop"], "learning_rate": 1e-9, "weight_decay": 0.0}, "threads": 1}, init=bundle)
    old, new = weights_of(bundle, 0), weights_of(open_bundle(tmp_path / "out" / "bundle"), 0)
    assert old.keys() == new.keys()
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)
    assert open_bundle(tmp_path / "out" / "init").files == bundle.files


def test_resume_with_other_first_weights_or_another_split_is_refused(done: Path, data: Path, tmp_path: Path) -> None:
    bundle = open_bundle(done / "bundle")
    out = shutil.copytree(done, tmp_path / "out")
    with pytest.raises(UsageError, match="was begun without --init"):
        quick(data, out, resume=True, init=bundle)
    parts = json.loads((out / "split.json").read_text())
    parts["folds"][0], parts["folds"][1] = parts["folds"][1], parts["folds"][0]
    (out / "split.json").write_text(json.dumps(parts))
    with pytest.raises(TrainingError, match="belongs to another recipe"):
        quick(data, out, resume=True)
    with pytest.raises(UsageError, match="was begun with 1 of 5 folds"):
        quick(data, out, resume=True, folds=5)


def test_leftovers_of_a_killed_start_give_no_first_weights(done: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "bundle", tmp_path / "out" / "init")
    quick(data, tmp_path / "out")
    assert not (tmp_path / "out" / "init").exists()
    assert (tmp_path / "out" / "bundle" / "model.onnx").read_bytes() == (done / "bundle" / "model.onnx").read_bytes()


def test_init_keeps_what_the_plan_leaves_open_and_a_pruned_network_fits(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diaphane.train.prune.TOLERANCE", 1.0)  # always to depth 1
    wide = {**QUICK, "network": {"widths": [4, 8, 16]}}
    quick(data, tmp_path / "a", overrides=wide, network="unetplusplus")
    bundle = open_bundle(tmp_path / "a" / "bundle")
    quick(data, tmp_path / "b", overrides={**QUICK, "network": {"norm": "instance"}}, init=bundle)
    recipe = loads((tmp_path / "b" / "recipe.toml").read_text(), "recipe.toml")
    assert (recipe.network.name, recipe.network.widths) == ("unetplusplus", (4, 8, 16))
    with pytest.raises(UsageError, match="has other layers"):
        quick(data, tmp_path / "c", overrides={**QUICK, "network": {"widths": [8, 16, 32]}}, init=bundle)
    assert not (tmp_path / "c").exists()


def test_classifier_that_goes_on_from_a_bundle_keeps_its_head_and_one_from_masks_gets_a_scale(tmp_path: Path) -> None:
    bars(tmp_path / "bars", 8)
    quick(tmp_path / "bars", tmp_path / "a", epochs=2)
    bundle = open_bundle(tmp_path / "a" / "bundle")
    recipe = loads((tmp_path / "a" / "recipe.toml").read_text(), "recipe.toml")
    net = build(recipe, 1)
    start_from(net, bundle, 0)
    before = {name: value.clone() for name, value in net.head.state_dict().items()}
    batches = Batches(arrays={}, names=("a",), size=(1, 8, 8), loop=recipe.loop, augment=recipe.augment, task="classify", seed=0)
    settle(net, batches, goes_on=False)
    assert all(bool((value == net.head.state_dict()[name]).all()) for name, value in before.items())
    assert float(before["linear.weight"].abs().sum()) > 0
    assert not build(recipe).settled


def test_frozen_encoder_stays_as_the_bundle_had_it_and_the_rest_learns(data: Path, done: Path, tmp_path: Path) -> None:
    frozen = {**QUICK, "network": {"frozen_encoder": True}}
    with pytest.raises(UsageError, match="frozen_encoder: nothing would have taught the encoder; give --init"):
        quick(data, tmp_path / "a", overrides=frozen)
    bundle = open_bundle(done / "bundle")
    quick(data, tmp_path / "b", overrides=frozen, init=bundle)
    before, after = (weights_of(found, 0) for found in (bundle, open_bundle(tmp_path / "b" / "bundle")))
    changed = {name: not bool(torch.equal(before[name], after[name])) for name in before}
    assert not any(value for name, value in changed.items() if name.startswith("encoder."))
    assert any(value for name, value in changed.items() if name.startswith("head"))
    recipe = loads((tmp_path / "b" / "recipe.toml").read_text(), "recipe.toml")
    with pytest.raises(UsageError, match="segnet has no encoder that stands for itself"):
        build(replace(recipe, network=replace(recipe.network, name="segnet")))


def test_split_that_someone_brings_must_keep_patients_and_the_test_part_apart(tmp_path: Path) -> None:
    rows = discs(tmp_path, 8)
    names = [f"disc{n:02}" for n in range(8)]
    lines = [f"images/{n}.png,masks/{n}_mask.png,p{k // 2},{'test' if k > 5 else 'train'}" for k, n in enumerate(names)]
    (rows / "index.csv").write_text("image,mask,patient,split\n" + "\n".join(lines))
    for folds, test, words in (
        ([[names[0]], names[1:6]], names[6:], "items of one patient are on two sides"),
        ([names[:2], names[2:]], [], "2 items of the publisher's test part are in folds"),
    ):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "split.json").write_text(json.dumps({"folds": folds, "test": test, "left_out": []}))
        with pytest.raises(InputError, match=words):
            quick(rows, tmp_path / "out")


def test_looks_at_validation_take_a_tenth_of_the_time_whatever_they_cost(done: Path) -> None:
    recipe = loads((done / "recipe.toml").read_text(), "recipe.toml")
    reasons = dict.fromkeys(("loop.validations", "loop.validation_items"), "")
    planned = Planned(replace(recipe, loop=replace(recipe.loop, validations=10, validation_items=16)), reasons)
    for item_s, looks, items in ((0.1, 10, 16), (1.0, 10, 6), (3.0, 5, 4), (40.0, 1, 1), (1e4, 1, 1)):
        loop = _with_looks(planned, item_s, 600.0, 40).recipe.loop
        assert (loop.validations, loop.validation_items) == (looks, items), item_s


def test_init_takes_no_bundle_that_does_not_say_how_it_was_trained(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"holds no {TRAINING}"):
        quick(data, tmp_path / "out", init=open_bundle("face_lesion"))


def test_deeply_supervised_network_is_cut_to_what_validation_needs() -> None:
    torch.manual_seed(0)
    net = network("unetplusplus", 1, 2, widths=(2, 4, 8, 16), deep_supervision=True).eval()
    for scores, depth in (({1: 0.5, 2: 0.899, 3: 0.9}, 2), ({1: 0.5, 2: 0.7, 3: 0.9}, 3), ({1: 0.9, 2: 0.1, 3: 0.9}, 1)):
        cut = pruned(net, lambda n, scores=scores: scores[max(map(int, n.heads))])
        assert list(cut.heads) == [str(depth)]
        x = torch.rand(1, 1, 16, 16)
        net.train()
        with torch.no_grad():
            assert torch.equal(cut.eval()(x), net(x)[depth - 1])
        net.eval()
    other = network("unet", 1, 2, widths=(2, 4))
    assert pruned(other, lambda n: 0.0) is other


def test_folds_become_an_ensemble_that_says_how_it_was_measured(tmp_path: Path) -> None:
    quick(bars(tmp_path / "bars", 8), tmp_path / "out", folds=2, epochs=2, overrides={**QUICK, "network": {"widths": [4, 8]}})
    bundle = open_bundle(tmp_path / "out" / "bundle")
    assert len(bundle.members) == 2
    assert bundle.recipe.network == "ensemble of 2 plain"
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert len(metrics["cases"]) == 24
    assert np.sum(metrics["confusion"]) == 24
    assert "the ensemble as shipped was not measured" in (tmp_path / "out" / "bundle" / "card.md").read_text()


def test_final_network_learns_from_everything_and_has_the_figures_of_the_folds(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, set[str]] = {}
    original = one_fold.batches_of

    def watched(arrays: Arrays, names: list[str], *rest: object) -> object:
        seen[f"{len(seen)}"] = set(names)
        return original(arrays, names, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(one_fold, "batches_of", watched)
    monkeypatch.setattr(Machine, "together", lambda self, recipe: 1)
    out = tmp_path / "out"
    mirrored = {**QUICK, "augment": {"flip": [False, False, True]}, "output": {"mirror": [False, False, True], "smallest_part": 0.5, "thresholds": [0.3]}}
    quick(data, out, folds=2, final=True, overrides=mirrored)
    folds = [set(part) for part in json.loads((out / "split.json").read_text())["folds"]]
    assert list(seen.values()) == [folds[1], folds[0], folds[0] | folds[1]]
    bundle = open_bundle(out / "bundle")
    assert bundle.members == open_bundle(out / "final" / "bundle").members
    assert bundle.members[0] not in {open_bundle(out / f"fold_{n}" / "bundle").members[0] for n in (0, 1)}
    assert bundle.recipe.network == "unet"
    assert (bundle.recipe.smallest_part, bundle.recipe.thresholds) == (0.5, (0.3,))
    low, high = zip(*(open_bundle(out / f"fold_{n}" / "bundle").recipe.limits[0].area_fraction for n in (0, 1)), strict=True)
    assert bundle.recipe.limits[0].area_fraction == pytest.approx((min(low), max(high)))
    assert "of the final network, the last" in bundle.files["card.md"].decode()  # the folds kept the best of two looks
    assert bundle.json("metrics.json")["summary"] == json.loads((out / "metrics.json").read_text())["summary"]
    assert "measured on none of them" in bundle.files["card.md"].decode()
    x = np.random.default_rng(0).normal(size=(1, *bundle.recipe.input.tensor_shape)).astype(np.float32)
    assert np.allclose(probabilities(bundle, x[..., ::-1])[..., ::-1], probabilities(bundle, x), atol=1e-5)  # it looks in the mirror
    assert not any(name.startswith("network.") for name in weights_of(bundle, 0))
    before = bundle.weights_sha256
    shutil.rmtree(out / "final" / "bundle")
    quick(data, out, folds=2, final=True, overrides=mirrored, resume=True)
    assert open_bundle(out / "bundle").weights_sha256 == before


def test_final_network_without_all_folds_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--final takes --folds"):
        Options(final=True)
    with pytest.raises(UsageError, match="final: takes all 5 folds"):
        quick(data, tmp_path / "out", overrides={**QUICK, "final": True})


def test_what_a_network_cannot_see_in_the_mirror_is_refused(data: Path, tmp_path: Path) -> None:
    for mirror, flip, words in (
        ([True, False, False], [True, True, True], "one slice at a time"),
        ([False, False, True], [False, True, False], "not trained on mirror images"),
    ):
        with pytest.raises(UsageError, match=words):
            quick(data, tmp_path / "out", overrides={**QUICK, "augment": {"flip": flip}, "output": {"mirror": mirror}})


def test_final_unetplusplus_is_trained_without_heads_that_only_folds_could_prune(data: Path, tmp_path: Path) -> None:
    quick(data, tmp_path / "out", folds=2, final=True, epochs=1, network="unetplusplus")
    sizes = {len(open_bundle(tmp_path / "out" / name / "bundle").members[0]) for name in ("fold_0", "fold_1", "final")}
    assert max(sizes) - min(sizes) < 100
    with pytest.raises(UsageError, match="nothing is held out by which the last network could be pruned"):
        quick(data, tmp_path / "other", folds=2, final=True, overrides={"network": {"name": "unetplusplus", "deep_supervision": True}})


def test_nothing_is_called_chosen_where_the_last_weights_are_taken(data: Path, tmp_path: Path) -> None:
    quick(data, tmp_path / "out", epochs=1, overrides={**QUICK, "loop": {**QUICK["loop"], "validations": 1}})
    assert "Chosen on held-out items" not in (tmp_path / "out/bundle/card.md").read_text()


def test_plans_that_contradict_the_data_are_refused_and_first_weights_from_this_very_data_are_warned_of(
    done: Path, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UsageError, match="input.around: is for networks that tell classes"):
        quick(data, tmp_path / "out", overrides={**QUICK, "input": {"around": "lungs"}})
    for thresholds in ([0.2, 0.2], [1.0]):
        with pytest.raises(UsageError, match="output.thresholds: must be a number between 0 and 1 for each of 1 structures"):
            quick(data, tmp_path / "out", overrides={**QUICK, "output": {"thresholds": thresholds}})
    with pytest.raises(UsageError, match="input.mirror: says where --mirror may look"):
        quick(data, tmp_path / "out", overrides={**QUICK, "input": {"mirror": [False, True]}, "augment": {"flip": [False, True, False]}})
    quick(data, tmp_path / "out", epochs=1, init=open_bundle(done / "bundle"))
    assert "learnt from this very data" in caplog.text
    assert "The first weights come from the bundle" in (tmp_path / "out/bundle/card.md").read_text()
