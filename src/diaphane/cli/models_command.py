"""The model bundles that are here.

list    name, task, how it is used (unasked: run chooses it where it fits; by name: --bundle NAME, or bundle = "NAME"
        in the plan's table segment or assess), kind of picture, labels, licence
verify  compare every file of every bundle with its checksum (exit code 1 where one differs)
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``models``."""
    parser.add_argument("action", choices=["list", "verify"], help="what to do")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def execute(parsed: argparse.Namespace) -> int:
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
