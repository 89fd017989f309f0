"""Track: faces in the frames of a clip, each with its identity through time."""

from diaphane.track.follow import follow
from diaphane.track.key_frames import key_frames
from diaphane.track.options import Options

__all__ = ["Options", "follow", "key_frames"]
