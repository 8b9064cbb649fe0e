"""What a grid measures of a cell beside what every training does: dearer, and worth it there.

Heavy. Each figure says in its measure what it was taken of.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.clustering import CLUSTERINGS
from songrec.core.errors import SongrecError
from songrec.core.types import FeatureTable, Floats, Ints
from songrec.evaluation import held_out, stability
from songrec.pipeline import needs, training_features
from songrec.pipeline.finished import Trained
from songrec.pipeline.grid import Cell
from songrec.representation import REPRESENTATIONS

BOOTSTRAPS = 5
BOOTSTRAP_TRACKS = 4_000
SILHOUETTE_TRACKS = 5_000


def table_of(session: Session, instance: Path, cell: Cell, trained: Trained) -> FeatureTable:
    """The standardised features that the cell learnt from, ``(n, f)``."""
    raw = training_features.choose(session, instance, cell.features, trained.data).table
    return trained.scaler.transform(raw)


def silhouette_in_features(table: FeatureTable, trained: Trained, seed: int) -> float | None:
    """The silhouette in the standardised features, the same space for every model.

    Of a seeded sample of 5,000 tracks; None without two clusters in it.
    """
    from sklearn.metrics import silhouette_score

    inside = np.flatnonzero(trained.clustering.labels >= 0)
    rows = np.random.default_rng(seed).permutation(inside)[:SILHOUETTE_TRACKS]
    labels = trained.clustering.labels[rows]
    if not table.names or not 2 <= len(np.unique(labels)) < len(rows):
        return None
    return float(silhouette_score(table.values[rows], labels))


def bootstrap_agreement(cell: Cell, trained: Trained) -> float | None:
    """Mean adjusted Rand index between the groupings of bootstrap samples of the latent.

    Five samples of a seeded choice of at most 4,000 tracks; the latent itself is not learnt anew.
    None for a model that makes its own clusters, and where a sample cannot be grouped.
    """
    entry = CLUSTERINGS.entry(cell.clustering.name)
    if getattr(entry.load(), "of_the_model", False):
        return None
    random = np.random.default_rng(cell.seed)
    rows = np.sort(random.permutation(len(trained.latent))[:BOOTSTRAP_TRACKS])
    latent = np.ascontiguousarray(trained.latent[rows])

    def fit(sample: Ints, seed: int) -> Any:
        algorithm = CLUSTERINGS.create(entry.name, **cell.clustering.parameters)
        return algorithm.fit(np.ascontiguousarray(latent[sample]), seed=seed).labels

    try:
        return stability.over_bootstraps(fit, len(latent), samples=BOOTSTRAPS, seed=cell.seed).mean
    except SongrecError:
        return None


def held_out_error(
    session: Session, instance: Path, cell: Cell, trained: Trained, table: FeatureTable
) -> float | None:
    """Mean squared error on a tenth of the tracks, by the model learnt anew from the other nine.

    In standard deviations squared. None for a model that cannot restore its features, or that
    restores pictures.
    """
    model = trained.model
    if not hasattr(model, "reconstruct") or "spectrograms" in needs.of(model) or not table.names:
        return None
    needed = needs.gather(session, instance, model, table.track_ids)

    def of(rows: Ints) -> tuple[FeatureTable, dict[str, Any]]:
        part = replace(table, track_ids=table.track_ids[rows], values=table.values[rows])
        return part, {name: [values[row] for row in rows] for name, values in needed.items()}

    def fit(rows: Ints) -> held_out.Restore:
        part, besides = of(rows)
        fresh = REPRESENTATIONS.create(
            cell.representation.name, **cell.representation.parameters
        ).fit(part, seed=cell.seed, **besides)

        def restore(rows: Ints) -> Floats:
            part, besides = of(rows)
            return np.asarray(fresh.reconstruct(part, **besides))

        return restore

    found = held_out.reconstruction_error(fit, table.values, seed=cell.seed)
    return None if found is None else found[1]
