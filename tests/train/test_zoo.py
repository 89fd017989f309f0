from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.core.image import Image  # noqa: E402
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe  # noqa: E402
from diaphane.engine.bundle import open_bundle  # noqa: E402
from diaphane.errors import InputError  # noqa: E402
from diaphane.ops.fingerprint import distance  # noqa: E402
from diaphane.ops.picture import write_png  # noqa: E402
from diaphane.simulate.skin import draw_lesion, render_lesion  # noqa: E402
from diaphane.train import zoo, zoo_recipes  # noqa: E402
from diaphane.train.evaluate import auc_interval  # noqa: E402
from diaphane.train.export import fingerprint_bytes, onnx_bytes, write_bundle  # noqa: E402
from diaphane.train.fingerprints import fit_fingerprint  # noqa: E402
from diaphane.train.tabular import fit_logistic  # noqa: E402
from diaphane.train.zoo_fit import FitOptions, Stack, augment, fit_unet  # noqa: E402
from diaphane.train.zoo_recipes import held_out  # noqa: E402
from diaphane.train.zoo_samples import read_rows, read_samples, stacked  # noqa: E402

RECIPE = Recipe(
    name="made", task="segment", modality="made lesions", network="unet", licence="Apache-2.0", labels=(LabelRecipe(value=1, name="lesion"),),
    input=InputRecipe(channels=3, size=(32, 48), fit="stretch", normalisation="fixed", mean=(0.6,) * 3, std=(0.2,) * 3),
)  # fmt: skip
MOVING = augment(rotation_deg=180, scale=0.2, shift=0.1, gain=0.2, offset=0.2, flips=True)
TINY = FitOptions(steps=60, batch_size=4, augment=MOVING, seed=1, widths=(8, 16, 32), ema=0.9, learning_rate=1e-2)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made lesions in the shape of the skin collection, with its lists."""
    folder = tmp_path_factory.mktemp("data") / "isic2017"
    rng = np.random.default_rng(5)
    rows = []
    for n in range(40):
        picture, mask = render_lesion(draw_lesion(rng, 48, 72))
        write_png(folder / f"images/{n}.png", picture)
        write_png(folder / f"masks/{n}.png", mask.astype(np.uint8) * 255)
        rows.append([f"images/{n}.png", f"masks/{n}.png", str(n // 2), f"id{n}", "train" if n < 34 else "test"])
    write_csv(folder / "index.csv", ["image", "mask", "patient", "isic_id", "split"], rows)
    write_csv(folder / "near_duplicates.csv", ["id_a", "id_b"], [["id3", "id38"]])
    return folder


def write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_finished_network_is_read_and_not_trained_again(dataset: Path, tmp_path: Path) -> None:
    stack = Stack(*stacked(read_samples(dataset, read_rows(dataset / "index.csv")[:4], binary=True), RECIPE))
    options = replace(TINY, steps=3, widths=(4, 8))
    first = fit_unet(stack, 1, options, tmp_path / "work")
    before = (tmp_path / "work/best.safetensors").stat().st_mtime_ns
    again = fit_unet(stack, 1, options, tmp_path / "work").state_dict()
    assert (tmp_path / "work/best.safetensors").stat().st_mtime_ns == before
    assert all(torch.equal(value, again[name]) for name, value in first.state_dict().items())


def test_makers_of_the_zoo_leave_whole_bundles_with_cards_that_name_no_missing_figure(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lungs = tmp_path / "data/cxr_lungs"
    lungs.mkdir(parents=True)
    (tmp_path / "data/isic2017").symlink_to(dataset)
    rng = np.random.default_rng(1)
    rows = []
    for n in range(12):
        rows_, columns = np.mgrid[:64, :64]
        y, x = rng.uniform(26, 38), rng.uniform(16, 19)
        mask = 1 * ((rows_ - y) ** 2 / 4 + (columns - (64 - x)) ** 2 < 90) + 2 * ((rows_ - y) ** 2 / 4 + (columns - x) ** 2 < 90)
        write_png(lungs / f"images/{n}.png", (120 + 40 * mask + rng.normal(0, 5, (64, 64))).clip(0, 255).astype(np.uint8))
        write_png(lungs / f"masks/{n}.png", mask.astype(np.uint8))
        rows.append([f"images/{n}.png", f"masks/{n}.png", str(n // 2)])
    write_csv(lungs / "index.csv", ["image", "mask", "patient"], rows)
    for name in ("SKIN_FIT", "HALVES_FIT", "LUNGS_FIT"):
        monkeypatch.setattr(zoo, name, replace(TINY, steps=40, widths=(4, 8, 16), learning_rate=2e-2, seed=getattr(zoo, name).seed))
    monkeypatch.setattr(zoo, "SKIN_LESION", replace(zoo.SKIN_LESION, input=replace(zoo.SKIN_LESION.input, size=(32, 48))))
    monkeypatch.setattr(zoo, "LUNGS", replace(zoo.LUNGS, input=replace(zoo.LUNGS.input, size=(64, 64))))
    monkeypatch.setattr(zoo, "onnx_bytes", lambda network, shape: onnx_bytes(network, {3: (3, 32, 48), 1: (1, 64, 64)}[shape[0]]))
    for name in ("lungs", "skin_lesion"):
        assert zoo.main(["--data", str(tmp_path / "data"), "--out", str(tmp_path / "zoo"), "--work", str(tmp_path / "work"), "--only", name]) == 0
    for name, label in (("lungs", "left lung"), ("skin_lesion", "skin lesion")):
        bundle = open_bundle(tmp_path / "zoo" / name)
        found = bundle.json("metrics.json")["summary"][label]
        assert found["dice"]["mean"] > 0.5
        assert found["hd95_mm"]["mean"] is None or math.isnan(found["hd95_mm"]["mean"])  # a picture without scale
        card = bundle.files["card.md"].decode()
        assert f"| {label} | Dice | {found['dice']['mean']:.3f} |" in card
        assert "nan" not in card
        assert "mm |" not in card


def test_mask_of_another_size_and_an_index_without_columns_are_refused(dataset: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "image.png", np.zeros((8, 8, 3), np.uint8))
    write_png(tmp_path / "mask.png", np.zeros((8, 9), np.uint8))
    with pytest.raises(InputError, match=r"mask of \(8, 9\), picture of \(8, 8\)"):
        read_samples(tmp_path, [{"image": "image.png", "mask": "mask.png"}], binary=True)
    (tmp_path / "index.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="expected rows with the columns image, mask"):
        read_rows(tmp_path / "index.csv")
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "none.csv")


def test_held_out_patients_are_on_one_side_only() -> None:
    rows = [{"patient": str(n // 3)} for n in range(60)]
    out = held_out(rows, "patient", 0.2, 1)
    sides = {p: {o for r, o in zip(rows, out, strict=True) if r["patient"] == p} for p in {r["patient"] for r in rows}}
    assert all(len(side) == 1 for side in sides.values())
    assert sum(side == {True} for side in sides.values()) == 4


def test_logistic_regression_recovers_what_the_data_were_made_with(rng: np.random.Generator) -> None:
    values = rng.normal(size=(4000, 3)) * (1, 10, 100) + 5
    logit = 1.5 * (values[:, 0] - 5) - 0.7 * (values[:, 1] - 5) / 10 - 1
    truth = rng.random(4000) < 1 / (1 + np.exp(-logit))
    fitted = fit_logistic(values, truth, ["a", "b", "c"], 0)
    assert fitted.model["coefficients"] == pytest.approx([1.5, -0.7, 0], abs=0.2)
    assert np.sqrt(np.diag(fitted.model["covariance"]))[1:] == pytest.approx([0.05] * 3, abs=0.02)
    assert auc_interval(truth, fitted.scores)["mean"] > 0.8


def test_fingerprint_accepts_its_own_kind_and_refuses_noise_and_a_bundle_keeps_it(rng: np.random.Generator, tmp_path: Path) -> None:
    own = [Image(render_lesion(draw_lesion(rng, 48, 64))[0][None]) for _ in range(40)]
    fingerprint = fit_fingerprint(own[:30], 1.0, 1.3, 0)
    assert np.mean([distance(i, fingerprint) <= fingerprint.limit for i in own[30:]]) >= 0.8
    assert distance(Image(rng.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8)), fingerprint) > fingerprint.limit
    write_bundle(tmp_path / "made", RECIPE, {"model.onnx": b"", "fingerprint.json": fingerprint_bytes(fingerprint)})
    kept = open_bundle(tmp_path / "made").fingerprint
    assert kept is not None
    assert distance(own[0], kept) == pytest.approx(distance(own[0], fingerprint), rel=1e-3)


@pytest.mark.data
def test_training_split_has_no_listed_near_duplicate(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (data / "isic2017/near_duplicates.csv").open() as file:
        listed = {row[key] for row in csv.DictReader(file) for key in ("id_a", "id_b")}
    rows = [r for r in read_rows(data / "isic2017/index.csv") if r["split"] == "train"]
    monkeypatch.setattr(zoo_recipes, "read_samples", lambda folder, kept, *, binary: kept)  # the pictures themselves are not needed
    kept = {row["isic_id"] for row in zoo_recipes.skin_samples(data, "train")}
    assert kept.isdisjoint(listed)
    assert len(kept) == len(rows) - len(listed & {r["isic_id"] for r in rows})
