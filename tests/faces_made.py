"""Faces and candidates made for the tests of fusion: a flat average face, whose landmarks are its points seen from the front."""

from __future__ import annotations

import numpy as np

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart

SHA = "ab" * 32


def grid_chart() -> FaceChart:
    """A face of 21x21 points on a bowl 140 mm wide and 180 mm high; numbers that fusion asks for by name lie where a face has them."""
    x, y = np.meshgrid(np.linspace(-70, 70, 21), np.linspace(-90, 90, 21))
    z = 0.004 * (x**2 + y**2) / 2
    points = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    corner = np.array([[r * 21 + c, r * 21 + c + 1, (r + 1) * 21 + c] for r in range(20) for c in range(20)])
    other = np.array([[r * 21 + c + 1, (r + 1) * 21 + c + 1, (r + 1) * 21 + c] for r in range(20) for c in range(20)])

    def box(left: int, right: int, top: int, bottom: int) -> tuple[int, ...]:
        return (top * 21 + left, top * 21 + right, bottom * 21 + right, bottom * 21 + left)

    outlines = {
        "left eye": box(12, 17, 7, 9), "right eye": box(3, 8, 7, 9), "left brow": box(12, 17, 5, 6), "right brow": box(3, 8, 5, 6), "lips": box(7, 13, 15, 17),
        "nose": box(9, 11, 7, 13), "forehead": box(2, 18, 0, 5), "left cheek": box(11, 20, 9, 15), "right cheek": box(0, 9, 9, 15), "chin": box(5, 15, 17, 20),
    }  # fmt: skip
    return FaceChart(points, np.concatenate([corner, other]), outlines)


def seen(chart: FaceChart, *, left: float = 50, top: float = 30, scale: float = 1.0, landmarks: bool = True, identity: int = 1) -> Face:
    """The face from the front, ``scale`` px a mm."""
    points = (np.asarray(chart.points_mm)[:, :2] + (70, 90)) * scale + (left, top)
    return Face(
        identity=identity, box_px=(left, top, 140 * scale, 180 * scale), score=0.9, state="detected", landmarks_px=points if landmarks else None,
        landmark_set="made" if landmarks else None,
    )  # fmt: skip


def disc_candidate(
    number: int, x: int, y: int, *, radius: int = 6, frame: int = 0, probability: float = 0.8, network: str = "", **features: float
) -> Candidate:
    """A disc about a pixel of a picture of 300x260."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return Candidate(
        source_sha256=SHA, size_px=(300, 260), image="made", frame=frame, candidate=number, label="face lesion",
        box_px=(x - radius, y - radius, 2 * radius + 1, 2 * radius + 1), mask=rows**2 + columns**2 <= radius**2, probability=probability, features=features,
        network=network,
    )  # fmt: skip
