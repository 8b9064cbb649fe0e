"""Training of cells of a sweep in a process of its own, which the runner starts.

All cells of a process share their features, representation and seed. Progress goes to the runner,
results into the sweep's folder.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.child_process import Message, ParentConnection, run_child
from songrec.core.errors import SongrecError
from songrec.core.types import Floats, Ints, no_progress
from songrec.services.sweeps import folder
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.runner import failed_row
from songrec.services.sweeps.specification import Cell, SweepSpec
from songrec.services.training.artifacts import TrainingResult
from songrec.services.training.stage_cache import StageCache, StageProgress
from songrec.store.instance import Instance

WIDTH, HEIGHT, DOTS = 240, 160, 700
SHARED_STAGES = ("read", "features", "representation")


def main(parent: ParentConnection) -> int:
    """Train the cells of the request: the sweep, its cells and whether to keep runs."""
    from songrec.store.db import database_app, db

    task = parent.receive()
    app = database_app()
    with app.app_context():
        instance = Path(app.config["INSTANCE"])
        train_cells(
            Instance(instance, db.session),
            folder.find(instance, task["grid"]),
            [Cell.from_json(cell) for cell in task["cells"]],
            parent.send,
            keep=task["keep"],
        )
    return 0


def train_cells(
    instance: Instance,
    sweep: SweepFolder,
    cells: Sequence[Cell],
    send: Callable[[Message], None],
    *,
    keep: bool = False,
) -> None:
    """Train ``cells``, which share a latent, one after the other and write their rows."""
    cache = StageCache()
    for at, cell in enumerate(cells):
        progress = _CellProgress(send, cell)
        try:
            row, labels = train_cell(instance, cell, progress, cache, sweep.spec, keep=keep)
        except SongrecError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the row must say it
            traceback.print_exc()
            reason = f"Unexpected {type(error).__name__}: {error}"
        else:
            sweep.write_row(cell, row, labels)
            send({"done": cell.key})
            continue
        instance.session.rollback()
        # Without features or latent there is nothing that the other cells could do better.
        for lost in cells[at:] if progress.shared else [cell]:
            sweep.write_row(lost, failed_row(lost, reason), None)
            send({"done": lost.key})
        if progress.shared:
            return


def train_cell(
    instance: Instance,
    cell: Cell,
    on_progress: Any,
    cache: StageCache,
    spec: SweepSpec,
    *,
    keep: bool = False,
) -> tuple[dict[str, Any], Ints]:
    """Train one cell; returns its row and its labels. With ``keep`` it also becomes a run."""
    # Heavy, and imported late: what is wrong here is the row's to say.
    from songrec.services.training.request import TrainRequest
    from songrec.services.training.train import run_stages, train_tastes, write_run

    stages = StageProgress(on_progress)
    request = TrainRequest.from_json(cell.request())
    result = run_stages(instance, request, stages, cache)
    seconds = {**stages.seconds, "total": round(sum(stages.seconds.values()), 3)}
    run_id = None
    if keep:
        tastes = train_tastes(instance, request, result, stages)
        run_id = write_run(instance, request, result, tastes, stages).public_id
        instance.session.commit()
    labels = result.clustering.labels
    metrics = {**result.metrics, **_metrics(instance, cell, result, cache, spec)}
    row = {
        "key": cell.key,
        "cell": cell.to_json(),
        "state": "done",
        "reason": None,
        "metrics": plain(metrics),
        "seconds": seconds,
        "tracks": len(labels),
        "clusters": len(set(np.unique(labels).tolist()) - {-1}),
        "notes": result.notes,
        "dots": _dots(result),
        "run_id": run_id,
    }
    return row, labels


def _metrics(
    instance: Instance,
    cell: Cell,
    result: TrainingResult,
    cache: StageCache,
    spec: SweepSpec,
) -> dict[str, Any]:
    """Compute the sweep's own metrics; their time is not the training's."""
    from songrec.services.sweeps import cell_metrics

    table = cell_metrics.feature_table(instance, cell, result)
    values = {"silhouette_features": cell_metrics.silhouette_in_features(table, result, cell.seed)}
    if spec.quick:
        return values

    aside = StageProgress(no_progress)

    def once(stage: str, make: Callable[..., Any]) -> Any:
        def timed() -> Any:
            with aside.stage(stage, stage, 1.0):
                return make(instance, cell, result, table)

        return cache.get_or_compute(aside, stage, list(cell.group), timed)

    values["bootstrap_agreement_same_latent"] = cell_metrics.bootstrap_agreement(cell, result)
    if spec.bootstrap_refit:
        samples = once("bootstraps", cell_metrics.refit_on_bootstraps)
        values["bootstrap_agreement_latent_anew"] = cell_metrics.refit_agreement(cell, samples)
    return {**values, "held_out_mse": once("held out", cell_metrics.held_out_error)}


class _CellProgress:
    """Sender of one cell's progress; ``shared`` until the latent is result."""

    def __init__(self, send: Callable[[Message], None], cell: Cell) -> None:
        self._send, self._cell = send, cell
        self.shared = True
        self(0.0, "", {"stage": "read"})

    def __call__(
        self, fraction: float, message: str, details: dict[str, Any] | None = None
    ) -> None:
        if details and "stage" in details:
            self.shared = details["stage"] in SHARED_STAGES
        self._send(
            {
                "cell": self._cell.key,
                "progress": float(fraction),
                "message": str(message),
                "shared": self.shared,
            }
        )


def plain(value: Any) -> Any:
    """Convert to JSON types: arrays become lists, NaN and infinity None."""
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


def _dots(result: TrainingResult) -> dict[str, str]:
    """Return a seeded sample of the map as SVG path data by cluster, in a frame of 240 × 160."""
    coordinates: Floats = result.coordinates
    labels = result.clustering.labels
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


if __name__ == "__main__":
    run_child(main)
