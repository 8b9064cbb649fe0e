"""Keeps the processes of a Procfile running: ``python -m songrec.core.process_supervisor FILE``.

Each line of the file is ``name: command``. A process that ends is started again, whatever ended
it, while the others go on. SIGINT, SIGTERM and SIGHUP stop all of them. With ``--first NAME`` the
others start once that process reports that it is ready (``core.processes.report_ready``).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from songrec.core import config, logs
from songrec.core.errors import BadInput
from songrec.core.processes import READY_DESCRIPTOR, describe_exit, end_with

log = logging.getLogger("songrec.supervisor")

TICK = 0.1
EARLY = 15.0
"""Seconds: a process that ends sooner after its start may never have served."""
EARLY_EXITS = 5
"""Early exits in a row after which everything is stopped."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
LONGEST_WAIT = 20.0
"""Seconds after which the others start, whether the first process is ready or not."""
GRACE = 6.0
"""Seconds between the request to stop and SIGKILL."""


@dataclass(eq=False)
class SupervisedProcess:
    """One command and the state of its process.

    ``early_ends`` counts the ends in a row shortly after a start, ``early_exits`` those among
    them with an exit code of its own. ``start_at`` is the time of the next start while it is down.
    """

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    early_ends: int = 0
    early_exits: int = 0


class ProcessSupervisor:
    """Start processes, start them again when they end, and stop them together."""

    def __init__(
        self,
        commands: Sequence[tuple[str, Sequence[str]]],
        *,
        folder: Path | None = None,
        report: Callable[[str], None] | None = None,
        first: str | None = None,
    ) -> None:
        self.processes = [SupervisedProcess(name, command) for name, command in commands]
        self._first = next((one for one in self.processes if one.name == first), None)
        self._ready: int | None = None
        """Where the first process reports, as long as the others wait for it."""
        self._folder = folder
        self._report = report or _print_line
        self._stop = threading.Event()
        self._stop_requests = 0

    def run(self) -> int:
        """Supervise until a signal or a process that cannot run; return the exit code.

        0 after a signal, 1 when a process was given up.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle_signal)
        code = 0
        try:
            if self._first is not None:
                self._start_first(self._first)
            while code == 0 and not self._stop.is_set():
                code = self._look()
                self._stop.wait(TICK)
        finally:
            self._stop_all()
        return code

    def _look(self) -> int:
        moment = time.monotonic()
        if self._ready is not None and self._is_over(self._ready, moment):
            os.close(self._ready)
            self._ready = None
        for supervised in self.processes:
            if self._ready is not None and supervised is not self._first:
                continue
            if supervised.process is None:
                if moment >= supervised.start_at:
                    self._start(supervised)
            elif (exit_code := supervised.process.poll()) is not None:
                if self._stop.is_set():  # the terminal's Ctrl-C may have reached it first
                    return 0
                _kill_group(supervised.process)  # what it started must not outlive it
                supervised.process = None
                if not self._schedule(supervised, exit_code, moment):
                    return 1
        return 0

    def _start_first(self, first: SupervisedProcess) -> None:
        self._ready, writing = os.pipe()
        os.set_blocking(self._ready, False)
        try:
            self._start(first, writing)
        finally:
            os.close(writing)

    def _is_over(self, ready: int, moment: float) -> bool:
        """Return whether the others need not wait: the first is ready, has ended or takes long."""
        assert self._first is not None
        if moment - self._first.started_at >= LONGEST_WAIT:
            return True
        try:
            os.read(ready, 1)
        except BlockingIOError:
            return False
        return True

    def _start(self, supervised: SupervisedProcess, ready: int | None = None) -> None:
        supervised.started_at = time.monotonic()
        reports = {} if ready is None else {READY_DESCRIPTOR: str(ready)}
        try:
            supervised.process = subprocess.Popen(  # noqa: S603 - the Procfile's command
                list(supervised.command),
                cwd=self._folder,
                env={**os.environ, **reports},
                pass_fds=() if ready is None else (ready,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is the supervisor's to handle
                # One thread: nothing can hold a lock across the fork.
                preexec_fn=partial(end_with, os.getpid(), signal.SIGTERM),
            )
        except OSError as error:
            raise BadInput(
                f"{supervised.name} cannot be started: {supervised.command[0]}: {error.strerror}."
            ) from None

    def _schedule(self, supervised: SupervisedProcess, exit_code: int, moment: float) -> bool:
        """Set the time of the next start; False when the process is given up."""
        if moment - supervised.started_at >= EARLY:
            supervised.early_ends = supervised.early_exits = 0
        else:
            supervised.early_ends += 1
            # A signal comes from outside (out of memory, a person): that passes. A process that
            # exits by itself will do so again.
            supervised.early_exits = supervised.early_exits + 1 if exit_code >= 0 else 0
        if supervised.early_exits >= EARLY_EXITS:
            self._report(
                f"{supervised.name} ended {EARLY_EXITS} times right after its start, last with "
                f"code {exit_code}: it is given up and songrec stops. The lines above say why."
            )
            return False
        delay = min(FIRST_DELAY * 2 ** max(0, supervised.early_ends - 1), LONGEST_DELAY)
        supervised.start_at = moment + delay
        how = describe_exit(exit_code) if exit_code < 0 else f"ended with code {exit_code}"
        self._report(f"{supervised.name} {how}; it is started again in {delay:g} s.")
        return True

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_requests += 1
        self._stop.set()

    def _stop_all(self) -> None:
        running = [one.process for one in self.processes if one.process is not None]
        for process in running:
            process.terminate()
        deadline, requests = time.monotonic() + GRACE, self._stop_requests
        # A second Ctrl-C ends the waiting.
        while time.monotonic() < deadline and self._stop_requests <= max(requests, 1):
            if all(process.poll() is not None for process in running):
                break
            time.sleep(TICK)
        for process in running:
            _kill_group(process)
            process.wait()


def read_procfile(path: Path) -> list[tuple[str, list[str]]]:
    """Return the names and commands of a Procfile; raises ``BadInput``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}.") from None
    commands = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, text = line.partition(":")
        try:
            command = shlex.split(text)
        except ValueError as error:
            raise BadInput(f"{path}, line {number}: {error}.") from None
        if command[:1] == ["exec"]:  # for the shell of other programs that read the file
            del command[0]
        if not colon or not name.strip() or not command:
            raise BadInput(f"{path}, line {number}: write “name: command”, not {line.strip()!r}.")
        commands.append((name.strip(), command))
    if not commands:
        raise BadInput(f"{path}: no process is named in it.")
    return commands


def main(arguments: Sequence[str]) -> int:
    """Supervise the processes of the Procfile named in ``arguments``; return the exit code."""
    parser = argparse.ArgumentParser("songrec.core.process_supervisor")
    parser.add_argument("procfile", nargs="?", default="Procfile")
    parser.add_argument("--first", metavar="NAME", help="the others start when this one is ready")
    options = parser.parse_args(arguments)
    path = Path(options.procfile).resolve()
    # The commands of this Python's environment come first.
    scripts = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join(filter(None, (scripts, os.environ.get("PATH"))))
    try:
        logs.configure()
        report = log.warning if config.log_format() == "json" else _print_line
        commands = read_procfile(path)
        return ProcessSupervisor(
            commands, folder=path.parent, report=report, first=options.first
        ).run()
    except BadInput as error:
        _print_line(str(error))
        return 1


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process group that ``process`` leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _print_line(text: str) -> None:
    print(f"songrec: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
