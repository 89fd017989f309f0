"""The case folder: the unit of persistence. Every artefact appears whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diaphane.core.coding import json_text
from diaphane.core.provenance import digest, sha256_of
from diaphane.core.storage import PARTIAL, storage, write_whole
from diaphane.errors import InputError, UsageError

MANIFEST = "case.json"
REPORT = "report.html"
IMAGES = "images"
SEGMENTATION = "segmentation"
OVERLAY = "overlay.png"
FEATURES = "features.csv"
CANDIDATES = "candidates.jsonl"
TRACKS = "tracks.jsonl"
FINDINGS = "findings.json"
FORMAT = 1
Result = dict[str, Any]


class CaseFolder:
    """A folder with a manifest, ``case.json``, that says which stage made which file from what.

    A stage works in a folder aside; its files are renamed into place, then the manifest is replaced. Killed at
    any moment, the next run finds either the whole stage or nothing of it in the manifest, and goes on there.

    Raises:
        UsageError: ``path`` is a file, or a folder with other things in it.
        InputError: Its ``case.json`` is damaged.
        StorageError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ran: list[str] = []
        """The stages that did run, as opposed to those found done."""
        self._check_ours()
        with storage(path):
            path.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(path / PARTIAL, ignore_errors=True)
        self.manifest = self._read()

    def stage(self, name: str, inputs: Any, make: Callable[[Path], Result]) -> Result:
        """The result of the stage ``name``: made now, or kept where ``inputs`` and its files are unchanged.

        ``inputs`` is everything that the result depends on beside the earlier stages, JSON-like; ``make`` writes files
        into the folder that it is given and returns a JSON-like result.

        Raises:
            StorageError: No space, no permission.
        """
        stages = self.manifest["stages"]
        earlier = [done["key"] for done_name, done in stages.items() if done_name != name]
        position = list(stages).index(name) if name in stages else len(earlier)
        key = digest([name, inputs, earlier[:position]])
        if name in stages and stages[name]["key"] == key and self._intact(stages[name]["files"]):
            result: Result = stages[name]["result"]
            return result
        self.ran.append(name)
        with storage(self.path):
            result = self._make(name, key, position, make)
        return result

    def finish(self, summary: Result) -> None:
        """Write what the manifest says about the whole case; nothing is written where nothing changed."""
        artefacts = {file: sha for done in self.manifest["stages"].values() for file, sha in done["files"].items()}
        whole = self.manifest | json.loads(json_text(summary)) | {"artefacts": dict(sorted(artefacts.items())), "complete": True}
        if whole != self.manifest:
            self.manifest = whole
            with storage(self.path):
                self._write()

    def _make(self, name: str, key: str, position: int, make: Callable[[Path], Result]) -> Result:
        aside = self.path / PARTIAL
        try:
            aside.mkdir()
            result: Result = json.loads(json_text(make(aside)))
            files = {str(p.relative_to(aside).as_posix()): sha256_of(p) for p in sorted(aside.rglob("*")) if p.is_file()}
            for file in files:
                target = self.path / file
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(aside / file, target)
            kept = dict(list(self.manifest["stages"].items())[:position])
            kept[name] = {"key": key, "files": files, "result": result}
            self._drop(set(files).union(*(done["files"] for done in kept.values())))
            self.manifest = {"format": FORMAT, "created": self.manifest["created"], "complete": False, "stages": kept}
            self._write()
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if not self.manifest["stages"]:
                with contextlib.suppress(OSError):  # an input that could not be read leaves no empty folder behind
                    self.path.rmdir()
        return result

    def _drop(self, kept: set[str]) -> None:
        """Remove what later stages made of an older input: it would lie beside the new result."""
        for done in self.manifest["stages"].values():
            for file in set(done["files"]) - kept:
                (self.path / file).unlink(missing_ok=True)

    def _intact(self, files: dict[str, str]) -> bool:
        return all((self.path / f).is_file() and sha256_of(self.path / f) == sha for f, sha in files.items())

    def _check_ours(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path}: is a file; --out must name a folder")
        if self.path.is_dir() and not (self.path / MANIFEST).exists():
            others = sorted(p.name for p in self.path.iterdir() if p.name not in (PARTIAL, MANIFEST + PARTIAL))
            known = {IMAGES, SEGMENTATION}  # a run killed before its first manifest leaves nothing but these
            if set(others) - known:
                raise UsageError(f"{self.path}: is not empty and holds no {MANIFEST}; give --out a new or empty folder, or an earlier case")

    def _read(self) -> dict[str, Any]:
        path = self.path / MANIFEST
        if not path.exists():
            return {"format": FORMAT, "created": _now(), "complete": False, "stages": {}}
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if manifest["format"] != FORMAT or not isinstance(manifest["stages"], dict):
                raise ValueError("another format")
            if any(_leaves(file) for done in manifest["stages"].values() for file in done["files"]):
                raise ValueError("a file outside the case folder")
        except (ValueError, KeyError, TypeError) as problem:
            raise InputError(f"{path}: not a case manifest of format {FORMAT} ({problem}); give --out another folder") from problem
        return manifest

    def _write(self) -> None:
        write_whole(self.path / MANIFEST, (json_text(self.manifest, indent=1) + "\n").encode())


def _leaves(file: str) -> bool:
    return Path(file).is_absolute() or ".." in Path(file).parts


def _now() -> str:
    """UTC, or ``SOURCE_DATE_EPOCH`` where it is set (reproducible-builds.org), so that a run can give the same bytes."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
