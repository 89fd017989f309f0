"""The command line: what each command gives, and one message with the right exit code for every bad input."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diaphane import zoo
from diaphane.cli.main import COMMANDS, main
from diaphane.core.arrays import BoolArray
from diaphane.core.provenance import sha256_of
from diaphane.engine.pinned import SETS, is_here
from diaphane.ops.picture import read_png, write_png


def one_message(done: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("diaphane ")]
    assert len(lines) == 1, done.stderr
    for words in says:
        assert words in lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_its_use(cli, command: str) -> None:
    done = cli(command, "--help")
    assert done.returncode == 0
    assert f"usage: diaphane {command}" in done.stdout
    assert len(done.stdout.splitlines()) > 6


def test_unknown_command_and_missing_argument_are_wrong_use(cli) -> None:
    assert cli("runn").returncode == 2
    assert cli().returncode == 2
    assert cli("run").returncode == 2
    assert cli("--version").stdout.startswith("diaphane 0.")


def bad_inputs(folder: Path, whole: Path) -> dict[str, tuple[Path, str]]:
    (folder / "empty").mkdir()
    (folder / "text.png").write_text("dear colleague")
    (folder / "zero.png").touch()
    (folder / "half.png").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return {
        "missing": (folder / "none.png", "no such file"),
        "empty folder": (folder / "empty", "no picture in this folder"),
        "text": (folder / "text.png", "not a picture"),
        "zero bytes": (folder / "zero.png", "0 bytes"),
        "truncated": (folder / "half.png", "damaged or truncated"),
    }


@pytest.mark.parametrize("kind", ["missing", "empty folder", "text", "zero bytes", "truncated"])
def test_bad_input_gives_one_message_and_leaves_nothing(kind: str, cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    path, says = bad_inputs(tmp_path, made[0])[kind]
    one_message(cli("run", path, "--out", tmp_path / "case"), 2, says)
    assert not (tmp_path / "case").exists()
    done = cli("segment", path, "--bundle", "skin_lesion", "--out", tmp_path / "labels")
    one_message(done, 2, says)
    assert not (tmp_path / "labels").exists()


def test_debug_shows_the_traceback(cli, tmp_path: Path) -> None:
    assert "Traceback" in cli("info", tmp_path / "none.png", "--debug").stderr


def test_unknown_key_in_a_plan_is_named_with_the_nearest(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("[measure]\nbin_cuont = 16\n")
    one_message(cli("run", made[0], "--out", tmp_path / "case", "--plan", tmp_path / "plan.toml"), 2, "unknown key 'bin_cuont'", "did you mean 'bin_count'?")
    assert not (tmp_path / "case").exists()


def test_values_out_of_range_are_refused(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    one_message(cli("run", made[0], "--out", tmp_path / "case", "--spacing-mm", "-1"), 2, "spacing_mm must lie between 0.0001 and 1000")
    done = cli("segment", made[0], "--bundle", "skin_lesion", "--out", tmp_path / "x", "--threshold", "2")
    one_message(done, 2, "threshold must lie between 0 and 1")


def test_bundle_with_a_wrong_checksum_fails(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(zoo.path("skin_lesion"), tmp_path / "bundle"))
    data = bytearray((bundle / "model.onnx").read_bytes())
    data[-1] ^= 1
    (bundle / "model.onnx").write_bytes(data)
    (tmp_path / "plan.toml").write_text(f'[segment]\nbundle = "{bundle}"\n')
    one_message(cli("run", made[0], "--out", tmp_path / "case", "--plan", tmp_path / "plan.toml"), 1, "wrong checksum")
    one_message(cli("segment", made[0], "--bundle", bundle, "--out", tmp_path / "labels"), 1, "wrong checksum")
    assert not (tmp_path / "labels").exists()


@pytest.mark.parametrize("limit", [2_000, 60_000, 130_000])
def test_no_space_to_write_fails_in_words_and_leaves_no_half_file(limit: int, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    """The kernel refuses files above the limit, as a full disk would refuse any; then there is room, and the run goes on."""
    code = (
        "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        f"from diaphane.cli.main import main\nsys.exit(main(['run', {str(made[0])!r}, '--out', {str(tmp_path / 'case')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    one_message(done, 1, "cannot be written", "make room, or give --out another place", "the same command goes on")
    left = {p: sha256_of(p) for p in (tmp_path / "case").rglob("*") if p.is_file() and p.name != "case.json"}
    assert not any(".partial" in str(p) for p in left)
    assert main(["run", str(made[0]), "--out", str(tmp_path / "case")]) == 0
    assert {p: sha256_of(p) for p in left} == left


def test_folder_that_may_not_be_written_or_holds_other_things(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    one_message(cli("run", made[0], "--out", tmp_path / "file" / "case"), 1, "cannot be written")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("x")
    one_message(cli("run", made[0], "--out", tmp_path / "mine"), 2, "not empty and holds no case.json")


def test_segment_writes_what_was_asked_for(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    assert cli("segment", made[0], "--bundle", "skin_lesion", "--out", tmp_path / "plain").returncode == 0
    assert [p.name for p in (tmp_path / "plain").iterdir()] == ["lesion.png"]
    done = cli(
        "segment", made[0], "--bundle", "skin_lesion", "--out", tmp_path / "all", "--overlay", "--colormap", "jet", "--probabilities", "--threshold", "0.4"
    )
    assert done.returncode == 0
    assert {p.name for p in (tmp_path / "all").iterdir()} == {"lesion.png", "lesion_overlay.png", "lesion_probability.png", "lesion_uncertainty.png"}
    assert read_png(tmp_path / "all/lesion_overlay.png").shape == (192, 256, 3)
    assert 0 < (read_png(tmp_path / "plain/lesion.png") > 0).sum() < (read_png(tmp_path / "all/lesion.png") > 0).sum()


def test_segment_refuses_a_picture_of_another_kind_and_a_classifier(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    done = cli("segment", made[0], "--bundle", "lungs", "--out", tmp_path / "x")
    assert done.returncode == 3
    one_message(done, 3, "does not look like chest X-ray")
    assert not (tmp_path / "x").exists()
    one_message(cli("segment", made[0], "--bundle", "melanoma", "--out", tmp_path / "x"), 2, "does not segment")
    one_message(cli("segment", made[0], "--bundle", "skin_lession", "--out", tmp_path / "x"), 2, "did you mean 'skin_lesion'?")


def test_segment_goes_on_after_a_bad_file_and_fails_in_the_end(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    shutil.copy(made[0], tmp_path / "b.png")
    done = cli("segment", tmp_path / "a.png", tmp_path / "b.png", "--bundle", "skin_lesion", "--out", tmp_path / "x")
    assert done.returncode == 1
    assert "0 bytes" in done.stderr
    assert (tmp_path / "x/b.png").exists()


def test_measure_writes_the_table_of_a_given_mask(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    write_png(tmp_path / "mask.png", made[1].astype(np.uint8) * 255)
    assert cli("measure", made[0], tmp_path / "mask.png", "--out", tmp_path / "features.csv", "--spacing-mm", "0.5").returncode == 0
    with (tmp_path / "features.csv").open() as file:
        rows = {r["feature"]: r for r in csv.DictReader(file)}
    assert float(rows["area"]["value"]) == made[1].sum() * 0.25
    assert rows["contrast"]["discretisation"] == "FBN 32, long side at most 256 px"
    assert rows["contrast"]["ibsi_code"] == "ACUI"


def test_measure_refuses_a_mask_of_another_shape(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    write_png(tmp_path / "mask.png", np.ones((10, 12), np.uint8))
    done = cli("measure", made[0], tmp_path / "mask.png", "--out", tmp_path / "features.csv")
    one_message(done, 2, "the mask has (1, 10, 12) pixels, the image (1, 192, 256)")
    assert not (tmp_path / "features.csv").exists()


def test_json_is_one_document_on_stdout_and_nothing_else(cli, made: tuple[Path, BoolArray]) -> None:
    info, doctor, models = (json.loads(cli(*words, "--json").stdout) for words in (("info", made[0]), ("doctor",), ("models", "list")))
    assert (info["width"], info["height"], info["kind"]) == (256, 192, "picture")
    assert doctor["problems"] == []
    assert any(engine.startswith("onnxruntime") for engine in doctor["engines"])
    assert {m["name"] for m in models["models"]} == {*zoo.names(), *(pinned.name for pinned in SETS["faces"])}
    assert all(m["present"] for m in models["models"] if m["name"] in zoo.names())
    assert models["models"][0].keys() == {"name", "task", "labels", "modality", "licence", "sha256", "present", "unasked"}
    assert {m["name"] for m in models["models"] if m["unasked"]} == {"face_lesion", "fusion_ensemble", "lungs", "melanoma", "skin_lesion"}


def test_texts_name_every_model(cli, made: tuple[Path, BoolArray]) -> None:
    listed, verified, doctor = cli("models", "list"), cli("models", "verify"), cli("doctor")
    assert all(name in text.stdout for name in zoo.names() for text in (listed, verified, doctor))
    assert verified.stdout.count("verified") == len(zoo.names()) + sum(map(is_here, SETS["faces"]))
    assert "all is well" in doctor.stdout
    assert "256" in cli("info", made[0]).stdout


def test_pipe_that_closes_is_no_error() -> None:
    done = subprocess.run(f"{sys.executable} -m diaphane models list | head -c 1", shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_input_is_never_overwritten(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    mine = Path(shutil.copy(made[0], tmp_path / "mine.png"))
    before = sha256_of(mine)
    one_message(cli("segment", mine, "--bundle", "skin_lesion", "--out", tmp_path), 2, "is an input and would be overwritten")
    one_message(cli("measure", mine, mine, "--out", mine), 2, "is an input and would be overwritten")
    (tmp_path / "images").mkdir()
    shutil.copy(mine, tmp_path / "images/mine.png")
    one_message(cli("run", tmp_path / "images/mine.png", "--out", tmp_path), 2, "not empty and holds no case.json")
    assert sha256_of(mine) == sha256_of(tmp_path / "images/mine.png") == before


def test_results_that_would_overwrite_each_other_are_refused(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    for name in ("a.png", "a_overlay.png"):
        shutil.copy(made[0], tmp_path / name)
    words = ("segment", tmp_path / "a.png", tmp_path / "a_overlay.png", "--bundle", "skin_lesion", "--out", tmp_path / "x")
    one_message(cli(*words, "--overlay"), 2, "would write the same result")
    assert cli(*words).returncode == 0
    one_message(cli(*words, "--colormap", "jet"), 2, "give both or neither")


def test_case_of_another_picture_is_not_replaced(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    assert cli("run", made[0], "--out", tmp_path / "case").returncode == 0
    report = sha256_of(tmp_path / "case/report.html")
    other = read_png(made[0])[::-1]
    write_png(tmp_path / "other.png", other)
    one_message(cli("run", tmp_path / "other.png", "--out", tmp_path / "case"), 2, "holds the case of another input")
    assert sha256_of(tmp_path / "case/report.html") == report


def test_seed_in_a_plan_reaches_the_report(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    assert cli("run", made[0], "--out", tmp_path / "case").returncode == 0
    (tmp_path / "plan.toml").write_text("seed = 5\n")
    assert "report.html (kept)" not in cli("run", made[0], "--out", tmp_path / "case", "--plan", tmp_path / "plan.toml").stderr
    assert "seed 5" in (tmp_path / "case/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("plan", "says"),
    [('[segment]\nbundle = "melanoma"', "does not segment"), ('[assess]\nbundle = "lungs"', "does not classify"), ('[segment]\nbundle = "x"', "no bundle 'x'")],
)
def test_plan_with_a_wrong_bundle_is_refused_before_anything_is_written(plan: str, says: str, cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(plan)
    one_message(cli("run", made[0], "--out", tmp_path / "case", "--plan", tmp_path / "plan.toml"), 2, says)
    assert not (tmp_path / "case").exists()


def test_file_that_cannot_be_read_and_name_that_is_too_long(cli, tmp_path: Path) -> None:
    one_message(cli("run", "/proc/self/mem", "--out", tmp_path / "case"), 2, "cannot be read")
    one_message(cli("run", tmp_path / ("x" * 300 + ".png"), "--out", tmp_path / "case"), 2, "cannot be read")
    assert not (tmp_path / "case").exists()


def test_odd_names_work(cli, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    for n, name in enumerate((b"b\xffd.png", "Läsion \u76ae\u80a4.png".encode(), b"-x.png", b"'\"<b>.png", b"y" * 240 + b".png")):
        path = os.fsencode(tmp_path) + b"/" + name
        shutil.copy(made[0], path)
        done = cli("run", os.fsdecode(path), "--out", tmp_path / str(n))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / str(n) / "report.html").exists()


def test_a_file_name_cannot_steer_the_terminal_or_pass_for_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tmp_path / "\x1b[2Jscan\nreport: done\x07.png")]) == 2
    said = capsys.readouterr().err
    assert "\\x1b[2Jscan\n  report: done\\x07.png" in said
    assert not any(line.startswith("report:") for line in said.splitlines())
