"""The verb: the pictures and the scene of a case."""

from __future__ import annotations

from pathlib import Path

from diaphane.core.case_folder import OVERLAY, SEGMENTATION
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Outcome, Part
from diaphane.ops.picture import write_png
from diaphane.view.options import Options
from diaphane.view.overlay import label_overlay, slice_overlay


def export(outcome: Outcome, folder: Path, options: Options) -> tuple[Path, ...]:
    """Write below ``folder`` the overlay of the first part with a legend, plain ones beside the label maps, a volume's scene.

    Nothing is written for an image that was not segmented.
    """
    paths: list[Path] = []
    for number, part in enumerate(outcome.parts):
        if part.labels is not None and part.image.is_picture:
            paths += _of_picture(part.image, part.labels, folder, options, named=number == 0)
        elif part.labels is not None:
            paths += _of_volume(part, outcome, folder, options)
    return tuple(paths)


def _of_volume(part: Part, outcome: Outcome, folder: Path, options: Options) -> list[Path]:
    from diaphane.view.page import write_page
    from diaphane.view.scene import scene_of, write_scene  # what decimates: not for a picture

    write_png(folder / OVERLAY, slice_overlay(part, options))
    scene = scene_of(part, options)
    page = write_page(part, outcome, scene, folder, options) if options.scene_page else ()
    return [folder / OVERLAY, write_scene(scene, folder), *page]


def _of_picture(image: Image, labels: Labels, folder: Path, options: Options, *, named: bool) -> list[Path]:
    plain = folder / SEGMENTATION / f"{image.name}_overlay.png"
    write_png(plain, label_overlay(image, labels, options, legend=False))
    if not named:
        return [plain]
    write_png(folder / OVERLAY, label_overlay(image, labels, options, legend=True))
    return [folder / OVERLAY, plain]
