"""A child process that analyses one file after another, and may be killed over any of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from songrec.core.errors import NotReady
from songrec.core.types import Floats

TIME_LIMIT_S = 120.0
START_LIMIT_S = 300.0  # importing the models the first time, on a busy machine
# One thread a child: as many children as cores would otherwise fight over each of them.
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)


@dataclass(frozen=True)
class Task:
    """One file to analyse: feature sets, and the fields of ``AudioSettings`` as a dict."""

    path: str
    root: str
    content_hash: str
    sets: tuple[str, ...]
    settings: dict[str, Any]
    time_limit_s: float = TIME_LIMIT_S


@dataclass(frozen=True)
class Outcome:
    """What became of a file: analysed (``reason`` None) or rejected, with one line of reason.

    ``passing`` reasons have to do with this attempt, not with the file alone: try again next time.
    ``tags``, ``labels`` and ``decoded`` are what ``analysis.analyse`` answers.
    """

    reason: str | None = None
    passing: bool = False
    tags: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    decoded: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Floats] = field(default_factory=dict)
    seconds: float = 0.0


class Analyst:
    """Starts its child with the first file, keeps it, and starts another when one was lost."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._sets: frozenset[str] = frozenset()
        self._settings: dict[str, Any] = {}
        self._buffer = bytearray()

    def analyse(self, task: Task) -> Outcome:
        """Analyse one file within its time limit.

        Raises ``NotReady`` for what is wrong with no file: an extractor that cannot be made.
        """
        try:
            self._prepare(task)
            request = {"path": task.path, "root": task.root, "settings": task.settings}
            self._send({**request, "sets": list(task.sets)})
            header, body = self._receive(task.time_limit_s)
        except TimeoutError:
            self.close()
            return Outcome(f"took longer than {task.time_limit_s:g} s", passing=True)
        except (EOFError, BrokenPipeError):
            return Outcome(f"made the decoder crash ({self._how_it_ended()})", passing=True)
        if "fatal" in header:
            raise NotReady(header["fatal"])
        if "reason" in header:
            return Outcome(header["reason"], passing=header.get("passing", False))
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            values = {name: arrays[name] for name in arrays.files}
        return Outcome(
            tags=header["tags"],
            labels=header["labels"],
            decoded=header["decoded"],
            arrays=values,
            seconds=header["seconds"],
        )

    def close(self) -> None:
        """End the child, whatever it is doing."""
        child, self._child = self._child, None
        self._buffer.clear()
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _prepare(self, task: Task) -> None:
        if self._child is not None and self._child.poll() is None:
            if self._settings == task.settings and self._sets.issuperset(task.sets):
                return
        else:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "songrec.services.library.worker_main"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
            )
        self._send({"prepare": {"sets": list(task.sets), "settings": task.settings}})
        try:
            header, _ = self._receive(START_LIMIT_S)
        except (TimeoutError, EOFError):
            how = self._how_it_ended()
            raise NotReady(
                f"The process that analyses files could not be started ({how})."
            ) from None
        if "fatal" in header:
            raise NotReady(header["fatal"])
        self._sets, self._settings = frozenset(task.sets), task.settings

    def _send(self, message: dict[str, Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(message).encode() + b"\n")
        self._child.stdin.flush()

    def _receive(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + seconds
        while (end := self._buffer.find(b"\n")) < 0:
            self._read(deadline)
        header = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        while len(self._buffer) < header["bytes"]:
            self._read(deadline)
        body = bytes(self._buffer[: header["bytes"]])
        del self._buffer[: header["bytes"]]
        return header, body

    def _read(self, deadline: float) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._child.stdout], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(self._child.stdout.fileno(), 2**20)
        if not piece:
            raise EOFError
        self._buffer += piece

    def _how_it_ended(self) -> str:
        child = self._child
        if child is None:
            return "it was closed"
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = child.wait(5)
            self.close()
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self.close()
        return "it hung"


_here = threading.local()
_all: set[Analyst] = set()
_lock = threading.Lock()


def analyse_here(task: Task) -> Outcome:
    """Analyse with this thread's own child process. What a cluster's workers call."""
    analyst = getattr(_here, "analyst", None)
    if analyst is None:
        analyst = _here.analyst = Analyst()
    with _lock:
        _all.add(analyst)
    return analyst.analyse(task)


def close_all() -> None:
    """End the child processes of all threads of this process."""
    with _lock:
        analysts = list(_all)
        _all.clear()
    for analyst in analysts:
        analyst.close()
