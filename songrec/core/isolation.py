"""Calls of functions in a child process that may be killed over what it reads.

Whatever strangers send is parsed there: a file may make a library hang, crash or fill the memory.
The child is started with the first call, stays warm for the next ones, and is started anew after
it was lost. Arguments and results are what JSON holds; in a result that is a dictionary,
``arrays`` are NumPy's by name.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from songrec.core.child_process import ChildProcess, Message, ParentConnection, thread_limits
from songrec.core.errors import BadInput, NotReady, SongrecError
from songrec.core.memory import bounded_growth, machine_bytes
from songrec.core.processes import describe_exit

START_LIMIT_S = 300.0
"""Seconds that the child may take to start, on a busy machine."""
LARGEST_FILE_BYTES = 8 * 2**30
_OPEN_FILES = 256
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call: seconds, and memory beyond what the child has at its beginning.

    No call takes more than half of the machine's or container's memory.
    """

    seconds: float
    memory_bytes: int

    @property
    def memory(self) -> int:
        """Bytes that are allowed on this machine."""
        return min(self.memory_bytes, machine_bytes() // 2)


class Stopped(BadInput):
    """A call that was stopped over what it read; ``passing`` if another attempt may succeed."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


class IsolatedProcess:
    """A child process that runs one call after the other."""

    def __init__(self) -> None:
        self._child: ChildProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id, None where it does not run."""
        return self._child.pid if self.is_running and self._child else None

    @property
    def is_running(self) -> bool:
        """Whether the child of the last call is still there."""
        return self._child is not None and self._child.is_running

    def call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        limits: Limits,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> Any:
        """Call a function of a module with positional ``arguments``, and ``arrays`` by keyword.

        Raises
        ------
        Stopped
            Where it was stopped; the message is the end of a sentence about what was read: "took
            longer than 30 s", "needs more than 512 MiB of memory", "made the reader crash (…)",
            "could not be read (ValueError: …)".
        NotReady
            If no process can be started, and where the function raises an error that is no
            ``BadInput``.
        BadInput
            As the function raises it.
        """
        with self._lock:
            self._start()
            child = self._child
            assert child is not None
            request: Message = {
                "function": f"{function.__module__}:{function.__qualname__}",
                "arguments": arguments,
                "memory": limits.memory,
            }
            child.send(request, arrays)
            try:
                answer = child.receive(limits.seconds)
            except TimeoutError:
                self._end()
                raise Stopped(f"took longer than {limits.seconds:g} s", passing=True) from None
            if answer is None:
                raise Stopped(f"made the reader crash ({self._how_it_ended()})", passing=True)
            if "memory" in answer:
                self._end()  # what it still holds would be missing for the next call
                raise Stopped(_too_much(limits.memory), passing=False)
        return _result(answer)

    def stop(self) -> None:
        """End the call that another thread makes: it raises ``Stopped`` there."""
        if (child := self._child) is not None:
            child.kill()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._end()

    def __enter__(self) -> IsolatedProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        if self.is_running:
            return
        self._end()
        try:
            # A folder of its own for temporary files, which a killed child cannot clear away.
            self._folder = tempfile.TemporaryDirectory(prefix="songrec-")
            self._child = ChildProcess(
                [sys.executable, "-m", "songrec.core.isolation"],
                # As many children as cores would otherwise fight over each of them.
                environment={**thread_limits(1), "TMPDIR": self._folder.name},
                quiet=True,
            )
        except OSError as error:
            self._end()
            raise NotReady(_NOT_STARTED.format(error.strerror)) from None
        try:
            answer = self._child.receive(START_LIMIT_S)
        except TimeoutError:
            answer = None
        if answer is None:
            raise NotReady(_NOT_STARTED.format(self._how_it_ended()))

    def _end(self) -> None:
        child, self._child = self._child, None
        folder, self._folder = self._folder, None
        if child is not None:
            child.close()
        if folder is not None:
            folder.cleanup()

    def _how_it_ended(self) -> str:
        assert self._child is not None
        try:
            how = describe_exit(self._child.wait(5))
        except subprocess.TimeoutExpired:
            how = "hung"
        self._end()
        return how


_NOT_STARTED = "The process that reads files could not be started ({})."
_shared = IsolatedProcess()
atexit.register(_shared.close)
_is_child = False


def call(function: Callable[..., Any], *arguments: Any, limits: Limits) -> Any:
    """Call a function in this process's own child; see ``IsolatedProcess.call``.

    Within such a child the function is called at once, under its limit of memory. For processes
    that end with their work, such as those of jobs and commands: the child stays as long.
    """
    if not _is_child:
        return _shared.call(function, *arguments, limits=limits)
    try:
        with bounded_growth(limits.memory):
            return function(*arguments)
    except MemoryError:
        raise Stopped(_too_much(limits.memory), passing=False) from None


def main(parent: ParentConnection) -> int:
    """Answer calls until the parent goes away."""
    global _is_child
    _is_child = True
    _limit_files()
    parent.send({"ready": True})
    while True:
        answer, arrays = _answer(parent.receive())
        parent.send(answer, arrays)


def _limit_files() -> None:
    for name, size in (
        (resource.RLIMIT_FSIZE, LARGEST_FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(name)
        with contextlib.suppress(ValueError, OSError):  # the limit was lower already
            resource.setrlimit(name, (size, hard))


def _answer(request: Message) -> tuple[Message, dict[str, np.ndarray] | None]:
    try:
        module, _, name = request["function"].partition(":")
        function = getattr(importlib.import_module(module), name)
        with bounded_growth(request["memory"]):
            result = function(*request["arguments"], **request.get("arrays", {}))
    except MemoryError:
        return {"memory": True}, None
    except Stopped as error:
        return {"stopped": str(error), "passing": error.passing}, None
    except BadInput as error:
        return {"bad_input": str(error)}, None
    except SongrecError as error:
        return {"not_ready": str(error)}, None
    except Exception as error:  # noqa: BLE001 - one odd file must not end the work on others
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return {"stopped": f"could not be read ({what})", "passing": True}, None
    arrays = result.pop("arrays", None) if isinstance(result, dict) else None
    return {"result": result}, arrays


def _result(answer: Message) -> Any:
    if "stopped" in answer:
        raise Stopped(answer["stopped"], passing=answer["passing"])
    if "bad_input" in answer:
        raise BadInput(answer["bad_input"])
    if "not_ready" in answer:
        raise NotReady(answer["not_ready"])
    result = answer["result"]
    return {**result, "arrays": answer["arrays"]} if "arrays" in answer else result


def _too_much(size: int) -> str:
    text = f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size // _MIB} MiB"
    return f"needs more than {text} of memory"


if __name__ == "__main__":
    # As the module that functions import, so that they see that they are in a child.
    from songrec.core import isolation
    from songrec.core.child_process import run_child

    run_child(isolation.main)
