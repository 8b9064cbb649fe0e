"""Running a grid: two processes at a time, each learning one latent and every grouping of it.

Every cell's result is a file; a grid that was killed goes on where it was. A cell that fails is a
row with its reason. Processes end when this one does, however it does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, SongrecError
from songrec.core.files import write_json
from songrec.core.types import Progress, no_progress
from songrec.evaluation import stability
from songrec.services.sweeps import code_version, csv_export
from songrec.services.sweeps.folder import GridFolder, training
from songrec.services.sweeps.specification import Cell, GridSpec
from songrec.services.training import dataset
from songrec.store.catalogue import training_data

PROCESSES = 2
TICK = 0.5
# What starts a process; it reads its task as one line of JSON.
command: list[str] = [sys.executable, "-m", "songrec.services.sweeps.worker"]


def run_grid(
    session: Session,
    instance: Path,
    spec: GridSpec,
    on_progress: Progress = no_progress,
    *,
    keep: bool = False,
    retry: bool = False,
) -> GridFolder:
    """Train what is missing of a grid on the present catalogue; returns it with all its results.

    The same grid on the same data by the same code is one grid (``grid_version``). ``keep`` makes
    every cell trained now a run that is not published; ``retry`` tries failed cells again. Raises
    ``NotReady`` for an empty catalogue and for a grid that another process trains; whatever
    ``on_progress`` raises ends the processes at once.
    """
    on_progress(0.0, "Reading the catalogue", None)
    fingerprint, tracks = _fingerprint(session, instance, spec)
    asked = [spec.to_json(), fingerprint, code_version.made_by()]
    grid_id = _digest(json.dumps(asked, sort_keys=True))[:12]
    grid = GridFolder.begin(instance, grid_id, spec, tracks)
    with training(grid.path):
        on_progress(0.0, "Starting", {"grid_id": grid.id})
        missing = grid.missing(retry=retry)
        fleet = _Fleet(grid, instance, missing, on_progress, keep=keep)
        fleet.work()
        write_json(grid.path / "agreement.json", agreement(grid))
        csv_export.write_csv(grid)
    on_progress(1.0, "The grid is done.", None)
    return grid


def agreement(grid: GridFolder) -> dict[str, float]:
    """Mean adjusted Rand index over every two seeds of each configuration, by its first cell."""
    by_configuration: dict[tuple[str, ...], list[Cell]] = {}
    for cell in grid.spec.cells():
        by_configuration.setdefault(cell.configuration, []).append(cell)
    found = {}
    for cells in by_configuration.values():
        labels = [one for cell in cells if (one := grid.labels(cell)) is not None]
        mean = stability.between(labels).mean
        if mean is not None:
            found[cells[0].key] = mean
    return found


def _fingerprint(session: Session, instance: Path, spec: GridSpec) -> tuple[list[str], int]:
    """Digests of all that the grid learns from, and how many tracks the catalogue has."""
    data = training_data.read(session)
    if len(data.track_ids) < 2:
        raise NotReady("There are too few tracks to compare anything: flask ingest FILE first.")
    digests = [data.fingerprint()]
    for features in spec.features:
        if features == dataset.ATTRIBUTES:
            continue
        try:
            table = dataset.choose(session, instance, features, data).table
            digests.append(_digest(np.ascontiguousarray(table.values).tobytes()))
        except SongrecError as error:  # each cell that needs it will say so
            digests.append(str(error))
    return digests, len(data.track_ids)


@dataclass
class _Group:
    """Cells that share a latent; ``stage`` is how far their process is, ``at`` its cell."""

    number: int
    cells: list[Cell]
    process: subprocess.Popen[str] | None = None
    at: Cell | None = None
    shared: bool = True
    share: float = 0.0
    done: set[str] = field(default_factory=set)

    @property
    def left(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.key not in self.done]


class _Fleet:
    """The processes of one grid and what they say."""

    def __init__(
        self,
        grid: GridFolder,
        instance: Path,
        missing: Sequence[Cell],
        on_progress: Progress,
        *,
        keep: bool,
    ) -> None:
        self.grid, self.instance, self.keep = grid, instance, keep
        self.on_progress = on_progress
        groups: dict[tuple[str, str, int], list[Cell]] = {}
        for cell in missing:
            groups.setdefault(cell.group, []).append(cell)
        self.waiting = deque(_Group(number, cells) for number, cells in enumerate(groups.values()))
        self.running: dict[int, _Group] = {}
        self.total = len(grid.spec.cells())
        self.finished = self.total - len(missing)
        self.said: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()

    def work(self) -> None:
        """Until nothing is left; ends every process when something is raised."""
        try:
            while self.waiting or self.running:
                while self.waiting and len(self.running) < PROCESSES:
                    self._start(self.waiting.popleft())
                self._listen()
        finally:
            for group in self.running.values():
                assert group.process is not None
                group.process.kill()
                group.process.wait()
                _close(group.process)

    def _start(self, group: _Group) -> None:
        threads = str(max(1, (os.cpu_count() or 1) // PROCESSES))
        limits = (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "NUMBA_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        )
        environment = {
            **dict.fromkeys(limits, threads),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **os.environ,
            "SONGREC_INSTANCE": str(self.instance),
        }
        group.process = process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,
        )
        task = {
            "grid": self.grid.id,
            "keep": self.keep,
            "cells": [cell.to_json() for cell in group.left],
        }
        group.at, group.shared, group.share = None, True, 0.0
        self.running[group.number] = group
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
        threading.Thread(target=self._read, args=(group.number, process), daemon=True).start()

    def _read(self, number: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with contextlib.suppress(json.JSONDecodeError):
                    self.said.put((number, json.loads(line)))
        self.said.put((number, None))

    def _listen(self) -> None:
        try:
            number, message = self.said.get(timeout=TICK)
        except queue.Empty:
            self._report("")
            return
        group = self.running[number]
        if message is None:
            self._ended(group)
        elif "done" in message:
            group.done.add(message["done"])
            group.at, group.share = None, 0.0
            self.finished += 1
            self._report(f"{self.finished:,} of {self.total:,} cells")
        else:
            group.at = next((c for c in group.cells if c.key == message["cell"]), None)
            group.shared, group.share = message["shared"], message["progress"]
            self._report(message["message"])

    def _report(self, message: str) -> None:
        # A latent that many cells share is most of their work: half of each cell's.
        begun = sum(
            0.5 * group.share * (len(group.left) if group.shared else 1)
            for group in self.running.values()
        )
        share = min(1.0, (self.finished + begun) / max(1, self.total))
        about = next((g.at for g in self.running.values() if g.at is not None), None)
        said = f"{self.finished:,} of {self.total:,} cells"
        if about is not None:
            said += f"; {about.representation} + {about.clustering}, seed {about.seed}"
        self.on_progress(0.99 * share, f"{said}: {message}" if message else said, None)

    def _ended(self, group: _Group) -> None:
        """A process is gone: what it was at has failed, and the rest is for another one."""
        process = group.process
        assert process is not None
        code = process.wait()
        _close(process)
        del self.running[group.number]
        left = group.left
        if not left:
            return
        reason = _how_it_died(code)
        lost = left if group.at is None or group.shared else [group.at]
        for cell in lost:
            self.grid.write_row(cell, failed(cell, reason), None)
            group.done.add(cell.key)
            self.finished += 1
        if group.left:
            self.waiting.appendleft(group)


def failed(cell: Cell, reason: str) -> dict[str, Any]:
    """The row of a cell that could not be trained."""
    return {
        "key": cell.key,
        "cell": cell.to_json(),
        "state": "failed",
        "reason": reason,
        "metrics": {},
        "seconds": {},
        "clusters": None,
    }


def _how_it_died(code: int) -> str:
    if code < 0:
        hint = ", most likely for want of memory" if -code == signal.SIGKILL else ""
        return f"Its process was ended by {signal.Signals(-code).name}{hint}."
    return f"Its process ended with code {code} and did not say why."


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _digest(value: str | bytes) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
