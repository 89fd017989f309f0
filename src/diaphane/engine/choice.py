"""Which engine runs a network: as asked, as remembered, as measured, else ONNX Runtime."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.engine.header import Header
from diaphane.engine.machine import cache_folder, has_openvino
from diaphane.engine.open_vino import HOW, runs_bfloat16
from diaphane.engine.options import Options
from diaphane.engine.remembered import Choice, Measured, alone, check_writable, key_of, recall, remember
from diaphane.errors import BundleError, StorageError, UsageError

log = logging.getLogger(__name__)
Run = Callable[[FloatArray], FloatArray]
ROUNDS, SECONDS = 5, 0.4
"""A trial ends after so many rounds, or once it took so long."""
GAIN = 0.9
"""OpenVINO is taken where it needs at most this share of ONNX Runtime's time: for less, the portable result is worth more."""


def choose(header: Header, name: str, shape: tuple[int, ...], options: Options, load: Callable[[Choice], Run] | None) -> Choice:
    """For the network ``name`` with samples of ``shape``; ``load`` loads it for a trial, None: the work ahead is too short for one.

    Raises:
        UsageError: What ``options`` ask for is not here, or the network was not made for it.
    """
    _check_precision(header, name, options)
    portable = Choice("onnxruntime", "int8" if header.is_int8 else "float32")
    if options.engine == "onnxruntime" or (options.engine == "auto" and options.precision != "bfloat16" and not has_openvino()):
        return portable
    if options.engine == "openvino" or options.precision == "bfloat16":
        return _fast(header, options)
    key, here = key_of(header.structure, shape, options), _here(cache_folder())
    if (name, key) not in here:
        if known := recall(key):
            log.info("engine   %s by %s (remembered)", name, known.words)
            here[name, key] = known.choice
        elif load is None:
            return portable
        else:
            here[name, key] = _measured(name, key, portable, lambda: _trial(portable, _fast(header, options), shape, load))
    return here[name, key]


@cache
def _here(folder: Path) -> dict[tuple[str, str], Choice]:
    """What this process has settled, by bundle and key: the members of an ensemble agree, whatever becomes of the cache ``folder`` meanwhile."""
    return {}


def _measured(name: str, key: str, portable: Choice, trial: Callable[[], Measured]) -> Choice:
    """What was faster; ``portable`` where OpenVINO does not load the network, or other processes would not learn what is found."""
    try:
        measured, how = _decided(key, trial)
    except (BundleError, StorageError) as problem:
        log.warning("engine   %s by onnxruntime: %s", name, problem)
        return portable
    log.info("engine   %s by %s (%s)", name, measured.words, how)
    return measured.choice


def _decided(key: str, trial: Callable[[], Measured]) -> tuple[Measured, str]:
    """What ``trial`` finds, or another process has found meanwhile, and how it is known.

    A trial beside another tells little, and the processes of one batch must decide alike.

    Raises:
        StorageError: What is found would not be remembered.
    """
    check_writable()
    with alone():
        if known := recall(key):
            return known, "remembered"
        measured = trial()
        return measured, f"measured, kept in {remember(key, measured)}"


def _check_precision(header: Header, name: str, options: Options) -> None:
    if header.is_int8 and options.precision in ("float32", "bfloat16"):
        raise UsageError(f"{name}: was quantised to int8, {options.precision} was asked for; take the bundle that it was made from")
    if options.precision == "int8" and not header.is_int8:
        raise UsageError(f"{name}: is no int8 bundle; make one: diaphane models quantise {name} --data DATASET --out BUNDLE8, then --bundle BUNDLE8")


def _fast(header: Header, options: Options) -> Choice:
    """OpenVINO in the precision that was asked for, or its fastest that keeps the result."""
    if header.is_int8:
        return Choice("openvino", "int8")
    if options.precision == "bfloat16" and not has_openvino():
        raise UsageError(f"bfloat16 needs the engine openvino: {HOW}, or take float32")
    able = options.precision != "float32" and runs_bfloat16()
    if options.precision == "bfloat16" and not able:
        raise UsageError("bfloat16 needs a processor that lists it (avx512_bf16, amx_bf16, bf16; diaphane doctor shows what it lists); take auto or float32")
    return Choice("openvino", "bfloat16" if able else "float32")


def _trial(portable: Choice, fast: Choice, shape: tuple[int, ...], load: Callable[[Choice], Run]) -> Measured:
    """Both on one sample of noise, in turns; each counts by its fastest round."""
    sample = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    runs = {choice.engine: load(choice) for choice in (portable, fast)}
    best: dict[str, float] = dict.fromkeys(runs, float("inf"))
    for run in runs.values():
        run(sample)
    begun, rounds = time.perf_counter(), 0
    while rounds == 0 or (rounds < ROUNDS and time.perf_counter() - begun < SECONDS):
        for engine, run in runs.items():
            start = time.perf_counter()
            run(sample)
            best[engine] = min(best[engine], 1000 * (time.perf_counter() - start))
        rounds += 1
    faster = fast if best["openvino"] <= GAIN * best["onnxruntime"] else portable
    return Measured(faster, best)
