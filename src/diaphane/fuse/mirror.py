"""A visit whose pictures are mirror images, turned right: left and right change places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.candidate import Candidate
from diaphane.core.change import Lesion, Trace, View, Visit
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart

SIDES = {"left": "right", "right": "left"}


def unmirrored(visit: Visit) -> Visit:
    """The visit as it would be, had its pictures not been mirrored."""
    return replace(
        visit,
        lesions=tuple(turned(lesion) for lesion in visit.lesions),
        traces=tuple(_trace(trace) for trace in visit.traces),
        views=tuple(_view(view, visit.chart) for view in visit.views),
    )


def turned(lesion: Lesion) -> Lesion:
    """On the other side of the face."""
    x, y, z = lesion.place_mm
    return replace(
        lesion, place_mm=(-x, y, z), site=lesion.site and " ".join(SIDES.get(word, word) for word in lesion.site.split(" ")), best=_candidate(lesion.best)
    )


def _candidate(candidate: Candidate) -> Candidate:
    x, y, width, height = candidate.box_px
    return replace(candidate, box_px=(candidate.size_px[0] - x - width, y, width, height), mask=candidate.mask[:, ::-1])


def _trace(trace: Trace) -> Trace:
    x, y, z = trace.place_mm
    return replace(trace, place_mm=(-x, y, z))


def _view(view: View, chart: FaceChart) -> View:
    """The landmarks, too: each point is then the picture of the one opposite."""
    return replace(view, rgb=view.rgb[:, ::-1], face=_face(view.face, chart, view.rgb.shape[1]))


def _face(face: Face, chart: FaceChart, wide: int) -> Face:
    x, y, width, height = face.box_px
    points: FloatArray = np.array(face.landmarks_px, float)[: len(chart.points_mm)][chart.opposite]
    points[:, 0] = wide - points[:, 0]
    return replace(face, box_px=(wide - x - width, y, width, height), landmarks_px=points, pose=None)
