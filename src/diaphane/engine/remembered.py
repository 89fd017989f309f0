"""Which engine was faster, kept between runs in the user's cache; losing it costs a second, and a broken one does no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, get_args

from diaphane.core.provenance import digest
from diaphane.core.storage import write_whole
from diaphane.engine.machine import cache_folder, cores, cpu_flags, cpu_model, version_of
from diaphane.engine.options import EngineName, Options, Precision
from diaphane.errors import StorageError

FILE = "engines.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine and its precision."""

    engine: EngineName
    precision: Precision


@dataclass(frozen=True, slots=True)
class Measured:
    """What a trial found."""

    choice: Choice
    ms: Mapping[str, float]
    """Engine to milliseconds a sample."""

    @property
    def words(self) -> str:
        """``openvino, bfloat16: 15.2 ms a sample, onnxruntime 30.9``."""
        own = self.choice.engine
        others = ", ".join(f"{name} {ms:.1f}" for name, ms in self.ms.items() if name != own)
        return f"{own}, {self.choice.precision}: {self.ms[own]:.1f} ms a sample, {others}"


def key_of(structure: str, shape: tuple[int, ...], options: Options) -> str:
    """Of a network of this structure and sample on this machine."""
    versions = [version_of(name) for name in get_args(EngineName)]
    return digest([cpu_model(), cpu_flags(), cores(), versions, structure, shape, options.precision, options.threads])


def recall(key: str) -> Measured | None:
    """What was found earlier; None where nothing is known, or the file cannot be read."""
    try:
        found = _read()[key]
        choice = Choice(found["engine"], found["precision"])
        ms = {str(name): float(value) for name, value in found["ms"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    sound = choice.engine in get_args(EngineName) and choice.precision in get_args(Precision) and choice.engine in ms
    return Measured(choice, ms) if sound else None


def remember(key: str, measured: Measured) -> Path:
    """Keep it; the file. Where two processes write at once, the later one's entry stays.

    Raises:
        StorageError: It cannot be written.
    """
    path = cache_folder() / FILE
    known = _read() | {key: asdict(measured.choice) | {"ms": dict(measured.ms)}}
    with _writing():
        write_whole(path, (json.dumps(known, indent=1) + "\n").encode())
    return path


def check_writable() -> None:
    """Nothing where what is found can be remembered.

    Raises:
        StorageError: The cache folder cannot be written.
    """
    with _writing():
        cache_folder().mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=cache_folder(), buffering=0) as probe:
            probe.write(b"{}\n")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        cause = problem.__cause__ if isinstance(problem, StorageError) and isinstance(problem.__cause__, OSError) else problem
        raise StorageError(
            f"{cache_folder()}: the cache folder cannot be written ({cause.strerror or cause}), so no other process would learn which engine is faster; "
            "set XDG_CACHE_HOME to a folder that can be"
        ) from cause


@contextmanager
def alone() -> Iterator[None]:
    """While no other process of this user measures; where the cache cannot be written, or the system has no such locks, at once."""
    try:
        import fcntl

        cache_folder().mkdir(parents=True, exist_ok=True)
        lock = (cache_folder() / f"{FILE}.lock").open("w")
    except (ImportError, OSError):
        yield
        return
    with lock:
        with suppress(OSError):  # a network disk without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read() -> dict[str, Any]:
    try:
        known = json.loads((cache_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
