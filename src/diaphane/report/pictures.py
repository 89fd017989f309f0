"""The pictures in the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.finding import Finding
from diaphane.core.outcome import Outcome, Part
from diaphane.ops.boxes import boxed
from diaphane.ops.crop import cropped, face_square
from diaphane.ops.paint import heat, numbered, overlay, palette, sized
from diaphane.ops.picture import to_rgb
from diaphane.ops.slices import sheets
from diaphane.ops.timeline import timeline_of
from diaphane.report.options import Options

SHEET_PX = 1040
"""The width of the page."""
SHORT = 8
"""A legend of up to so many names stands below each sheet, a longer one below the last."""
CLOSE_MARGIN = 2.0
"""Around a lesion on a face, in its own sizes: enough to see where on the face it is."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with its caption and the colours in it."""

    caption: str
    rgb: Array
    legend: tuple[tuple[str, str], ...] = ()
    """Name and CSS colour."""
    ramp: tuple[str, str, str] | None = None
    """Words at both ends of a colour ramp, and its CSS gradient."""
    wide: bool = False
    """Whether it takes the page's whole width."""


def pictures_of(outcome: Outcome, options: Options) -> list[Picture]:
    """The scan's slices, or the picture as it came, outlined, and how probable each place is."""
    shown = []
    for part in outcome.parts:
        if part.frame is None:
            shown += list(_of_picture(outcome, part, options) if part.image.is_picture else _of_volume(part, options))
    return shown


def face_pictures_of(outcome: Outcome, options: Options) -> list[Picture]:
    """Of a clip who was seen when; the key frames with the faces' boxes and what was outlined on them."""
    frames = [_of_frame(outcome, part, options) for part in outcome.parts if part.frame is not None]
    if outcome.video is None or outcome.video.is_photo or not outcome.sightings:
        return frames
    video, last = outcome.video, outcome.sightings[-1]
    count = max(video.frame_count, last.frame + 1)
    end_s = max(last.time_s, (count - 1) / video.rate_hz if video.rate_hz else 0.0)
    return [Picture("Who was seen when", timeline_of(outcome.sightings, count, end_s).picture(), wide=True), *frames]


def seen_through_of(outcome: Outcome) -> list[Picture]:
    """The scan on the face, in some frames."""
    seen = outcome.seen_through
    return [] if seen is None else [Picture(f"Frame {frame}", rgb) for frame, rgb in seen.stills]


def close_up(outcome: Outcome, finding: Finding, options: Options) -> Picture | None:
    """A lesion on a face from near, as it came and outlined; None for other findings, which the pictures above show."""
    part = outcome.part(finding.image)
    if part.frame is None or part.labels is None:
        return None
    box = face_square(finding.box_px, part.image.size_px, CLOSE_MARGIN)
    pixels, labels = cropped(part.image.array[0], box), cropped(part.labels.array[0], box)
    side = options.picture_px // 3
    both = np.hstack([sized(to_rgb(pixels), side), overlay(pixels, labels, palette(part.labels.table, options.colormap), long_side=side, tint=0)])
    return Picture("From near: as it came, and outlined", both)


def _of_picture(outcome: Outcome, part: Part, options: Options) -> Iterator[Picture]:
    pixels, labels = part.image.array[0], part.labels
    yield Picture("The picture as it came", sized(to_rgb(pixels), options.picture_px))
    if labels is None:
        return
    drawn = overlay(pixels, labels.array[0], palette(labels.table, options.colormap), long_side=options.picture_px)
    yield Picture(f"What {labels.source} outlined", numbered(drawn, _marks(outcome, part)), _legend(part, options))
    if labels.probability is not None:
        mapped = heat(np.asarray(sized(labels.probability[0], options.picture_px // 2), np.float32), options.colormap)
        ramp = ", ".join(_css(tuple(colour)) for colour in heat(np.linspace(0, 1, 5)[None], options.colormap)[0])
        yield Picture("How probable each place is", mapped, ramp=("background", "structure", f"linear-gradient(90deg, {ramp})"))


def _of_volume(part: Part, options: Options) -> Iterator[Picture]:
    shown = sheets(part, options.colormap, SHEET_PX)
    for sheet in shown:
        named = sheet is shown[-1] or len(sheet.legend) <= SHORT
        yield Picture(sheet.title, sheet.rgb, tuple((name, _css(colour)) for name, colour in sheet.legend) if named else (), wide=True)


def _of_frame(outcome: Outcome, part: Part, options: Options) -> Picture:
    width, height = part.image.size_px
    pixels = part.image.array[0]
    drawn = sized(to_rgb(pixels), options.picture_px)
    if part.labels is not None:
        drawn = overlay(pixels, part.labels.array[0], palette(part.labels.table, options.colormap), long_side=options.picture_px)
    faces = [s.face for s in outcome.sightings if s.frame == part.frame]
    boxes = [((f.box_px[0] / width, f.box_px[1] / height, f.box_px[2] / width, f.box_px[3] / height), f"face {f.identity}") for f in faces]
    caption = "The photo" if outcome.video and outcome.video.is_photo else f"Frame {part.frame}"
    return Picture(caption, numbered(boxed(drawn, boxes), _marks(outcome, part)), _legend(part, options))


def _legend(part: Part, options: Options) -> tuple[tuple[str, str], ...]:
    if part.labels is None:
        return ()
    shades = palette(part.labels.table, options.colormap)
    present = {int(value) for value in np.unique(part.labels.array)}
    return tuple((label.name, _css(shades[label.value])) for label in part.labels.table if label.value in present)


def _marks(outcome: Outcome, part: Part) -> list[tuple[str, float, float]]:
    """The number of each finding beside its box, where there are several or the picture is a face's."""
    findings = outcome.decision.findings
    width, height = part.image.size_px
    own = [f for f in findings if f.image == part.image.name]
    if part.frame is not None:
        return [(str(f.id), (f.box_px[0] + 1.6 * f.box_px[2]) / width, (f.box_px[1] + f.box_px[3] / 2) / height) for f in own]
    middles = [(f, f.box_px[0] + f.box_px[2] / 2, f.box_px[1] + f.box_px[3] / 2) for f in own]
    return [(str(f.id), x / width, y / height) for f, x, y in middles] if len(findings) > 1 else []


def _css(colour: tuple[int, ...]) -> str:
    return f"rgb({colour[0]} {colour[1]} {colour[2]})"
