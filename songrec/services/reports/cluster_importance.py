"""Importance of attributes for the clusters of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from songrec.evaluation.importance import Importance, importance
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Run

__all__ = ["Importance", "cluster_importance"]


def cluster_importance(
    instance: Path, run: Run, manifest: Mapping[str, Any] | None = None
) -> Importance:
    """Return which attributes distinguish the clusters of ``run``.

    Raises ``NotReady`` if the run's files are missing or damaged.
    """
    _, labels = run_folders.read_labels(instance, run.public_id)
    values = run_folders.read_array(instance, run.public_id, "values.npy")
    columns = (manifest or runs.manifest(instance, run))["values"]["columns"]
    return importance(values, tuple(columns), labels)
