"""A contact sheet of a filmed head: where the bone of its scan truly is in green, where registration has it in red; frames without red are not solved.

    python benchmarks/registration_sheet.py FILM REGISTRATION.jsonl OUT.png

FILM is a folder of ``diaphane simulate head`` with its scan, REGISTRATION.jsonl of ``diaphane ar`` or ``run`` on it. Seconds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from diaphane import acquire
from diaphane.acquire import Options
from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.ops.picture import write_png
from diaphane.ops.surface import surface, thinned
from diaphane.segment.head import segment_head

SHOWN, ACROSS, GREEN, RED = 8, 4, (0, 200, 80), (235, 60, 40)


def outlined(frame: Array, mesh: Mesh, matrix: np.ndarray, camera: Camera, colour: tuple[int, int, int]) -> None:
    """Draw the silhouette of ``mesh`` onto ``frame``."""
    points = np.asarray(mesh.vertices_mm, float) @ matrix[:3, :3].T + matrix[:3, 3]
    pixels = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)[0][:, 0]
    filled = np.zeros(frame.shape[:2], np.uint8)
    for triangle in np.round(pixels[mesh.faces] * 16).astype(np.int32):
        cv2.fillConvexPoly(filled, triangle, 1, shift=4)
    contours, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(frame, contours, -1, colour, 2, cv2.LINE_AA)


def matrices(path: Path) -> dict[int, np.ndarray]:
    """Scan to camera, of the frames that are solved."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["frame"]: np.reshape(line["matrix"], (4, 4)) for line in lines if line["solved"]}


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("registration", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    scan = acquire.read(given.film / "scan.nii.gz", Options()).images[0]
    labels, _ = segment_head(scan, "CT")
    if labels is None:
        raise SystemExit(f"{given.film}: its scan is no head")
    bone = next(label.value for label in labels.table if label.name == "bone")
    mesh = thinned(surface(labels.mask(bone), scan.geometry), 12_000)
    true, found = matrices(given.film / "truth.jsonl"), matrices(given.registration)
    nominal, real = (acquire.read_camera(given.film / name) for name in ("camera.toml", "true_camera.toml"))
    video = acquire.read(given.film / "video.mp4", Options()).video
    if video is None:
        raise SystemExit(f"{given.film}: no film in it")
    chosen = np.linspace(0, len(true) - 1, SHOWN).round().astype(int).tolist()
    shown = []
    for n, (_, frame) in enumerate(acquire.frames(video, Options())):
        if n in chosen:
            drawn = frame.copy()
            outlined(drawn, mesh, true[n], real, GREEN)
            if n in found:
                outlined(drawn, mesh, found[n], nominal, RED)
            shown.append(cv2.resize(drawn, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    write_png(given.out, np.vstack([np.hstack(shown[n : n + ACROSS]) for n in range(0, SHOWN, ACROSS)]))


if __name__ == "__main__":
    main()
