"""The same work in threads of this process, and on a dask cluster that loses a worker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.features.settings import AudioSettings
from songrec.services.library import executors, worker_process
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.store.instance import Instance
from songrec.store.tables import Track
from tests.audio_files.sounds import chords, write_wav

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = AudioSettings(seconds=3.0)
FILES = 14


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(FILES):
        write_wav(tmp_path / "music" / f"{number:02}.wav", chords(3.0, number))
    return tmp_path / "music"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a process of its own, on loopback."""
    address = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}

    def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    common = ("--host", "127.0.0.1", "--scheduler-file", str(address), "--no-dashboard")
    processes = [start("dask_scheduler", *common, "--port", "0")]
    try:
        wait_for(address.is_file)
        worker = (
            "--scheduler-file",
            str(address),
            "--no-dashboard",
            "--no-nanny",
            "--nthreads",
            "1",
            "--local-directory",
            str(tmp_path),
        )
        processes += [start("dask_worker", *worker, "--name", name) for name in ("one", "two")]
        yield json.loads(address.read_text())["address"], processes
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_killed_half_way_loses_nothing(
    app: Flask, session: Session, music: Path, cluster: tuple[str, list[Any]]
) -> None:
    address, (_, one, _) = cluster

    def kill_one(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        if details["analysed"] >= 4 and one.poll() is None:
            os.kill(one.pid, signal.SIGKILL)

    request = AnalyzeRequest(music, FeatureSpec(("mfcc",)), scheduler=address, settings=SETTINGS)
    report = analyze_folder(Instance(app.config["INSTANCE"], session), request, kill_one)
    assert one.wait(10) == -signal.SIGKILL
    assert report.rejected == []
    assert (report.found, report.analysed) == (FILES, FILES)
    assert session.scalar(select(func.count()).select_from(Track)) == FILES


def test_a_cluster_without_workers_is_told_and_not_waited_for(
    app: Flask,
    session: Session,
    music: Path,
    cluster: tuple[str, list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, (_, *workers) = cluster
    for worker in workers:
        worker.kill()
        worker.wait()
    monkeypatch.setattr(executors, "LONELY_S", 1.0)
    request = AnalyzeRequest(music, scheduler=address, settings=SETTINGS)
    with pytest.raises(NotReady, match="has had no workers for 1 s"):
        analyze_folder(Instance(app.config["INSTANCE"], session), request)


def test_two_local_workers_do_the_same_and_leave_no_process_behind(
    app: Flask, session: Session, music: Path
) -> None:
    seen: set[int] = set()

    def look(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        seen.update(one.pid for one in list(worker_process._all) if one.pid)

    request = AnalyzeRequest(music, workers=2, settings=SETTINGS)
    report = analyze_folder(Instance(app.config["INSTANCE"], session), request, look)
    assert (report.analysed, report.rejected) == (FILES, [])
    assert len(seen) == 2
    for pid in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not worker_process._all


def listening_sockets(pids: set[int]) -> set[str]:
    """Return the local addresses on which these processes listen, from Linux's tables."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = (
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    )
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}


def process_tree(root: int) -> set[int]:
    """Return ``root`` and its descendants."""
    pids = {root}
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                pids |= process_tree(int(child))
    return pids


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_nothing_listens_while_a_folder_is_analysed(
    app: Flask, session: Session, music: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)):  # the test sees what it should see
        assert len(listening_sockets({os.getpid()})) >= 1
    before = listening_sockets({os.getpid()})
    seen: set[str] = set()
    trees = []

    def look(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        tree = process_tree(os.getpid())
        trees.append(len(tree))
        seen.update(listening_sockets(tree))

    request = AnalyzeRequest(music, workers=3, settings=SETTINGS)
    assert analyze_folder(Instance(app.config["INSTANCE"], session), request, look).analysed
    assert max(trees) >= 4  # this process and its three children
    assert seen <= before
