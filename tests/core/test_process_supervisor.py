"""The supervisor of ``make run``, with real processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from songrec.core import process_supervisor
from songrec.core.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[str]"]

LIVES = """
import os, sys, time
open(sys.argv[1], 'a').write(str(os.getpid()) + '\\n')
time.sleep(600)
"""
WITH_CHILD = """
import os, subprocess, sys, time
child = subprocess.Popen(['sleep', '600'])
open(sys.argv[1], 'a').write(str(os.getpid()) + '\\n')
open(sys.argv[1] + '.child', 'a').write(str(child.pid) + '\\n')
time.sleep(600)
"""
DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], 'a').write(str(os.getpid()) + '\\n')
time.sleep(600)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor of these commands, its output in the file ``output``."""
    started: list[subprocess.Popen[str]] = []

    def start(first: str | None = None, **commands: str) -> subprocess.Popen[str]:
        procfile = tmp_path / "Procfile"
        procfile.write_text("".join(f"{name}: {line}\n" for name, line in commands.items()))
        with (tmp_path / "output").open("w") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "songrec.core.process_supervisor", str(procfile)),
                    *(("--first", first) if first else ()),
                ],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                text=True,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def script(tmp_path: Path, name: str, text: str) -> str:
    """The command that runs this Python program with the path of its list of process ids."""
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    return f"{sys.executable} {path} {tmp_path / name}"


def pids(path: Path, count: int, seconds: float = 20) -> list[int]:
    """The process ids that a command has written once there are ``count``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lines = path.read_text().split() if path.exists() else []
        if len(lines) >= count:
            return [int(line) for line in lines]
        time.sleep(0.05)
    raise AssertionError(f"{path.name} was started {len(lines)} times, not {count}")


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(*ids: int, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while any(lives(pid) for pid in ids):
        assert time.monotonic() < deadline, [pid for pid in ids if lives(pid)]
        time.sleep(0.05)


def test_a_killed_process_is_started_again_and_the_other_goes_on(
    start: Start, tmp_path: Path
) -> None:
    supervisor = start(web=script(tmp_path, "web", LIVES), worker=script(tmp_path, "worker", LIVES))
    (web,) = pids(tmp_path / "web", 1)
    (worker,) = pids(tmp_path / "worker", 1)
    for kill in range(1, 4):
        os.kill(worker, signal.SIGKILL)
        worker = pids(tmp_path / "worker", kill + 1)[-1]
    assert lives(web)
    assert lives(worker)
    assert pids(tmp_path / "web", 1) == [web]
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    wait_until_gone(web, worker)
    lines = (tmp_path / "output").read_text().splitlines()
    assert len(lines) == 3
    assert lines[0] == (
        "songrec: worker was ended by SIGKILL, most likely for want of memory; it is started "
        "again in 0.5 s."
    )
    assert lines[2].endswith("it is started again in 2 s.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_leaves_no_process_behind(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    supervisor = start(
        web=script(tmp_path, "web", WITH_CHILD), worker=script(tmp_path, "worker", LIVES)
    )
    ids = [*pids(tmp_path / "web", 1), *pids(tmp_path / "worker", 1)]
    ids += pids(tmp_path / "web.child", 1)
    asked = time.monotonic()
    supervisor.send_signal(number)
    assert supervisor.wait(10) == 0
    assert time.monotonic() - asked < 3
    wait_until_gone(*ids, seconds=1)
    assert (tmp_path / "output").read_text() == ""


def test_a_process_that_ignores_the_request_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start(worker=script(tmp_path, "worker", DEAF))
    (worker,) = pids(tmp_path / "worker", 1)
    supervisor.terminate()
    time.sleep(1)
    assert lives(worker)
    supervisor.send_signal(signal.SIGINT)  # the second request does not wait
    assert supervisor.wait(process_supervisor.GRACE - 2) == 0
    assert not lives(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's death")
def test_no_process_outlives_a_killed_supervisor(start: Start, tmp_path: Path) -> None:
    supervisor = start(worker=script(tmp_path, "worker", LIVES))
    (worker,) = pids(tmp_path / "worker", 1)
    supervisor.kill()
    wait_until_gone(worker)


def test_what_a_killed_process_had_started_is_ended_before_the_next_start(
    start: Start, tmp_path: Path
) -> None:
    start(web=script(tmp_path, "web", WITH_CHILD))
    (web,) = pids(tmp_path / "web", 1)
    (child,) = pids(tmp_path / "web.child", 1)
    os.kill(web, signal.SIGKILL)
    pids(tmp_path / "web", 2)
    assert not lives(child)


def test_a_process_that_ends_at_once_five_times_is_given_up(start: Start, tmp_path: Path) -> None:
    supervisor = start(
        web=f"{sys.executable} -c 'raise SystemExit(3)'",
        worker=script(tmp_path, "worker", LIVES),
    )
    (worker,) = pids(tmp_path / "worker", 1)
    assert supervisor.wait(40) == 1
    assert not lives(worker)
    lines = (tmp_path / "output").read_text().splitlines()
    assert len(lines) == 5
    assert lines[0] == "songrec: web ended with code 3; it is started again in 0.5 s."
    assert lines[-1] == (
        "songrec: web ended 5 times right after its start, last with code 3: it is given up and "
        "songrec stops. The lines above say why."
    )


def test_a_command_that_does_not_exist_is_one_line(start: Start, tmp_path: Path) -> None:
    supervisor = start(web="no-such-program --serve")
    assert supervisor.wait(20) == 1
    (line,) = (tmp_path / "output").read_text().splitlines()
    assert line.startswith("songrec: web cannot be started: no-such-program: No such file")


READY = """
import os, sys, time
from songrec.core.processes import report_ready
time.sleep(1)
open(sys.argv[1], 'a').write(str(os.getpid()) + '\\n')
report_ready()
time.sleep(600)
"""


@pytest.mark.parametrize("text", [READY, "import sys; sys.exit(3)"])
def test_the_others_start_when_the_first_is_ready_or_has_ended(
    tmp_path: Path, start: Start, text: str
) -> None:
    start(web=script(tmp_path, "web", text), worker=script(tmp_path, "worker", LIVES), first="web")
    pids(tmp_path / "worker", 1)
    assert (tmp_path / "web").exists() == (text is READY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web gunicorn\n", "line 1: write “name: command”"),
        ("web:\n", "line 1: write “name: command”"),
        ("# nothing\n\n", "no process is named in it"),
        ("web: sleep 1\nworker: echo 'open\n", "line 2: No closing quotation"),
    ],
)
def test_a_procfile_that_cannot_be_read_is_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "Procfile"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        process_supervisor.read_procfile(path)


def test_the_procfile_of_songrec_names_web_and_workers() -> None:
    commands = dict(process_supervisor.read_procfile(ROOT / "Procfile"))
    assert commands == {
        "web": ["gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"],
        "worker": ["python", "-m", "songrec.cli.serve", "worker"],
        "uploads": ["python", "-m", "songrec.cli.serve", "worker", "--only", "uploads"],
    }
