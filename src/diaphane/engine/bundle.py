"""A model bundle: a folder with recipe, weights, card, metrics and checksums. Nothing in it is executed or unpickled."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import Any, TypeVar

from diaphane import zoo
from diaphane.core.recipe import Fingerprint, OutputFingerprint, Recipe
from diaphane.core.strict import did_you_mean, from_mapping
from diaphane.engine.fingerprints import input_fingerprint, output_fingerprint
from diaphane.errors import BundleError, UsageError

T = TypeVar("T")
CHECKSUMS = "SHA256SUMS"
RECIPE = "recipe.toml"
CARD = "card.md"
METRICS = "metrics.json"
FINGERPRINT = "fingerprint.json"
OUTPUT_FINGERPRINT = "output_fingerprint.json"
NETWORK = "model.onnx"
MEMBER = "member_{}.onnx"
"""The networks of an ensemble, numbered from 0; they stand in place of ``NETWORK``."""
TABLE_MODEL = "model.json"
LARGEST = 2**31 - 1
"""Bytes of a file; an ONNX file cannot be larger."""
SAMPLE = 2**28
"""Numbers of one sample, at most: 1 GB in float32."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle.

    Every file was compared with ``SHA256SUMS`` when it was opened; what is used later is the bytes read then.
    """

    path: Path
    recipe: Recipe
    files: dict[str, bytes]

    @property
    def name(self) -> str:
        """As the recipe has it."""
        return self.recipe.name

    @property
    def members(self) -> tuple[bytes, ...]:
        """The networks whose probabilities are averaged, mostly one; of a table model its numbers."""
        return tuple(self.files[name] for name in weight_files(self.files))

    @property
    def weights_sha256(self) -> str:
        """Of the file with the weights; of an ensemble, of its members' bytes one after the other."""
        return hashlib.sha256(b"".join(self.members)).hexdigest()

    @property
    def recipe_sha256(self) -> str:
        """Of the recipe."""
        return hashlib.sha256(self.files[RECIPE]).hexdigest()

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What its training pictures look like; None where the bundle does not say."""
        return self._read(FINGERPRINT, input_fingerprint) if FINGERPRINT in self.files else None

    @property
    def output_fingerprint(self) -> OutputFingerprint | None:
        """What its held-out results are like; None where the bundle does not say."""
        return self._read(OUTPUT_FINGERPRINT, output_fingerprint) if OUTPUT_FINGERPRINT in self.files else None

    def _read(self, name: str, reader: Callable[[Any], T]) -> T:
        try:
            return reader(self.json(name))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as problem:
            raise BundleError(f"{self.path / name}: not a fingerprint ({problem}); export the bundle anew") from problem

    def json(self, name: str) -> Any:
        """A JSON file of the bundle, parsed."""
        try:
            return json.loads(self.files[name])
        except (KeyError, ValueError, RecursionError) as problem:
            raise BundleError(f"{self.path / name}: missing or not JSON; the bundle is not complete") from problem


def open_bundle(name_or_path: str | Path) -> Bundle:
    """The bundle in a folder, or the shipped one of that name, verified.

    Raises:
        UsageError: There is neither.
        BundleError: A file is missing, not listed, altered, or the recipe is not valid.
    """
    folder = Path(name_or_path)
    if not (folder / RECIPE).is_file():
        folder = zoo.path(str(name_or_path)) if str(name_or_path) in zoo.names() else folder
    if not (folder / RECIPE).is_file():
        raise UsageError(f"no bundle '{name_or_path}': neither a folder with {RECIPE} nor a shipped name{did_you_mean(str(name_or_path), zoo.names())}")
    files = {name: _verified(folder / name, wanted) for name, wanted in checksums(folder).items()}
    if RECIPE not in files or not weight_files(files):
        either = f"{NETWORK}, {TABLE_MODEL} or {MEMBER.format(0)}, {MEMBER.format(1)} …"
        raise BundleError(f"{folder / CHECKSUMS}: must list {RECIPE} and one of {either} without gap, lists {', '.join(files)}")
    return Bundle(folder, _recipe(folder / RECIPE, files[RECIPE]), files)


def weight_files(names: Iterable[str]) -> tuple[str, ...]:
    """Which of a bundle's files hold its weights: one of a kind, or all members of an ensemble; none where they are mixed or one is missing."""
    known = {name for name in names if name in (NETWORK, TABLE_MODEL) or name.startswith("member_")}
    members = tuple(takewhile(known.__contains__, map(MEMBER.format, count())))
    found = members or tuple(known)
    return found if set(found) == known and (members or len(found) == 1) else ()


def checksums(folder: Path) -> dict[str, str]:
    """File name to SHA-256, as ``SHA256SUMS`` lists them; only plain names in the folder are taken."""
    listed = folder / CHECKSUMS
    if not listed.is_file():
        raise BundleError(f"{listed}: missing; a bundle is used only with the checksums that it was exported with")
    out = {}
    for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
        wanted, _, name = line.partition("  ")
        if len(wanted) != 64 or not name or Path(name).name != name:
            raise BundleError(f"{listed}: a line must be 64 hexadecimal digits, two spaces and a plain file name, got {line[:90]!r}")
        out[name] = wanted
    return out


def _verified(path: Path, wanted: str) -> bytes:
    if not path.is_file() or path.is_symlink():
        raise BundleError(f"{path}: listed in {CHECKSUMS} and missing; export or install the bundle anew")
    if path.stat().st_size > LARGEST:
        raise BundleError(f"{path}: must be smaller than 2 GiB, is {path.stat().st_size / 2**30:.1f} GiB; it is not read")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise BundleError(f"{path}: wrong checksum: expected {wanted[:16]}…, found {found[:16]}…; install the bundle anew")
    return data


def _recipe(path: Path, data: bytes) -> Recipe:
    try:
        values = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise BundleError(f"{path}: not TOML ({problem})") from problem
    recipe = from_mapping(Recipe, values, str(path), BundleError)
    if recipe.input is not None and prod(recipe.input.tensor_shape) > SAMPLE:
        raise BundleError(f"{path}: [input] declares {prod(recipe.input.tensor_shape):.3g} numbers a sample, at most {SAMPLE:.3g} are taken")
    return recipe
