"""What a grid measures of a cell beside what every training does: dearer, and worth it there.

Heavy. Each figure says in its measure what it was taken of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.clustering import CLUSTERINGS, clusters_by_model
from songrec.core.errors import SongrecError
from songrec.core.types import FeatureTable, Floats, Ints, Spectrograms
from songrec.evaluation import held_out, stability
from songrec.representation import REPRESENTATIONS
from songrec.services.sweeps.specification import Cell
from songrec.services.training import dataset, model_inputs
from songrec.services.training.artifacts import TrainingResult

BOOTSTRAPS = 5
BOOTSTRAP_TRACKS = 4_000
SILHOUETTE_TRACKS = 5_000


def table_of(session: Session, instance: Path, cell: Cell, trained: TrainingResult) -> FeatureTable:
    """The standardised features that the cell learnt from, ``(n, f)``."""
    raw = dataset.build_dataset(session, instance, cell.features, trained.data).table
    return trained.scaler.transform(raw)


def silhouette_in_features(table: FeatureTable, trained: TrainingResult, seed: int) -> float | None:
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


def bootstrap_agreement(cell: Cell, trained: TrainingResult) -> float | None:
    """Mean adjusted Rand index between the groupings of bootstrap samples of the latent.

    Five samples of a seeded choice of at most 4,000 tracks; the latent itself is not learnt anew.
    None for a model that makes its own clusters, and where a sample cannot be grouped.
    """
    if clusters_by_model(cell.clustering.name):
        return None
    rows = _bootstrapped(cell, len(trained.latent))
    latent = np.ascontiguousarray(trained.latent[rows])

    def fit(sample: Ints, seed: int) -> Ints:
        return _grouped(cell, latent[sample])

    try:
        return stability.over_bootstraps(fit, len(latent), samples=BOOTSTRAPS, seed=cell.seed).mean
    except SongrecError:
        return None


@dataclass(frozen=True)
class Relearnt:
    """A model that learnt a bootstrap sample: its rows (with those drawn twice) and its latent."""

    rows: Ints
    model: Any
    latent: Floats
    table: FeatureTable
    besides: dict[str, Any]


def relearnt(
    session: Session, instance: Path, cell: Cell, trained: TrainingResult, table: FeatureTable
) -> list[Relearnt]:
    """The cell's representation, learnt anew from each of the bootstrap samples."""
    needed = model_inputs.gather(session, instance, trained.model, table.track_ids)
    chosen = _bootstrapped(cell, len(table.values))
    found = []
    for sample in stability.bootstraps(len(chosen), BOOTSTRAPS, cell.seed):
        part, besides = _part(table, needed, chosen[sample])
        model = _fresh(cell).fit(part, seed=cell.seed, **besides)
        found.append(Relearnt(sample, model, model.transform(part, **besides), part, besides))
    return found


def relearnt_agreement(cell: Cell, samples: list[Relearnt]) -> float | None:
    """As ``bootstrap_agreement``, but each sample is grouped in a latent learnt from it alone.

    Models that make their own clusters have it as well. None where a sample cannot be grouped.
    """

    def labels(one: Relearnt) -> Ints:
        if clusters_by_model(cell.clustering.name):
            return one.model.assign(one.table, **one.besides).labels
        return _grouped(cell, one.latent)

    try:
        return stability.between_samples((one.rows, labels(one)) for one in samples).mean
    except SongrecError:
        return None


def held_out_error(
    session: Session, instance: Path, cell: Cell, trained: TrainingResult, table: FeatureTable
) -> float | None:
    """Mean squared error on a tenth of the tracks, by the model learnt anew from the other nine.

    In standard deviations squared. None for a model that cannot restore its features, or that
    restores pictures.
    """
    model = trained.model
    if (
        not hasattr(model, "reconstruct")
        or "spectrograms" in model_inputs.required_inputs(model)
        or not table.names
    ):
        return None
    needed = model_inputs.gather(session, instance, model, table.track_ids)

    def fit(rows: Ints) -> held_out.Restore:
        part, besides = _part(table, needed, rows)
        fresh = _fresh(cell).fit(part, seed=cell.seed, **besides)

        def restore(rows: Ints) -> Floats:
            part, besides = _part(table, needed, rows)
            return np.asarray(fresh.reconstruct(part, **besides))

        return restore

    found = held_out.reconstruction_error(fit, table.values, seed=cell.seed)
    return None if found is None else found[1]


def _bootstrapped(cell: Cell, tracks: int) -> Ints:
    """The tracks that bootstrap samples are drawn from, ascending."""
    return np.sort(np.random.default_rng(cell.seed).permutation(tracks)[:BOOTSTRAP_TRACKS])


def _grouped(cell: Cell, latent: Floats) -> Ints:
    algorithm = CLUSTERINGS.create(cell.clustering.name, **cell.clustering.parameters)
    return algorithm.fit(np.ascontiguousarray(latent), seed=cell.seed).labels


def _fresh(cell: Cell) -> Any:
    return REPRESENTATIONS.create(cell.representation.name, **cell.representation.parameters)


def _part(
    table: FeatureTable, needed: Mapping[str, Any], rows: Ints
) -> tuple[FeatureTable, dict[str, Any]]:
    """These rows of a table and of what a model needs beside it; rows may stand in it twice."""
    part = replace(table, track_ids=table.track_ids[rows], values=table.values[rows])
    besides = {
        name: _Pictures(values, rows)
        if name == "spectrograms"
        else [values[row] for row in rows.tolist()]
        for name, values in needed.items()
    }
    return part, besides


class _Pictures:
    """Some of the spectrograms, in any order."""

    def __init__(self, whole: Spectrograms, rows: Ints) -> None:
        self._whole, self._rows = whole, rows
        self.shape = (len(rows), *whole.shape[1:])

    def read(self, rows: Ints) -> Floats:
        """The pictures of these rows, counted within the choice."""
        return self._whole.read(self._rows[np.asarray(rows)])
