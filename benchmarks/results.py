"""``make bench``: every benchmark, one after the other, into ``benchmarks/RESULTS.md``.

    .venv/bin/python benchmarks/results.py [--quick] [NAME ...]

With names (``engine``, ``ops`` …) those alone are run anew, and the others stay as the file has them. What needs real data is "not run" where there is none
(``DIAPHANE_DATA``, else ``../shared/data``), and so is what is asked of a library that is not installed. Nothing else should run meanwhile. Three
hours on two cores; ``--quick``, which shows that all of them run and measures nothing, some minutes.
"""

from __future__ import annotations

from beside import DATA, THREADS, machine, say  # isort: skip  # as the scripts see it

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE / "RESULTS.md"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the script that answers."""

    script: str
    words: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    """The arguments of ``--quick``; None: it has no such form and is left out."""
    needs: tuple[Path, ...] = ()
    """Folders without which it is not run."""

    @property
    def heading(self) -> str:
        """In the file."""
        return f"## {self.words}\n\n`python benchmarks/{self.script}.py`"


QUICK = ("--quick",)
QUESTIONS = (
    Question("engine", "A picture: how fast beside PyTorch, and at what cost in Dice?", quick=QUICK),
    Question("sliding_window", "A volume: how fast and in how much memory beside MONAI?", ("--full",), QUICK),
    Question("head_ct", "A whole head CT case: how fast beside the plain chain?", quick=QUICK),
    Question("scene", "A head CT as a scene to walk around: how fast, small and true beside the plain chain?", quick=QUICK),
    Question("startup", "How long until a first result?", quick=QUICK),
    Question("ops", "Resampling, components, distance, surface: how fast beside other libraries?", quick=QUICK),
    Question("hd95", "HD95 and NSD: how fast beside other libraries?", quick=QUICK),
    Question("features", "Features of a region: how fast beside mirp and pyradiomics?", quick=QUICK, needs=(DATA / "abdomen_ct",)),
    Question("colour", "Colour and shape of a lesion: how fast?", quick=QUICK),
    Question("fusion_cost", "Deciding on 200 candidates: how long?", quick=QUICK),
    Question("track", "Four face trackers: what do they find, and how fast?", quick=("--quick", "speed"), needs=(DATA / "faces",)),
    Question("batch", "A folder of cases: how fast in several processes?", quick=("--count", "2", "--rounds", "1", "--skip-dask")),
    Question("cost", "A volume: what do its size and the number of classes cost?", ("--pictures", str(HERE.parent / "docs/pictures")), QUICK),
    Question("training_step", "How much faster is a step of training than in plain float32 torch?"),
    Question("loading", "How long does training wait for data?"),
    Question("gates", "How often do the gates refuse, doubt and pass?", (str(DATA),), needs=(DATA / "isic2017", DATA / "cxr_lungs")),
)


def answered(question: Question, *, quick: bool) -> str:
    """The section of the file; a script that fails is said to have failed, and why."""
    arguments = question.quick if quick else question.arguments
    lacking = [folder.name for folder in question.needs if not folder.is_dir()]
    if arguments is None or lacking:
        why = f"its data is not here: {', '.join(lacking)}" if lacking else "it has no quick form"
        return f"{question.heading}\n\nNot run: {why}.\n"
    say(f"{question.script} …")
    words, free = [sys.executable, str(HERE / f"{question.script}.py"), *arguments], {k: v for k, v in os.environ.items() if k not in THREADS}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=free)  # noqa: S603  # our own
    failed = f"\n\nFailed: `{(done.stderr.strip().splitlines() or ['no word'])[-1]}`" if done.returncode else ""
    if failed:
        sys.stderr.write(done.stderr)
    return f"{question.heading}\n\n{done.stdout.strip()}{failed}\n"


def earlier() -> dict[str, str]:
    """The sections that the file has, by their scripts."""
    text = OUT.read_text(encoding="utf-8") if OUT.exists() else ""
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {found[1]: section.rstrip() + "\n" for section in sections if (found := re.search(r"^`python benchmarks/(\w+)\.py`", section, re.MULTILINE))}


def main(words: Sequence[str] | None = None) -> int:
    """Run them, write the file whole after each; 1 where one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[q.script for q in QUESTIONS])
    parser.add_argument("--quick", action="store_true", help="only that all of them run; the file is not written")
    given = parser.parse_args(words)
    sections = {} if given.quick else earlier()
    top = f"# Benchmarks\n\nWritten by `make bench` on: {machine('torch', 'numpy', 'opencv-contrib-python-headless', 'onnxruntime', 'openvino', 'monai')}."
    top += " Ratios are from interleaved runs; seconds hold for this machine only.\n"
    for question in QUESTIONS:
        if not given.names or question.script in given.names:
            sections[question.script] = answered(question, quick=given.quick)
            if given.quick:
                say(sections[question.script])
            else:
                OUT.write_text("\n".join([top, *(sections[q.script] for q in QUESTIONS if q.script in sections)]), encoding="utf-8")
    return int(any("\n\nFailed: `" in section for section in sections.values()))


if __name__ == "__main__":
    sys.exit(main())
