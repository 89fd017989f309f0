"""Batches: a pure function of seed and step."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import IntArray
from diaphane.errors import UsageError
from diaphane.train.arrays import Stored
from diaphane.train.batches import Batch, Batches, Prefetched, prefetched
from diaphane.train.losses import IGNORE
from diaphane.train.recipe import AugmentTable, LoopTable

LOOP = LoopTable(
    steps=10, batch_size=3, loss="dice_cross_entropy", optimizer="adamw", learning_rate=1e-3, weight_decay=0, schedule="poly", warmup_steps=0, clip_norm=5,
    ema=0.9, foreground=0.5, precision="float32", channels_last=False, validations=1, validation_items=1, checkpoint_minutes=1,
)  # fmt: skip
STILL = AugmentTable(
    flip=(False, False, False), rotation_deg=0, rotation_out_deg=0, scale=0, shift=0, gain=0, offset=0, gamma=0, noise=0, blur=0
)  # fmt: skip
FULL = AugmentTable(
    flip=(True, True, True), rotation_deg=40, rotation_out_deg=20, scale=0.3, shift=0.1, gain=0.3, offset=0.2, gamma=0.4, noise=0.1, blur=1.0
)  # fmt: skip


class InMemory:
    """Arrays without a disk; counts what was asked for."""

    def __init__(self, shape: tuple[int, ...], count: int = 7, *, classes: bool = False) -> None:
        self.asked: Counter[str] = Counter()
        self._items: Mapping[str, Stored] = {f"item{n}": self._item(shape, n, classes) for n in range(count)}

    def __getitem__(self, name: str) -> Stored:
        self.asked[name] += 1
        return self._items[name]

    @staticmethod
    def _item(shape: tuple[int, ...], n: int, classes: bool) -> Stored:
        y = np.zeros(shape[1:], np.uint8)
        y[..., -3:, -4:] = 1
        y[..., :1, :1] = 2
        x = np.full(shape, n, np.float16)
        x[0] += 10 * np.arange(shape[1], dtype=np.float16)[:, None, None]  # the slice can be told from the value
        places: dict[int, IntArray] = {v: np.argwhere(y == v) for v in (1, 2)}
        return Stored(x, None, n + 1, {}) if classes else Stored(x, y, 0, places)


def batches(arrays: InMemory, size: tuple[int, int, int], augment: AugmentTable = FULL, *, seed: int = 4, foreground: float = 0.5) -> Batches:
    names = tuple(f"item{n}" for n in range(5))
    task: Literal["segment", "classify"] = "segment" if arrays["item0"].places else "classify"
    loop = replace(LOOP, foreground=foreground)
    arrays.asked.clear()
    return Batches(arrays=arrays, names=names, size=size, loop=loop, augment=augment, task=task, seed=seed)  # type: ignore[arg-type]


def same(a: Batch, b: Batch) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


KINDS = pytest.mark.parametrize(
    ("shape", "size", "x", "y"),
    [
        ((3, 1, 20, 24), (1, 20, 24), (3, 3, 20, 24), (3, 20, 24)),
        ((1, 12, 20, 24), (8, 12, 10), (3, 1, 8, 12, 10), (3, 8, 12, 10)),
        ((1, 12, 20, 24), (16, 24, 28), (3, 1, 16, 24, 28), (3, 16, 24, 28)),
        ((1, 12, 20, 24), (1, 16, 16), (3, 1, 16, 16), (3, 16, 16)),
    ],
)


@KINDS
def test_batch_depends_on_seed_and_step_alone(shape: tuple[int, ...], size: tuple[int, int, int], x: tuple[int, ...], y: tuple[int, ...]) -> None:
    one, other = batches(InMemory(shape), size), batches(InMemory(shape), size)
    for step in (3, 0, 3):
        assert same(one.batch(step), other.batch(step))
    assert not same(one.batch(3), one.batch(4))
    assert not same(one.batch(3), batches(InMemory(shape), size, seed=5).batch(3))
    images, labels = one.batch(0)
    assert (images.shape, images.dtype) == (x, np.float32)
    assert (labels.shape, labels.dtype) == (y, np.int64)
    assert set(np.unique(labels)) <= {0, 1, 2, IGNORE}


@pytest.mark.parametrize("first", [0, 5, 7])
def test_ahead_from_any_step_is_the_same_as_one_by_one(first: int) -> None:
    made = batches(InMemory((3, 1, 20, 24)), (1, 20, 24))
    with closing(prefetched(made, first, 9)) as ahead:
        found = list(ahead)
    assert len(found) == 9 - first
    assert all(same(b, made.batch(first + n)) for n, b in enumerate(found))
    assert ahead.waited_s > 0


def test_each_item_is_seen_once_a_pass_in_another_order_and_no_other_ever() -> None:
    arrays = InMemory((3, 1, 20, 24), count=9)
    made = batches(arrays, (1, 20, 24))
    passes = [[made.name(5 * p + n) for n in range(5)] for p in range(20)]
    assert all(sorted(seen) == sorted(made.names) for seen in passes)
    assert len({tuple(seen) for seen in passes}) > 10
    for step in range(10):  # 30 samples, 6 passes
        made.batch(step)
    assert arrays.asked == dict.fromkeys(made.names, 6)
    assert made.items == 5


def test_window_lies_in_the_volume_and_reaches_all_of_it() -> None:
    made = batches(InMemory((1, 12, 20, 24)), (4, 20, 24), STILL, foreground=0)
    firsts = set()
    for step in range(40):
        x, y = made.batch(step)
        assert (y != IGNORE).all()
        firsts |= {int(v) // 10 for v in x[:, 0, 0, 0, 0]}
    assert firsts == set(range(9))


def test_2d_network_gets_any_slice_of_a_volume() -> None:
    made = batches(InMemory((1, 12, 20, 24)), (1, 20, 24), STILL, foreground=0)
    assert {int(v) // 10 for step in range(60) for v in made.batch(step)[0][:, 0, 0, 0]} == set(range(12))


def test_share_of_windows_on_structures_is_as_asked_and_rare_labels_count_as_much() -> None:
    def seen(foreground: float) -> dict[int, float]:
        made = batches(InMemory((1, 12, 40, 44)), (4, 8, 8), STILL, foreground=foreground)
        labels = [made.sample(n)[1] for n in range(300)]
        return {value: float(np.mean([(y == value).any() for y in labels])) for value in (1, 2)}

    always, never = seen(1), seen(0)
    assert always[1] + always[2] == 1
    assert always[2] == pytest.approx(0.5, abs=0.1)
    assert never[1] + never[2] < 0.1


def test_of_classes_the_targets_count_from_0() -> None:
    made = batches(InMemory((3, 1, 20, 24), classes=True), (1, 20, 24))
    x, y = made.batch(2)
    assert x.shape == (3, 3, 20, 24)
    assert y.dtype == np.int64
    assert y.tolist() == [int(made.name(n)[4:]) for n in (6, 7, 8)]


def test_volume_smaller_than_the_window_lies_in_its_middle() -> None:
    made = batches(InMemory((1, 12, 20, 24)), (16, 24, 28), STILL)
    _, y = made.sample(0)
    assert (y[2:14, 2:22, 2:26] != IGNORE).all()
    assert (y != IGNORE).sum() == 12 * 20 * 24


def test_closing_ends_the_thread_and_gives_cv2_its_threads_back() -> None:
    before = cv2.getNumThreads()
    ahead = prefetched(batches(InMemory((3, 1, 20, 24)), (1, 20, 24)), 0, 10**9)
    next(ahead)
    ahead.close()
    ahead.close()
    assert not any(t.name == "batches" for t in threading.enumerate())
    assert list(ahead) == []
    assert cv2.getNumThreads() == before


def test_problem_in_the_thread_is_raised_where_the_batch_is_asked_for() -> None:
    def batch(step: int) -> Batch:
        if step == 2:
            raise MemoryError("no room for step 2")
        return np.zeros(1), np.zeros(1, int)

    ahead = Prefetched(batch, 0, 5)
    next(ahead)
    next(ahead)
    with pytest.raises(MemoryError, match="no room for step 2"):
        next(ahead)
    assert not any(t.name == "batches" for t in threading.enumerate())


def test_waiting_is_counted_and_computing_ahead_hides_it() -> None:
    def slow(step: int) -> Batch:
        time.sleep(0.03)
        return np.zeros(1), np.zeros(1, int)

    with closing(Prefetched(slow, 0, 6)) as ahead:
        for _ in ahead:
            time.sleep(0.06)
        hidden = ahead.waited_s
    with closing(Prefetched(slow, 0, 6)) as ahead:
        list(ahead)
        waited = ahead.waited_s
    assert waited > 0.15
    assert hidden < waited / 2


def test_training_without_items_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one item to learn from"):
        Batches(arrays=InMemory((3, 1, 20, 24)), names=(), size=(1, 20, 24), loop=LOOP, augment=FULL, task="segment", seed=0)  # type: ignore[arg-type]
