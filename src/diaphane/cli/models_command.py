"""The model bundles that are here.

list    name, task, kind of picture, labels, licence
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
                "licence": bundle.recipe.licence, "sha256": bundle.weights_sha256, "present": True,
            }
        )  # fmt: skip
    if parsed.json:
        sys.stdout.write(json.dumps({"models": models, "broken": broken}) + "\n")
    else:
        for m in models:
            word = "verified" if parsed.action == "verify" else f"{m['task']:9} {m['modality']:13} {', '.join(m['labels']):24} {m['licence']}"
            sys.stdout.write(f"{m['name']:14} {word}\n")
    for message in broken:
        sys.stderr.write(message + "\n")
    return 1 if broken else 0
