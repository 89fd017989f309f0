"""The family ``convnet``: a network finds the face, another places 478 points on it; from then on each frame's points say where the next look goes.

While the points hold no detector is asked, but every ``SEARCH`` frames for who else came, near (BlazeFace) or far (the single stage). Where they are lost,
the face is carried as a whole and looked for in every frame, by BlazeFace: it is hard to deceive, and whose points were placed is near.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.face import Face
from diaphane.track.association import Association, Target, upright
from diaphane.track.blazeface import BlazeFaceDetector
from diaphane.track.carrier import Step, WholeCarrier
from diaphane.track.detection import Detection, apart, overlap
from diaphane.track.mesh import Mesh, Square, face_box
from diaphane.track.one_euro import OneEuro
from diaphane.track.options import Options
from diaphane.track.single_stage import SingleStageDetector

PRESENT = 0.5
"""How sure the mesh network must be of a face."""
FOUND, FOUND_FAR = 0.5, 0.6
"""How sure BlazeFace; and the single stage."""
SEARCH = 15
AT_MOST = 8
"""Faces whose points are placed in one frame."""
ALREADY = 0.4
"""A detection that shares this with a face whose points are known is that face."""


class ConvnetTracker:
    """Faces with landmarks.

    Raises:
        NotPulledError: The weights are not here.
    """

    def __init__(self, options: Options) -> None:
        self._detector, self._far, self._mesh = BlazeFaceDetector(), SingleStageDetector(options.smallest_face), Mesh()
        self._people = Association(options, FOUND, WholeCarrier)
        self._smooth: dict[int, OneEuro] = {}
        self._before: Array | None = None
        self._waited = SEARCH

    def update(self, frame: Array, time_s: float) -> tuple[Face, ...]:
        """As ``Tracker`` says."""
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        same_size = self._before is not None and self._before.shape == grey.shape
        step = Step(self._before if same_size else None, grey, frame)
        self._people.predict(time_s)
        found = [placed for t in self._people.here[:AT_MOST] if (placed := self._again(frame, t)) is not None]
        self._waited += 1
        if self._waited >= SEARCH or len(found) < len(self._people.here) or not found:
            found += self._new(frame, found)
        self._people.meet(apart(found), step)
        self._people.carry(step)
        self._before = grey
        faces = self._people.faces()
        self._smooth = {face.identity: self._smooth[face.identity] for face in faces if face.identity in self._smooth}
        return tuple(self._steady(face, time_s) for face in faces)

    def _again(self, frame: Array, target: Target) -> Detection | None:
        """The points of a face that is known: near its last ones, or in its box where those are old."""
        points = target.seen.points
        if points is not None and not target.missed:
            shift = np.array(target.box.box[:2]) - target.last[:2]
            return self._placed(frame, Square.about(points + shift))
        return None if target.hidden else self._placed(frame, Square.around(upright(target.box.box, target.aspect), 0.0))

    def _new(self, frame: Array, known: list[Detection]) -> list[Detection]:
        seen = [d for d in self._detector(frame) if d.score >= FOUND]
        if self._waited >= SEARCH:
            seen = apart(seen + [d for d in self._far(frame) if d.score >= FOUND_FAR])
            self._waited = 0
        found = [d for d in seen if all(overlap(d.box_px, k.box_px) < ALREADY for k in known)]
        placed = (self._placed(frame, Square.around(d.box_px, d.roll_rad)) for d in found[:AT_MOST])
        return [d for d in placed if d is not None]

    def _placed(self, frame: Array, square: Square) -> Detection | None:
        points, present = self._mesh(frame, square)
        return Detection(face_box(points), present, square.roll_rad, points) if present >= PRESENT else None

    def _steady(self, face: Face, time_s: float) -> Face:
        """Without tremble; what was lost begins anew."""
        if face.landmarks_px is None:
            self._smooth.pop(face.identity, None)
            return face
        if face.identity not in self._smooth:
            self._smooth[face.identity] = OneEuro(face.landmarks_px, time_s)
            return face
        size = max(face.box_px[2], face.box_px[3])
        return replace(face, landmarks_px=self._smooth[face.identity](face.landmarks_px, time_s, size))
