"""The model bundles that are here, and smaller ones made of them.

list      name, task, how it is used (unasked: run chooses it where it fits; by name: --bundle NAME, or bundle = "NAME"
          in the plan's table segment or assess), kind of picture, labels, licence
verify    compare every file of every bundle with its checksum (exit code 1 where one differs)
quantise  write the int8 form of the bundle BUNDLE to --out, calibrated on some images of --data and compared with the
          bundle on others; refused (exit code 1) where the Dice falls by more than 0.002

  diaphane models quantise skin_lesion --data dermoscopy/ --out skin_lesion_int8
  diaphane segment new/ --bundle skin_lesion_int8 --out labels
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from diaphane.errors import UsageError

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``models``."""
    parser.add_argument("action", choices=["list", "verify", "quantise"], help="what to do")
    parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help="quantise: a shipped bundle or a bundle folder")
    parser.add_argument("--data", type=Path, metavar="DATASET", help="quantise: images with masks of the bundle's structures, as diaphane train takes them")
    parser.add_argument("--out", type=Path, metavar="DIR", help="quantise: folder for the int8 bundle")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def execute(parsed: argparse.Namespace) -> int:
    """List, verify, or quantise."""
    given = (parsed.bundle, parsed.data, parsed.out)
    if parsed.action == "quantise":
        if None in given:
            raise UsageError("quantise takes a bundle and where to: diaphane models quantise BUNDLE --data DATASET --out DIR")
        return _quantise(parsed)
    if given != (None, None, None):
        raise UsageError(f"BUNDLE, --data and --out belong to quantise; leave them out of {parsed.action}")
    return _look(parsed)


def _quantise(parsed: argparse.Namespace) -> int:
    try:
        from diaphane.train.quantise import quantise
    except ImportError as problem:
        raise UsageError(f'quantising needs {problem.name}: pip install "diaphane[train]"') from problem

    compared = quantise(parsed.bundle, parsed.data, parsed.out)
    if parsed.json:
        sys.stdout.write(json.dumps({one.engine: {"float32": one.before, "int8": one.after} for one in compared}) + "\n")
    for one in compared:
        log.info("%s: Dice %.4f in float32, %.4f in int8", one.engine, one.before, one.after)
    log.info("bundle: %s", parsed.out)
    return 0


def _look(parsed: argparse.Namespace) -> int:
    """List, or verify and say which bundle is not as it was shipped."""
    from diaphane import zoo
    from diaphane.engine.bundle import open_bundle
    from diaphane.errors import BundleError

    models: list[dict[str, Any]] = []
    broken: list[str] = []
    for name in zoo.names():
        try:
            bundle = open_bundle(name)
        except BundleError as problem:
            broken.append(str(problem))
            continue
        labels = [label.name for label in bundle.recipe.labels]
        models.append(
            {
                "name": name, "task": bundle.recipe.task, "labels": labels, "modality": bundle.recipe.modality,
                "licence": bundle.recipe.licence, "sha256": bundle.weights_sha256, "present": True, "unasked": name in zoo.UNASKED,
            }
        )  # fmt: skip
    if parsed.json:
        sys.stdout.write(json.dumps({"models": models, "broken": broken}) + "\n")
    else:
        sys.stdout.write(_table([[m["name"], *(["verified"] if parsed.action == "verify" else _described(m))] for m in models]))
    for message in broken:
        sys.stderr.write(message + "\n")
    return 1 if broken else 0


def _described(model: dict[str, Any]) -> list[str]:
    use = "unasked" if model["unasked"] else "by name"
    return [model["task"], use, model["modality"], ", ".join(model["labels"]), model["licence"]]


def _table(rows: list[list[str]]) -> str:
    """A line a row, its columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join("  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)
