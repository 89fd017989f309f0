"""What runs the networks, as the command line is told and tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diaphane.cli.main import main
from diaphane.core.arrays import BoolArray
from diaphane.engine.machine import has_openvino

MADE = tuple[Path, BoolArray]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def segment(made: MADE, out: Path, *words: str) -> bytes:
    assert main(["segment", str(made[0]), "--bundle", "skin_lesion", "--probabilities", "--out", str(out), *words]) in (0, 4)
    return b"".join(path.read_bytes() for path in sorted(out.iterdir()))


def test_two_runs_with_the_same_engine_precision_and_threads_give_the_same_files(made: MADE, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--engine", "onnxruntime", "--precision", "float32", "--threads", "1")
    assert segment(made, tmp_path / "a", *words) == segment(made, tmp_path / "b", *words)
    assert "skin_lesion was run by onnxruntime " in (said := capsys.readouterr().err)
    assert "on CPU, float32, 1 thread" in said


def test_one_picture_is_run_without_a_trial_and_leaves_no_cache(made: MADE, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segment(made, tmp_path / "a")
    assert "skin_lesion was run by onnxruntime" in capsys.readouterr().err
    assert not cache.exists()


@pytest.mark.skipif(not has_openvino(), reason="needs the extra 'openvino'")
def test_openvino_runs_a_bundle_where_it_is_asked_for(made: MADE, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segment(made, tmp_path / "a", "--engine", "openvino", "--precision", "float32", "--threads", "1")
    assert "skin_lesion was run by openvino 20" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--engine", "onnxruntime", "--precision", "bfloat16"), "for bfloat16 leave engine on auto or take openvino"),
        (("--threads", "-2"), "threads must lie between 0 and 1024"),
        (("--precision", "int8"), "is no int8 bundle; make one: diaphane models quantise skin_lesion"),
    ],
)
def test_contradicting_or_impossible_wishes_are_wrong_use(
    words: tuple[str, ...], says: str, made: MADE, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(made[0]), "--bundle", "skin_lesion", "--out", str(tmp_path / "a"), *words]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_quantise_needs_all_three_and_the_other_actions_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "quantise", "skin_lesion"]) == 2
    assert "diaphane models quantise BUNDLE --data DATASET --out DIR" in capsys.readouterr().err
    assert main(["models", "list", "skin_lesion"]) == 2
    assert "NAME belongs to pull and quantise; leave it out of list" in capsys.readouterr().err


def test_doctor_lists_engines_and_the_processor_and_how_to_get_what_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert any(engine.startswith("onnxruntime ") for engine in found["engines"])
    assert found["cpu"]["cores"] >= 1 and found["cpu"]["model"]
    if has_openvino():
        assert any(engine.startswith("openvino 20") and "CPU, float32" in engine for engine in found["engines"])
    else:
        assert 'pip install "diaphane[openvino]"' in found["missing"]["openvino"]
