"""``case.json``: what a case was made from, stage by stage; read strictly, for it may have been altered."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from diaphane.core.coding import json_text
from diaphane.core.provenance import digest
from diaphane.core.storage import write_whole
from diaphane.errors import InputError

FORMAT = 1
Manifest = dict[str, Any]


def empty_manifest() -> Manifest:
    """Of a case in which nothing was done yet."""
    return {"format": FORMAT, "created": _now(), "complete": False, "pending": [], "stages": {}}


def stage_record(key: str, files: dict[str, str], result: dict[str, Any]) -> dict[str, Any]:
    """What the manifest keeps of a stage; the digest tells an altered result."""
    return {"key": key, "files": files, "result": result, "result_sha256": digest(result)}


def read_manifest(path: Path) -> Manifest:
    """The manifest in ``path``.

    Raises:
        InputError: Not a manifest of this format, or one that names a file outside its folder.
    """
    try:
        manifest: Manifest = json.loads(path.read_text(encoding="utf-8"))
        _check(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"{path}: not a case manifest of format {FORMAT} ({problem}); give --out another folder") from problem
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """The whole of it, or what was there before."""
    write_whole(path, (json_text(manifest, indent=1) + "\n").encode())


def _check(manifest: Manifest) -> None:
    if manifest["format"] != FORMAT or not isinstance(manifest["created"], str):
        raise ValueError("another format")
    named = list(manifest["pending"])
    for done in manifest["stages"].values():
        if not isinstance(done["key"], str) or not isinstance(done["result"], dict) or not isinstance(done["result_sha256"], str):
            raise ValueError("a stage has not the keys that it must have")
        named += done["files"].keys()
    if any(Path(file).is_absolute() or ".." in Path(file).parts for file in named):
        raise ValueError("a file outside the case folder")


def _now() -> str:
    """UTC, or ``SOURCE_DATE_EPOCH`` where it is set (reproducible-builds.org), so that a run can give the same bytes."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
