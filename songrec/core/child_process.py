"""Child processes with time and memory limits that never outlive their parent.

Parent and child exchange messages over the child's standard input and output: one JSON object per
line. The bytes of arrays follow their line, which says their types and shapes; they arrive as
``arrays``.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NoReturn

import numpy as np

from songrec.core.memory import limit_process
from songrec.core.processes import end_with_parent

Message = dict[str, Any]


def thread_limits(n_threads: int) -> dict[str, str]:
    """Return the environment variables that limit the threads of numeric libraries."""
    names = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
    return dict.fromkeys(names, str(n_threads))


class ChildProcess:
    """The parent's end of a child that was started by ``command``.

    ``environment`` is added to the parent's. Messages of several children may share one ``inbox``;
    its items are ``(child, message)``, and the message is None once the child has ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        inbox: queue.Queue[tuple[ChildProcess, Message | None]] | None = None,
        quiet: bool = False,
    ) -> None:
        self.inbox = queue.Queue() if inbox is None else inbox
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
        )
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def send(self, message: Message, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        """Send a message; one to a child that has ended is lost, as ``receive`` will tell."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            _write(self._process.stdin, message, arrays)

    def receive(self, timeout_s: float) -> Message | None:
        """Return the child's next message, None once it has ended; ``TimeoutError`` if it is late.

        Only for a child with an inbox of its own.
        """
        try:
            return self.inbox.get(timeout=max(timeout_s, 0.0))[1]
        except queue.Empty:
            raise TimeoutError from None

    def terminate(self) -> None:
        """Ask the child to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the child at once, with the programs that it has started in its session."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code, negative for a signal.

        Raises ``subprocess.TimeoutExpired``.
        """
        return self._process.wait(timeout_s)

    def close(self) -> int:
        """Kill the child if it still runs, release its pipes and return its exit code."""
        self.kill()
        code = self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as stream:
                while (message := _read_message(stream)) is not None:
                    self.inbox.put((self, message))
        finally:
            self.inbox.put((self, None))


class ParentConnection:
    """The child's end: requests of the parent come in, messages go out.

    Made once, at the start of the process. What libraries print from then on goes to standard
    error, and the process dies with its parent: at once on Linux, elsewhere at the end of its
    standard input. ``memory_bytes`` bounds its memory: beyond it there is a ``MemoryError``.
    """

    def __init__(self, *, memory_bytes: int | None = None) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        end_with_parent()
        if memory_bytes is not None:
            limit_process(memory_bytes)
        self._requests: queue.Queue[Message] = queue.Queue()
        threading.Thread(target=self._read, name="parent", daemon=True).start()

    def receive(self) -> Message:
        """Wait for the parent's next request."""
        return self._requests.get()

    def send(self, message: Message, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        """Send a message, with arrays if there are any."""
        with contextlib.suppress(BrokenPipeError):
            _write(self._out, message, arrays)

    def _read(self) -> None:
        while (message := _read_message(sys.stdin.buffer)) is not None:
            self._requests.put(message)
        os._exit(1)


def run_child(main: Callable[[ParentConnection], int], **limits: Any) -> NoReturn:
    """Run ``main`` as a child's whole program; ``limits`` are those of ``ParentConnection``."""
    status = main(ParentConnection(**limits))
    sys.stderr.flush()
    # Ending as usual would abort over the thread that still reads from the parent.
    os._exit(status)


def _write(
    stream: BinaryIO, message: Message, arrays: Mapping[str, np.ndarray] | None = None
) -> None:
    parts = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    if arrays is not None:
        described = [[name, part.dtype.str, part.shape] for name, part in parts.items()]
        message = {**message, "arrays": described}
    stream.write(json.dumps(message, default=str).encode() + b"\n")
    for part in parts.values():
        stream.write(_as_bytes(part))
    stream.flush()


def _read_message(stream: BinaryIO) -> Message | None:
    """Read one message; None at the end of the stream, even in the middle of a message."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    message: Message = json.loads(line)
    if "arrays" in message:
        arrays = {}
        for name, kind, shape in message["arrays"]:
            arrays[name] = np.empty(shape, np.dtype(kind))
            body = _as_bytes(arrays[name])
            if stream.readinto(body) < len(body):  # type: ignore[attr-defined]
                return None
        message["arrays"] = arrays
    return message


def _as_bytes(array: np.ndarray) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))
