"""What fusion learns from and is measured on: simulated pictures, and the candidates that the shipped segmentation proposes on the faces that are found.

    diaphane simulate skin --part train --seed 201 --count 600 --out WORK/train --lesions DATA/isic2017 --faces DATA/faces
    diaphane simulate skin --part tune  --seed 202 --count 250 --out WORK/tune  …
    diaphane simulate skin --part test  --seed 203 --count 300 --out WORK/test  …
    python benchmarks/fusion_data.py WORK/train WORK/tune WORK/test

adds candidates.jsonl and tracks.jsonl to each folder: together with truth.json they are what ``diaphane train --data CANDIDATES_DIR --method …`` takes.
Boxes of faces are the tracker's own. Of several faces in a picture only the one that lesions were laid on is taken: what the others have is not known. A face
that the tracker misses has no candidates, and its lesions count as missed. Clips: fusion_clips.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from diaphane import fuse, measure, track
from diaphane.acquire.picture import read_picture
from diaphane.core.candidate import Candidate
from diaphane.core.coding import json_lines
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart
from diaphane.core.image import Image
from diaphane.core.storage import write_whole
from diaphane.core.track import Sighting
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.ops.picture import to_rgb
from diaphane.pipeline.faces import segment_faces
from diaphane.segment import Options as SegmentOptions
from diaphane.track.detection import overlap

MEASURE = measure.Options(long_side_px=0)


def main() -> None:
    """Each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--bundle", default="face_lesion")
    parsed = parser.parse_args()
    bundle, chart = open_bundle(parsed.bundle), track.chart()
    for folder in parsed.folders:
        sightings: list[Sighting] = []
        candidates: list[Candidate] = []
        entries = json.loads((folder / "truth.json").read_text())["images"]
        for image, face, frame in tqdm(faces_of(folder, entries), desc=folder.name, total=len(entries), disable=None):
            sightings.append(Sighting(source_sha256=image.source_sha256, size_px=image.size_px, frame=frame, time_s=frame / 10, face=face))
            found = proposed(image, face, frame, bundle, chart)
            candidates += [replace(c, candidate=c.candidate + len(candidates)) for c in found]
        write_whole(folder / "candidates.jsonl", json_lines(c.to_json() for c in candidates).encode())
        write_whole(folder / "tracks.jsonl", json_lines(s.to_json() for s in sightings).encode())
        sys.stdout.write(f"{folder}: {len(entries)} pictures, {len(sightings)} faces found, {len(candidates)} candidates\n")


def faces_of(folder: Path, entries: list[dict]) -> Iterator[tuple[Image, Face, int]]:
    """Every picture with its face, where the tracker finds it."""
    for entry in entries:
        image = read_picture(folder / entry["image"])
        image = replace(image, source_sha256=entry.get("clip") or image.source_sha256)
        rgb = to_rgb(image.array[0])
        found = [f for f in next(iter(track.follow([(0.0, rgb)], None, track.Options()))) if overlap(f.box_px, entry["face_box_px"]) > 0.3]
        if found:
            best = max(found, key=lambda f: overlap(f.box_px, entry["face_box_px"]))
            yield image, track.landmarked(rgb, (replace(best, identity=1),))[0], int(entry.get("frame", 0))


def proposed(image: Image, face: Face, frame: int, bundle: Bundle, chart: FaceChart | None) -> tuple[Candidate, ...]:
    """The candidates on one face, with what is known of each."""
    labels = segment_faces(image, (face,), bundle, SegmentOptions())
    regions = measure.extract(image, labels, MEASURE)
    return fuse.with_context(fuse.propose(image, labels, regions, frame), image, (face,), chart)


if __name__ == "__main__":
    main()
