"""What the face says about a candidate: numbers beside those that the segmentation and the measurement gave it.

All names begin with ``face_``. Lengths are in widths of the face's box, or, where there are landmarks, in distances between the outer eye corners. What
only landmarks tell is NaN without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart
from diaphane.core.image import Image
from diaphane.fuse.persistence import centre, nearest_face
from diaphane.fuse.site import REGIONS
from diaphane.fuse.skin import Skin, lab_of
from diaphane.fuse.surface import Surface
from diaphane.ops.crop import Box, cropped, face_square
from diaphane.ops.picture import to_rgb

PREFIX = "face_"
LANDMARKED = (
    "x_mm", "y_mm", "z_mm", "aside_mm", "to_eyes", "to_brows", "to_nose_base", "to_lips", "to_edge", "turn", "mirror_difference", "mirror_contrast",
    "region", "mm_per_px",
)  # fmt: skip
"""NaN without landmarks."""
RING = 0.35
"""Width of the ring around a candidate, as a share of the diameter of the disc of its area; at least 2 pixels."""


def with_context(candidates: Sequence[Candidate], image: Image, faces: Sequence[Face], chart: FaceChart | None) -> tuple[Candidate, ...]:
    """The candidates of one picture or frame with what its ``faces`` say of each; as they are where there is no face.

    A candidate belongs to the face that holds it, or else the one that is nearest. ``chart`` is the map that the landmarks are of.
    """
    if not faces:
        return tuple(candidates)
    rgb = to_rgb(image.array[0])
    views = {n: _view(rgb, face, image.size_px, chart) for n, face in enumerate(faces)}
    out = []
    for candidate in candidates:
        n = nearest_face(candidate, faces)
        told = views[n].features(candidate)
        out.append(replace(candidate, features={**candidate.features, **{PREFIX + name: value for name, value in told.items()}}))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class _View:
    """One face, cut out of its picture."""

    face: Face
    box: Box
    """Of what is cut out."""
    lab: FloatArray
    """(row, column, 3)."""
    skin: Skin
    surface: Surface | None

    def features(self, candidate: Candidate) -> dict[str, float]:
        mask = self._mask(candidate)
        ring = _ring(mask)
        told = {**self._place(candidate), **self.skin.features(self.lab, mask, ring)}
        return told | (self._on_surface(candidate, mask, ring) if self.surface else dict.fromkeys(LANDMARKED, float("nan")))

    def _mask(self, candidate: Candidate) -> BoolArray:
        """On what was cut out; at least one pixel, the nearest, of a candidate that lies outside."""
        height, width = self.lab.shape[:2]
        out = np.zeros((height, width), bool)
        x, y = candidate.box_px[0] - self.box[0], candidate.box_px[1] - self.box[1]
        rows, columns = np.nonzero(candidate.mask)
        out[np.clip(rows + y, 0, height - 1), np.clip(columns + x, 0, width - 1)] = True
        return out

    def _place(self, candidate: Candidate) -> dict[str, float]:
        left, top, width, height = self.surface.box_px if self.surface else self.face.box_px
        x, y = centre(candidate)
        u, v = (x - left) / width, (y - top) / height
        quality = self.face.quality
        return {
            "identity": float(self.face.identity),
            "u": u,
            "v": v,
            "inside": min(u, 1 - u, v * height / width, (1 - v) * height / width),
            "size": float(np.sqrt(candidate.mask.sum()) / width),
            "width_px": width,
            "score": self.face.score,
            "sharp": np.nan if quality is None else quality.sharp,
            "light": np.nan if quality is None else quality.light,
            "facing": np.nan if quality is None or quality.facing is None else quality.facing,
            "mesh": float(self.surface is not None),
        }

    def _on_surface(self, candidate: Candidate, mask: BoolArray, ring: BoolArray) -> dict[str, float]:
        surface = self.surface
        if surface is None:
            return {}
        told = surface.place(*centre(candidate))
        told["mm_per_px"] = surface.mm_per_px
        region = surface.region(*centre(candidate))
        told["region"] = float(REGIONS.index(region)) if region in REGIONS else -1.0
        there = surface.opposite(*centre(candidate))
        here = np.array(centre(candidate))
        shift = np.round(there - here).astype(int)
        mirror, around = (_shifted(part[:, ::-1], part, shift) for part in (mask, ring))
        known = mirror.sum() >= 0.5 * mask.sum() and around.any() and ring.any()
        told["mirror_difference"] = self.skin.apart(self.lab[mask], self.lab[mirror]) if known else np.nan
        told["mirror_contrast"] = self.skin.contrast(self.lab, mask, ring) - self.skin.contrast(self.lab, mirror, around) if known else np.nan
        return told


def _view(rgb: Array, face: Face, size_px: tuple[int, int], chart: FaceChart | None) -> _View:
    box = face_square(face.box_px, size_px)
    lab = lab_of(cropped(rgb, box))
    has_points = chart is not None and face.landmarks_px is not None and len(face.landmarks_px) >= len(chart.points_mm)
    surface = Surface.of(face, chart) if has_points and chart is not None else None
    known = surface.skin(box) if surface else _oval(face, box)
    return _View(face, box, lab, Skin.of(lab[known] if known.any() else lab.reshape(-1, 3)), surface)


def _oval(face: Face, box: Box) -> BoolArray:
    """The middle of the face's box, where most is skin."""
    x, y, width, height = face.box_px
    rows, columns = np.mgrid[: box[3], : box[2]]
    across, down = (columns + box[0] - x - width / 2) / (0.32 * width), (rows + box[1] - y - 0.52 * height) / (0.36 * height)
    return np.asarray(across**2 + down**2 <= 1)


def _ring(mask: BoolArray) -> BoolArray:
    """Around ``mask``, a gap of one pixel between."""
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    width = max(2.0, RING * 2 * float(np.sqrt(mask.sum() / np.pi)))
    return np.asarray((away > 1.5) & (away <= 1.5 + width))


def _shifted(mirrored: BoolArray, original: BoolArray, shift: FloatArray) -> BoolArray:
    """``mirrored``, the mirror image of ``original``, laid where ``original`` moved by ``shift`` (x, y) lies; what leaves the picture is lost."""
    height, width = original.shape
    out = np.zeros_like(original)
    rows, columns = np.nonzero(mirrored)
    middle = np.nonzero(original)[1].mean()
    own = columns.mean() if len(columns) else 0.0
    rows, columns = rows + int(shift[1]), np.round(columns - own + middle).astype(int) + int(shift[0])
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    out[rows[inside], columns[inside]] = True
    return out
