"""A clip or photo without faces: looked through once for where they are, then written with them made unrecognisable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from diaphane import track
from diaphane.core.video import Video
from diaphane.errors import InputError
from diaphane.pipeline.tracking import Frames, frames_of
from diaphane.track import Cover, Options
from diaphane.view.film import film
from diaphane.view.tracked import without_faces

Watched = Callable[[Frames, str], Frames]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Frames one after the other, counted from 0."""

    first: int
    last: int
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentified:
    """What was done, and what it could not be sure of."""

    tracker: str
    frames: int
    """As many as could be decoded."""
    frames_claimed: int
    """As many as the file says that it has."""
    faces: int
    blurred: int
    """Frames in which something was made unrecognisable."""
    guessed: tuple[Stretch, ...]
    """Where a face was hidden in a place that neither a detector nor the pixels told."""
    nothing_found: tuple[Stretch, ...]
    """Where no face was found: all frames, or those of a clip that has faces in others."""
    left_out: tuple[str, ...] = ("sound", "metadata")

    @property
    def is_sure(self) -> bool:
        """Whether a face was seen in every frame that the file claims, and nothing was guessed."""
        return not self.guessed and not self.nothing_found and self.frames >= self.frames_claimed


def deidentify(clip: Video, target: Path, options: Options, watched: Watched) -> Deidentified:
    """Write ``clip`` to ``target`` without faces; ``watched`` lets someone see how far each of the two passes is.

    Raises:
        InputError: There is no frame, or the file changed between the passes.
        UsageError: ``target`` does not end as it must.
        StorageError: It cannot be written.
        NotPulledError: The tracker's weights are not here.
    """
    with film(target, clip.rate_hz, photo=clip.is_photo) as write:
        found = track.cover(watched(frames_of(clip), "look"), options)
        if not found.places:
            raise InputError(f"{clip.path}: no frame of the clip could be decoded")
        written = 0
        for _, frame in watched(frames_of(clip), "blur"):
            if written < len(found.places):
                write(without_faces(frame, found.boxes(written)))
            written += 1
        if written != len(found.places):
            raise InputError(f"{clip.path}: had {len(found.places)} frames and now has {written}: it must not change while it is read; try again")
    return _told(clip, found, options)


def _told(clip: Video, found: Cover, options: Options) -> Deidentified:
    empty = found.empty()
    return Deidentified(
        tracker=track.tracker_name(options),
        frames=len(found.places),
        frames_claimed=clip.frame_count,
        faces=len(found.identities()),
        blurred=len(found.places) - len(empty),
        guessed=_stretches(found.guessed(), found.times_s),
        nothing_found=_stretches(empty, found.times_s),
    )


def _stretches(frames: Sequence[int], times_s: Sequence[float]) -> tuple[Stretch, ...]:
    those = set(frames)
    begins, ends = [n for n in frames if n - 1 not in those], [n for n in frames if n + 1 not in those]
    return tuple(Stretch(first=a, last=b, from_s=times_s[a], to_s=times_s[b]) for a, b in zip(begins, ends, strict=True))
