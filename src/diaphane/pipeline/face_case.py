"""The folder of a finished case of a face: only what its manifest names is read, and only where it is unaltered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from diaphane.core import case_folder as names
from diaphane.core.coding import from_json_lines
from diaphane.core.manifest import Manifest, read_manifest
from diaphane.core.provenance import digest, sha256_of
from diaphane.core.storage import reading
from diaphane.errors import InputError

DECIDES = ("segment", "measure", "fuse")
"""Parts of a plan on which it depends what is found, and how large."""


class FaceCase:
    """A case folder, opened.

    Raises:
        InputError: It is no case, damaged, unfinished, or not of a photo or clip of a face.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / names.MANIFEST).is_file():
            raise InputError(f"{path}: holds no {names.MANIFEST}; give a case folder, as diaphane run --out makes it")
        try:
            self.manifest: Manifest = read_manifest(path / names.MANIFEST)
        except InputError as problem:
            raise InputError(
                f"{path / names.MANIFEST}: damaged, or of another format ({problem.__cause__}); run diaphane run on the photo or clip again"
            ) from problem
        if self.manifest.get("complete") is not True:
            raise InputError(f"{path}: the case was not finished; the same diaphane run goes on with it")
        self._files = {file: sha for done in self.manifest["stages"].values() for file, sha in done["files"].items()}
        self._check_face()

    def text(self, name: str) -> str:
        """Of one of its files."""
        path = self._unaltered(name)
        with reading(path):
            return path.read_text(encoding="utf-8", errors="replace")

    def lines(self, name: str) -> list[Any]:
        """Of a file with one document a line."""
        return from_json_lines(self.text(name), str(self.path / name))

    def picture(self, image: str) -> Path:
        """That of an image, by its name."""
        return self._unaltered(f"{names.IMAGES}/{image}.png")

    def key_frames(self) -> list[tuple[int, str]]:
        """Frames that were looked at, and their pictures' names."""
        try:
            return [(int(frame), str(record["name"])) for frame, record in self.manifest["stages"]["track"]["result"]["key_frames"]]
        except (TypeError, ValueError, KeyError) as problem:
            raise InputError(f"{self.path / names.MANIFEST}: its key frames are damaged ({problem}); run diaphane run again") from problem

    def about(self, identity: int, frames: int, method: str) -> dict[str, Any]:
        """Which case it is, and what its result depends on."""
        m = self.manifest
        plan = m.get("plan") or {}
        try:
            return {
                "case": os.fsencode(self.path.resolve().name).decode(errors="replace"), "created": m["created"],
                "source_sha256": m["stages"]["track"]["result"]["video"]["source_sha256"], "findings_sha256": self._files[names.FINDINGS],
                "version": m.get("version"), "face": identity, "frames": frames, "method": method,
                "weights": {name: str(sha) for name, sha in sorted((m.get("weights") or {}).items())},
                "options_sha256": digest({part: plan.get(part) for part in DECIDES}),
                "doubts": [str(v["reason"]) for v in m.get("verdicts") or [] if v["verdict"] != "passed"],
            }  # fmt: skip
        except (TypeError, KeyError, AttributeError) as problem:
            raise InputError(f"{self.path / names.MANIFEST}: damaged ({problem}); run diaphane run again") from problem

    def _check_face(self) -> None:
        tracked = self.manifest["stages"].get("track", {}).get("result", {})
        if tracked.get("video") is None:
            kind = self.manifest.get("modality") or "something else"
            raise InputError(f"{self.path}: is a case of {kind}, not of a photo or clip of a face; compare follows lesions on a face only")
        if missing := [name for name in (names.TRACKS, names.CANDIDATES, names.FINDINGS) if name not in self._files]:
            raise InputError(f"{self.path}: lacks {', '.join(missing)}: no lesion was looked for on a face; run diaphane run on the photo or clip again")

    def _unaltered(self, name: str) -> Path:
        path = self.path / name
        if name not in self._files or not path.resolve().is_relative_to(self.path.resolve()) or not path.is_file():
            raise InputError(f"{path}: not one of the case's files; run diaphane run on the photo or clip again")
        with reading(path):
            if sha256_of(path) != self._files[name]:
                raise InputError(f"{path}: was altered after the case was made; run diaphane run again, which makes it anew")
        return path
