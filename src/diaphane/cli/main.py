"""Which command, and what its errors look like."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module, metadata

from diaphane.errors import DiaphaneError

COMMANDS: dict[str, str] = {
    "demo": "the main job on made pictures, with the truth beside the result",
    "run": "pictures, scans and clips in, cases out: lesions and structures, measured, assessed, with a report",
    "segment": "one bundle on pictures: label maps, overlays, probabilities",
    "measure": "the features of a mask's regions, as a table",
    "assess": "the class of pictures, or of a table's regions, by one bundle, with its probability",
    "calibrate": "a camera's focal length and distortion, from a clip of a checkerboard",
    "track": "faces in photos and clips: found, followed, told apart; landmarks, head pose",
    "ar": "a head scan over a clip of the face: what was segmented, at its place in every frame, or nothing",
    "deidentify": "a clip or photo with its faces made unrecognisable in every frame, and what is not sure",
    "fuse": "what a segmentation proposed and tracked faces, judged together: findings",
    "compare": "the lesions of one face at two visits: the same, grown, shrunk, new, gone",
    "train": "a network from your own data: checked, planned, trained, judged, exported",
    "simulate": "made input with known truth: lesions on skin, or on real faces",
    "info": "what a file is understood as, without decoding it",
    "evaluate": "how well label maps agree with a reference: Dice, surface distances, intervals, a paired test",
    "view": "a case in the browser: walk around it, on a screen or with a headset",
    "models": "the model bundles that are here: list and verify",
    "doctor": "versions, engines, models: what is here and what is missing",
}
EPILOG = """\
exit codes: 0 done; 1 failed; 2 wrong use or unreadable input; 3 refused by the input gate; 4 done, but the output gate doubts the result

try:
  diaphane demo
  diaphane run lesion.jpg --out case --spacing-mm 0.05
  diaphane run head-ct/ --face clip.mp4 --out case
  diaphane COMMAND --help

For research use. Not a medical device."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        return _command(words[0], words[1:])
    top = argparse.ArgumentParser(
        prog="diaphane",
        description="Medical image analysis on a laptop: from a picture, scan or clip to findings and a report.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=f"diaphane {metadata.version('diaphane')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, sentence in COMMANDS.items():
        commands.add_parser(name, help=sentence)
    top.parse_args(words)
    return 2


def _command(name: str, words: list[str]) -> int:
    module = import_module(f"diaphane.cli.{name}_command")
    parser = argparse.ArgumentParser(prog=f"diaphane {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    module.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parsed = parser.parse_args(words)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger().handlers[0].setFormatter(_Plain())
    logging.getLogger("diaphane").setLevel(logging.INFO)  # libraries speak when something is wrong
    try:
        code: int = module.execute(parsed)
    except DiaphaneError as problem:
        if parsed.debug:
            raise
        sys.stderr.write(f"diaphane {name}: {_plain(str(problem))}\n")
        return problem.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"diaphane {name}: interrupted; {getattr(module, 'INTERRUPTED', 'finished stages are kept')}\n")
        return 130
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, MemoryError) as problem:  # what no stage foresaw: a broken disk, a folder that went away
        if parsed.debug:
            raise
        sys.stderr.write(f"diaphane {name}: {_plain(_unforeseen(problem))}\n")
        return 1
    return code


class _Plain(logging.Formatter):
    """The message alone."""

    def format(self, record: logging.LogRecord) -> str:
        """Names of files are others' words: what would steer a terminal is spelled out, and a line break is told from the end of a message."""
        return _plain(super().format(record))


def _plain(text: str) -> str:
    """``text`` with control characters as escapes and its further lines set in."""
    return "".join("\n  " if c == "\n" else c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _unforeseen(problem: OSError | MemoryError) -> str:
    if isinstance(problem, MemoryError):
        return "not enough memory; close other programs, crop the image, or take a machine with more"
    return f"{problem.filename or 'the system'}: {problem.strerror or problem}"


def entry() -> None:
    """The console script."""
    sys.exit(main())
