"""What one case is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diaphane import acquire
from diaphane.acquire.picture import stem_of
from diaphane.core.case import Case
from diaphane.core.case_folder import MANIFEST
from diaphane.core.provenance import digest
from diaphane.core.verdict import Verdict
from diaphane.core.video import Video
from diaphane.errors import InputError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Paths and what their bytes are."""

    source: Path
    face: Path | None = None
    labels: Path | None = None
    context: Path | None = None
    camera: Path | None = None
    sha256: dict[str, str]
    """``source``, ``face``, ``labels``, ``context``, ``camera``, those given, to SHA-256; ``label_names`` where a list stands beside the labels."""

    @classmethod
    def of(cls, source: Path | str, **beside: Path | str | None) -> Inputs:
        """The inputs at these paths, all read once; ``beside``: ``face``, ``labels``, ``context``, ``camera``.

        Raises:
            InputError: One of them is missing or cannot be read.
            UsageError: The source is the folder of a case.
        """
        if (Path(source) / MANIFEST).is_file():
            raise UsageError(f"{source}: is the folder of a case; give what the case was made from")
        given = {"source": source, **beside}
        paths = {name: Path(path) for name, path in given.items() if path is not None}
        sha256 = {name: acquire.source_sha256(path) for name, path in paths.items()}
        listed = acquire.names_beside(paths["labels"]) if "labels" in paths else {}
        return cls(**paths, sha256=sha256 | ({"label_names": digest(listed)} if listed else {}))

    def named(self) -> dict[str, str]:
        """Each input's SHA-256 by its stem; where another has the stem already, with what it is: ``x (labels)``."""
        out: dict[str, str] = {}
        for role in ("source", "face", "labels", "context", "camera"):
            path: Path | None = getattr(self, role)
            if path is not None:
                stem = stem_of(path)
                out[stem if stem not in out else f"{stem} ({role})"] = self.sha256[role]
        return out

    def apart_from(self, out: Path) -> None:
        """Nothing where the case folder ``out`` lies outside of every input.

        Raises:
            UsageError: It lies in one: the case would change its own input.
        """
        for path in (self.source, self.face, self.labels):
            if path is not None and path.is_dir() and out.resolve().is_relative_to(path.resolve()):
                raise UsageError(f"{out}: lies in the input {path}; give --out a folder outside of it")

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
            video, verdicts = self._face(case, self.face, options)
            case = replace(case, video=video, verdicts=(*case.verdicts, *verdicts))
        case = replace(case, verdicts=(*case.verdicts, *_not_used(case, options, self.camera is not None)))
        return replace(case, context=acquire.read_context(self.context)) if self.context else case

    def _face(self, case: Case, path: Path, options: acquire.Options) -> tuple[Video, tuple[Verdict, ...]]:
        if case.video:
            raise UsageError("--face stands beside a scan or picture; the input is a clip itself: leave --face out")
        face = acquire.read(path, options)
        if not face.images and face.video is None:
            raise InputError(f"{path}: cannot be the face: {'; '.join(v.reason for v in face.verdicts if v.verdict == 'refused')}")
        if face.images and not face.images[0].is_picture:
            raise UsageError("--face must be a photo or a clip, got a volume; give the volume as INPUT")
        video = face.video or acquire.photo_as_video(path, face.images[0])
        apart = replace(video, name=f"{video.name}_face") if video.name in {i.name for i in case.images} else video
        return apart, face.verdicts


def _not_used(case: Case, options: acquire.Options, has_camera: bool) -> tuple[Verdict, ...]:
    """What was asked for and has no meaning for this source."""
    is_picture = bool(case.images) and case.images[0].is_picture
    told = []
    if options.spacing_mm is not None and not is_picture:
        told.append("--spacing-mm was not used: it is for pictures; a volume has its own spacing, a clip has none")
    if has_camera and case.video is None and not is_picture:
        told.append("--camera was not used: it is of a clip or photo of a face")
    if (options.series is not None or options.allow_gaps) and not case.instances:
        told.append("--series and --allow-gaps were not used: they are for DICOM")
    return tuple(Verdict(gate="input", verdict="passed", subject="options", reason=reason) for reason in told)


def _without_slice(case: Case) -> Case:
    """A single slice of a scan has the values of a volume and the shape of a picture: nothing here is made for it."""
    if not case.images or not case.images[0].is_picture or case.images[0].array.dtype in (np.uint8, np.uint16):
        return case
    reason = "one slice of a scan: give the whole series, or export the slice as a picture"
    refused = Verdict(gate="input", verdict="refused", subject=case.images[0].name, reason=reason)
    return replace(case, images=(), instances=(), verdicts=(*case.verdicts, refused))
