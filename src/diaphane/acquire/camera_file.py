"""``CAMERA.toml``: what ``diaphane calibrate`` found of a camera."""

from __future__ import annotations

import tomllib
from pathlib import Path

from diaphane.core.camera import Camera
from diaphane.core.storage import reading, write_whole
from diaphane.core.strict import from_mapping
from diaphane.errors import InputError


def read_camera(path: Path) -> Camera:
    """The camera in ``path``.

    Raises:
        InputError: No such file, not TOML, a key that is missing or unknown, or a value out of range.
    """
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path}: no such camera file; make one with diaphane calibrate, or leave --camera out: a focal length is guessed then")
        data = path.read_bytes()
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"{path}: not TOML ({problem})") from problem
    if "is_guess" in values:
        raise InputError(f"{path}: unknown key 'is_guess'")
    return from_mapping(Camera, values, str(path), InputError)


def write_camera(path: Path, camera: Camera, rests_on: str) -> None:
    """Write ``camera`` for ``read_camera``, with a word on what it ``rests_on``.

    Raises:
        StorageError: It cannot be written.
    """
    names = ("width", "height", "fx", "fy", "cx", "cy")
    lines = [f"# {rests_on}", *(f"{name} = {getattr(camera, name)!r}" for name in names), f"distortion = {list(camera.distortion)!r}"]
    write_whole(path, ("\n".join(lines) + "\n").encode())
