"""What one case is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diaphane import acquire
from diaphane.core.case import Case
from diaphane.core.verdict import Verdict
from diaphane.core.video import Video
from diaphane.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Paths and what their bytes are."""

    source: Path
    face: Path | None = None
    labels: Path | None = None
    context: Path | None = None
    sha256: dict[str, str]
    """``source``, ``face``, ``labels``, ``context``, those given, to SHA-256."""

    @classmethod
    def of(cls, source: Path | str, face: Path | str | None, labels: Path | str | None, context: Path | str | None) -> Inputs:
        """The inputs at these paths, all read once.

        Raises:
            InputError: One of them is missing or cannot be read.
        """
        given = {"source": source, "face": face, "labels": labels, "context": context}
        paths = {name: Path(path) for name, path in given.items() if path is not None}
        return cls(**paths, sha256={name: acquire.source_sha256(path) for name, path in paths.items()})

    def read(self, options: acquire.Options) -> Case:
        """The source, with the clip of the face and the context beside it.

        Raises:
            UsageError: A face is given beside a clip, or labels without an image.
            InputError: One of them is not what it should be.
        """
        case = _without_slice(acquire.read(self.source, options))
        if self.labels and case.video:
            raise UsageError("--labels takes the place of a model for a scan or picture; the input is a clip: leave --labels out")
        if self.face:
            case = replace(case, video=self._face(case, self.face, options))
        return replace(case, context=acquire.read_context(self.context)) if self.context else case

    def _face(self, case: Case, path: Path, options: acquire.Options) -> Video:
        if case.video:
            raise UsageError("--face stands beside a scan or picture; the input is a clip itself: leave --face out")
        face = acquire.read(path, options)
        if face.images and not face.images[0].is_picture:
            raise UsageError("--face must be a photo or a clip, got a volume; give the volume as INPUT")
        video = face.video or acquire.photo_as_video(path, face.images[0])
        return replace(video, name=f"{video.name}_face") if video.name in {i.name for i in case.images} else video


def _without_slice(case: Case) -> Case:
    """A single slice of a scan has the values of a volume and the shape of a picture: nothing here is made for it."""
    if not case.images or not case.images[0].is_picture or case.images[0].array.dtype in (np.uint8, np.uint16):
        return case
    reason = "one slice of a scan: give the whole series, or export the slice as a picture"
    refused = Verdict(gate="input", verdict="refused", subject=case.images[0].name, reason=reason)
    return replace(case, images=(), instances=(), verdicts=(*case.verdicts, refused))
