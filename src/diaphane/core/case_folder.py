"""The case folder: the unit of persistence. Every artefact appears whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from diaphane.core.coding import json_text
from diaphane.core.manifest import empty_manifest, read_manifest, stage_record, write_manifest
from diaphane.core.provenance import digest, sha256_of
from diaphane.core.storage import PARTIAL, locked, storage
from diaphane.errors import UsageError

MANIFEST = "case.json"
REPORT = "report.html"
IMAGES = "images"
SEGMENTATION = "segmentation"
OVERLAY = "overlay.png"
FEATURES = "features.csv"
CANDIDATES = "candidates.jsonl"
TRACKS = "tracks.jsonl"
TIMELINE = "timeline.png"
FINDINGS = "findings.json"
REGISTRATION = "registration.jsonl"
AR, AR_PHOTO = "ar.mp4", "ar.png"
SCENE = "scene.glb"
PAGE = "view/index.html"
SEG = "seg.dcm"
FHIR = "fhir.json"
KEPT = "finished stages are kept: the same command goes on from there"
Result = dict[str, Any]


class CaseFolder:
    """A folder with a manifest, ``case.json``, that says which stage made which file from what.

    A stage works in a folder aside. Then the manifest names the files that are about to appear or go (``pending``),
    they are renamed into place, and the manifest enters the stage. Killed at any moment, the next run removes what is
    pending and goes on after the last stage entered. Use it as a context manager: it is locked meanwhile.

    Raises:
        UsageError: ``path`` is a file, a folder with other things in it, or in use by another run.
        InputError: Its ``case.json`` is damaged.
        StorageError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ran: list[str] = []
        """The stages that did run, as opposed to those found done."""
        with storage(path, KEPT):
            self._check_ours()
            path.mkdir(parents=True, exist_ok=True)
        self._lock = locked(path, "another run is working on this case")
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> CaseFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Unlock; a folder in which no stage was ever done is removed."""
        if not getattr(self, "manifest", {"stages": True})["stages"]:
            with contextlib.suppress(OSError):  # an input that could not be read leaves no empty folder behind
                for file in self.manifest["pending"]:
                    (self.path / file).unlink(missing_ok=True)
                (self.path / MANIFEST).unlink(missing_ok=True)
                for folder in sorted((p for p in self.path.rglob("*") if p.is_dir()), reverse=True):
                    folder.rmdir()
                self.path.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def stage(self, name: str, inputs: Any, make: Callable[[Path], Result]) -> Result:
        """The result of the stage ``name``: made now, or kept where ``inputs`` and its files are unchanged.

        ``inputs`` is everything that the result depends on beside the earlier stages, JSON-like; ``make`` writes files
        into the folder that it is given and returns a JSON-like result.

        Raises:
            StorageError: No space, no permission.
        """
        stages = self.manifest["stages"]
        position = list(stages).index(name) if name in stages else len(stages)
        key = digest([name, inputs, [done["key"] for done in list(stages.values())[:position]]])
        if name in stages and stages[name]["key"] == key and self._intact(stages[name]):
            kept: Result = stages[name]["result"]
            return kept
        self.ran.append(name)
        aside = self.path / PARTIAL
        with storage(self.path, KEPT):
            try:
                aside.mkdir()
                result: Result = json.loads(json_text(make(aside)))
                files = {p.relative_to(aside).as_posix(): sha256_of(p) for p in sorted(aside.rglob("*")) if p.is_file()}
                self._enter(name, position, stage_record(key, files, result))
            finally:
                _remove(aside)
        return result

    def finish(self, summary: Result) -> None:
        """Write what the manifest says about the whole case; nothing is written where nothing changed."""
        artefacts = {file: sha for done in self.manifest["stages"].values() for file, sha in done["files"].items()}
        whole = self.manifest | json.loads(json_text(summary)) | {"artefacts": dict(sorted(artefacts.items())), "complete": True}
        if whole != self.manifest:
            self._write(whole)

    def _open(self) -> None:
        with storage(self.path, KEPT):
            shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
            if not (self.path / MANIFEST).exists():
                self._write(empty_manifest())
        self.manifest = read_manifest(self.path / MANIFEST)
        if self.manifest["pending"]:
            with storage(self.path, KEPT):
                self._clear_pending()

    def _enter(self, name: str, position: int, record: dict[str, Any]) -> None:
        """Put the stage's files in place and the stage into the manifest; later stages rested on the old result and go."""
        before = self.manifest["stages"]
        kept = dict(list(before.items())[:position])
        old = {file for done in before.values() for file in done["files"]} - {file for done in kept.values() for file in done["files"]}
        started = {"format": self.manifest["format"], "created": self.manifest["created"], "complete": False}
        self._write(started | {"pending": sorted(old | record["files"].keys()), "stages": kept})
        for file in old - record["files"].keys():
            (self.path / file).unlink(missing_ok=True)
        for file in record["files"]:
            (self.path / file).parent.mkdir(parents=True, exist_ok=True)
            os.replace(self.path / PARTIAL / file, self.path / file)
        self._write(started | {"pending": [], "stages": kept | {name: record}})

    def _clear_pending(self) -> None:
        known = {file for done in self.manifest["stages"].values() for file in done["files"]}
        for file in set(self.manifest["pending"]) - known:
            (self.path / file).unlink(missing_ok=True)
        self._write(self.manifest | {"pending": []})

    def _intact(self, done: dict[str, Any]) -> bool:
        whole = all((self.path / f).is_file() and sha256_of(self.path / f) == sha for f, sha in done["files"].items())
        return whole and digest(done["result"]) == done["result_sha256"]

    def _check_ours(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path}: is a file; --out must name a folder")
        if self.path.is_dir() and not (self.path / MANIFEST).exists():
            others = [p.name for p in self.path.iterdir() if p.name != MANIFEST + PARTIAL]
            if others:
                raise UsageError(f"{self.path}: is not empty and holds no {MANIFEST}; give --out a new or empty folder, or an earlier case")

    def _write(self, manifest: dict[str, Any]) -> None:
        write_manifest(self.path / MANIFEST, manifest)
        self.manifest = manifest


def _remove(folder: Path) -> None:
    """Also where Ctrl-C comes while it goes."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
