from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.networks import spots_bundle, threshold_network, write_made_bundle
from tests.phantoms import LESION, disc

from diaphane import zoo
from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import BoolArray
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe, OutputLimits
from diaphane.engine.bundle import OUTPUT_FINGERPRINT, Bundle, open_bundle
from diaphane.engine.looks import entropy
from diaphane.errors import InputError
from diaphane.ops.nifti import read_nifti
from diaphane.ops.overlap import dice
from diaphane.prepare import prepare
from diaphane.segment import Options, predict, segmenters
from diaphane.segment.cleanup import cleaned
from diaphane.segment.files import read_labels, write_labels
from diaphane.segment.gate import input_verdict, output_verdicts
from diaphane.segment.predict import labels_of


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle("skin_lesion")


def test_unasked_only_three_bundles_segment_though_others_are_shipped() -> None:
    assert "skin_lesion_segnet" in zoo.names()
    assert set(segmenters(Options())) == {"face_lesion", "lungs", "skin_lesion"}
    assert set(segmenters(Options(bundle="skin_lesion_segnet"))) == {"skin_lesion_segnet"}


def test_made_lesion_is_outlined(bundle: Bundle, made: tuple[Path, BoolArray]) -> None:
    path, truth = made
    image = read_picture(path)
    labels = predict(prepare(image, bundle.recipe), bundle, Options())
    assert labels.array.shape == image.shape
    assert dice(labels.array[0] > 0, truth) > 0.9
    assert labels.probability is not None
    assert float(labels.probability.min()) >= 0
    assert float(labels.probability.max()) <= 1
    assert input_verdict(image, bundle).verdict == "passed"


def test_result_lies_on_the_source_grid_whatever_the_size(bundle: Bundle, made: tuple[Path, BoolArray]) -> None:
    path, truth = made
    large = Image(np.repeat(np.repeat(read_picture(path).array, 3, axis=1), 2, axis=2))
    labels = predict(prepare(large, bundle.recipe), bundle, Options())
    assert labels.array.shape == large.shape
    assert dice(labels.array[0] > 0, np.repeat(np.repeat(truth, 3, axis=0), 2, axis=1)) > 0.9


def test_higher_threshold_gives_a_smaller_region(bundle: Bundle, made: tuple[Path, BoolArray]) -> None:
    prepared = prepare(read_picture(made[0]), bundle.recipe)
    low, high = (int((predict(prepared, bundle, Options(threshold=t)).array > 0).sum()) for t in (0.1, 0.9))
    assert low > high > 0


def test_labels_take_the_most_probable_structure_above_the_threshold() -> None:
    p = np.array([[[0.6, 0.4, 0.2]], [[0.3, 0.35, 0.1]], [[0.1, 0.25, 0.7]]])
    assert labels_of(p, 0.5).tolist() == [[0, 1, 2]]
    assert labels_of(p, 0.35).tolist() == [[1, 1, 2]]


def test_with_a_threshold_a_structure_the_last_that_reaches_its_own_counts() -> None:
    p = np.array([[[0.9, 0.6, 0.3]], [[0.06, 0.3, 0.25]], [[0.04, 0.1, 0.45]]], np.float32)
    assert labels_of(p, (0.2, 0.2)).tolist() == [[0, 1, 2]]
    assert labels_of(p, (0.2, 0.1)).tolist() == [[0, 2, 2]]
    assert labels_of(p, (0.05, 0.5)).tolist() == [[1, 1, 1]]


def test_entropy_is_0_when_sure_and_1_when_nothing_is_known() -> None:
    assert entropy(np.array([[[1.0]], [[0.0]]])) == pytest.approx(0, abs=1e-5)
    assert entropy(np.full((3, 1, 1), 1 / 3)) == pytest.approx(1, abs=1e-6)


def test_cleanup_drops_specks_fills_holes_and_overwrites_no_other_structure() -> None:
    labels = disc(20, 64).astype(np.uint8)
    labels[30:34, 30:34] = 0
    labels[31, 31] = 2
    labels[0, 0] = 1
    out = cleaned(labels, 0.1)
    assert out[0, 0] == 0
    assert out[30, 30] == 1
    assert out[31, 31] == 2
    assert np.array_equal(cleaned(np.zeros((4, 4), np.uint8), 0.1), np.zeros((4, 4)))


def test_label_files_come_back(tmp_path: Path) -> None:
    mask = disc(5, 16)
    labels = Labels(mask[None].astype(np.uint8), LESION, np.where(mask, 0.9, 0.1)[None], np.where(mask, 0.2, 0.5)[None], "b")
    write_labels(labels, tmp_path, "x")
    back = read_labels(tmp_path, "x", LESION, "b")
    assert np.array_equal(back.array, labels.array)
    assert back.probability is not None
    assert np.abs(back.probability - labels.probability).max() <= 1 / 510 + 1e-6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.png", "x_probability.png", "x_uncertainty.png"]


def test_other_kinds_of_picture_are_refused_by_the_input_gate(bundle: Bundle, rng: np.random.Generator) -> None:
    for array in (np.zeros((1, 192, 256, 3)), np.full((1, 192, 256, 3), 255), rng.integers(0, 256, (1, 192, 256, 3)), np.tile(np.arange(256), (1, 192, 1))):
        verdict = input_verdict(Image(array.astype(np.uint8)), bundle)
        assert verdict.verdict == "refused"
        assert "does not look like dermoscopy" in verdict.reason


def test_output_gate_doubts_an_area_or_a_confidence_outside_the_limits(bundle: Bundle) -> None:
    limits = OutputLimits(label=1, area_fraction=(0.05, 0.5), confidence=0.8)
    older = {name: data for name, data in bundle.files.items() if name != OUTPUT_FINGERPRINT}
    own = replace(bundle, recipe=replace(bundle.recipe, limits=(limits,)), files=older)
    for radius, probability, verdict, says in (
        (20, 0.95, "passed", "within the bundle's limits"), (3, 0.95, "doubted", "covers 0.8%"), (60, 0.95, "doubted", "expected 5.0% to 50.0%"),
        (20, 0.6, "doubted", "mean probability inside skin lesion is 0.60, expected 0.80"), (0, 0.1, "passed", "no skin lesion was found"),
    ):  # fmt: skip
        mask = disc(radius, 64) if radius else np.zeros((64, 64), bool)
        labels = Labels(mask[None].astype(np.uint8), LESION, np.full((1, 64, 64), probability))
        (found,) = output_verdicts(labels, own)
        assert found.verdict == verdict
        assert says in found.reason


@pytest.mark.data
def test_faces_and_x_rays_are_not_dermoscopy_and_dermoscopy_is_no_x_ray(data: Path, bundle: Bundle) -> None:
    lungs = open_bundle("lungs")
    x_rays = [read_picture(p) for p in sorted((data / "cxr_lungs/images").iterdir())[:40]]
    faces = [read_picture(p) for p in sorted((data / "faces/group_photos").rglob("*.jpg"))]
    skin = [read_picture(p) for p in sorted((data / "isic2017/images").iterdir())[:60]]
    refused = {
        name: np.mean([input_verdict(i, b).verdict == "refused" for i in images])
        for name, images, b in (
            ("x-ray", x_rays, bundle),
            ("face", faces, bundle),
            ("skin", skin, lungs),
            ("own skin", skin, bundle),
            ("own x-ray", x_rays, lungs),
        )
    }
    assert refused["x-ray"] == 1
    assert refused["face"] >= 0.9
    assert refused["skin"] == 1
    assert refused["own skin"] <= 0.05
    assert refused["own x-ray"] <= 0.05


def test_label_files_of_a_volume_come_back_with_their_values_and_place(tmp_path: Path) -> None:
    geometry = Geometry(np.array([[0, 0, 0.5, 1], [0.1, 2, 0, -3], [3, 0, 0, 7], [0, 0, 0, 1.0]]), calibrated=True)
    array = np.zeros((3, 4, 5), np.uint16)
    array[1, 2, 3], array[0, 0, 1] = 700, 9
    table = tuple(LabelRecipe(value=v, name=str(v), role="anatomy") for v in (9, 700))
    write_labels(Labels(array, table), tmp_path, "x", geometry=geometry)
    back = read_labels(tmp_path, "x", table, "given")
    assert np.array_equal(back.array, array)
    assert (back.probability, back.uncertainty) == (None, None)
    assert np.allclose(read_nifti(tmp_path / "x.nii.gz")[1].affine, geometry.affine)
    share = np.where(array, 0.75, 0.25).astype(np.float32)
    write_labels(Labels(array, table, share, share / 2), tmp_path, "y", geometry=geometry)
    assert np.array_equal(read_labels(tmp_path, "y", table, "net").uncertainty, share / 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.nii.gz", "y.nii.gz", "y_probability.nii.gz", "y_uncertainty.nii.gz"]


def test_small_labels_are_kept_in_8_bits_and_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    small, large = (Labels(np.full((2, 2, 2), v, np.uint32), (LabelRecipe(value=v, name="x"),)) for v in (255, 70_000))
    write_labels(small, tmp_path, "x", geometry=Geometry())
    assert read_nifti(tmp_path / "x.nii.gz")[0].dtype == np.uint8
    with pytest.raises(InputError, match="holds the value 70000"):
        write_labels(large, tmp_path, "x", geometry=Geometry())
    with pytest.raises(InputError, match="need its geometry"):
        write_labels(small, tmp_path, "x")


def test_picture_whose_labels_a_person_drew_has_no_probability(tmp_path: Path) -> None:
    drawn = Labels(disc(5, 16)[None].astype(np.uint8), LESION)
    write_labels(drawn, tmp_path, "x")
    assert read_labels(tmp_path, "x", LESION, "given").probability is None


def test_picture_seen_by_two_networks_and_in_the_mirror_has_their_mean_and_their_disagreement(tmp_path: Path, rng: np.random.Generator) -> None:
    recipe = (spots_bundle(tmp_path / "one", (16, 16)) / "recipe.toml").read_text() + "mirror = [false, true]\n"
    networks = [threshold_network((1, 16, 16), [level], gain=8) for level in (0.3, 0.6)]
    bundle = open_bundle(write_made_bundle(tmp_path / "two", recipe, networks))
    image = Image(rng.integers(0, 256, (1, 16, 16)).astype(np.uint8))
    each = np.stack([1 / (1 + np.exp(-8 * (image.array[0] / 255 - level))) for level in (0.3, 0.6)])

    def surprise(p: np.ndarray) -> np.ndarray:
        return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))

    for options in (Options(), Options(mirror=True)):  # the networks look at single pixels: the mirror shows them the same
        labels = predict(prepare(image, bundle.recipe), bundle, options)
        assert labels.probability is not None
        assert labels.disagreement is not None
        assert np.allclose(labels.probability[0], each.mean(axis=0), atol=1e-5)
        assert np.allclose(labels.disagreement[0], surprise(each.mean(axis=0)) - surprise(each).mean(axis=0), atol=1e-4)
    write_labels(labels, tmp_path / "out", "x")
    back = read_labels(tmp_path / "out", "x", bundle.recipe.labels, "two")
    assert back.disagreement is not None
    assert np.abs(back.disagreement - labels.disagreement).max() <= 1 / 510 + 1e-6
    assert predict(prepare(image, bundle.recipe), bundle, Options(members="first")).disagreement is None
