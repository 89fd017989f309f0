"""Cases side by side in processes of this machine: while one reads or writes, another computes.

Processes and not threads: most of a case is Python, of which a process runs one thread at a time. Each has the engine's
threads that the plan gives it, so that a case has the same bytes as by itself. Text goes through pipes, nothing is pickled.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import SimpleQueue

from diaphane.pipeline.batch_case import Answer, Task
from diaphane.report.cases import CaseRow

COMMAND = (sys.executable, "-P", "-m", "diaphane.pipeline.batch_worker")
Answers = SimpleQueue[tuple[int, Answer] | Exception | None]
STOP_S = 30.0
"""How long a process may take to leave its case in order."""


class _Process:
    """A worker, started when it is first asked, and anew after it died."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[str] | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def ask(self, task: Task) -> Answer:
        """What it answers; where it dies over the task, that."""
        with self._lock:
            if self._stopped:
                return _died(task, 0)
            if self._running is None:
                self._running = subprocess.Popen(  # noqa: S603  # ourselves
                    COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
                )
            here = self._running
        line = ""
        with suppress(OSError, ValueError):  # its end of the pipe, or ours, is closed
            if here.stdin and here.stdout:
                here.stdin.write(task.text + "\n")
                here.stdin.flush()
                line = here.stdout.readline()
        if line.endswith("\n"):
            return Answer.of_text(line)
        return _died(task, self.end())

    def stop(self) -> None:
        """No more tasks, and an end to the present one; may be called in any thread."""
        with self._lock:
            self._stopped = True
            if self._running and self._running.stdin:
                with suppress(OSError):
                    self._running.stdin.close()

    def end(self) -> int:
        """Its exit code once it has ended, which it is told to here; 0 of none."""
        if (here := self._running) is None:
            return 0
        for pipe in (here.stdin, here.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        code = here.wait()
        self._running = None
        return code

    def kill(self) -> None:
        """Where it does not end."""
        if here := self._running:
            here.kill()


class _Tasks:
    """Given out one by one to whoever asks, in any thread."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._left, self._lock, self._ended = enumerate(tasks), threading.Lock(), False

    def take(self) -> tuple[int, Task] | None:
        """The next one and its number; None where there is none, or ``end`` was called."""
        with self._lock:
            return None if self._ended else next(self._left, None)

    def end(self) -> None:
        """No more."""
        with self._lock:
            self._ended = True


def side_by_side(tasks: Iterable[Task], jobs: int) -> Generator[tuple[int, Answer], None, None]:
    """Each task's number and answer, as they come, from ``jobs`` processes; a task is taken when a process is free.

    A case whose process dies is answered by that, and another process goes on with the others. Closed early, it stops what is under way.
    """
    left, answers = _Tasks(tasks), Answers()
    crew = [_Process() for _ in range(jobs)]
    threads = [threading.Thread(target=_serve, args=(process, left, answers), daemon=True) for process in crew]
    try:
        for thread in threads:
            thread.start()
        ended = 0
        while ended < jobs:
            one = answers.get()
            if isinstance(one, Exception):
                raise one
            if one is None:
                ended += 1
            else:
                yield one
    finally:
        left.end()
        for process in crew:
            process.stop()
        for process, thread in zip(crew, threads, strict=True):
            if thread.ident is not None:
                thread.join(STOP_S)
                process.kill()
                thread.join()


def _serve(process: _Process, tasks: _Tasks, answers: Answers) -> None:
    """One thread a process: to wait for it."""
    try:
        while (one := tasks.take()) is not None:
            answers.put((one[0], process.ask(one[1])))
        answers.put(None)
    except Exception as problem:  # a process cannot be started: whoever waits must know
        answers.put(problem)
    finally:
        process.end()


def _died(task: Task, code: int) -> Answer:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    reason = f"{task.source}: its process died ({how}; perhaps for want of memory); run it again with fewer --jobs: finished stages are kept"
    return Answer(row=CaseRow(name=task.name, error=reason))
