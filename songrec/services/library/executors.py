"""Who does the work: one child process, a local cluster sized to the cores, or a remote cluster."""

from __future__ import annotations

import logging
import os
import queue
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from songrec.core.errors import BadInput, NotReady
from songrec.services.library.worker_process import Outcome, Task, analyse_here, close_all

CONNECT_S = 15
LONELY_S = 60.0
"""How long to wait for a remote cluster that has no workers before giving up."""
WAITING_PER_WORKER = 3
_LOGGERS = ("distributed", "distributed.worker", "distributed.scheduler", "distributed.client")


class Fleet:
    """Analyses tasks in any order. ``size`` is how many run at once."""

    size = 1

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome] | None]:
        """Outcomes as they come; None now and then, so that whoever waits can look around.

        ``tasks`` is drawn from no faster than the work goes on.
        """
        for task in tasks:
            yield task, analyse_here(task)


class DaskFleet(Fleet):
    """A dask.distributed cluster, near or far. A worker that dies has its files done by others."""

    def __init__(self, client: Any, *, remote: bool) -> None:
        self._client = client
        self._remote = remote

    @property
    def size(self) -> int:  # type: ignore[override]
        """Threads of all workers, at least 1."""
        return max(1, sum(self._client.nthreads().values()))

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Outcome] | None]:
        """See ``Fleet.run``."""
        done: queue.Queue[Any] = queue.Queue()
        flying: dict[str, tuple[Any, Task]] = {}
        more, heard = True, time.monotonic()
        window = WAITING_PER_WORKER * self.size
        while more or flying:
            while more and len(flying) < window:
                task = next(tasks, None)
                if task is None:
                    more = False
                    break
                future = self._client.submit(analyse_here, task, pure=False)
                flying[future.key] = (future, task)
                future.add_done_callback(done.put)
            if not flying:
                continue
            try:
                future = done.get(timeout=0.5)
            except queue.Empty:
                self._look_after(heard)
                window = WAITING_PER_WORKER * self.size
                yield None
                continue
            heard = time.monotonic()
            _, task = flying.pop(future.key)
            yield task, _outcome(future)
            future.release()

    def _look_after(self, heard: float) -> None:
        if self._client.status not in ("running", "connecting"):
            raise NotReady(_LOST)
        lonely = self._remote and time.monotonic() - heard > LONELY_S
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
    raise error


@contextmanager
def open_fleet(workers: int | None = None, scheduler: str | None = None) -> Iterator[Fleet]:
    """A fleet of ``workers`` processes here (default: one a core), or the cluster at ``scheduler``.

    Raises ``BadInput`` for an address where no scheduler answers. On leaving, all child processes
    that were started here are ended.
    """
    if scheduler:
        with _remote(scheduler) as fleet:
            yield fleet
        return
    count = workers or len(os.sched_getaffinity(0))
    try:
        if count == 1:
            yield Fleet()
        else:
            with _local(count) as fleet:
                yield fleet
    finally:
        close_all()


@contextmanager
def _local(count: int) -> Iterator[Fleet]:
    from distributed import Client, LocalCluster

    # Within this process and without a port that others on the machine could reach: the work is
    # done by a child process of each worker.
    with (
        _quiet(),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield DaskFleet(client, remote=False)
        # Workers whose child is busy must not be waited for.
        close_all()


@contextmanager
def _remote(address: str) -> Iterator[Fleet]:
    from distributed import Client

    _knock(address)
    with _quiet():
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise BadInput(_no_scheduler(address, error)) from None
        try:
            yield DaskFleet(client, remote=True)
        finally:
            if client.status == "running":
                client.run(close_all, on_error="ignore")
            client.close(timeout=5)


def _knock(address: str) -> None:
    """Raise ``BadInput`` unless something listens at ``address``.

    A dask client that finds nobody goes on trying in the background for half a minute.
    """
    try:
        place = urlsplit(address)
        if place.scheme not in ("tcp", "tls") or not place.hostname or not place.port:
            raise ValueError("no address")
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
    """What distributed logs about workers that come and go is not for the terminal."""
    before = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in before:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
