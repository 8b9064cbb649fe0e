"""Executors of the analysis: one child process, several, or a remote cluster."""

from __future__ import annotations

import logging
import os
import queue
import socket
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from songrec.core.errors import BadInput, NotReady, SongrecError
from songrec.services.library.worker_process import (
    Outcome,
    Task,
    analyse_here,
    close_all,
    describe_failure,
)

CONNECT_S = 15
LONELY_S = 60.0
"""Seconds to wait for a remote cluster without workers before giving up."""
WAITING_PER_WORKER = 3
_LOGGERS = ("distributed", "distributed.worker", "distributed.scheduler", "distributed.client")


class LocalExecutor:
    """Executor of one task after another in this process's child; ``size`` run at once."""

    size = 1

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome] | None]:
        """Yield outcomes as they come; None now and then, so that the caller can report.

        ``tasks`` is read no faster than the work proceeds.
        """
        for task in tasks:
            yield task, analyse_here(task)


class ThreadExecutor(LocalExecutor):
    """Executor of ``size`` threads of this process, each with a child process of its own.

    Tasks and outcomes go through pipes: nothing listens on a port.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="analysis")

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome] | None]:
        """See ``LocalExecutor.run``."""
        pending: dict[Future[Outcome], Task] = {}
        more = True
        while more or pending:
            while more and len(pending) < WAITING_PER_WORKER * self.size:
                task = next(tasks, None)
                if task is None:
                    more = False
                    break
                pending[self._threads.submit(analyse_here, task)] = task
            done, _ = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                yield pending.pop(future), future.result()
            if pending and not done:
                yield None

    def close(self) -> None:
        """End the threads; children that are busy are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        close_all()
        self._threads.shutdown()


class DaskExecutor(LocalExecutor):
    """Executor on a dask.distributed cluster; the files of a worker that dies go to others."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def size(self) -> int:  # type: ignore[override]
        """Threads of all workers, at least 1."""
        return max(1, sum(self._client.nthreads().values()))

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome] | None]:
        """See ``LocalExecutor.run``."""
        done: queue.Queue[Any] = queue.Queue()
        pending: dict[str, tuple[Any, Task]] = {}
        more, last_result = True, time.monotonic()
        window = WAITING_PER_WORKER * self.size
        while more or pending:
            while more and len(pending) < window:
                task = next(tasks, None)
                if task is None:
                    more = False
                    break
                future = self._client.submit(analyse_here, task, pure=False)
                pending[future.key] = (future, task)
                future.add_done_callback(done.put)
            if not pending:
                continue
            try:
                future = done.get(timeout=0.5)
            except queue.Empty:
                self._check_cluster(last_result)
                window = WAITING_PER_WORKER * self.size
                yield None
                continue
            last_result = time.monotonic()
            _, task = pending.pop(future.key)
            yield task, _outcome(future)
            future.release()

    def _check_cluster(self, last_result: float) -> None:
        if self._client.status not in ("running", "connecting"):
            raise NotReady(_LOST)
        lonely = time.monotonic() - last_result > LONELY_S
        if lonely and not self._client.nthreads():
            raise NotReady(
                f"The cluster has had no workers for {LONELY_S:.0f} s. What is analysed stays: "
                "start workers and analyse the folder again."
            )


_LOST = (
    "The connection to the cluster is lost. What is analysed stays: analyse the folder again when "
    "the scheduler is back."
)


def _outcome(future: Any) -> Outcome:
    from distributed.scheduler import KilledWorker

    if future.status == "finished":
        return future.result()
    if future.cancelled():
        raise NotReady(_LOST)
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Outcome("the workers that tried it died, one after another", passing=True)
    if isinstance(error, ImportError):
        raise NotReady(
            f"A worker of the cluster cannot analyse: {error}. Install songrec's requirements "
            "there and start its workers in songrec's folder."
        )
    if isinstance(error, SongrecError):
        raise error
    return Outcome(describe_failure(error), passing=True)


@contextmanager
def open_executor(
    workers: int | None = None, scheduler: str | None = None
) -> Iterator[LocalExecutor]:
    """Start ``workers`` processes (default: one per core), or use the cluster at ``scheduler``.

    Raises ``BadInput`` for an address without a scheduler. The local processes are ended on exit.
    """
    if scheduler:
        with _remote(scheduler) as executor:
            yield executor
        return
    count = workers or len(os.sched_getaffinity(0))
    try:
        if count == 1:
            yield LocalExecutor()
        else:
            with closing(ThreadExecutor(count)) as executor:
                yield executor
    finally:
        close_all()


@contextmanager
def _remote(address: str) -> Iterator[LocalExecutor]:
    from distributed import Client

    _check_address(address)
    with _quiet():
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise BadInput(_no_scheduler(address, error)) from None
        try:
            yield DaskExecutor(client)
        finally:
            if client.status == "running":
                client.run(close_all, on_error="ignore")
            client.close(timeout=5)


def _check_address(address: str) -> None:
    """Raise ``BadInput`` unless something listens at ``address``.

    Without this check, a dask client would retry in the background for half a minute.
    """
    try:
        place = urlsplit(address)
        if place.scheme not in ("tcp", "tls") or not place.hostname or not place.port:
            raise ValueError("not a scheduler's address")
        socket.create_connection((place.hostname, place.port), CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise BadInput(_no_scheduler(address, error)) from None


def _no_scheduler(address: str, error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"SONGREC_DASK_SCHEDULER: no scheduler answers at {address!r} ({words}); "
        "give it as tcp://host:8786."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what distributed logs about workers that come and go."""
    before = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in before:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
