"""Some cells of a grid in a process of their own: ``python -m songrec.services.sweeps.worker``.

The task is one line of JSON on standard input: the grid, the cells (which share their features,
representation and seed) and whether to keep runs. What it is at goes to standard output as lines
of JSON; results go into the grid's folder. It ends when its parent does.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from sqlalchemy.orm import Session

from songrec.core import child_process
from songrec.core.errors import SongrecError
from songrec.core.types import Floats, Ints, no_progress
from songrec.services.sweeps import folder
from songrec.services.sweeps.folder import GridFolder
from songrec.services.sweeps.runner import failed
from songrec.services.sweeps.specification import Cell, GridSpec
from songrec.services.training.artifacts import Trained
from songrec.services.training.stage_cache import Shared, Stages

WIDTH, HEIGHT, DOTS = 240, 160, 700
SHARED_STAGES = ("read", "features", "representation")


def main() -> int:
    """Do the task on standard input."""
    channel = child_process.take_stdout()
    task = json.loads(sys.stdin.readline())
    child_process.end_with_parent()
    from flask import Flask

    from songrec.core import config
    from songrec.store.db import db

    # Settings and database and nothing else: training has no use for pages and commands.
    app = Flask("songrec")
    app.config.from_mapping(config.load())
    db.init_app(app)
    with app.app_context():
        instance = Path(app.config["INSTANCE"])
        train_cells(
            db.session,
            instance,
            folder.find(instance, task["grid"]),
            [Cell.from_json(cell) for cell in task["cells"]],
            channel,
            keep=task["keep"],
        )
    return 0


def train_cells(
    session: Session,
    instance: Path,
    grid: GridFolder,
    cells: Sequence[Cell],
    channel: TextIO,
    *,
    keep: bool = False,
) -> None:
    """Train ``cells``, which share a latent, one after the other; each leaves a row."""
    shared = Shared()
    for at, cell in enumerate(cells):
        teller = _Teller(channel, cell)
        try:
            row, labels = train_cell(session, instance, cell, teller, shared, grid.spec, keep=keep)
        except SongrecError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the row must say it
            traceback.print_exc()
            reason = f"Unexpected {type(error).__name__}: {error}"
        else:
            grid.write_row(cell, row, labels)
            _tell(channel, {"done": cell.key})
            continue
        session.rollback()
        # Without features or latent there is nothing that the other cells could do better.
        for lost in cells[at:] if teller.shared else [cell]:
            grid.write_row(lost, failed(lost, reason), None)
            _tell(channel, {"done": lost.key})
        if teller.shared:
            return


def train_cell(
    session: Session,
    instance: Path,
    cell: Cell,
    on_progress: Any,
    shared: Shared,
    spec: GridSpec,
    *,
    keep: bool = False,
) -> tuple[dict[str, Any], Ints]:
    """One cell's row, and the cluster of each track; a run besides if it is to be kept."""
    # Heavy, and imported late: what is wrong here is the row's to say.
    from songrec.services.training.train import TrainRequest, learn, learn_tastes, write

    stages = Stages(on_progress)
    request = TrainRequest(**cell.request())
    trained = learn(session, instance, request, stages, shared)
    seconds = {**stages.seconds, "total": round(sum(stages.seconds.values()), 3)}
    run_id = None
    if keep:
        tastes = learn_tastes(session, instance, request, trained, stages)
        run_id = write(session, instance, request, trained, tastes, stages).public_id
        session.commit()
    labels = trained.clustering.labels
    metrics = {**trained.metrics, **_measured(session, instance, cell, trained, shared, spec)}
    row = {
        "key": cell.key,
        "cell": cell.to_json(),
        "state": "done",
        "reason": None,
        "metrics": plain(metrics),
        "seconds": seconds,
        "tracks": len(labels),
        "clusters": len(set(np.unique(labels).tolist()) - {-1}),
        "notes": trained.notes,
        "dots": _dots(trained),
        "run_id": run_id,
    }
    return row, labels


def _measured(
    session: Session, instance: Path, cell: Cell, trained: Trained, shared: Shared, spec: GridSpec
) -> dict[str, Any]:
    """The grid's own measures; their time is not the training's."""
    from songrec.services.sweeps import cell_metrics as measures

    table = measures.table_of(session, instance, cell, trained)
    found = {"silhouette_features": measures.silhouette_in_features(table, trained, cell.seed)}
    if spec.quick:
        return found

    aside = Stages(no_progress)

    def once(stage: str, make: Callable[..., Any]) -> Any:
        def timed() -> Any:
            with aside.stage(stage, stage, 1.0):
                return make(session, instance, cell, trained, table)

        return shared.once(aside, stage, list(cell.group), timed)

    found["bootstrap_agreement_same_latent"] = measures.bootstrap_agreement(cell, trained)
    if spec.bootstrap_refit:
        samples = once("bootstraps", measures.relearnt)
        found["bootstrap_agreement_latent_anew"] = measures.relearnt_agreement(cell, samples)
    return {**found, "held_out_mse": once("held out", measures.held_out_error)}


class _Teller:
    """Progress of one cell, told to the parent; ``shared`` until the latent is there."""

    def __init__(self, channel: TextIO, cell: Cell) -> None:
        self._channel, self._cell = channel, cell
        self.shared = True
        self(0.0, "", {"stage": "read"})

    def __call__(
        self, fraction: float, message: str, details: dict[str, Any] | None = None
    ) -> None:
        if details and "stage" in details:
            self.shared = details["stage"] in SHARED_STAGES
        told = {
            "cell": self._cell.key,
            "progress": float(fraction),
            "message": str(message),
            "shared": self.shared,
        }
        _tell(self._channel, told)


def plain(value: Any) -> Any:
    """What JSON can hold: numbers that are none become None, arrays lists."""
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _dots(trained: Trained) -> dict[str, str]:
    """A seeded sample of the map as SVG path data by cluster, in a frame 240 × 160."""
    coordinates: Floats = trained.coordinates
    labels = trained.clustering.labels
    low, high = np.quantile(coordinates, [0.005, 0.995], axis=0)
    span = np.where(high > low, high - low, 1.0)
    count = min(DOTS, len(labels))
    rows = np.random.default_rng(0).choice(len(labels), size=count, replace=False)
    at = np.clip((coordinates[rows] - low) / span, 0.0, 1.0)
    x = (4 + at[:, 0] * (WIDTH - 8)).round().astype(int)
    y = (4 + (1 - at[:, 1]) * (HEIGHT - 8)).round().astype(int)
    dots = {}
    for label in np.unique(labels[rows]).tolist():
        own = labels[rows] == label
        places = sorted(set(zip(x[own].tolist(), y[own].tolist(), strict=True)))
        dots[str(label)] = "".join(f"M{px} {py}h0" for px, py in places)
    return dots


def _tell(channel: TextIO, message: dict[str, Any]) -> None:
    print(json.dumps(message), file=channel, flush=True)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)
