"""Acquire: files become a case."""

from diaphane.acquire.about import about
from diaphane.acquire.camera_file import read_camera, write_camera
from diaphane.acquire.context import read_context
from diaphane.acquire.digest import source_sha256
from diaphane.acquire.instances import instances
from diaphane.acquire.label_names import names_beside
from diaphane.acquire.labels import read_labels
from diaphane.acquire.live import Live, camera_number, open_camera
from diaphane.acquire.options import Options
from diaphane.acquire.read import expand, frames, photo_as_video, read

__all__ = [
    "Live",
    "Options",
    "about",
    "camera_number",
    "expand",
    "frames",
    "instances",
    "names_beside",
    "open_camera",
    "photo_as_video",
    "read",
    "read_camera",
    "read_context",
    "read_labels",
    "source_sha256",
    "write_camera",
]
