"""A training judged: what is kept of it, written beside it, and given away with it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from tests.classifiers import colour_bundle  # noqa: E402
from tests.train.made import balls, discs  # noqa: E402

from diaphane import assess  # noqa: E402
from diaphane.acquire.picture import read_picture  # noqa: E402
from diaphane.cli.main import main  # noqa: E402
from diaphane.core.arrays import BoolArray  # noqa: E402
from diaphane.core.image import Image  # noqa: E402
from diaphane.core.labels import Labels  # noqa: E402
from diaphane.core.recipe import LabelRecipe  # noqa: E402
from diaphane.engine.bundle import open_bundle  # noqa: E402
from diaphane.nets.cost import Cost, cost  # noqa: E402
from diaphane.nets.network import network  # noqa: E402
from diaphane.ops.picture import read_png, write_png  # noqa: E402
from diaphane.prepare import prepare  # noqa: E402
from diaphane.segment import focused  # noqa: E402
from diaphane.train import judge, one_fold  # noqa: E402
from diaphane.train.bundles import TRAINING  # noqa: E402
from diaphane.train.card import card  # noqa: E402
from diaphane.train.check import check  # noqa: E402
from diaphane.train.dataset import Checked, Dataset, Item  # noqa: E402
from diaphane.train.fit import Asked, fit  # noqa: E402
from diaphane.train.folds import Split  # noqa: E402
from diaphane.train.forms import read_dataset  # noqa: E402
from diaphane.train.options import Options  # noqa: E402
from diaphane.train.read import read_item  # noqa: E402
from diaphane.train.reasons import loads  # noqa: E402
from diaphane.train.sheets import Shown, cut, tile  # noqa: E402
from diaphane.train.work import Work  # noqa: E402

QUICK = {"threads": 1, "network": {"widths": [4, 8]}, "loop": {"precision": "float32", "channels_last": False, "validations": 2}}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return check(read_dataset(balls(tmp_path_factory.mktemp("balls"), 3)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, whose masks hold 100 and 200, and ``out``."""
    folder = tmp_path_factory.mktemp("values")
    discs(folder / "data", 10)
    for path in (folder / "data/masks").iterdir():
        mask = read_png(path) // 255 * 100
        write_png(path, np.where((mask > 0) & (np.arange(mask.shape[1]) > np.argwhere(mask)[:, 1].mean()), 200, mask).astype(np.uint8))
    fit(folder / "data", folder / "out", Options(epochs=12), Asked(overrides=QUICK))
    return folder


def test_of_a_judged_volume_one_slice_is_kept_and_the_picture_is_the_same(checked: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truths = {item.name: read_item(item, checked.values) for item in checked.dataset.items}
    found = iter([np.roll(truth, 1, axis=2) for _, truth in truths.values()])
    monkeypatch.setattr(judge, "prepare", lambda image, _: image)
    monkeypatch.setattr(judge, "predict", lambda *_: Labels(next(found), checked.dataset.labels))
    out = judge.judged(SimpleNamespace(name="made", recipe=None), checked.dataset.items, checked, tmp_path)
    assert len(out.shown) == 3
    for one in out.shown:
        image, truth = truths[one.name.split(",")[0]]
        plane = int(truth.sum(axis=(1, 2)).argmax())
        assert one.name.endswith(f", slice {plane + 1} of 12")
        for kept, whole in ((one.image, image.array), (one.reference, truth), (one.predicted, np.roll(truth, 1, axis=2))):
            assert np.array_equal(kept, whole[plane : plane + 1])
            assert kept.base is None
        bright = Image(image.array[plane : plane + 1].repeat(12, axis=0), image.geometry).array  # the display range is that of the slice
        whole = Shown(name=one.name, image=bright, reference=truth, predicted=np.roll(truth, 1, axis=2), score=one.score, spacing=one.spacing)
        apart = tile(one, 300)[:300].astype(int) - tile(whole, 300)[:300]
        assert np.abs(apart).max() <= 8  # percentiles of 360 and of 12 times 360 values


def test_classifier_that_looks_at_a_part_is_judged_on_that_part(made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "b", around="skin_lesion"))
    item = Item("mole", made[0], target=1)
    data = Dataset(
        root=tmp_path, form="class folders", task="classify", name="made", modality="m", labels=bundle.recipe.labels, items=(item,), patients_known=False
    )
    out = judge.judged(bundle, [item], Checked(data, {}, (), {}), tmp_path)
    part, _ = focused(read_picture(made[0]), bundle.recipe, prepare)
    assert out.classes == {"mole": (1, tuple(a.probability for a in assess.judged(prepare(part, bundle.recipe), bundle)))}
    assert out.shown[0].image.shape == part.array.shape != read_picture(made[0]).array.shape


def test_slice_without_reference_is_that_with_most_predicted() -> None:
    none, some = np.zeros((5, 4, 4), np.uint8), np.zeros((5, 4, 4), np.uint8)
    some[1, 0], some[3, :2] = 1, 1
    shown = [cut(Shown(name="x", image=none, reference=a, predicted=b, score=0)).name for a, b in ((none, some), (some, none), (none, none))]
    assert shown == ["x, slice 4 of 5", "x, slice 4 of 5", "x, slice 3 of 5"]


def test_predictions_have_the_values_of_the_masks_where_that_is_clear(checked: Checked) -> None:
    two = (LabelRecipe(value=1, name="a"), LabelRecipe(value=2, name="b"))
    made = dataclasses.replace(checked, dataset=dataclasses.replace(checked.dataset, labels=two))

    def values(pixels: dict[int, int], most: int = 255) -> dict[int, int]:
        return judge.source_values(dataclasses.replace(made, values=pixels), most)

    assert values({100: 1, 200: 2, 250: 255}) == {1: 100, 2: 200}
    assert values({100: 1, 150: 1, 200: 2}) == {1: 1, 2: 2}  # which of two would it be?
    assert values({100: 1, 300: 2}) == {1: 1, 2: 2}
    assert values({100: 1, 300: 2}, 65535) == {1: 100, 2: 300}
    found = judge.with_values(Labels(np.array([[[0, 1, 2]]], np.uint8), two), {1: 300, 2: 7})
    assert found.array.tolist() == [[[0, 300, 7]]]
    assert [(label.value, label.name) for label in found.table] == [(7, "b"), (300, "a")]


def test_predictions_of_masks_with_any_values_can_be_evaluated_against_them(trained: Path, tmp_path: Path) -> None:
    seen = set().union(*(np.unique(read_png(path)).tolist() for path in (trained / "out/predictions").iterdir()))
    assert seen <= {0, 100, 200}
    assert len(seen) > 1
    code = main(["evaluate", f"{trained}/data/masks", f"{trained}/out/predictions", "--out", str(tmp_path / "metrics.json")])
    assert code == 1  # those trained on have no prediction
    ours, theirs = (json.loads(path.read_text()) for path in (trained / "out/metrics.json", tmp_path / "metrics.json"))
    assert [m["dice"] for m in theirs["summary"].values()] == [m["dice"] for m in ours["summary"].values()]
    assert "of the masks' values 100 is 1 (label 1), 200 is 2 (label 2)." in (trained / "out/bundle/card.md").read_text()


def test_what_is_given_away_names_no_item(trained: Path) -> None:
    names = {path.stem.encode() for path in (trained / "data/images").iterdir()}
    for bundle in (trained / "out/bundle", trained / "out/fold_0/bundle"):
        assert json.loads((bundle / "metrics.json").read_text()).keys() == {"rule_for_empty_masks", "summary", "subgroups"}
        for path in bundle.iterdir():
            assert not [name for name in names if name in path.read_bytes()], path.name
    assert json.loads((trained / "out/metrics.json").read_text())["cases"]


def test_card_says_what_the_exported_network_costs_and_what_validation_chose(trained: Path, checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = loads((trained / "out/recipe.toml").read_text(), "recipe.toml")
    work = Work(checked, recipe, Split((("ball0",), ("ball1", "ball2"))), None, trained, {TRAINING: b'name = "unet"  # best of a pilot of 9 s each'})  # type: ignore[arg-type]
    net = network("unetplusplus", 1, 2, widths=(2, 4, 8), deep_supervision=True).eval()
    monkeypatch.setattr(one_fold, "Look", lambda *_: lambda one: 0.9)
    cut, exported = one_fold._cut(net, 0, dataclasses.replace(work, recipe=recipe))
    assert exported == judge.Exported(cost(net.pruned(1), recipe.input.tensor_shape), (1, 2))
    assert exported.cost.parameters == sum(p.numel() for p in cut.parameters()) < sum(p.numel() for p in net.parameters())
    other = judge.Exported(Cost((1, 8, 8), 5_000_000, 7_000_000), (2, 2))
    text = card(work, {"summary": {}}, [exported, exported, other])
    assert f"each network: {exported.cost}; or 5.00 M parameters, 0.01 G multiply-accumulates at 1x8x8." in text
    for words in ("validation metric of 2 looks", "the depth of UNet++ (1 of 2, 1 of 2, 2 of 2)", "best of short trials, by the held-out items of fold 0"):
        assert words in text
    plain = card(dataclasses.replace(work, texts={TRAINING: b""}), {"summary": {}}, [judge.Exported(other.cost)])
    assert "UNet++ (" not in plain
    assert "short trials" not in plain
