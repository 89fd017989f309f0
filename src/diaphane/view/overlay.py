"""Structures outlined on the picture, or on slices of the volume, that they were found in."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Part
from diaphane.ops.paint import overlay, palette, with_legend
from diaphane.ops.slices import sheets
from diaphane.view.options import Options


def label_overlay(image: Image, labels: Labels, options: Options, *, legend: bool) -> Array:
    """RGB of a picture. The plain one has the image's own size; the one with a ``legend`` is enlarged and names the structures."""
    shades = palette(labels.table, options.colormap)
    if not legend:
        return overlay(image.array[0], labels.array[0], shades)
    drawn = overlay(image.array[0], labels.array[0], shades, long_side=options.long_side_px)
    entries = [(label.name, shades[label.value]) for label in labels.table if labels.mask(label.value).any()]
    width, height = image.size_px
    spacing = image.geometry.spacing[2]
    scale = f"{width * spacing:.1f} x {height * spacing:.1f} mm" if image.geometry.calibrated else f"{width} x {height} px, no scale in mm"
    return with_legend(drawn, entries, scale)


def slice_overlay(part: Part, options: Options) -> Array:
    """RGB of a volume: axial, coronal and sagittal slices below each other, and the legend."""
    shown = sheets(part, options.colormap, options.sheet_width_px)
    page = np.concatenate([row for sheet in shown for row in (_heading(sheet.title, sheet.rgb.shape[1]), sheet.rgb)])
    return with_legend(page, shown[0].legend, "radiological view: the patient's left is at the right of the picture; positions in the scan's LPS mm")


def _heading(text: str, width: int) -> Array:
    size = max(11, width // 64)
    page = Pillow.new("RGB", (width, round(1.8 * size)), "white")
    ImageDraw.Draw(page).text((size // 2, page.height // 2), text, font=ImageFont.load_default(size), fill="black", anchor="lm")
    return np.asarray(page)
