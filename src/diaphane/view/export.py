"""The verb: the pictures of a case."""

from __future__ import annotations

from pathlib import Path

from diaphane.core.case_folder import OVERLAY, SEGMENTATION
from diaphane.core.outcome import Outcome
from diaphane.ops.picture import write_png
from diaphane.view.options import Options
from diaphane.view.overlay import label_overlay


def export(outcome: Outcome, folder: Path, options: Options) -> tuple[Path, ...]:
    """Write the overlays of ``outcome`` below ``folder``: with a legend, and plain beside the label map.

    Nothing is written for an image that was not segmented.
    """
    if outcome.labels is None:
        return ()
    with_names = folder / OVERLAY
    plain = folder / SEGMENTATION / f"{outcome.image.name}_overlay.png"
    write_png(with_names, label_overlay(outcome.image, outcome.labels, options, legend=True))
    write_png(plain, label_overlay(outcome.image, outcome.labels, options, legend=False))
    return with_names, plain
