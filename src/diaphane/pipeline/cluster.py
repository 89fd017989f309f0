"""Cases on the machines of a Dask cluster: a task is a whole case, sent as the text of its paths and options."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Generator, Iterable
from dataclasses import replace
from functools import cache
from importlib import util
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from diaphane.errors import DiaphaneError, UsageError
from diaphane.pipeline.batch_case import Answer, Task, answered
from diaphane.plan import Plan
from diaphane.report.cases import CaseRow

log = logging.getLogger(__name__)
AHEAD = 2
"""Tasks that the scheduler is given for each thread of its workers: one that runs and one that waits."""
CONNECT_S = 10


def on_cluster(tasks: Iterable[Task], address: str) -> Generator[tuple[int, Answer], None, None]:
    """Each task's number and answer, as they come, from the workers of the scheduler at ``address`` (``dask://``, ``tcp://`` or ``tls://HOST:PORT``).

    Where a worker is lost its cases are given to another. Closed early, it takes back what has not begun.

    Raises:
        UsageError: Dask is not installed, no scheduler answers, or a worker cannot run Diaphane.
        DiaphaneError: The scheduler is lost.
    """
    library = dask_distributed()
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it tells a lost scheduler by a traceback; below it is told in words
    waiting = enumerate(tasks)
    under_way: dict[Any, tuple[int, Task]] = {}
    with _client(library, address) as client:
        finished = library.as_completed(loop=client.loop)

        def give(count: int) -> None:
            for number, task in islice(waiting, count):
                future = client.submit(case_of, _for_elsewhere(task).text, pure=False)
                under_way[future] = number, task
                finished.add(future)

        give(AHEAD * max(1, _threads(client, address)))
        for future in finished:
            number, task = under_way.pop(future)
            give(1)
            yield number, _answer(library, future, task, address)


def case_of(text: str) -> str:
    """A task on a worker; one at a time in its process, however many threads it was given."""
    with _alone():
        logging.getLogger("diaphane").setLevel(logging.INFO)
        return answered(text)


@cache
def _alone() -> Lock:
    return Lock()


def dask_distributed() -> Any:
    """The library.

    Raises:
        UsageError: It is not installed.
    """
    if util.find_spec("distributed") is None:
        raise UsageError('--engine-address needs Dask distributed: pip install "diaphane[dask]"')
    return importlib.import_module("distributed")


def check_plan(plan: Plan) -> None:
    """Nothing where workers find the bundles of ``plan`` as well.

    Raises:
        UsageError: One is a folder below the current one, which is another on a worker.
    """
    for stage, bundle in (("segment", plan.segment.bundle), ("assess", plan.assess.bundle)):
        if bundle and not Path(bundle).is_absolute() and Path(bundle).is_dir():
            raise UsageError(f"{stage}.bundle: workers do not know the current folder; give {bundle} as an absolute path that all machines see")


def _client(library: Any, address: str) -> Any:
    scheme, found, place = address.partition("://")
    if not found or scheme not in ("dask", "tcp", "tls") or ":" not in place:
        raise UsageError(f"--engine-address must be dask://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT, got {address}")
    _check_security(library, scheme)
    try:
        return library.Client(f"{'tcp' if scheme == 'dask' else scheme}://{place}", timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise UsageError(f"no Dask scheduler answers at {address} ({type(problem).__name__}); start one with: dask scheduler") from problem


def _check_security(library: Any, scheme: str) -> None:
    """Before there is a client: one that fails over this is closed by Dask only after a wait.

    Raises:
        UsageError: There are no certificates for ``tls``, or Dask may not connect without them.
    """
    if scheme != "tls":
        if library.Security().require_encryption:
            raise UsageError("Dask's configuration refuses what is not encrypted (distributed.comm.require-encryption); give --engine-address tls://HOST:PORT")
        return
    try:
        found, why = library.Security().get_connection_args("client")["ssl_context"], "none are set"
    except (OSError, ValueError) as problem:
        found, why = None, getattr(problem, "strerror", None) or type(problem).__name__
    if found is None:
        raise UsageError(f"tls:// needs certificates ({why}): set ca-file, client.cert and client.key under distributed.comm.tls in Dask's configuration")


def _threads(client: Any, address: str) -> int:
    threads = sum(client.nthreads().values())
    if not threads:
        log.warning("the scheduler at %s has no workers: waiting for one (dask worker ADDRESS --nthreads 1)", address)
    return int(threads)


def _for_elsewhere(task: Task) -> Task:
    """With absolute paths: workers do not run in the current folder."""
    return replace(task, source=str(Path(task.source).absolute()), folder=str(Path(task.folder).absolute()))


def _answer(library: Any, future: Any, task: Task, address: str) -> Answer:
    """What came back, with paths as they were given."""
    if future.cancelled():
        raise DiaphaneError(f"the Dask scheduler at {address} is lost; start it and run the same command again: what is done is kept")
    try:
        answer = Answer.of_text(future.result())
    except library.KilledWorker:
        reason = f"{task.source}: every worker that tried it died, perhaps for want of memory; give the workers more, or run it alone"
        return Answer(row=CaseRow(name=task.name, error=reason))
    except Exception as problem:  # whatever a worker without Diaphane, or with another, says
        raise UsageError(f"a worker of {address} cannot run Diaphane ({type(problem).__name__}); install the same version of it there") from problem
    sent = _for_elsewhere(task)
    row = replace(answer.row, error=answer.row.error.replace(sent.source, task.source).replace(sent.folder, task.folder))
    return replace(answer, row=row)
