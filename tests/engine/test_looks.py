from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.networks import _network, helper, threshold_network, volume_recipe, write_made_bundle

from diaphane.core.recipe import InputRecipe
from diaphane.engine.bundle import open_bundle
from diaphane.engine.looks import entropy, looks_of
from diaphane.errors import UsageError


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def binary_entropy(p: np.ndarray) -> np.ndarray:
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log(1 - p)) / np.log(2))


def one_sided_network(shape: tuple[int, ...]) -> bytes:
    """The logit of the structure is the voxel in the left half of the window, 0 in the right one."""
    weight = np.zeros((2, 1, *[1] * (len(shape) - 1)), np.float32)
    weight[1] = 1
    half = np.zeros((1, 1, *[1] * (len(shape) - 2), shape[-1]), np.float32)
    half[..., : shape[-1] // 2] = 1
    nodes = [helper.make_node("Mul", ["image", "half"], ["cut"]), helper.make_node("Conv", ["cut", "weight"], ["logits"])]
    return _network(nodes, {"weight": weight, "half": half}, shape, 2, shape[1:])


def test_several_looks_give_the_mean_and_the_mean_of_their_entropies(tmp_path: Path, rng: np.random.Generator) -> None:
    levels, shape = (0.1, -0.4, 0.7), (1, 4, 8, 8)
    networks = [threshold_network(shape, [level], gain=3) for level in levels]
    bundle = open_bundle(write_made_bundle(tmp_path / "b", volume_recipe(shape[1:], (1, 1, 1)), networks))
    x = rng.normal(size=(2, *shape)).astype(np.float32)
    each = np.stack([sigmoid(3 * (x[:, 0] - level)) for level in levels])
    found = looks_of(bundle)(x)
    assert found.shape == (2, 3, 4, 8, 8)
    assert np.allclose(found[:, 1], each.mean(axis=0), atol=1e-6)
    assert np.allclose(found[:, 2], binary_entropy(each).mean(axis=0), atol=1e-5)
    first = looks_of(bundle, members="first")
    assert not first.several
    assert np.allclose(first(x)[:, 1], each[0], atol=1e-6)


@pytest.mark.parametrize("axes", [(4,), (3, 4), (2, 3, 4)])
def test_mirror_images_are_looked_at_along_the_axes_that_the_bundle_declares(axes: tuple[int, ...], tmp_path: Path, rng: np.random.Generator) -> None:
    shape = (1, 4, 8, 8)
    recipe = volume_recipe(shape[1:], (1, 1, 1)) + f"mirror = {[str(n in axes).lower() for n in (2, 3, 4)]}".replace("'", "") + "\n"
    bundle = open_bundle(write_made_bundle(tmp_path / "b", recipe, [one_sided_network(shape)]))
    x = rng.normal(size=(1, *shape)).astype(np.float32)
    looks = looks_of(bundle, mirror=True)
    assert len(looks.mirrors) == 2 ** len(axes)
    both = sigmoid(x[:, 0])
    assert np.allclose(looks(x)[:, 1], (both + 0.5) / 2, atol=1e-6)  # one half of the looks sees each voxel, the other says one in two
    assert np.allclose(looks_of(bundle)(x)[:, 1, ..., 4:], 0.5)
    assert np.allclose(looks(x)[:, 2], (binary_entropy(both) + 1) / 2, atol=1e-5)


def test_mirror_images_are_refused_where_the_bundle_does_not_declare_them(tmp_path: Path) -> None:
    bundle = open_bundle(write_made_bundle(tmp_path / "b", volume_recipe((4, 8, 8), (1, 1, 1)), [threshold_network((1, 4, 8, 8), [0.5])]))
    with pytest.raises(UsageError, match="'made' declares no axis .* leave --mirror out"):
        looks_of(bundle, mirror=True)


def test_only_axes_that_are_there_can_be_declared_safe() -> None:
    volumes = {"channels": 1, "fit": "windows", "normalisation": "z-score", "spacing_mm": (1.0, 1.0, 1.0)}
    assert InputRecipe(size=(1, 8, 8), mirror=(False, True, True), **volumes).mirror == (False, True, True)
    for size, mirror in (((1, 8, 8), (True, False, False)), ((4, 8, 8), (True,))):
        with pytest.raises(ValueError, match="a flag for each number of size, false where that is 1"):
            InputRecipe(size=size, mirror=mirror, **volumes)


def test_entropy_of_classes_is_that_of_the_textbook(rng: np.random.Generator) -> None:
    p = rng.dirichlet(np.ones(7), (3, 4)).transpose(2, 0, 1)
    assert np.allclose(entropy(p), -(p * np.log(p)).sum(axis=0) / np.log(7), atol=1e-5)
