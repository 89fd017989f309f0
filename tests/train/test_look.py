"""A look at validation: what it gives of classes, and what networks are compared by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.train.look import Look, mean_of_items  # noqa: E402


class Told(torch.nn.Module):
    """A classifier whose logits are the first pixels of the picture."""

    def forward(self, x: Any) -> Any:
        return x[:, 0, 0, :]


def look_at(logits: np.ndarray, targets: np.ndarray, items: int = 1000) -> Look:
    """A look at pictures that ``Told`` gives these logits for."""
    arrays = {
        f"{n:03}": SimpleNamespace(x=np.tile(row.astype(np.float32), (1, 1, 4, 1)), y=None, target=int(target), places={})
        for n, (row, target) in enumerate(zip(logits, targets, strict=True))
    }
    loop = SimpleNamespace(validation_items=items, precision="float32", channels_last=False)
    recipe = SimpleNamespace(loop=loop, data=SimpleNamespace(task="classify", labels=()), input=SimpleNamespace(fit="stretch", size=(4, logits.shape[1])))
    return Look(arrays, list(arrays), recipe)  # type: ignore[arg-type]


def test_look_at_two_classes_is_the_auc_and_not_how_many_are_right(rng: np.random.Generator) -> None:
    from sklearn.metrics import roc_auc_score

    targets = 1 + (np.arange(100) % 5 == 0)
    score = rng.normal(size=100) + (targets == 2)
    look = look_at(np.stack([np.full(100, 9.0), score], axis=1), targets)  # all are called the first
    assert look(Told()) == pytest.approx(roc_auc_score(targets == 2, score), abs=1e-6)
    assert look.metric == "AUC"
    assert look_at(np.stack([np.full(100, 90.0), targets], axis=1), targets)(Told()) == 1.0
    assert look_at(np.zeros((100, 2)), targets)(Told()) == 0.5


def test_look_at_several_classes_is_the_mean_over_those_that_are_there(rng: np.random.Generator) -> None:
    from sklearn.metrics import roc_auc_score

    targets = 1 + np.arange(60) % 3
    logits = rng.normal(size=(60, 4)) + np.eye(4)[targets - 1]
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.mean([roc_auc_score(targets == n + 1, soft[:, n]) for n in range(3)])
    assert look_at(logits, targets)(Told()) == pytest.approx(expected, abs=1e-6)


def test_look_at_one_class_is_how_many_are_right() -> None:
    logits = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [0.0, 3.0]])
    look = look_at(logits, np.full(4, 2))
    assert (look(Told()), look.metric) == (0.75, "accuracy")
    assert look.each(Told()).tolist() == [[1.0], [0.0], [1.0], [1.0]]
    mixed = look_at(logits, np.array([1, 2, 2, 2]), items=1)
    assert (mixed.metric, mixed.names) == ("accuracy", ["000"])


def test_pilot_compares_classifiers_by_values_whose_means_are_their_aucs(rng: np.random.Generator) -> None:
    targets = 1 + (np.arange(80) % 4 == 0)
    good, bad = (look_at(np.stack([np.zeros(80), rng.normal(size=80) + shift * (targets == 2)], axis=1), targets) for shift in (2, 0.5))
    each = [mean_of_items(one.each(Told())) for one in (good, bad)]
    assert [values.mean() for values in each] == pytest.approx([good(Told()), bad(Told())])
    assert each[0].shape == (80,)
    assert each[0].mean() > each[1].mean()
