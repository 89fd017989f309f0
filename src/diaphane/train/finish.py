"""The end of a training: the ensemble, what it is worth, and pictures of where it fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from diaphane.core.storage import write_whole
from diaphane.engine import bundle as names
from diaphane.engine.bundle import open_bundle
from diaphane.train import place
from diaphane.train.bundles import output_texts, widest, write_whole_bundle
from diaphane.train.card import card
from diaphane.train.export import json_bytes
from diaphane.train.judge import Exported, Judged, by_name, judged
from diaphane.train.scores import by_fold, document, shared, words
from diaphane.train.sheets import sheet
from diaphane.train.work import Work

log = logging.getLogger(__name__)
WORST = "worst.png"


def finish(work: Work, found: Sequence[Judged | Exported]) -> None:
    """Leaves ``bundle/``, ``metrics.json`` and ``worst.png`` in ``out``, and ``test/`` where the data has a test part."""
    whole, folds = Judged(), [one for one in found if isinstance(one, Judged)]
    separate = by_fold(folds, work.checked)
    for one in folds:
        whole.add(one)
    if work.recipe.final:
        whole.networks = [one for one in found if isinstance(one, Exported)]
    metrics = {**document(whole, work.checked), **({"by_fold": separate} if separate else {})}
    _ensemble(work, whole, metrics)
    write_whole(work.out / place.METRICS, json_bytes(metrics))
    write_whole(work.out / WORST, sheet(whole.shown, "held-out items, worst first"))
    log.info("held out %s", words(metrics))
    if work.parts.test:
        _test(work, whole, metrics)


def _test(work: Work, whole: Judged, metrics: dict[str, Any]) -> None:
    """The publisher's test part, through the final bundle: read once, here."""
    folder = work.out / place.TEST
    found = judged(open_bundle(work.out / place.BUNDLE), by_name(work.checked, work.parts.test), work.checked, folder / place.PREDICTIONS)
    tested = document(found, work.checked)
    _ensemble(work, whole, metrics, tested)
    write_whole(folder / place.METRICS, json_bytes(tested))
    write_whole(folder / WORST, sheet(found.shown, "test part, worst first"))
    log.info("test     %s", words(tested))


def _ensemble(work: Work, whole: Judged, metrics: dict[str, Any], tested: dict[str, Any] | None = None) -> None:
    folds = [work.folder(fold) / place.BUNDLE for fold in work.recipe.fold]
    members = [work.folder(None) / place.BUNDLE] if work.recipe.final else folds
    text = card(work, metrics, whole.networks, tested=tested)
    summary = shared(metrics) if tested is None else {**shared(metrics), "test": tested["summary"], "test_subgroups": tested["subgroups"]}
    gate = output_texts(whole.shapes, work.checked.dataset.items, work.recipe.loop.seed)
    texts = {**work.texts, names.CARD: text.encode(), names.METRICS: json_bytes(summary), **gate}
    write_whole_bundle(work.out / place.BUNDLE, members, widest(folds), work.recipe, texts)
