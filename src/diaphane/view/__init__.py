"""View: coloured pictures of the result."""

from diaphane.view.export import export
from diaphane.view.options import Options
from diaphane.view.overlay import label_overlay

__all__ = ["Options", "export", "label_overlay"]
