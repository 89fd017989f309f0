"""Networks, loaded and run: one small protocol over the engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.provenance import Ran
from diaphane.engine.bundle import Bundle
from diaphane.engine.choice import choose
from diaphane.engine.header import Header, read_header
from diaphane.engine.onnx_runtime import OnnxRuntimeSession
from diaphane.engine.open_vino import OpenVinoSession
from diaphane.engine.options import PORTABLE, EngineName, Options, Precision
from diaphane.engine.remembered import Choice
from diaphane.errors import BundleError

MANY = 8
"""Pictures from which on a trial of the engines is worth its second; a volume is worth one by itself."""


class Session(Protocol):
    """A network of a bundle, loaded: (batch, channel, …) in, logits (batch, class[, …]) out, both float32."""

    ran: Ran
    """What it runs on."""

    def __call__(self, array: FloatArray, /) -> FloatArray:
        """Run it."""


ENGINES: dict[EngineName, Callable[[bytes, Header, str, Precision, int], Session]] = {"onnxruntime": OnnxRuntimeSession, "openvino": OpenVinoSession}


@dataclass(frozen=True, slots=True)
class _Running:
    options: Options = PORTABLE
    pictures: int = 1
    used: dict[str, Ran] = field(default_factory=dict)


_RUNNING: ContextVar[_Running | None] = ContextVar("running", default=None)
"""How networks are run is the caller's affair, many calls above the stage that runs one; as with decimal's or numpy's settings it holds within a block,
in one thread."""


@contextmanager
def running(options: Options, *, pictures: int = 1) -> Iterator[dict[str, Ran]]:
    """Within this block networks run as ``options`` say, outside of any as ``PORTABLE``; gives a dictionary into which goes what ran each bundle.

    ``pictures`` is how many are ahead, here or in the block around this one: for a few, ``auto`` measures nothing.
    """
    used: dict[str, Ran] = {}
    token = _RUNNING.set(_Running(options, max(pictures, _now().pictures), used))
    try:
        with opencv_threads(options.threads):
            yield used
    finally:
        _RUNNING.reset(token)


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """Within this block OpenCV, which makes pictures ready for networks, takes ``count`` threads in the whole process; 0: as many as it likes."""
    if not count:
        yield
        return
    import cv2  # not for a volume on all cores

    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def memory_limit() -> int | None:
    """Bytes that the process may take at most, where the options of the block say so."""
    options = _now().options
    return options.memory_mb * 1_000_000 or None


def session_of(bundle: Bundle, member: int = 0, options: Options | None = None) -> Session:
    """The session of a bundle's network, or of one in an ensemble, as ``options`` say, else as the block does; several cases in one process share it.

    Raises:
        BundleError: It has no network, the network takes not what the recipe says, or the engine does not load it.
        UsageError: The engine or the precision that is asked for is not here.
    """
    recipe, run = bundle.recipe, _now()
    if recipe.input is None:
        raise BundleError(f"{bundle.name}: has no network")
    worth = recipe.input.is_volume or run.pictures >= MANY
    session = _cached(bundle.members[member], bundle.name, recipe.input.tensor_shape, options or run.options).session(worth)
    run.used[bundle.name] = session.ran
    return session


def probabilities(bundle: Bundle, array: FloatArray, options: Options | None = None) -> FloatArray:
    """Softmax over the classes, (batch, class, …) of a segmentation network, (batch, class) of a classifier; the mean of an ensemble's members.

    ``array`` is (batch, channel, …), of the shape that the recipe's ``tensor_shape`` gives; ``options`` as in ``session_of``.

    Raises:
        BundleError: A network gives another number of classes than the recipe names, or not one for each pixel.
    """
    wanted = (len(array), bundle.recipe.classes, *(array.shape[2:] if bundle.recipe.task == "segment" else ()))
    total = np.empty(0, np.float32)
    for member in range(len(bundle.members)):
        logits = session_of(bundle, member, options)(array)
        if logits.shape != wanted:
            raise BundleError(f"{bundle.name}: the network gives {list(logits.shape)} (batch, class, …), its recipe names {list(wanted)}")
        soft = _softmax(logits)
        total = soft if member == 0 else np.add(total, soft, out=total)
    if len(bundle.members) > 1:
        total /= np.float32(len(bundle.members))
    return np.asarray(total)


def _softmax(logits: FloatArray) -> FloatArray:
    """Over the classes; in the memory of the logits, where they can be written."""
    soft = logits if logits.flags.writeable and logits.dtype == np.float32 else logits.astype(np.float32)
    soft -= soft.max(axis=1, keepdims=True)
    np.exp(soft, out=soft)
    soft /= soft.sum(axis=1, keepdims=True)
    return np.asarray(soft)


def _now() -> _Running:
    return _RUNNING.get() or _Running()


@dataclass(frozen=True, slots=True)
class _Network:
    """A network, and the sessions in which it is loaded: each engine once, a trial's included."""

    weights: bytes
    header: Header
    name: str
    shape: tuple[int, ...]
    options: Options
    taken: dict[bool, Session] = field(default_factory=dict)
    """By whether the work was worth a trial."""
    loaded: dict[Choice, Session] = field(default_factory=dict)

    def session(self, worth: bool) -> Session:
        """That of the chosen engine; what lost a trial is forgotten."""
        if worth not in self.taken:
            self.taken[worth] = self.load(choose(self.header, self.name, self.shape, self.options, self.load if worth else None))
            for choice in [choice for choice, session in self.loaded.items() if session not in self.taken.values()]:
                del self.loaded[choice]
        return self.taken[worth]

    def load(self, choice: Choice) -> Session:
        """Loaded now, or for a trial."""
        if choice not in self.loaded:
            self.loaded[choice] = ENGINES[choice.engine](self.weights, self.header, self.name, choice.precision, self.options.threads)
        return self.loaded[choice]


@lru_cache(maxsize=16)
def _cached(weights: bytes, name: str, shape: tuple[int, ...], options: Options) -> _Network:
    header = read_header(weights, name)
    _check_shape(header, name, shape)
    return _Network(weights, header, name, shape, options)


def _check_shape(header: Header, name: str, shape: tuple[int, ...]) -> None:
    takes = header.takes[1:]
    if len(takes) != len(shape) or any(n not in (None, m) for n, m in zip(takes, shape, strict=True)):
        words = "channels, rows, columns" if len(shape) == 3 else "channels, slices, rows, columns"
        raise BundleError(f"{name}: the network takes {list(takes)}, its recipe says {list(shape)} ({words})")
