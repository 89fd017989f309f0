"""Track: faces in the frames of a clip, each with its identity through time."""

from diaphane.track.chart import chart
from diaphane.track.cover import Cover, cover
from diaphane.track.follow import follow, tracker_name, weights_of
from diaphane.track.key_frames import key_frames
from diaphane.track.landmarked import landmarked
from diaphane.track.options import Options

__all__ = ["Cover", "Options", "chart", "cover", "follow", "key_frames", "landmarked", "tracker_name", "weights_of"]
