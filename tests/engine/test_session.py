from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.networks import mean_network, threshold_network, volume_recipe, write_made_bundle

from diaphane.engine.bundle import open_bundle
from diaphane.engine.options import Options
from diaphane.engine.session import probabilities, running, session_of
from diaphane.errors import BundleError

CLASSES = """name = "made"
task = "classify"
modality = "made"
network = "mean"
licence = "none"
labels = [{value = 1, name = "cat"}, {value = 2, name = "dog"}, {value = 3, name = "eel"}]
input = {channels = 1, size = [8, 9], fit = "stretch", normalisation = "z-score"}
"""


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


@pytest.mark.parametrize(("size", "shape"), [((4, 8, 9), (1, 4, 8, 9)), ((1, 8, 9), (1, 8, 9))])
def test_ensemble_gives_the_mean_of_its_members_probabilities(size: tuple[int, ...], shape: tuple[int, ...], tmp_path: Path, rng: np.random.Generator) -> None:
    levels = (0.1, -0.4, 0.7)
    networks = [threshold_network(shape, [level], gain=3) for level in levels]
    bundle = open_bundle(write_made_bundle(tmp_path / "b", volume_recipe(size, (1, 1, 1)), networks))
    assert bundle.members == tuple(networks)
    x = rng.normal(size=(2, *shape)).astype(np.float32)
    found = probabilities(bundle, x)
    assert np.allclose(found[:, 1], np.mean([sigmoid(3 * (x[:, 0] - level)) for level in levels], axis=0), atol=1e-6)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-6)
    assert [session_of(bundle, n) for n in range(3)] == [session_of(bundle, n) for n in range(3)]


def test_classifier_gives_a_probability_a_class(tmp_path: Path) -> None:
    bundle = open_bundle(write_made_bundle(tmp_path / "b", CLASSES, [mean_network((1, 8, 9), [0, 1, 2]), mean_network((1, 8, 9), [0, 0, 0])]))
    x = np.stack([np.zeros((1, 8, 9)), np.ones((1, 8, 9))]).astype(np.float32)
    soft = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    assert np.allclose(probabilities(bundle, x), [[1 / 3] * 3, (soft + 1 / 3) / 2], atol=1e-6)


def test_network_of_other_classes_or_of_another_dimension_is_refused(tmp_path: Path) -> None:
    more = open_bundle(write_made_bundle(tmp_path / "more", volume_recipe((4, 8, 8), (1, 1, 1)), [threshold_network((1, 4, 8, 8), [0.1, 0.2])]))
    with pytest.raises(BundleError, match=r"gives \[1, 3, 4, 8, 8\] .* names \[1, 2, 4, 8, 8\]"):
        probabilities(more, np.zeros((1, 1, 4, 8, 8), np.float32))
    flat = open_bundle(write_made_bundle(tmp_path / "flat", volume_recipe((4, 8, 8), (1, 1, 1)), [threshold_network((1, 8, 8), [0.1])]))
    with pytest.raises(BundleError, match=r"takes \[1, 8, 8\], its recipe says \[1, 4, 8, 8\] \(channels, slices, rows, columns\)"):
        session_of(flat)


def test_weights_are_known_by_all_members_and_mixed_or_missing_ones_are_refused(tmp_path: Path) -> None:
    recipe, a, b = volume_recipe((4, 8, 8), (1, 1, 1)), *(threshold_network((1, 4, 8, 8), [level]) for level in (0.1, 0.2))
    both = [open_bundle(write_made_bundle(tmp_path / f"{n}", recipe, pair)).weights_sha256 for n, pair in enumerate([(a, b), (b, a), (a,)])]
    assert len(set(both)) == 3
    for n, (old, new) in enumerate([("member_0", "member_2"), ("member_1.onnx", "model.onnx")]):
        folder = write_made_bundle(tmp_path / f"odd{n}", recipe, [a, b])
        for path in (folder / "SHA256SUMS", *folder.glob(f"{old}*")):
            if path.suffix == ".onnx":
                path.rename(folder / path.name.replace(old, new))
            else:
                path.write_text(path.read_text().replace(old, new))
        with pytest.raises(BundleError, match="without gap"):
            open_bundle(folder)


def test_threads_hold_for_opencv_within_the_block_and_not_after() -> None:
    before = cv2.getNumThreads()
    with running(Options(threads=before + 1)):
        assert cv2.getNumThreads() == before + 1
    assert cv2.getNumThreads() == before
    with running(Options()):
        assert cv2.getNumThreads() == before
