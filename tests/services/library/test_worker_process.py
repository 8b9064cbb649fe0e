"""The child process that listens to files, and the command that is killed half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from songrec.core import isolation
from songrec.core.errors import NotReady
from songrec.features.settings import AudioSettings
from songrec.services.library.worker_process import Task, WorkerProcess, analyse_here, close_all
from tests.audio_files.sounds import chords, tone, write_wav

ROOT = Path(__file__).resolve().parents[3]
# Short clips and small transforms: what is tested here is not the features.
SETTINGS = AudioSettings(seconds=3.0)
CRASH = (signal.SIGSEGV, signal.SIGCONT)


class TestWorkerProcess:
    """The child process that may be killed."""

    @pytest.fixture
    def task(self, tmp_path: Path) -> Task:
        path = write_wav(tmp_path / "a.wav", tone(2.0))
        return Task(str(path), str(tmp_path), "", (), vars(SETTINGS), 60.0)

    @pytest.fixture
    def one(self) -> Any:
        made = WorkerProcess()
        yield made
        made.close()

    def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_done(
        self, one: WorkerProcess, task: Task
    ) -> None:
        assert one.analyse(task).reason is None
        os.kill(one.pid, signal.SIGSTOP)
        slow = Task(task.path, task.root, "", (), task.settings, 0.5)
        outcome = one.analyse(slow)
        assert outcome.reason == "took longer than 0.5 s"
        assert outcome.passing
        assert one.analyse(task).reason is None

    def test_an_answer_that_cannot_be_read_rejects_one_file(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def answer(self: WorkerProcess, task: Task) -> Any:
            raise ValueError("half an\nanswer")

        with monkeypatch.context() as patch:
            patch.setattr(WorkerProcess, "analyse", answer)
            outcome = analyse_here(task)
        assert outcome.reason == "could not be analysed (ValueError: half an answer)"
        assert outcome.passing
        assert analyse_here(task).reason is None
        close_all()

    def test_a_process_that_cannot_start_is_one_line(
        self, one: WorkerProcess, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*values: Any, **options: Any) -> None:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(isolation, "ChildProcess", refuse)
        with pytest.raises(NotReady, match="Resource temporarily unavailable"):
            one.analyse(task)

    def test_a_crash_is_told_and_the_next_file_is_done(
        self, one: WorkerProcess, task: Task
    ) -> None:
        one.analyse(task)
        pid = one.pid
        os.kill(pid, signal.SIGSTOP)
        crash = threading.Timer(0.5, lambda: [os.kill(pid, s) for s in CRASH])
        crash.start()
        outcome = one.analyse(task)
        crash.join()
        assert (
            outcome.reason
            == "made the reader crash (was ended by SIGSEGV, a fault in compiled code)"
        )
        assert outcome.passing
        assert one.analyse(task).reason is None

    def test_a_child_ends_with_its_parent(self, task: Task, tmp_path: Path) -> None:
        code = (
            "import os; from songrec.services.library.worker_process import *; a = WorkerProcess();"
            f"a.analyse(Task({task.path!r}, {task.root!r}, '', (), {dict(task.settings)!r}));"
            "print(a.pid, flush=True); os.kill(os.getpid(), 9)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
        )
        child = int(done.stdout)
        deadline = time.monotonic() + 300
        while _runs(child) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _runs(child)

    def test_what_is_no_files_fault_ends_the_work(self, one: WorkerProcess, task: Task) -> None:
        wrong = Task(task.path, task.root, "", ("genre",), task.settings)
        with pytest.raises(NotReady, match="comes from labels"):
            one.analyse(wrong)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
    except FileNotFoundError:
        return False


def test_the_command_prints_what_it_did_and_survives_being_killed(
    instance: Path, tmp_path: Path
) -> None:
    """Killed with -9 half-way and started again it analyses only what is missing."""
    folder = tmp_path / "music"
    for number in range(12):
        write_wav(folder / f"{number:02}.wav", chords(3.0, number))
    (folder / "bad.mp3").write_bytes(b"x" * 1000)
    command = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "app.py",
        "analyze",
        str(folder),
        "--json",
        "--workers",
        "1",
    ]
    environment = {**os.environ, "SONGREC_INSTANCE": str(instance)}
    killed = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    cache = instance / "features" / "statistical"
    deadline = time.monotonic() + 300
    while len(list(cache.rglob("*.npy"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    made = len(list(cache.rglob("*.npy")))
    assert 4 <= made < 12
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["found"] == 13
    assert report["analysed"] + report["unchanged"] == 12
    # What was done in the last moment before the end may have to be done again.
    assert report["analysed"] <= 12 - made + 8
    assert [Path(r["path"]).name for r in report["rejected"]] == ["bad.mp3"]
    assert len(list(cache.rglob("*.npy"))) == 12
    assert not list((instance / "features").rglob("*.partial"))
