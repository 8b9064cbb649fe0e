"""Training of a sweep: two processes at a time, each for one latent and all of its clusterings.

Every cell's result is a file, so a sweep that was killed continues where it stopped. A cell that
fails is a row with its reason.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core import numba_cache
from songrec.core.child_process import ChildProcess, Message, thread_limits
from songrec.core.errors import NotReady, SongrecError
from songrec.core.feature_spec import ATTRIBUTES_ONLY
from songrec.core.files import write_json
from songrec.core.processes import crashed, describe_exit
from songrec.core.types import Progress, no_progress
from songrec.evaluation import stability
from songrec.services.sweeps import folder, results
from songrec.services.sweeps.folder import SweepFolder, training
from songrec.services.sweeps.specification import Cell, SweepSpec
from songrec.services.training import dataset
from songrec.store.catalogue import training_data
from songrec.store.instance import Instance

PROCESSES = 2
TICK = 0.5
# The command of a process.
command: list[str] = [sys.executable, "-m", "songrec.services.sweeps.worker"]


def run_sweep(
    instance: Instance,
    spec: SweepSpec,
    on_progress: Progress = no_progress,
    *,
    keep: bool = False,
    retry: bool = False,
) -> SweepFolder:
    """Train the missing cells of a sweep on the present catalogue and return its folder.

    Equal specifications, data and versions (``folder.current_versions``) are one sweep. ``keep``
    makes every cell trained now a run that is not published; ``retry`` trains failed cells again.
    Raises ``NotReady`` for an empty catalogue and for a sweep that another process trains. What
    ``on_progress`` raises ends the processes at once.
    """
    on_progress(0.0, "Reading the catalogue", None)
    fingerprint, tracks = _fingerprint(instance, spec)
    identity = [spec.to_json(), fingerprint, folder.current_versions()]
    sweep_id = _digest(json.dumps(identity, sort_keys=True))[:12]
    sweep = SweepFolder.begin(instance.folder, sweep_id, spec, tracks)
    with training(sweep.path):
        on_progress(0.0, "Starting", {"grid_id": sweep.id})
        missing = sweep.missing(retry=retry)
        processes = _GroupProcesses(sweep, instance.folder, missing, on_progress, keep=keep)
        processes.run()
        write_json(sweep.path / "agreement.json", agreement(sweep))
        results.write_csv(sweep)
    on_progress(1.0, "The grid is done.", None)
    return sweep


def agreement(sweep: SweepFolder) -> dict[str, float]:
    """Return the mean adjusted Rand index between seeds by each configuration's first cell."""
    by_configuration: dict[tuple[str, ...], list[Cell]] = {}
    for cell in sweep.spec.cells():
        by_configuration.setdefault(cell.configuration, []).append(cell)
    mean_index = {}
    for cells in by_configuration.values():
        labels = [one for cell in cells if (one := sweep.labels(cell)) is not None]
        mean = stability.between(labels).mean
        if mean is not None:
            mean_index[cells[0].key] = mean
    return mean_index


def _fingerprint(instance: Instance, spec: SweepSpec) -> tuple[list[str], int]:
    """Return digests of the data that the sweep is trained on, and the number of tracks."""
    data = training_data.read(instance.session)
    if len(data.track_ids) < 2:
        raise NotReady("There are too few tracks to compare anything: flask ingest FILE first.")
    digests = [data.fingerprint()]
    for features in spec.features:
        if features == ATTRIBUTES_ONLY:
            continue
        try:
            table = dataset.build_dataset(instance, features, data).table
            digests.append(_digest(np.ascontiguousarray(table.values).tobytes()))
        except SongrecError as error:  # each cell that needs it will say so
            digests.append(str(error))
    return digests, len(data.track_ids)


@dataclass(eq=False)
class _Group:
    """Cells that share a latent, and the state of their process.

    ``current`` is the cell that it trains, ``fraction`` how far that is, ``shared`` whether the
    process still works on what its cells share, ``crashed`` whether one has crashed before.
    """

    cells: list[Cell]
    process: ChildProcess | None = None
    current: Cell | None = None
    shared: bool = True
    crashed: bool = False
    fraction: float = 0.0
    done: set[str] = field(default_factory=set)

    @property
    def left(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.key not in self.done]


class _GroupProcesses:
    """The processes that train the groups of one sweep, at most ``PROCESSES`` at a time."""

    def __init__(
        self,
        sweep: SweepFolder,
        instance: Path,
        missing: Sequence[Cell],
        on_progress: Progress,
        *,
        keep: bool,
    ) -> None:
        self.sweep, self.instance, self.keep = sweep, instance, keep
        self.on_progress = on_progress
        groups: dict[tuple[str, str, int], list[Cell]] = {}
        for cell in missing:
            groups.setdefault(cell.group, []).append(cell)
        self.waiting = deque(_Group(cells) for cells in groups.values())
        self.running: list[_Group] = []
        self.total = len(sweep.spec.cells())
        self.finished = self.total - len(missing)
        self.inbox: queue.Queue[tuple[ChildProcess, Message | None]] = queue.Queue()

    def run(self) -> None:
        """Train every waiting group; when something is raised, end all processes."""
        try:
            while self.waiting or self.running:
                while self.waiting and len(self.running) < PROCESSES:
                    self._start(self.waiting.popleft())
                self._receive()
        finally:
            for group in self.running:
                assert group.process is not None
                group.process.close()

    def _start(self, group: _Group) -> None:
        threads = thread_limits(max(1, (os.cpu_count() or 1) // PROCESSES))
        environment = {
            **{name: os.environ.get(name, value) for name, value in threads.items()},
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
            "SONGREC_INSTANCE": str(self.instance),
        }
        group.process = ChildProcess(command, environment=environment, inbox=self.inbox)
        group.process.send(
            {
                "grid": self.sweep.id,
                "keep": self.keep,
                "cells": [cell.to_json() for cell in group.left],
            }
        )
        group.current, group.shared, group.fraction = None, True, 0.0
        self.running.append(group)

    def _receive(self) -> None:
        try:
            process, message = self.inbox.get(timeout=TICK)
        except queue.Empty:
            self._report("")
            return
        group = next(group for group in self.running if group.process is process)
        if message is None:
            self._handle_exit(group)
        elif "done" in message:
            group.done.add(message["done"])
            group.current, group.fraction = None, 0.0
            self.finished += 1
            self._report(f"{self.finished:,} of {self.total:,} cells")
        else:
            group.current = next((c for c in group.cells if c.key == message["cell"]), None)
            group.shared, group.fraction = message["shared"], message["progress"]
            self._report(message["message"])

    def _report(self, message: str) -> None:
        # A latent that many cells share is most of their work: half of each cell's.
        begun = sum(
            group.fraction * (len(group.left) if group.shared else 1) for group in self.running
        )
        share = min(1.0, (self.finished + 0.5 * begun) / max(1, self.total))
        cell = next((g.current for g in self.running if g.current is not None), None)
        text = f"{self.finished:,} of {self.total:,} cells"
        if cell is not None:
            text += f"; {cell.representation} + {cell.clustering}, seed {cell.seed}"
        self.on_progress(0.99 * share, f"{text}: {message}" if message else text, None)

    def _handle_exit(self, group: _Group) -> None:
        """Fail the cell that an ended process was training; leave the rest to another process.

        After the first crash of compiled code all of them are tried again, with an empty cache.
        """
        assert group.process is not None
        code = group.process.wait()
        group.process.close()
        self.running.remove(group)
        left = group.left
        if not left:
            return
        if crashed(code) and not group.crashed:
            group.crashed = True
            numba_cache.clear(self.instance)
            self.waiting.appendleft(group)
            return
        reason = f"Its process {describe_exit(code)}."
        lost = left if group.current is None or group.shared else [group.current]
        for cell in lost:
            self.sweep.write_row(cell, failed_row(cell, reason), None)
            group.done.add(cell.key)
            self.finished += 1
        if group.left:
            self.waiting.appendleft(group)


def failed_row(cell: Cell, reason: str) -> dict[str, Any]:
    """Return the row of a cell that could not be trained."""
    return {
        "key": cell.key,
        "cell": cell.to_json(),
        "state": "failed",
        "reason": reason,
        "metrics": {},
        "seconds": {},
        "clusters": None,
    }


def _digest(value: str | bytes) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
