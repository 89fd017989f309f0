"""Clips for fusion: each of the first pictures that ``diaphane simulate skin`` made becomes some frames of a head that tilts, turns and comes nearer.

    python benchmarks/fusion_clips.py WORK/train WORK/train_clips --count 40

Frames are the picture under a drawn affine map (tilt up to 8 degrees, 0.85 to 1.1 as large, up to 12 % narrower as when a head turns), lighter or darker,
softer, and compressed anew; masks move with them. It is cruder than a film: no part of the face hides or shows. Then ``fusion_data.py WORK/train_clips``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

FRAMES = 5


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=301)
    parsed = parser.parse_args()
    for name in ("images", "masks"):
        (parsed.out / name).mkdir(parents=True)
    entries = json.loads((parsed.pictures / "truth.json").read_text())["images"][: parsed.count]
    made = [one for n, entry in enumerate(entries) for one in frames_of(parsed.pictures, entry, parsed.out, np.random.default_rng([parsed.seed, n]))]
    (parsed.out / "truth.json").write_text(json.dumps({"images": made}, indent=1))


def frames_of(source: Path, entry: dict, out: Path, rng: np.random.Generator) -> list[dict]:
    """The entries of one clip's frames, which are written."""
    rgb = cv2.imread(str(source / entry["image"]))
    masks = [cv2.imread(str(source / lesion["mask"]), cv2.IMREAD_GRAYSCALE) for lesion in entry["lesions"]]
    stem = Path(entry["image"]).stem
    clip = hashlib.sha256((source / entry["image"]).read_bytes()).hexdigest()
    made = []
    for frame in range(FRAMES):
        move = motion(rgb.shape, entry["face_box_px"], rng) if frame else np.eye(2, 3)
        seen = cv2.warpAffine(rgb, move, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        soft = cv2.GaussianBlur(seen, (0, 0), 0.3 + 0.6 * rng.random())
        lit = np.clip(soft * rng.uniform(0.85, 1.15), 0, 255).astype(np.uint8)
        name = f"{stem}_f{frame:06d}"
        cv2.imwrite(str(out / f"images/{name}.jpg"), lit, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 96))])
        lesions = []
        for n, mask in enumerate(masks, start=1):
            moved = cv2.warpAffine(mask, move, mask.shape[1::-1])
            cv2.imwrite(str(out / f"masks/{name}_{n}.png"), (moved > 127).astype(np.uint8) * 255)
            lesions.append({"mask": f"masks/{name}_{n}.png", "source": entry["lesions"][n - 1]["source"]})
        made.append(
            {
                "image": f"images/{name}.jpg", "clip": clip, "frame": frame, "face_identity": entry["face_identity"],
                "face_box_px": box_under(entry["face_box_px"], move), "lesions": lesions, "distractors": [],
                "ignore": [{"box_px": box_under(i["box_px"], move)} for i in entry["ignore"]],
            }
        )  # fmt: skip
    return made


def motion(shape: tuple[int, ...], box: list[int], rng: np.random.Generator) -> np.ndarray:
    """(2, 3): about the face's middle."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    tilt, size, narrow = np.radians(rng.uniform(-8, 8)), rng.uniform(0.85, 1.1), rng.uniform(0.88, 1)
    turn = size * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]) @ np.diag([narrow, 1])
    shift = rng.uniform(-0.05, 0.05, 2) * (box[2], box[3])
    return np.column_stack([turn, np.array([x, y]) + shift - turn @ (x, y)])


def box_under(box: list[int], move: np.ndarray) -> list[int]:
    """Around the moved corners."""
    x, y, width, height = box
    corners = np.array([(x, y), (x + width, y), (x, y + height), (x + width, y + height)]) @ move[:, :2].T + move[:, 2]
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    return [int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])]


if __name__ == "__main__":
    main()
