from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.networks import threshold_network, volume_recipe, write_made_bundle

from diaphane.core.arrays import FloatArray
from diaphane.core.provenance import Ran
from diaphane.engine import choice, machine, remembered
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.engine.choice import _decided, _here, choose
from diaphane.engine.header import Header
from diaphane.engine.onnx_runtime import providers
from diaphane.engine.open_vino import device_of
from diaphane.engine.options import Options
from diaphane.engine.remembered import Choice, Measured, alone, recall, remember
from diaphane.engine.session import ENGINES, _cached, memory_limit, probabilities, running, session_of
from diaphane.errors import BundleError, StorageError, UsageError

SHAPE = (1, 8, 9)
FLOAT, INT8 = (Header("image", (None, *SHAPE), is_int8, "s") for is_int8 in (False, True))
PORTABLE, FAST = Choice("onnxruntime", "float32"), Choice("openvino", "bfloat16")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _cached.cache_clear()
    yield tmp_path / "diaphane" / "engines.json"
    _cached.cache_clear()


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO is there, with bfloat16."""
    monkeypatch.setattr(choice, "has_openvino", lambda: True)
    monkeypatch.setattr(choice, "runs_bfloat16", lambda: True)


class Engines:
    """Engines that take so long, by a clock that only they move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
        self.seconds, self.now, self.loaded = seconds, 0.0, []
        monkeypatch.setattr(choice.time, "perf_counter", lambda: self.now)

    def __call__(self, chosen: Choice) -> choice.Run:
        self.loaded.append(chosen)

        def run(array: FloatArray) -> FloatArray:
            assert array.shape == (1, *SHAPE)
            self.now += self.seconds[chosen.engine]
            return array

        return run


@pytest.mark.parametrize(("seconds", "wins"), [(0.05, FAST), (0.085, FAST), (0.095, PORTABLE), (0.2, PORTABLE)])
def test_auto_takes_openvino_only_where_it_is_a_tenth_faster(seconds: float, wins: Choice, both: None, monkeypatch: pytest.MonkeyPatch) -> None:
    engines = Engines(monkeypatch, onnxruntime=0.1, openvino=seconds)
    assert choose(FLOAT, "b", SHAPE, Options(), engines) == wins
    assert engines.loaded == [PORTABLE, FAST]
    assert engines.now < 1


def test_decision_is_remembered_for_the_same_network_threads_and_precision_and_said(
    both: None, monkeypatch: pytest.MonkeyPatch, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engines = Engines(monkeypatch, onnxruntime=0.1, openvino=0.05)
    choose(FLOAT, "b", SHAPE, Options(), engines)
    assert f"engine   b by openvino, bfloat16: 50.0 ms a sample, onnxruntime 100.0 (measured, kept in {cache})" in caplog.messages
    _here.cache_clear()  # another process
    assert choose(FLOAT, "b", SHAPE, Options(), engines) == choose(FLOAT, "b", SHAPE, Options(), None) == FAST
    assert len(engines.loaded) == 2
    assert "engine   b by openvino, bfloat16: 50.0 ms a sample, onnxruntime 100.0 (remembered)" in caplog.messages
    for other in (Options(threads=1), Options(precision="float32")):
        assert choose(FLOAT, "b", SHAPE, other, None) == PORTABLE
    assert choose(FLOAT, "b", (1, 9, 9), Options(), None) == PORTABLE
    monkeypatch.setattr(remembered, "cpu_model", lambda: "another")
    assert choose(FLOAT, "b", SHAPE, Options(), None) == PORTABLE


def test_without_memory_of_it_short_work_is_not_preceded_by_a_trial(both: None, cache: Path) -> None:
    assert choose(FLOAT, "b", SHAPE, Options(), None) == PORTABLE
    assert not cache.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"x"', '{"k": 3}', '{"k": {"engine": "quantum", "precision": "float32", "ms": {"quantum": 1}}}',
             '{"k": {"engine": "openvino", "precision": "float32", "ms": {}}}', '{"k": {"engine": "openvino", "precision": "float32", "ms": 1}}', "\x00\xff"],
)  # fmt: skip
def test_broken_cache_does_no_harm_and_is_written_anew(text: str, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(text.encode("latin-1"))
    assert recall("k") is None
    known = Measured(FAST, {"onnxruntime": 3.0, "openvino": 2.0})
    assert remember("k", known) == cache
    assert recall("k") == known
    assert json.loads(cache.read_text())["k"]["engine"] == "openvino"


def test_where_nothing_can_be_remembered_all_processes_take_onnx_runtime_unmeasured_and_say_why_once(
    both: None, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cache.parent.write_text("a file where the folder should be")
    engines = Engines(monkeypatch, onnxruntime=0.1, openvino=0.05)
    assert [choose(FLOAT, "b", SHAPE, Options(), engines) for _ in range(2)] == [PORTABLE, PORTABLE]
    assert engines.loaded == []
    (line,) = caplog.messages
    assert line.startswith(f"engine   b by onnxruntime: {cache.parent}: the cache folder cannot be written (")
    assert line.endswith("so no other process would learn which engine is faster; set XDG_CACHE_HOME to a folder that can be")
    with pytest.raises(StorageError, match="set XDG_CACHE_HOME") as raised:
        remember("k", Measured(FAST, {"openvino": 2.0}))
    assert "--out" not in str(raised.value)
    assert recall("k") is None


def test_what_is_measured_and_then_cannot_be_remembered_is_not_used(
    both: None, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir(parents=True)  # a folder where the file should be
    engines = Engines(monkeypatch, onnxruntime=0.1, openvino=0.05)
    assert [choose(FLOAT, "b", SHAPE, Options(), engines) for _ in range(2)] == [PORTABLE, PORTABLE]
    assert len(engines.loaded) == 2
    assert ["set XDG_CACHE_HOME" in line for line in caplog.messages] == [True]
    assert list(cache.parent.glob("*.partial")) == []


def test_process_keeps_to_its_decision_when_the_cache_is_lost(both: None, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(FLOAT, "b", SHAPE, Options(), Engines(monkeypatch, onnxruntime=0.1, openvino=0.05)) == FAST
    cache.unlink()
    assert choose(FLOAT, "b", SHAPE, Options(), Engines(monkeypatch, onnxruntime=0.1, openvino=0.2)) == FAST


class Loaded:
    """An engine that counts its loads."""

    loads: list[str]

    def __init__(self, engine: str) -> None:
        self.ran = Ran(engine=engine, version="1", device="CPU", precision="float32", threads=0)
        self.loads.append(engine)

    def __call__(self, array: FloatArray) -> FloatArray:
        return array


@pytest.mark.parametrize("seconds", [0.05, 0.2])
def test_each_network_is_loaded_once_by_each_engine_and_members_agree(seconds: float, both: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Loaded.loads = []
    for engine in ("onnxruntime", "openvino"):
        monkeypatch.setitem(ENGINES, engine, lambda *_, engine=engine: Loaded(engine))
    faster = seconds / 0.1 < choice.GAIN
    trials = []

    def trial(portable: Choice, fast: Choice, shape: tuple[int, ...], load: Callable[[Choice], Loaded]) -> Measured:
        trials.append([load(portable), load(fast)])
        return Measured(fast if faster else portable, {"onnxruntime": 0.1, "openvino": seconds})

    monkeypatch.setattr(choice, "_trial", trial)
    networks = [threshold_network(SHAPE, [level]) for level in (0.1, 0.2)]
    bundle = open_bundle(write_made_bundle(tmp_path / "b", volume_recipe(SHAPE, (1, 1, 1)), networks))
    assert session_of(bundle, 0, Options()) is trials[0][faster]
    assert [session_of(bundle, n, Options()).ran.engine for n in (0, 1, 0)] == [("onnxruntime", "openvino")[faster]] * 3
    assert Loaded.loads == ["onnxruntime", "openvino", ("onnxruntime", "openvino")[faster]]


def test_trial_waits_for_that_of_another_process_and_takes_what_it_found(cache: Path) -> None:
    found = Measured(Choice("openvino", "float32"), {"openvino": 1.0, "onnxruntime": 2.0})

    def trial() -> Measured:
        raise RuntimeError("measured although it is known")

    with ThreadPoolExecutor(1) as pool:
        with alone():
            waiting = pool.submit(_decided, "key", trial)
            time.sleep(0.1)
            assert not waiting.done()
            remember("key", found)
        assert waiting.result(10) == (found, "remembered")


def test_openvino_that_does_not_load_a_network_leaves_it_to_onnx_runtime(both: None, caplog: pytest.LogCaptureFixture) -> None:
    def load(chosen: Choice) -> choice.Run:
        if chosen == FAST:
            raise BundleError("b: OpenVINO cannot load the network")
        return lambda array: array

    assert choose(FLOAT, "b", SHAPE, Options(), load) == PORTABLE
    assert "engine   b by onnxruntime: b: OpenVINO cannot load the network" in caplog.messages


def test_what_is_asked_for_is_taken(both: None) -> None:
    taken = {(engine, precision): choose(FLOAT, "b", SHAPE, Options(engine=engine, precision=precision), None) for engine, precision in (
        ("onnxruntime", "auto"), ("onnxruntime", "float32"), ("openvino", "auto"), ("openvino", "float32"), ("auto", "bfloat16"), ("openvino", "bfloat16"),
    )}  # fmt: skip
    assert list(taken.values()) == [PORTABLE, PORTABLE, FAST, Choice("openvino", "float32"), FAST, FAST]
    assert choose(INT8, "b", SHAPE, Options(engine="onnxruntime"), None) == Choice("onnxruntime", "int8")
    assert choose(INT8, "b", SHAPE, Options(engine="openvino", precision="int8"), None) == Choice("openvino", "int8")


def test_what_is_not_here_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "has_openvino", lambda: False)
    assert choose(FLOAT, "b", SHAPE, Options(), None) == PORTABLE
    with pytest.raises(UsageError, match=r"bfloat16 needs the engine openvino: pip install \"diaphane\[openvino\]\""):
        choose(FLOAT, "b", SHAPE, Options(precision="bfloat16"), None)
    monkeypatch.setattr(choice, "has_openvino", lambda: True)
    monkeypatch.setattr(choice, "runs_bfloat16", lambda: False)
    with pytest.raises(UsageError, match="a processor that lists it"):
        choose(FLOAT, "b", SHAPE, Options(precision="bfloat16"), None)
    assert choose(FLOAT, "b", SHAPE, Options(engine="openvino"), None) == Choice("openvino", "float32")
    with pytest.raises(UsageError, match="b: is no int8 bundle; make one: diaphane models quantise b"):
        choose(FLOAT, "b", SHAPE, Options(precision="int8"), None)
    with pytest.raises(UsageError, match="was quantised to int8, float32 was asked for"):
        choose(INT8, "b", SHAPE, Options(precision="float32"), None)


@pytest.mark.parametrize(("listed", "has"), [("flags : avx2 avx512_bf16", True), ("flags : avx2 avx512f", False), ("Features : asimd bf16", True)])
def test_bfloat16_is_there_where_the_processor_lists_it(listed: str, has: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(f"model name : Some CPU\n{listed}\n")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    machine.cpu_flags.cache_clear()
    try:
        assert machine.has_bfloat16() is has
    finally:
        monkeypatch.undo()
        machine.cpu_flags.cache_clear()


def test_graphics_processors_come_first_where_they_are() -> None:
    names = [p if isinstance(p, str) else p[0] for p in providers(["CPUExecutionProvider", "AzureExecutionProvider", "CUDAExecutionProvider"])]
    assert names == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers(["AzureExecutionProvider", "CPUExecutionProvider"]) == ["CPUExecutionProvider"]
    assert [device_of(d) for d in (["CPU"], ["CPU", "GPU.0", "GPU.1"], ["CPU", "NPU"])] == ["CPU", "GPU.0", "CPU"]


def test_options_out_of_range_are_refused() -> None:
    for wrong, says in (
        ({"threads": -1}, "threads must lie"),
        ({"memory_mb": -5}, "memory_mb must"),
        ({"engine": "onnxruntime", "precision": "bfloat16"}, "bfl"),
    ):
        with pytest.raises(ValueError, match=says):
            Options(**wrong)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle("skin_lesion")


def test_options_hold_within_their_block_and_what_ran_is_told(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "has_openvino", lambda: False)
    x = np.zeros((1, 3, 144, 192), np.float32)
    with running(Options(threads=1, memory_mb=500)) as used:
        assert memory_limit() == 500_000_000
        with running(Options(engine="onnxruntime", threads=2)) as inner:
            assert memory_limit() is None
            probabilities(bundle, x)
        assert used == {}
        probabilities(bundle, x)
    assert memory_limit() is None
    assert (used["skin_lesion"].threads, inner["skin_lesion"].threads) == (1, 2)
    assert used["skin_lesion"].words.startswith("onnxruntime ")
    assert used["skin_lesion"].words.endswith(" on CPU, float32, 1 thread")


def test_a_folder_of_pictures_is_worth_a_trial_and_one_picture_is_not(bundle: Bundle, both: None, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    monkeypatch.setattr("diaphane.engine.session.choose", lambda header, name, shape, options, load: loads.append(load) or PORTABLE)
    x = np.zeros((1, 3, 144, 192), np.float32)
    for around, pictures in ((1, 1), (7, 1), (8, 1), (1, 300)):
        with running(Options(), pictures=around), running(Options(), pictures=pictures):
            probabilities(bundle, x)
    assert [load is not None for load in loads] == [False, True]


def test_work_short_and_long_share_the_loaded_network(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "has_openvino", lambda: False)
    with running(Options()):
        short = session_of(bundle)
    with running(Options(), pictures=20):
        assert session_of(bundle) is short
