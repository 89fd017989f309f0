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
from diaphane.train.judge import Exported, Judged
from diaphane.train.one_fold import train_final, train_fold
from diaphane.train.resume import decided
from diaphane.train.work import Fold, Work

log = logging.getLogger(__name__)


def train_all(work: Work, init: Bundle | None, together: int, peers: Peers = ALONE) -> list[Judged | Exported]:
    """What `train_fold` gives for each fold, and `train_final` at last if there is one; ``together`` at a time, in processes of their own.

    Raises:
        TrainingError: A fold failed, or its process died; the others were trained to their end.
    """
    if together == 1:
        return [_one(fold, work, init, peers) for fold in work.jobs]
    log.info("train    %d networks at a time, %d thread%s each", together, work.recipe.threads, "s" * (work.recipe.threads > 1))
    with ThreadPoolExecutor(together) as pool:
        waiting = {work.title(fold): pool.submit(_in_process, fold, work, init) for fold in work.jobs}
    return _all_or_said(waiting)


def _one(fold: Fold, work: Work, init: Bundle | None, peers: Peers = ALONE) -> Judged | Exported:
    return train_final(work, init, peers) if fold is None else train_fold(fold, work, init, peers)


def _all_or_said(waiting: Mapping[str, Future[Judged | Exported]]) -> list[Judged | Exported]:
    """The results; where some failed, what is wrong with each, after all have ended."""
    problems = {title: problem for title, one in waiting.items() if (problem := one.exception())}
    for title, problem in list(problems.items())[1:]:
        log.error("%s: %s", title, problem)
    for problem in problems.values():
        raise problem
    return [one.result() for one in waiting.values()]


def _in_process(fold: Fold, work: Work, init: Bundle | None) -> Judged | Exported:
    """One fold in a fresh process; a process of its own each, so that one that dies takes no other with it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        try:
            return process.submit(_train, fold, work.checked, work.out, work.texts, init).result()
        except BrokenProcessPool as problem:
            raise TrainingError(
                f"{work.title(fold)}: its process died (killed, perhaps for want of memory); the others and its last checkpoint are kept: go on with --resume"
            ) from problem


def _train(fold: Fold, checked: Checked, out: Path, texts: Mapping[str, bytes], init: Bundle | None) -> Judged | Exported:
    """What happens there: prepared arrays are opened, not sent."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    say_less(logging.INFO)
    work = decided(checked, out, texts=texts)
    torch.set_num_threads(work.recipe.threads)
    return _one(fold, work, init)


def _end_with_parent() -> None:
    """Two trainings must not write into one folder: a process whose parent was killed does not go on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
