"""A folder of candidates, made without any picture of a person: lesions are dark and lie off the eyes, false ones are pale or lie on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from diaphane.core.candidate import Candidate
from diaphane.core.coding import json_lines
from diaphane.core.image import Image
from diaphane.core.track import Sighting
from diaphane.fuse import with_context
from diaphane.ops.picture import write_png
from tests.faces_made import disc_candidate, grid_chart, seen

PEOPLE, EACH = 6, 5
SPOTS = ((90, 160, True), (170, 190, True), (106, 101, False), (150, 101, False))
"""x, y and whether it is a lesion: two on cheek and chin, two on the eyes."""


def write_candidates(folder: Path) -> Path:
    """Pictures of ``PEOPLE`` people with two lesions and two false candidates each."""
    chart, rng = grid_chart(), np.random.default_rng(5)
    candidates, sightings, entries = [], [], []
    for number in range(PEOPLE * EACH):
        name, sha = f"{number:05d}", f"{number:064x}"
        rgb = (np.array([200, 155, 130]) + 10 * rng.standard_normal() + rng.normal(0, 3, (260, 300, 3))).clip(0, 255)
        rows, columns = np.mgrid[:260, :300]
        lesions, proposed = [], []
        for place, (about_x, about_y, true) in enumerate(SPOTS):
            x, y = about_x + int(rng.integers(-6, 7)), about_y + int(rng.integers(-4, 5))
            spot = (columns - x) ** 2 + (rows - y) ** 2 <= 36
            rgb[spot] *= rng.uniform(0.4, 0.6)
            candidate = disc_candidate(len(candidates) + len(proposed) + 1, x, y, probability=float(rng.uniform(0.3, 0.9)))
            proposed.append(candidate)
            if true:
                mask = f"masks/{name}_{place + 1}.png"
                write_png(folder / mask, spot.astype(np.uint8) * 255)
                lesions.append({"box_px": [x - 6, y - 6, 13, 13], "mask": mask, "source": "made"})
        image = Image(rgb.astype(np.uint8)[None], name=name, source_sha256=sha)
        write_png(folder / "images" / f"{name}.png", np.asarray(image.array[0]))
        face = seen(chart)
        sightings.append(Sighting(source_sha256=sha, size_px=image.size_px, frame=0, time_s=0.0, face=face))
        candidates += [_of(c, image) for c in with_context(proposed, image, [face], chart)]
        entries.append({"image": f"images/{name}.png", "face_identity": f"p{number % PEOPLE}", "face_box_px": [50, 30, 140, 180], "lesions": lesions,
                        "distractors": [], "ignore": []})  # fmt: skip
    (folder / "candidates.jsonl").write_text(json_lines(c.to_json() for c in candidates))
    (folder / "tracks.jsonl").write_text(json_lines(s.to_json() for s in sightings))
    (folder / "truth.json").write_text(json.dumps({"images": entries}))
    return folder


def _of(candidate: Candidate, image: Image) -> Candidate:
    return replace(candidate, image=image.name, source_sha256=image.source_sha256, size_px=image.size_px)
