"""Answers against sums written out, contributions against the definition of the Shapley value, by every order of the features."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.ops.families import Family, Kernel, Linear, Trees


def some_trees() -> Trees:
    """Two trees for the first answer (one of them splits twice at one feature), a lone leaf for the second."""
    return Trees(
        feature=np.array([0, 1, -1, -1, 0, -1, -1, 2, -1, -1, -1]), threshold=np.array([0.3, -0.4, 0, 0, 0.9, 0, 0, -0.2, 0, 0, 0]),
        left=np.array([1, 2, 0, 0, 5, 0, 0, 8, 0, 0, 0]), right=np.array([4, 3, 0, 0, 6, 0, 0, 9, 0, 0, 0]),
        value=np.array([0, 0, 1.5, -2.0, 0, 0.25, 3.0, 0, -1.0, 0.5, 0.125]), roots=(np.array([0, 7]), np.array([10])), intercepts=np.array([0.1, -0.2]),
    )  # fmt: skip


def some_kernel(rng: np.random.Generator) -> Kernel:
    return Kernel(rng.normal(size=(5, 3)), rng.normal(size=(2, 5)), np.array([0.3, -1.0]), 0.4)


FAMILIES: list[Family] = [
    Linear(np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]]), np.array([0.5, -0.25])), some_kernel(np.random.default_rng(3)), some_trees()
]  # fmt: skip


def shapley(family: Family, z: np.ndarray) -> np.ndarray:
    """By definition, from the baseline 0."""
    total, orders = np.zeros((2, len(z))), list(permutations(range(len(z))))
    for order in orders:
        at = np.zeros(len(z))
        for n in order:
            before = family.answers(at[None])[0]
            at[n] = z[n]
            total[:, n] += family.answers(at[None])[0] - before
    return total / len(orders)


@pytest.mark.parametrize("family", FAMILIES, ids=["linear", "kernel", "trees"])
@settings(max_examples=25, deadline=None)
@given(z=st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_contributions_are_shapley_values_and_add_up(family: Family, z: list[float]) -> None:
    at = np.array(z)
    found = family.contributions(at)
    assert found == pytest.approx(shapley(family, at), abs=1e-9)
    assert found.sum(axis=1) == pytest.approx((family.answers(at[None]) - family.answers(np.zeros((1, 3))))[0], abs=1e-9)


def test_radial_contributions_add_up_over_many_features(rng: np.random.Generator) -> None:
    family = Kernel(rng.normal(size=(50, 81)), rng.normal(size=(1, 50)), np.zeros(1), 0.01)
    z = rng.normal(size=81)
    assert family.contributions(z).sum() == pytest.approx(float((family.answers(z[None]) - family.answers(np.zeros((1, 81))))[0, 0]), abs=1e-9)


def test_linear_answer_is_the_weighted_sum() -> None:
    assert FAMILIES[0].answers(np.array([[1.0, 2.0, 3.0]]))[0].tolist() == [1 - 4 + 1.5 + 0.5, 2 + 9 - 0.25]


def test_kernel_answer_is_the_sum_over_vectors(rng: np.random.Generator) -> None:
    kernel, z = some_kernel(rng), rng.normal(size=(4, 3))
    for row, answers in zip(z, kernel.answers(z), strict=True):
        like = [np.exp(-0.4 * ((row - v) ** 2).sum()) for v in kernel.vectors]
        assert answers == pytest.approx([sum(np.multiply(c, like)) + b for c, b in zip(kernel.coefficients, kernel.intercepts, strict=True)])


@pytest.mark.parametrize(
    ("z", "expected"), [((0.3, -0.4, -0.2), 1.5 - 1.0), ((0.3, -0.3, 0), -2.0 + 0.5), ((0.9, 0, 0), 0.25 + 0.5), ((0.91, 0, -9), 3.0 - 1.0)]
)
def test_trees_go_left_up_to_the_threshold_and_right_beyond(z: tuple[float, ...], expected: float) -> None:
    assert some_trees().answers(np.array([z]))[0] == pytest.approx([0.1 + expected, -0.2 + 0.125])
