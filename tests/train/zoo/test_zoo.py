"""The bundles that are shipped, made from small made data."""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane import zoo as shipped  # noqa: E402
from diaphane.assess import table_model  # noqa: E402
from diaphane.core.image import Image  # noqa: E402
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe  # noqa: E402
from diaphane.engine.bundle import open_bundle  # noqa: E402
from diaphane.ops.fingerprint import distance  # noqa: E402
from diaphane.ops.picture import read_png, write_png  # noqa: E402
from diaphane.simulate.skin import draw_lesion, render_lesion  # noqa: E402
from diaphane.train.export import fingerprint_bytes, write_bundle  # noqa: E402
from diaphane.train.fingerprints import fit_fingerprint  # noqa: E402
from diaphane.train.forms_table import read_table  # noqa: E402
from diaphane.train.options import Options  # noqa: E402
from diaphane.train.planner_draft import said  # noqa: E402
from diaphane.train.table_families import SETTINGS  # noqa: E402
from diaphane.train.zoo import datasets, make, melanoma  # noqa: E402
from diaphane.train.zoo.arrays_fit import FitOptions, Stack, augment, fit_unet  # noqa: E402
from diaphane.train.zoo.entries import ENTRIES, SKIN, Entry  # noqa: E402

RECIPE = Recipe(
    name="made", task="segment", modality="made lesions", network="unet", licence="Apache-2.0", labels=(LabelRecipe(value=1, name="lesion"),),
    input=InputRecipe(channels=3, size=(32, 48), fit="stretch", normalisation="fixed", mean=(0.6,) * 3, std=(0.2,) * 3),
)  # fmt: skip
QUICK = """
[data]
name = "x"
modality = "dermoscopy"
licence = "Apache-2.0"
labels = [{ value = 1, name = "skin lesion", role = "lesion" }]
[input]
size = [32, 48]
[network]
widths = [4, 8]
[loop]
precision = "float32"
channels_last = false
validations = 1
learning_rate = 0.02
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made lesions and lungs in the shape of the published collections, with their lists."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(5)
    rows: list[list[object]] = []
    for n in range(40):
        picture, mask = render_lesion(draw_lesion(rng, 96, 144))
        write_png(folder / f"isic2017/images/id{n}.png", picture)
        write_png(folder / f"isic2017/masks/id{n}_segmentation.png", mask.astype(np.uint8) * 255)
        rows.append([f"images/id{n}.png", f"masks/id{n}_segmentation.png", f"id{n}", "train" if n < 34 else "test", mask.mean(), 30 + n])
    middle = np.median([row[4] for row in rows])
    rows = [[*row[:4], float(row[4] > middle), row[5], "male" if n % 2 else "female"] for n, row in enumerate(rows)]
    _write_csv(folder / "isic2017/index.csv", ["image", "mask", "isic_id", "split", "melanoma", "age", "sex"], rows)
    _write_csv(folder / "isic2017/near_duplicates.csv", ["id_a", "id_b"], [["id3", "id38"]])
    lungs = []
    for n in range(4):
        write_png(folder / f"cxr_lungs/images/{n}.png", np.full((8, 8), 9, np.uint8))
        write_png(folder / f"cxr_lungs/lung_masks/{n}.png", np.array([[0, 1, 2 if n else 0, 0]] * 8, np.uint8).repeat(2, axis=1))
        write_png(folder / f"cxr_lungs/finding_masks/{n}.png", np.array([[0, 1, 2, 3, 4, 0, 0, 0]] * 8, np.uint8))
        lungs.append([f"images/{n}.png", f"lung_masks/{n}.png", str(n // 2)])
    _write_csv(folder / "cxr_lungs/index.csv", ["image", "mask", "patient"], lungs)
    return folder


def _write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_every_entry_has_a_plan_that_the_trainer_understands_and_shipped_ones_have_words() -> None:
    for entry in ENTRIES:
        plan = tomllib.loads(entry.plan_file.read_text())
        assert said(entry.options, plan, entry.plan_file.name)["data.licence"][0]
        if entry.shipped:
            words = entry.words_file.read_text()
            assert words.startswith("## ")
            assert "## Where it fails" in words or entry.name not in shipped.names()
        for other in (entry.init, entry.split):
            assert not other or [e.name for e in ENTRIES].index(other) < [e.name for e in ENTRIES].index(entry.name)


def test_no_shipped_bundle_is_larger_than_12_mb() -> None:
    sizes = {folder.parent.name: sum(f.stat().st_size for f in folder.parent.iterdir()) for folder in Path(shipped.__file__).parent.glob("*/SHA256SUMS")}
    assert sizes and max(sizes.values()) <= 12_000_000


def test_lists_leave_out_what_they_say(data: Path, tmp_path: Path) -> None:
    assert [row["image"] for row in read_table(datasets.lungs(data, tmp_path))] == [f"images/{n}.png" for n in (1, 2, 3)]
    skin = read_table(datasets.isic_training(data, tmp_path))
    assert {Path(row["image"]).stem for row in skin} == {f"id{n}" for n in range(34)} - {"id3"}
    classes = read_table(datasets.melanoma(data, tmp_path))
    assert [Path(row["image"]).stem for row in classes] == [Path(row["image"]).stem for row in skin]
    assert {row["class"] for row in classes} <= {"melanoma", "not melanoma"}
    findings = datasets.lung_findings(data, tmp_path)
    (first, *_) = read_table(findings)
    assert np.unique(read_png(findings.parent / first["mask"])).tolist() == [0, 1, 2]
    assert (findings.parent / first["image"]).is_file()


@pytest.fixture(scope="module")
def folds(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Entry]:
    """A training that the zoo made, the folder that it shipped into, and the entry."""
    place = tmp_path_factory.mktemp("zoo")
    (place / "plan.toml").write_text(QUICK)
    (place / "words.md").write_text("## Where it fails\n\nNowhere.\n")

    class Made(Entry):
        @property
        def plan_file(self) -> Path:
            return place / "plan.toml"

        @property
        def words_file(self) -> Path:
            return place / "words.md"

    entry = Made(name="skin_lesion_folds", data=datasets.isic_training, options=Options(folds=2, final=True, epochs=12), not_assessed=SKIN)
    make.make(entry, data, place / "out", place / "work")
    return place / "work", place / "out", entry


def test_entry_becomes_a_bundle_with_its_words_and_is_not_trained_twice(folds: tuple[Path, Path, Entry], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, out, entry = folds
    bundle = open_bundle(out / entry.name)
    card = bundle.files["card.md"].decode()
    assert bundle.name == entry.name
    assert bundle.recipe.not_assessed == SKIN
    assert card.endswith("## Where it fails\n\nNowhere.\n")
    assert "nan" not in card
    assert bundle.json("metrics.json")["summary"]["skin lesion"]["dice"]["mean"] > 0.5
    monkeypatch.setattr(make, "fit", lambda *_: pytest.fail("trained again"))
    make.make(entry, data, out, work)
    assert open_bundle(out / entry.name).files == bundle.files
    (work / entry.name / "prepared").mkdir()  # as after a kill between the bundle and the figures of the test part
    monkeypatch.setattr(make, "fit", lambda *_: (work / entry.name / "prepared").rmdir())
    make.make(entry, data, out, work)
    assert not (work / entry.name / "prepared").exists()


def test_training_takes_the_folds_and_the_first_weights_of_another(
    folds: tuple[Path, Path, Entry], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, _, entry = folds
    monkeypatch.setattr(make, "entry_of", lambda name: entry)
    asked = make._asked(replace(entry, name="other", init=entry.name, split=entry.name), tmp_path / "other", data, work)
    assert json.loads((tmp_path / "other/split.json").read_text()) == json.loads((work / entry.name / "split.json").read_text())
    assert asked.init is not None
    assert asked.init.weights_sha256 == open_bundle(work / entry.name / "bundle").weights_sha256


def test_melanoma_is_fitted_on_outlines_of_networks_that_had_not_seen_the_picture(
    folds: tuple[Path, Path, Entry], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, _, entry = folds
    monkeypatch.setattr(melanoma, "entry_of", lambda name: entry)
    for family, settings in SETTINGS.items():
        monkeypatch.setitem(SETTINGS, family, (replace(settings[0], strength=min(settings[0].strength, 5)),))
    melanoma.melanoma(data, tmp_path, work)
    bundle = open_bundle(tmp_path / "melanoma")
    found = bundle.json("metrics.json")
    assert 20 < found["pictures"] <= 33
    auc = found["summary"]["melanoma"]["auc"]
    assert auc["mean"] > 0.7  # large or not is easy
    card = bundle.files["card.md"].decode()
    assert f"| AUC | {auc['mean']:.3f} (" in card
    assert "ISIC Challenge 2017" in card
    assert {"age_years", "area_fraction"} <= {c.name for c in table_model(bundle).columns}


def test_melanoma_may_take_the_held_out_verdicts_of_a_network(tmp_path: Path) -> None:
    cases = [{"case": "a", "predicted": "melanoma", "probability": 0.75}, {"case": "b", "predicted": "not melanoma", "probability": 0.75}]
    (tmp_path / "metrics.json").write_text(json.dumps({"cases": cases}))
    assert melanoma._verdicts(tmp_path / "metrics.json") == {"a": 0.75, "b": 0.25}


def test_finished_network_is_read_and_not_trained_again(rng: np.random.Generator, tmp_path: Path) -> None:
    stack = Stack(rng.random((4, 3, 16, 16), np.float32), rng.integers(0, 2, (4, 16, 16), np.uint8))
    options = FitOptions(steps=3, batch_size=2, augment=augment(rotation_deg=180, scale=0.2, shift=0.1, gain=0.2, offset=0.2), seed=1, widths=(4, 8))
    first = fit_unet(stack, 1, options, tmp_path / "work")
    before = (tmp_path / "work/best.safetensors").stat().st_mtime_ns
    again = fit_unet(stack, 1, options, tmp_path / "work").state_dict()
    assert (tmp_path / "work/best.safetensors").stat().st_mtime_ns == before
    assert all(torch.equal(value, again[name]) for name, value in first.state_dict().items())


def test_fingerprint_accepts_its_own_kind_and_refuses_noise_and_a_bundle_keeps_it(rng: np.random.Generator, tmp_path: Path) -> None:
    own = [Image(render_lesion(draw_lesion(rng, 48, 64))[0][None]) for _ in range(40)]
    fingerprint = fit_fingerprint(own[:30], [str(n) for n in range(30)], augment(rotation_deg=180, scale=0.2, shift=0.1, gain=0.2, offset=0.2, flips=True), 0)
    assert np.mean([distance(i, fingerprint) <= fingerprint.limit for i in own[30:]]) >= 0.8
    assert distance(Image(rng.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8)), fingerprint) > fingerprint.limit
    write_bundle(tmp_path / "made", RECIPE, {"model.onnx": b"", "fingerprint.json": fingerprint_bytes(fingerprint)})
    kept = open_bundle(tmp_path / "made").fingerprint
    assert kept is not None
    assert distance(own[0], kept) == pytest.approx(distance(own[0], fingerprint), rel=1e-3)
