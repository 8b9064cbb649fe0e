"""Names of training runs for people.

Light: the registries name the models without importing them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from songrec.services.training.algorithms import REGISTRIES
from songrec.store.db import now
from songrec.store.tables import Run


def run_name(run: Run) -> str:
    """Return a run's own name, else ``Autoencoder + k-means, 12 clusters · 30 Nov``."""
    return run.name or _default_name(run)


def distinct_names(rows: Iterable[Run]) -> dict[str, str]:
    """Return the name of each run by public id; those that share a name get their time, too."""
    rows = list(rows)
    counts = Counter(run_name(run) for run in rows)
    return {
        run.public_id: run_name(run)
        if counts[run_name(run)] == 1
        else f"{run_name(run)}, {run.created_at:%H:%M:%S}"
        for run in rows
    }


def model_names(run: Run) -> str:
    """Return the models of a run as people call them: ``Autoencoder + k-means``."""
    return " + ".join(
        label_of(stage, getattr(run, stage)) for stage in ("representation", "clustering")
    )


def label_of(stage: str, algorithm: str) -> str:
    """Return the label of an algorithm; its name if it no longer exists."""
    registry = REGISTRIES[stage]
    return registry.entry(algorithm).label if algorithm in registry else algorithm


def _default_name(run: Run) -> str:
    clusters = "1 cluster" if run.cluster_count == 1 else f"{run.cluster_count} clusters"
    day = f"{run.created_at:%-d %b}"
    if run.created_at.year != now().year:
        day = f"{day} {run.created_at.year}"
    return f"{model_names(run)}, {clusters} · {day}"
