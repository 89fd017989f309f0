"""A process of ``batch_processes``: a task a line comes in, an answer a line goes out, until there is no more to read.

The end of its input is also how it is told to stop in the middle of a case, and how it notices that whoever started it was killed: the
case is left as by Ctrl-C, with whole stages only.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from types import FrameType

from diaphane.pipeline.batch_case import answered


def main() -> None:
    """Answer line by line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the one that started this one decides
    signal.signal(signal.SIGTERM, _stop)
    logging.getLogger("diaphane").setLevel(logging.INFO)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    tasks: SimpleQueue[str | None] = SimpleQueue()
    with suppress(KeyboardInterrupt):
        threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
        while (text := tasks.get()) is not None:
            answers.write(answered(text) + "\n")
            answers.flush()


def _listen(tasks: SimpleQueue[str | None]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    tasks.put(None)
    _thread.interrupt_main(signal.SIGTERM)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
