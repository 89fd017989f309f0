"""The head scan of a case over the face in its clip: film, registration, and some stills for the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from diaphane import acquire
from diaphane.acquire import Options as AcquireOptions
from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.case_folder import AR, AR_PHOTO, REGISTRATION
from diaphane.core.coding import json_lines
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Part, SeenThrough
from diaphane.core.provenance import Weights
from diaphane.core.registration import Registered
from diaphane.core.video import Video
from diaphane.engine.pinned import LANDMARKER, RFB, is_here
from diaphane.errors import InputError, RefusedError
from diaphane.ops.paint import Colormap
from diaphane.ops.picture import read_png
from diaphane.pipeline import seeing_through
from diaphane.pipeline.seeing_through import Count, Scanned, head_scan, laid_on
from diaphane.pipeline.stored import write_image
from diaphane.segment.head import SOURCE, segment_head

STILLS = 3
"""In the report."""


def can_see_through() -> bool:
    """Whether the networks that registration asks are here."""
    return is_here(LANDMARKER) and is_here(RFB)


def weights_seen(seen: SeenThrough | None) -> tuple[Weights, ...]:
    """Those that others published and that laying the scan on the face read."""
    if seen is None or not seen.files:
        return ()
    return tuple(Weights(name=w.name, sha256=w.sha256, licence=w.licence) for w in (LANDMARKER, RFB))


def over_face(part: Part, clip: Video, camera: Camera | None, colormap: Colormap, to: Path) -> dict[str, Any]:
    """Write ``ar.mp4`` (of a photo ``ar.png``), ``registration.jsonl`` and stills below ``to``; where it cannot be, nothing, and why.

    The lines say nothing of how long a frame took: the files of a case do not depend on how busy the machine was.
    """
    name, count = AR_PHOTO if clip.is_photo else AR, Count()
    try:
        scan = _scan(part, colormap)
        frames = acquire.frames(clip, AcquireOptions())
        lines = list(laid_on(clip, frames, camera, scan, out=to / name, count=count, register=_untimed))
    except (InputError, RefusedError) as problem:
        return {"words": f"the scan was not laid on the face: {problem}", "stills": [], "files": []}
    (to / REGISTRATION).write_text(json_lines(line.to_json() for line in lines), encoding="utf-8")
    solved = [line.frame for line in lines if line.solved]
    chosen = sorted({solved[round(n)] for n in np.linspace(0, len(solved) - 1, STILLS)}) if solved else []
    stills = [(n, write_image(_still(frame, clip, n), to)) for n, frame in _taken(to / name, chosen, clip)]
    return {"words": count.words, "stills": stills, "files": [name, REGISTRATION]}


def _scan(part: Part, colormap: Colormap) -> Scanned:
    """What the case knows of the head, or where structures were given what is found of it now."""
    labels = part.labels
    if labels is not None and labels.source == SOURCE:
        return head_scan(part.image, labels, None, name="", colormap=colormap)
    found, verdicts = segment_head(part.image, part.dicom_modality)
    if found is None:
        raise RefusedError("; ".join(v.reason for v in verdicts if v.verdict == "refused").replace("; give --labels FILE", ""))
    return head_scan(part.image, found, _given(labels), name="the labels", colormap=colormap)


def _given(labels: Labels | None) -> Labels | None:
    return labels if labels is not None and labels.table else None


def _untimed(*streams: Any) -> Iterator[Registered]:
    for registered in seeing_through.fused(*streams):
        yield replace(registered, latency_ms=nan)


def _taken(path: Path, chosen: list[int], clip: Video) -> Iterator[tuple[int, Array]]:
    """Frames of what was written."""
    if not chosen:
        return
    if clip.is_photo:
        yield 0, read_png(path)
        return
    film = acquire.read(path, AcquireOptions()).video
    if film is not None:
        yield from ((n, frame) for n, (_, frame) in enumerate(acquire.frames(film, AcquireOptions())) if n in chosen)


def _still(frame: Array, clip: Video, number: int) -> Image:
    return Image(frame[None], Geometry.of_picture(), f"{clip.name}_ar_f{number:06d}", clip.source_sha256)
