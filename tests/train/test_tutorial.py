"""The tutorial does what it says: its blocks are run as they are written, and print what it shows."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.services  # about two minutes of training
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(\.\d+)?")
ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
FOLD = 2
"""The power fails when this fold begins."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which somebody did all that the tutorial says."""
    folder = tmp_path_factory.mktemp("tutorial")
    for command, printed, goes_on in _commands(folder):
        said = _interrupted(command, folder) if goes_on else _done(command, folder)
        missing = _lines(printed) - _lines(said)
        assert not missing, f"{command}: the tutorial shows lines that are not printed: {missing}\n{said}"
    return folder


def _commands(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Each command, what it prints, and whether the next one goes on after it was interrupted; programs are saved as the text says."""
    blocks = BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    for kind, text in blocks:
        if kind == "python":
            (folder / "pictures.py").write_text(text, encoding="utf-8")
    shell = [n for n, (kind, _) in enumerate(blocks) if kind == "sh"]
    for n in shell:
        command = blocks[n][1].strip()
        printed = blocks[n + 1][1] if blocks[n + 1 : n + 2] and blocks[n + 1][0] == "text" else ""
        yield command, printed, any(blocks[m][1].strip() == f"{command} --resume" for m in shell)


def _lines(text: str) -> set[str]:
    """Without numbers, which differ from machine to machine, and what is left out."""
    return {NUMBER.sub("#", line.strip()) for line in text.splitlines() if line.strip() not in ("", "…")}


def _done(command: str, folder: Path) -> str:
    ran = subprocess.run(command.split(), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=400, check=False)
    assert ran.returncode in (0, 4), ran.stderr  # 4: done, but the output gate doubts one of the new pictures
    return ran.stdout + ran.stderr


def _interrupted(command: str, folder: Path) -> str:
    """The power fails in the middle."""
    words = command.split()
    out = folder / words[words.index("--out") + 1]
    with (folder / "said.txt").open("w+", encoding="utf-8") as said:
        process = subprocess.Popen(words, cwd=folder, env=ENVIRONMENT, stderr=said)
        until = time.monotonic() + 400
        while not ((out / f"fold_{FOLD}").exists() and (out / "fold_0/bundle/SHA256SUMS").exists()) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
        assert process.wait() < 0, (folder / "said.txt").read_text(encoding="utf-8")
    assert not (out / "bundle").exists()
    (folder / "before").write_bytes((out / "fold_0/last.safetensors").read_bytes())
    return (folder / "said.txt").read_text(encoding="utf-8")


def test_the_tutorial_has_six_commands() -> None:
    """One program that makes pictures comes before."""
    shell = [text.strip() for kind, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")) if kind == "sh"]
    assert [text.split()[0] for text in shell] == ["python", *["diaphane"] * 6]


def test_five_folds_survive_a_power_cut_and_tell_ten_classes(place: Path) -> None:
    """What was finished before it is kept to the byte."""
    split = json.loads((place / "shapes-net/split.json").read_bytes())
    assert [len(fold) for fold in split["folds"]] == [40] * 5
    assert len(list(place.glob("shapes-net/fold_?/bundle/model.onnx"))) == 5
    assert len(list(place.glob("shapes-net/bundle/member_?.onnx"))) == 5
    assert (place / "shapes-net/fold_0/last.safetensors").read_bytes() == (place / "before").read_bytes()
    summary = json.loads((place / "shapes-net/metrics.json").read_bytes())["summary"]["all classes"]
    assert summary["accuracy"]["count"] == 200
    assert summary["accuracy"]["mean"] > 0.8


def test_new_pictures_get_their_classes(place: Path) -> None:
    """Their files are named after them."""
    with (place / "classes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert sum(row["image"] == row["class"] for row in rows) >= 8


def test_new_cells_are_outlined_and_the_outline_has_a_colour(place: Path) -> None:
    """As is held out: Dice above 0.8."""
    for file, label in (("cells-net/metrics.json", "cell"), ("cells.json", "label 255")):
        assert json.loads((place / file).read_bytes())["summary"][label]["dice"]["mean"] > 0.8
    for n in range(30, 40):
        overlay = cv2.imread(str(place / f"found/{n}_overlay.png"), cv2.IMREAD_COLOR)
        assert overlay is not None
        assert np.ptp(overlay.astype(int), axis=2).max() > 100  # the cells are grey
        labels = cv2.imread(str(place / f"found/{n}.png"), cv2.IMREAD_UNCHANGED)
        assert labels is not None
        assert set(np.unique(labels)) == {0, 1}
    assert len(list((place / "worst").glob("*.png"))) == 3
