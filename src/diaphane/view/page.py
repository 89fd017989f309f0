"""The page that one walks in: ``view/index.html`` in the case folder, with all that it needs beside it.

What it shows lies in a script, ``data.js``, and not in files to fetch: browsers let a page that was opened from the disk load scripts, but read no
files. So the page works from there, from any web server, and behind a policy that forbids every connection.
"""

from __future__ import annotations

import base64
import gzip
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

from diaphane.core.case_folder import OVERLAY, PAGE, REPORT
from diaphane.core.coding import json_text
from diaphane.core.finding import Finding
from diaphane.core.outcome import Outcome, Part
from diaphane.core.storage import write_whole
from diaphane.view.options import Options
from diaphane.view.scene import TO_METRES, Scene
from diaphane.view.volume import Texture, texture

FORMAT = 1
STATIC = ("index.html", "page.css", "page.js", "licences.txt")
"""Built from ``web/``; index.html loads the others and ``data.js``."""


def write_page(part: Part, outcome: Outcome, scene: Scene, folder: Path, options: Options) -> tuple[Path, ...]:
    """The page of ``part``, whose structures are those of ``scene``, below ``folder``."""
    place = (folder / PAGE).parent
    built = files("diaphane.view") / "static"
    for name in STATIC:
        write_whole(place / name, (built / name).read_bytes())
    shown = texture(part, tuple(body.label.value for body in scene.bodies), options.page_voxels)
    write_whole(place / "data.js", _script(document(part, outcome, scene, shown), scene.glb, shown).encode())
    return tuple(place / name for name in (*STATIC, "data.js"))


def document(part: Part, outcome: Outcome, scene: Scene, shown: Texture | None) -> dict[str, Any]:
    """What the page says and draws, without the bytes of surfaces and voxels."""
    return {
        "format": FORMAT, "name": outcome.name, "modality": part.modality, "version": outcome.provenance.version,
        "report": f"../{REPORT}", "picture": f"../{OVERLAY}", "toMetres": TO_METRES.ravel().tolist(),
        "structures": [body.to_json() for body in scene.bodies], "leftOut": list(scene.left_out),
        "volume": None if shown is None else shown.to_json(),
        "findings": [_finding(f) for f in outcome.decision.findings if f.image == part.image.name and f.centroid_mm is not None],
    }  # fmt: skip


def _finding(finding: Finding) -> dict[str, Any]:
    probable = finding.probability if finding.probability is not None and math.isfinite(finding.probability) else None
    return {"id": finding.id, "label": finding.label, "probability": probable, "centroid_mm": finding.centroid_mm, "site": finding.site}


def _script(told: dict[str, Any], glb: bytes, shown: Texture | None) -> str:
    """``told`` and the two packed binaries as one script; no text in it can end the script."""
    packed = {"scene": _packed(glb), "voxels": _packed(shown.bytes) if shown else None}
    return f"window.diaphaneCase = {json_text(told | packed)};\n".replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()
