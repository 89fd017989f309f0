"""Structures outlined on the picture that they were found in."""

from __future__ import annotations

from diaphane.core.arrays import Array
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.ops.paint import colours, overlay, with_legend
from diaphane.view.options import Options


def label_overlay(image: Image, labels: Labels, options: Options, *, legend: bool) -> Array:
    """RGB. The plain one has the image's own size; the one with a ``legend`` is enlarged and names the structures."""
    if not legend:
        return overlay(image.array[0], labels.array[0], options.colormap)
    drawn = overlay(image.array[0], labels.array[0], options.colormap, long_side=options.long_side_px)
    present = [label for label in labels.table if labels.mask(label.value).any()]
    shades = colours(int(labels.array.max(initial=0)), options.colormap)
    width, height = image.size_px
    spacing = image.geometry.spacing[2]
    scale = f"{width * spacing:.1f} x {height * spacing:.1f} mm" if image.geometry.calibrated else f"{width} x {height} px, no scale in mm"
    return with_legend(drawn, [(label.name, shades[label.value - 1]) for label in present], scale)
