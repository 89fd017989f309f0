"""Folds in processes side by side, where processors and memory are enough for more than one."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path

import torch

from diaphane.engine.bundle import Bundle
from diaphane.errors import TrainingError
from diaphane.train.dataset import Checked
from diaphane.train.distribute import ALONE, Peers, say_less
from diaphane.train.judge import Judged
from diaphane.train.one_fold import train_fold
from diaphane.train.resume import decided
from diaphane.train.work import Work

log = logging.getLogger(__name__)


def train_folds(work: Work, init: Bundle | None, together: int, peers: Peers = ALONE) -> list[Judged]:
    """What `train_fold` gives for each fold; ``together`` of them at a time, each in a process of its own if there are several.

    Raises:
        TrainingError: A fold failed, or its process died; the others were trained to their end.
    """
    folds = work.recipe.fold
    if together == 1:
        return [train_fold(fold, work, init, peers) for fold in folds]
    log.info("train    %d folds at a time, %d thread%s each", together, work.recipe.threads, "s" * (work.recipe.threads > 1))
    with ThreadPoolExecutor(together) as pool:
        waiting = {fold: pool.submit(_in_process, fold, work, init) for fold in folds}
    return _all_or_said(waiting)


def _all_or_said(waiting: Mapping[int, Future[Judged]]) -> list[Judged]:
    """The results; where some failed, what is wrong with each, after all have ended."""
    problems = {fold: problem for fold, one in waiting.items() if (problem := one.exception())}
    for fold, problem in list(problems.items())[1:]:
        log.error("fold %d: %s", fold, problem)
    for problem in problems.values():
        raise problem
    return [one.result() for one in waiting.values()]


def _in_process(fold: int, work: Work, init: Bundle | None) -> Judged:
    """One fold in a fresh process; a process of its own each, so that one that dies takes no other with it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        try:
            return process.submit(_train, fold, work.checked, work.out, work.texts, init).result()
        except BrokenProcessPool as problem:
            raise TrainingError(
                f"fold {fold}: its process died (killed, perhaps for want of memory); the other folds and its last checkpoint are kept: go on with --resume"
            ) from problem


def _train(fold: int, checked: Checked, out: Path, texts: Mapping[str, bytes], init: Bundle | None) -> Judged:
    """What happens there: prepared arrays are opened, not sent."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    say_less(logging.INFO)
    work = decided(checked, out, texts=texts)
    torch.set_num_threads(work.recipe.threads)
    return train_fold(fold, work, init)


def _end_with_parent() -> None:
    """Two trainings must not write into one folder: a process whose parent was killed does not go on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
