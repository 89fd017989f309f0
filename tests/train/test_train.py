from __future__ import annotations

import csv
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
from diaphane.ops.overlap import dice  # noqa: E402
from diaphane.ops.picture import write_png  # noqa: E402
from diaphane.prepare import prepare  # noqa: E402
from diaphane.segment import Options as SegmentOptions  # noqa: E402
from diaphane.segment import predict  # noqa: E402
from diaphane.simulate.skin import draw_lesion, render_lesion  # noqa: E402
from diaphane.train.augment import Drawn, Ranges, apply, draw  # noqa: E402
from diaphane.train.zoo_samples import read_rows, read_samples, stacked  # noqa: E402
from diaphane.train.evaluate import auc_interval, case_metrics, mean_interval, metrics_document, slope_interval  # noqa: E402
from diaphane.train.export import fingerprint_bytes, onnx_bytes, write_bundle  # noqa: E402
from diaphane.train.fingerprints import fit_fingerprint  # noqa: E402
from diaphane.train.fit import FitOptions, fit_network  # noqa: E402
from diaphane.train.losses import dice_cross_entropy  # noqa: E402
from diaphane.train.tabular import fit_logistic  # noqa: E402
from diaphane.train.zoo_recipes import held_out, skin_samples  # noqa: E402

STILL = Ranges(flip=False, rotation_deg=0, scale=0, shift=0, gain=0, offset=0)
MOVING = Ranges(flip=True, rotation_deg=180, scale=0.2, shift=0.1, gain=0.2, offset=0.2)
RECIPE = Recipe(
    name="made", task="segment", modality="made lesions", network="unet", licence="Apache-2.0", labels=(LabelRecipe(value=1, name="lesion"),),
    input=InputRecipe(channels=3, size=(32, 48), fit="stretch", normalisation="fixed", mean=(0.6,) * 3, std=(0.2,) * 3),
)  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(5)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "patient"])
        for n in range(20):
            picture, mask = render_lesion(draw_lesion(rng, 48, 72))
            write_png(folder / f"images/{n}.png", picture)
            write_png(folder / f"masks/{n}.png", mask.astype(np.uint8) * 255)
            writer.writerow([f"images/{n}.png", f"masks/{n}.png", str(n // 2)])
    return folder


def test_tiny_network_learns_becomes_a_bundle_and_the_bundle_segments(dataset: Path, tmp_path: Path) -> None:
    samples = read_samples(dataset, read_rows(dataset / "index.csv"), binary=True)
    arrays, labels = stacked(samples[:18], RECIPE)
    options = FitOptions(steps=250, batch_size=4, ranges=MOVING, seed=1, widths=(8, 16, 32), ema=0.95, learning_rate=5e-3)
    network = fit_network(arrays, labels, 1, options, "made")
    fingerprint = fit_fingerprint([s.image for s in samples], 1.0, 1.5, 0)
    files = {"model.onnx": onnx_bytes(network, (3, 32, 48)), "fingerprint.json": fingerprint_bytes(fingerprint)}
    write_bundle(tmp_path / "made", RECIPE, files)
    bundle = open_bundle(tmp_path / "made")
    assert bundle.recipe == RECIPE
    for sample in samples[18:]:
        found = predict(prepare(sample.image, bundle.recipe), bundle, SegmentOptions()).array[0] > 0
        assert dice(found, sample.labels > 0) > 0.8
        assert bundle.fingerprint is not None
        assert distance(sample.image, bundle.fingerprint) == pytest.approx(distance(sample.image, fingerprint), rel=1e-3)


def test_same_seed_gives_the_same_weights_and_another_seed_others(dataset: Path) -> None:
    arrays, labels = stacked(read_samples(dataset, read_rows(dataset / "index.csv")[:4], binary=True), RECIPE)
    options = FitOptions(steps=3, batch_size=2, ranges=MOVING, seed=1, widths=(4, 8))
    a, b, c = (fit_network(arrays, labels, 1, o, "t").state_dict() for o in (options, options, replace(options, seed=2)))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_drawing_is_seeded_and_no_change_is_the_identity(rng: np.random.Generator) -> None:
    array, labels = rng.normal(size=(3, 20, 30)).astype(np.float32), rng.integers(0, 2, (20, 30)).astype(np.uint8)
    out, mask = apply(draw(STILL, (3, 20, 30), rng), array, labels)
    assert np.allclose(out, array, atol=1e-5)
    assert np.array_equal(mask, labels)
    a, b = (draw(MOVING, (3, 20, 30), np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(a.affine, b.affine)
    assert np.array_equal(a.gain, b.gain)


def test_picture_and_labels_move_alike() -> None:
    array = np.zeros((1, 20, 30), np.float32)
    array[0, 4:8, 5:9] = 1
    labels = (array[0] > 0).astype(np.uint8)
    out, mask = apply(Drawn(np.array([[-1.0, 0, 29], [0, 1, 3]]), np.ones(1), np.zeros(1)), array, labels)
    assert np.array_equal(out[0] > 0.5, mask > 0)
    assert mask[7:11, 21:25].all()
    assert mask.sum() == 16


def test_loss_is_lowest_at_the_truth() -> None:
    labels = torch.zeros(1, 8, 8, dtype=torch.int64)
    labels[:, 2:6, 2:6] = 1
    right = torch.stack([1.0 - labels, labels.float()], dim=1) * 20
    assert dice_cross_entropy(right, labels) < 0.01
    assert dice_cross_entropy(right.flip(1), labels) > dice_cross_entropy(torch.zeros(1, 2, 8, 8), labels) > dice_cross_entropy(right, labels)


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


def test_auc_equals_counting_pairs_and_lies_in_its_interval(rng: np.random.Generator) -> None:
    truth, scores = rng.random(60) < 0.4, rng.integers(0, 9, 60).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[truth] for b in scores[~truth]]
    found = auc_interval(truth, scores)
    assert found["mean"] == pytest.approx(np.mean(pairs))
    assert found["ci95"][0] < found["mean"] < found["ci95"][1]


def test_interval_over_patients_is_wider_than_over_their_pictures(rng: np.random.Generator) -> None:
    values = np.repeat(rng.normal(size=10), 8)
    over_pictures, over_patients = mean_interval(values), mean_interval(values, groups=[str(n // 8) for n in range(80)])
    width = [found["ci95"][1] - found["ci95"][0] for found in (over_pictures, over_patients)]
    assert width[1] > 2 * width[0]


def test_metrics_document_has_the_agreed_keys() -> None:
    a, b = np.eye(4, dtype=bool), np.ones((4, 4), bool)
    document = metrics_document([case_metrics("x", "lesion", a, b), case_metrics("y", "lesion", a, a)])
    assert document["cases"][0].keys() == {"case", "label", "dice", "jaccard", "hd95_mm", "nsd_1mm"}
    assert document["cases"][0]["jaccard"] == 0.25
    assert document["summary"]["lesion"]["dice"]["mean"] == pytest.approx((0.4 + 1) / 2)
    assert "absent from both" in document["rule_for_empty_masks"]


def test_logistic_regression_recovers_what_the_data_were_made_with(rng: np.random.Generator) -> None:
    values = rng.normal(size=(4000, 3)) * (1, 10, 100) + 5
    logit = 1.5 * (values[:, 0] - 5) - 0.7 * (values[:, 1] - 5) / 10 - 1
    truth = rng.random(4000) < 1 / (1 + np.exp(-logit))
    fitted = fit_logistic(values, truth, ["a", "b", "c"], 0)
    assert fitted.model["coefficients"] == pytest.approx([1.5, -0.7, 0], abs=0.2)
    assert np.sqrt(np.diag(fitted.model["covariance"]))[1:] == pytest.approx([0.05] * 3, abs=0.02)
    assert auc_interval(truth, fitted.scores)["mean"] > 0.8


def test_fingerprint_accepts_its_own_kind_and_refuses_noise(rng: np.random.Generator) -> None:
    own = [Image(render_lesion(draw_lesion(rng, 48, 64))[0][None]) for _ in range(40)]
    fingerprint = fit_fingerprint(own[:30], 1.0, 1.3, 0)
    assert np.mean([distance(i, fingerprint) <= fingerprint.limit for i in own[30:]]) >= 0.8
    assert distance(Image(rng.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8)), fingerprint) > fingerprint.limit


@pytest.mark.data
def test_training_split_has_no_listed_near_duplicate(data: Path) -> None:
    with (data / "isic2017/near_duplicates.csv").open() as file:
        listed = {row[key] for row in csv.DictReader(file) for key in ("id_a", "id_b")}
    rows = [r for r in read_rows(data / "isic2017/index.csv") if r["split"] == "train"]
    kept = {s.image.name for s in skin_samples(data, "train")}
    assert kept.isdisjoint(listed)
    assert len(kept) == len(rows) - len(listed & {r["isic_id"] for r in rows})


def test_calibration_slope_is_1_for_true_log_odds_and_half_for_doubled_ones(rng: np.random.Generator) -> None:
    scores = rng.normal(size=3000) * 1.5 - 1
    truth = rng.random(3000) < 1 / (1 + np.exp(-scores))
    right, bold = slope_interval(truth, scores), slope_interval(truth, scores * 2)
    assert right["ci95"][0] < 1 < right["ci95"][1]
    assert bold["mean"] == pytest.approx(right["mean"] / 2, rel=1e-3)
