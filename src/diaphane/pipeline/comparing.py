"""Two cases of one face, read from their folders and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from diaphane import track
from diaphane.core.change import Comparison, Visit
from diaphane.errors import InputError, UsageError
from diaphane.fuse import CompareOptions, compare, looks_mirrored, unmirrored
from diaphane.pipeline.visits import visit_of

NO_CHART = "comparing needs the map of a face, which comes with the networks of faces; run diaphane models pull faces, then diaphane run again"
MIRRORED = (
    "one of the visits looks like a mirror image, as selfies often are: more lesions match when left and right change places; "
    "look which side they are on, and if the second case is mirrored, compare again with --mirrored"
)
UNMIRRORED = "more lesions match when the second case is not taken for a mirror image: compare again without --mirrored, and look which side they are on"
DIFFER = (
    ("weights", "made by other networks or another fusion"), ("method", "judged by another fusion"), ("options_sha256", "made with other options"),
    ("version", "made by other versions of the program"),
)  # fmt: skip
SAID = {"before": "the first visit", "after": "the second visit"}


def compare_cases(before: Path, after: Path, options: CompareOptions, *, faces: Sequence[int] = (), is_mirrored: bool = False) -> Comparison:
    """What changed on one face from the case folder ``before`` to ``after``.

    ``faces``: the number of the person's face in both, or in either; needed where a case has several. ``is_mirrored``: the second case's pictures are mirror
    images. Whether both are of the same person is not known here.

    Raises:
        UsageError: There are several faces and none was chosen, or too many numbers.
        InputError: A folder is no case, was altered, is not of a face, or its face has no landmarks.
    """
    if len(faces) > 2:
        raise UsageError(f"--face takes one number for both cases, or one for each; got {len(faces)}")
    chart = track.chart()
    if chart is None:
        raise InputError(NO_CHART)
    numbers = [faces[0], faces[-1]] if faces else [None, None]
    first, second = (visit_of(path, chart, number) for path, number in zip((before, after), numbers, strict=True))
    if is_mirrored:
        second = unmirrored(second)
    changes = compare(first, second, options)
    doubts = _doubts(first, second) + ([UNMIRRORED if is_mirrored else MIRRORED] if looks_mirrored(first, second, options) else [])
    return Comparison(before=first, after=second, changes=changes, doubts=tuple(doubts), is_mirrored=is_mirrored, options=asdict(options))


def _doubts(first: Visit, second: Visit) -> list[str]:
    """What else than the lesions may have made the difference."""
    told = []
    for name, words in DIFFER:
        if first.about[name] != second.about[name]:
            told.append(f"the cases were {words}: what differs may come from that; run both with the same version and plan")
    for visit, said in ((first, SAID["before"]), (second, SAID["after"])):
        told += [f"{said}: {reason}" for reason in visit.about["doubts"]]
    return told
