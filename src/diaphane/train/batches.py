"""Batches as a pure function of seed and step: a resumed training needs no random state to see the same pictures."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.errors import UsageError
from diaphane.train.arrays import Stored
from diaphane.train.augment import Triple, apply, draw
from diaphane.train.recipe import AugmentTable, LoopTable

Batch = tuple[FloatArray, IntArray]
PASSES, SAMPLES = 0, 1
"""Two streams of one seed."""
AHEAD = 2
"""Batches computed before they are asked for."""


class Items(Protocol):
    """Prepared items by name."""

    def __getitem__(self, name: str) -> Stored: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """What is seen at each step.

    Samples form an endless sequence of passes, each of which holds every name once, shuffled; step n takes the samples from
    n x batch_size on. A sample depends on the seed and its own number alone.

    Raises:
        UsageError: No names.
    """

    arrays: Items
    names: tuple[str, ...]
    """Of the items that are learnt from: no other is looked at."""
    size: Triple
    """Slices, rows, columns of what the network sees; 1 slice: a 2-D network."""
    loop: LoopTable
    augment: AugmentTable
    task: Literal["segment", "classify"]
    seed: int
    share: slice = field(default_factory=lambda: slice(None))
    """Which samples of each step are made here; the others are another process's."""

    def __post_init__(self) -> None:
        if not self.names:
            raise UsageError("a training needs at least one item to learn from, got none")

    @property
    def items(self) -> int:
        """How many samples a pass has."""
        return len(self.names)

    def batch(self, step: int) -> Batch:
        """Samples of ``step``, from 0.

        Shape: x (batch, channel, rows, columns), or (batch, channel, slices, rows, columns) where the window has several slices,
        float32; y the same without channel, int64. Of data sets of classes y is (batch,), counted from 0.
        """
        first = step * self.loop.batch_size
        samples = [self.sample(number) for number in range(first, first + self.loop.batch_size)[self.share]]
        return np.stack([x for x, _ in samples]), np.stack([y for _, y in samples])

    def sample(self, number: int) -> tuple[FloatArray, IntArray]:
        """The sample of this number in the endless sequence."""
        rng = np.random.default_rng([self.seed, SAMPLES, number])
        stored = self.arrays[self.name(number)]
        drawn = draw(self.augment, self.size, len(stored.x), rng)
        x, y = apply(drawn, stored.x, stored.y, self._start(stored, rng), self.size)
        flat = self.size[0] == 1
        if self.task == "classify" or y is None:
            return (x[:, 0] if flat else x), np.array(stored.target - 1, np.int64)
        return (x[:, 0], y[0].astype(np.int64)) if flat else (x, y.astype(np.int64))

    def name(self, number: int) -> str:
        """The item that a sample is taken from."""
        which, place = divmod(number, len(self.names))
        return self.names[int(_order(self.seed, which, len(self.names))[place])]

    def _start(self, stored: Stored, rng: np.random.Generator) -> Triple:
        """Where the window begins: within the volume as far as it fits, else around its middle."""
        room = np.array(stored.x.shape[1:]) - self.size
        start = rng.integers(0, np.maximum(room, 0), endpoint=True)
        if stored.places and rng.random() < self.loop.foreground:
            voxels = stored.places[int(rng.choice(list(stored.places)))]
            start = voxels[rng.integers(len(voxels))] - np.array(self.size) // 2
        k, j, i = np.where(room > 0, np.clip(start, 0, np.maximum(room, 0)), room // 2).tolist()
        return k, j, i


@lru_cache(maxsize=2)
def _order(seed: int, which: int, items: int) -> IntArray:
    """Of the items in one pass."""
    return np.random.default_rng([seed, PASSES, which]).permutation(items)


class Prefetched:
    """Batches from ``first`` up to ``last``, computed ahead in one background thread, which ends with ``close`` or at the end."""

    def __init__(self, batch: Callable[[int], Batch], first: int, last: int) -> None:
        self.waited_s = 0.0
        """How long the caller has waited for data."""
        self._batch = batch
        self._steps = range(first, last)
        self._ready: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="batches", daemon=True)
        self._cv2_threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # the cores are the network's
        self._thread.start()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._closed.is_set():
            raise StopIteration
        began = time.perf_counter()
        found = self._ready.get()
        self.waited_s += time.perf_counter() - began
        if found is None or isinstance(found, BaseException):
            self.close()
            raise StopIteration if found is None else found
        return found

    def __enter__(self) -> Prefetched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; nothing more is given."""
        self._closed.set()
        while not self._ready.empty():
            self._ready.get_nowait()
        self._thread.join()
        cv2.setNumThreads(self._cv2_threads)

    def _fill(self) -> None:
        try:
            for step in self._steps:
                if not self._put(self._batch(step)):
                    return
            self._put(None)
        except BaseException as problem:  # raised again where the batch is asked for
            self._put(problem)

    def _put(self, found: Batch | BaseException | None) -> bool:
        """Whether it could be handed over before the end."""
        while not self._closed.is_set():
            try:
                self._ready.put(found, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False


def prefetched(batches: Batches, first: int, last: int) -> Prefetched:
    """The batches of the steps from ``first`` up to, but without, ``last``; use it as a context, or close it."""
    return Prefetched(batches.batch, first, last)
