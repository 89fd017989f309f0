"""How well the four families of face tracking find, follow and place faces, and how fast: the table in docs/faces.md.

    .venv/bin/python benchmarks/track.py [--quick] [NAME ...]

NAME is one of recall, empty, speed, girl, crossed, film, points, pose; all by default. Needs the real data (``DIAPHANE_DATA``), the weights (``diaphane
models pull faces``) and, for ``film``, the extra ``ar``. Every row of a family uses its default. ``--quick`` takes few frames and measures nothing. Some ten
minutes on one thread.
"""

from __future__ import annotations

from beside import DATA, machine, say  # isort: skip  # sets the threads before numpy reads them

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation
from track_crossing import RATE_HZ, crossing
from track_data import Annotated, aflw2000, box_around, frames, groups, landmark_samples
from track_film import films

from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.track import Options, follow
from diaphane.track.detection import Box, overlap, overlaps, within
from diaphane.track.follow import TRACKERS
from diaphane.track.landmarks import common_68
from diaphane.track.mesh import Mesh, Square, face_box
from diaphane.track.pose import head_pose
from diaphane.track.single_stage import SingleStageDetector

FACES = DATA / "faces"
WAYS = {
    "keypoints": Options(tracker="keypoints"),
    "convnet": Options(tracker="convnet"),
    "haar": Options(tracker="haar"),
    "framework": Options(tracker="framework"),
    "framework, multi_stage": Options(tracker="framework", detector="multi_stage"),
}
FOUND, CLEAR = 0.35, 0.5
"""Intersection over union from which an annotated face counts as found; and as followed."""
HEAD: Box = (-0.08, -0.37, 1.16, 1.37)
"""Head in shares of the face's box, from body measures: the box is 155 mm wide and 177 mm high on the canonical face; a head is some 232 mm from chin to
vertex and, as hair adds 10 mm on each side that it grows on, 242 mm high and 180 mm wide."""


def recall(quick: bool) -> Iterator[str]:
    """Photos, each by itself."""
    sets: dict[str, Callable[[Path], Iterable[Annotated]]] = {"groups": groups, "AFLW2000": aflw2000, "landmark samples": landmark_samples}
    for name, options in WAYS.items():
        cells, hits, total, wrong = [], 0, 0, 0
        for title, read in sets.items():
            found = of = 0
            for picture in islice(read(FACES), 2 if quick else None):
                boxes = [f.box_px for f in next(follow([(0.0, picture.rgb())], None, options))]
                shared = overlaps(picture.boxes, boxes) if boxes else np.zeros((len(picture.boxes), 1))
                found, of = found + int((shared.max(axis=1) > FOUND).sum()), of + len(picture.boxes)
                wrong += int((shared.max(axis=0) < 0.1).sum()) if picture.is_complete and boxes else 0
            cells.append(f"{title} {found}/{of}")
            hits, total = hits + found, total + of
        yield f"| {name} | {hits / total:.3f} | {', '.join(cells)} | {wrong} |"


def empty(quick: bool) -> Iterator[str]:
    """Frames without a face."""
    for name, options in WAYS.items():
        found = list(follow(timed(frames(FACES / "videos/no_face.mp4"), 20 if quick else None), None, options))
        yield f"| {name} | {sum(map(len, found))} boxes in {len(found)} frames |"


def speed(quick: bool) -> Iterator[str]:
    """A clip of one face that moves and hides behind a hand, at 640x480; detection frames count."""
    clip = [cv2.resize(f, (640, 480), interpolation=cv2.INTER_AREA) for f in islice(frames(FACES / "videos/WolfgangLanger_Pexels.mp4"), 10 if quick else 300)]
    for name, options in WAYS.items():
        tracker, took = TRACKERS[options.tracker](options), []
        for n, frame in enumerate(clip):
            begun = time.process_time()
            tracker.update(frame, n / 25)
            took.append(1000 * (time.process_time() - begun))
        yield f"| {name} | {np.mean(took):.1f} | {np.median(took):.1f} | {np.quantile(took, 0.95):.1f} |"


def girl(quick: bool) -> Iterator[str]:
    """Success of the one identity that begins on the target."""
    truth = np.loadtxt(FACES / "girl/groundtruth_rect.txt") - (1, 1, 0, 0)
    clip = [np.ascontiguousarray(cv2.imread(str(p))[..., ::-1]) for p in sorted((FACES / "girl/img").glob("*.jpg"))][: 20 if quick else None]
    for name, options in WAYS.items():
        found = list(follow(((n / 30, frame) for n, frame in enumerate(clip)), None, options))
        yield f"| {name} | {' | '.join(scored(found, truth))} |"


def scored(found: list[tuple[Face, ...]], truth: np.ndarray, target_box: Box = HEAD) -> tuple[str, ...]:
    """AUC, share of frames in which the target was seen, switches, identities; ``target_box`` is what the truth outlines, in shares of the face's box.

    Switches as CLEAR MOT counts them (Bernardin, Stiefelhagen, 2008): whoever was on the target stays on it while its box, expected or seen, shares more than
    half with it; else whoever shares most.
    """
    target, before, switches = None, None, 0
    shared = np.zeros(len(found))
    for n, faces in enumerate(found):
        every = {f.identity: overlap(within(np.array(f.box_px), target_box), tuple(truth[n])) for f in faces}
        seen = {f.identity: every[f.identity] for f in faces if f.state != "predicted"}
        on = before if before is not None and every.get(before, 0) > CLEAR else max(seen, key=lambda i: seen[i], default=None)
        if on is not None and every[on] > CLEAR:
            target = on if target is None else target
            switches += before is not None and on != before
            before = on
        shared[n] = seen.get(target, 0.0) if target else 0.0
    covered, in_view = int((shared > FOUND).sum()), int(np.isfinite(truth).all(axis=1).sum())
    auc = np.mean([(shared > t).mean() for t in np.linspace(0, 1, 101)])
    return f"{auc:.3f}", f"{covered / in_view:.2f}", str(switches), str(len({f.identity for faces in found for f in faces}))


def crossed(quick: bool) -> Iterator[str]:
    """Three people who cross before one another, of ``track_crossing.py``: switches of whoever is on each of them, summed."""
    clip = list(islice(crossing(FACES), 20 if quick else None))
    truth = np.array([boxes for _, boxes in clip])
    for name, options in WAYS.items():
        found = list(follow(((n / RATE_HZ, frame) for n, (frame, _) in enumerate(clip)), None, options))
        people = [scored(found, truth[:, person], (0.0, 0.0, 1.0, 1.0)) for person in range(truth.shape[1])]
        covered = ", ".join(of[1] for of in people)
        yield f"| {name} | {sum(int(of[2]) for of in people)} | {covered} | {people[0][3]} |"


def points(quick: bool) -> Iterator[str]:
    """Landmarks by the mesh on what the single stage finds, a set of annotations a row; errors in shares of the distance between the outer eye corners.

    The jaw stands apart: along it annotators put points where they like, on the outline of the picture, and the mesh has its own on the face.
    """
    errors: dict[str, list[np.ndarray]] = {}
    for read in (landmark_samples, aflw2000):
        for picture in islice(read(FACES), 2 if quick else None):
            for truth in picture.points:
                placed = mesh_on(picture.rgb(), box_around(truth))
                if placed is not None:
                    off = 100 * np.linalg.norm(common_68(placed) - truth, axis=1) / np.linalg.norm(truth[36] - truth[45])
                    errors.setdefault(set_of(picture.path), []).append(off)
    samples = [e for name, of in errors.items() if name != "aflw2000" for e in of]
    for name, found in (errors | {"all but aflw2000": samples}).items():
        jaw, inner, every = (np.array([np.nanmean(e[part]) for e in found]) for part in (np.s_[:17], np.s_[17:], np.s_[:]))
        yield f"| {name} | {len(found)} | {inner.mean():.2f} | {np.median(inner):.2f} | {jaw.mean():.1f} | {every.mean():.2f} |"


def set_of(path: Path) -> str:
    """The name of the annotation set."""
    return next(part for part in path.parts if part in ("300vw", "300w", "aflw", "cofw", "lapa", "wflw", "aflw2000"))


def pose(quick: bool) -> Iterator[str]:
    """Head pose against the fitted model of AFLW2000."""
    flip = np.diag([1.0, -1.0, -1.0])
    off, turned = [], []
    for picture in islice(aflw2000(FACES), 2 if quick else None):
        frame = picture.rgb()
        placed = mesh_on(frame, picture.boxes[0])
        found = None if placed is None else head_pose(placed, Camera.guessed(frame.shape[1], frame.shape[0]))
        if found is None or picture.pose_rad is None:
            continue
        truth, own = Rotation.from_euler("XYZ", -np.array(picture.pose_rad)), Rotation.from_matrix(flip @ found.rotation @ flip)
        apart = np.degrees(own.as_euler("XYZ") - truth.as_euler("XYZ"))
        off.append(np.abs((apart + 180) % 360 - 180))
        turned.append(np.degrees((own * truth.inv()).magnitude()))
    pitch, yaw, roll = np.mean(off, axis=0)
    yield f"| {len(off)} | {np.mean(off):.2f} | {pitch:.1f} | {yaw:.1f} | {roll:.1f} | {np.mean(turned):.2f} |"


def film(quick: bool) -> Iterator[str]:
    """The canonical face on known paths, by ``convnet`` with the camera known: how landmarks tremble, and how far head poses are off."""
    for shown in films(10 if quick else 150):
        found = list(follow(((n / RATE_HZ, frame) for n, frame in enumerate(shown.frames)), shown.camera, WAYS["convnet"]))
        seen = [(n, f) for n, faces in enumerate(found) for f in faces[:1] if f.landmarks_px is not None and f.pose is not None]
        turned = [np.degrees(Rotation.from_matrix(f.pose.rotation @ shown.poses[n].rotation.T).magnitude()) for n, f in seen if f.pose]
        away = [100 * np.linalg.norm(f.pose.translation_mm - shown.poses[n].translation_mm) / shown.poses[n].translation_mm[2] for n, f in seen if f.pose]
        off = {n: f.landmarks_px[:468] - shown.points[n] for n, f in seen if f.landmarks_px is not None}
        steps = [np.square(off[n] - off[n - 1]).sum(axis=1) / 2 / np.square(shown.points[n][33] - shown.points[n][263]).sum() for n in off if n - 1 in off]
        tremble = 100 * np.sqrt(np.mean(steps))
        yield f"| {shown.name} | {len(seen)} of {len(shown.frames)} | {tremble:.2f} | {np.mean(turned):.2f} | {np.mean(away):.2f} |"


def mesh_on(frame: np.ndarray, box: Box) -> np.ndarray | None:
    """The mesh of the face that is found on ``box``, looked at three times as a clip would."""
    found = [d for d in SingleStageDetector()(frame) if overlap(d.box_px, box) > 0.3]
    if not found:
        return None
    mesh, square = Mesh(), Square.around(found[0].box_px, 0.0)
    for _ in range(3):
        placed, _ = mesh(frame, square)
        square = Square.about(placed)
    return placed if overlap(face_box(placed), box) > 0.2 else None


def timed(clip: Iterator[np.ndarray], most: int | None) -> Iterator[tuple[float, np.ndarray]]:
    """With seconds."""
    return ((n / 30, frame) for n, frame in enumerate(islice(clip, most)))


PARTS = {
    recall: "| family | recall | found | boxes beside faces, groups |\n| --- | --- | --- | --- |",
    empty: "| family | without a face |\n| --- | --- |",
    speed: "| family | mean ms | median ms | 95 % below |\n| --- | --- | --- | --- |",
    girl: "| family | Girl: AUC | covered | switches | identities |\n| --- | --- | --- | --- | --- |",
    crossed: "| family | three who cross: switches | covered, each | identities |\n| --- | --- | --- | --- |",
    points: "| points of | faces | NME %, inner face | median face | jaw | all points |\n| --- | --- | --- | --- | --- | --- |",
    film: "| film | frames | jitter, % between the outer eye corners | turn off, degrees | place off, % of distance |\n| --- | --- | --- | --- | --- |",
    pose: "| faces | mean of pitch, yaw, roll, degrees | pitch | yaw | roll | angle between |\n| --- | --- | --- | --- | --- | --- |",
}


def main() -> None:
    """Print what was asked for, row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parsed = parser.parse_args()
    cv2.setNumThreads(1)
    say(machine("opencv-contrib-python-headless", "onnxruntime"))
    for part, head in PARTS.items():
        if not parsed.names or part.__name__ in parsed.names:
            say(f"\n{head}")
            for row in part(parsed.quick):
                say(row)


if __name__ == "__main__":
    main()
