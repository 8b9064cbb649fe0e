"""Metrics that only a sweep computes of its cells, because they need several further trainings.

Heavy. ``results.SWEEP_MEASURES`` describes each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from songrec.clustering import CLUSTERINGS, clusters_by_model
from songrec.core.errors import SongrecError
from songrec.core.types import FeatureTable, Floats, Ints, Spectrograms
from songrec.evaluation import held_out, stability
from songrec.representation import REPRESENTATIONS
from songrec.services.sweeps.specification import Cell
from songrec.services.training import dataset, model_inputs
from songrec.services.training.artifacts import TrainingResult
from songrec.store.instance import Instance

BOOTSTRAPS = 5
BOOTSTRAP_TRACKS = 4_000
SILHOUETTE_TRACKS = 5_000


def feature_table(instance: Instance, cell: Cell, result: TrainingResult) -> FeatureTable:
    """Build the standardised features that the cell was trained on, ``(n, f)``."""
    raw = dataset.build_dataset(instance, cell.features, result.data).table
    return result.scaler.transform(raw)


def silhouette_in_features(table: FeatureTable, result: TrainingResult, seed: int) -> float | None:
    """Compute the silhouette in the standardised features, the same space for every model.

    A seeded sample of 5,000 tracks is measured; None if it has fewer than two clusters.
    """
    from sklearn.metrics import silhouette_score

    inside = np.flatnonzero(result.clustering.labels >= 0)
    rows = np.random.default_rng(seed).permutation(inside)[:SILHOUETTE_TRACKS]
    labels = result.clustering.labels[rows]
    if not table.names or not 2 <= len(np.unique(labels)) < len(rows):
        return None
    return float(silhouette_score(table.values[rows], labels))


def bootstrap_agreement(cell: Cell, result: TrainingResult) -> float | None:
    """Compute the mean adjusted Rand index between clusterings of bootstrap samples of the latent.

    Five samples of at most 4,000 seeded tracks; the latent itself is not refitted. None for a
    model that clusters by itself, and if a sample cannot be clustered.
    """
    if clusters_by_model(cell.clustering.name):
        return None
    rows = _bootstrap_rows(cell, len(result.latent))
    latent = np.ascontiguousarray(result.latent[rows])

    def fit(sample: Ints, seed: int) -> Ints:
        return _cluster_labels(cell, latent[sample])

    try:
        return stability.over_bootstraps(fit, len(latent), samples=BOOTSTRAPS, seed=cell.seed).mean
    except SongrecError:
        return None


@dataclass(frozen=True)
class RefitSample:
    """A model fitted on a bootstrap sample.

    ``rows`` may repeat; ``latent``, ``table`` and ``inputs`` are those of the sample.
    """

    rows: Ints
    model: Any
    latent: Floats
    table: FeatureTable
    inputs: dict[str, Any]


def refit_on_bootstraps(
    instance: Instance, cell: Cell, result: TrainingResult, table: FeatureTable
) -> list[RefitSample]:
    """Fit the cell's representation on each of the bootstrap samples."""
    all_inputs = model_inputs.gather(instance, result.model, table.track_ids)
    rows = _bootstrap_rows(cell, len(table.values))
    refits = []
    for sample in stability.bootstraps(len(rows), BOOTSTRAPS, cell.seed):
        part, inputs = _subset(table, all_inputs, rows[sample])
        model = _unfitted_model(cell).fit(part, seed=cell.seed, **inputs)
        refits.append(RefitSample(sample, model, model.transform(part, **inputs), part, inputs))
    return refits


def refit_agreement(cell: Cell, samples: list[RefitSample]) -> float | None:
    """Compute ``bootstrap_agreement`` with each sample clustered in a latent fitted on it alone.

    Also defined for models that cluster by themselves. None if a sample cannot be clustered.
    """

    def labels(sample: RefitSample) -> Ints:
        if clusters_by_model(cell.clustering.name):
            return sample.model.assign(sample.table, **sample.inputs).labels
        return _cluster_labels(cell, sample.latent)

    try:
        return stability.between_samples((one.rows, labels(one)) for one in samples).mean
    except SongrecError:
        return None


def held_out_error(
    instance: Instance, cell: Cell, result: TrainingResult, table: FeatureTable
) -> float | None:
    """Compute the mean squared error on a tenth of the tracks by a model fitted on the rest.

    In standard deviations squared. None for a model that cannot reconstruct its features, or that
    reconstructs spectrograms.
    """
    model = result.model
    if (
        not hasattr(model, "reconstruct")
        or "spectrograms" in model_inputs.required_inputs(model)
        or not table.names
    ):
        return None
    all_inputs = model_inputs.gather(instance, model, table.track_ids)

    def fit(rows: Ints) -> held_out.Restore:
        part, inputs = _subset(table, all_inputs, rows)
        fitted = _unfitted_model(cell).fit(part, seed=cell.seed, **inputs)

        def restore(rows: Ints) -> Floats:
            part, inputs = _subset(table, all_inputs, rows)
            return np.asarray(fitted.reconstruct(part, **inputs))

        return restore

    errors = held_out.reconstruction_error(fit, table.values, seed=cell.seed)
    return None if errors is None else errors[1]


def _bootstrap_rows(cell: Cell, n_tracks: int) -> Ints:
    """Return the rows that bootstrap samples are drawn from, ascending."""
    return np.sort(np.random.default_rng(cell.seed).permutation(n_tracks)[:BOOTSTRAP_TRACKS])


def _cluster_labels(cell: Cell, latent: Floats) -> Ints:
    algorithm = CLUSTERINGS.create(cell.clustering.name, **cell.clustering.parameters)
    return algorithm.fit(np.ascontiguousarray(latent), seed=cell.seed).labels


def _unfitted_model(cell: Cell) -> Any:
    return REPRESENTATIONS.create(cell.representation.name, **cell.representation.parameters)


def _subset(
    table: FeatureTable, inputs: Mapping[str, Any], rows: Ints
) -> tuple[FeatureTable, dict[str, Any]]:
    """Select rows, which may repeat, of a table and of the model's further inputs."""
    part = replace(table, track_ids=table.track_ids[rows], values=table.values[rows])
    selected = {
        name: _SpectrogramSubset(values, rows)
        if name == "spectrograms"
        else [values[row] for row in rows.tolist()]
        for name, values in inputs.items()
    }
    return part, selected


class _SpectrogramSubset:
    """Some of the spectrograms, in any order."""

    def __init__(self, spectrograms: Spectrograms, rows: Ints) -> None:
        self._spectrograms, self._rows = spectrograms, rows
        self.shape = (len(rows), *spectrograms.shape[1:])

    def read(self, rows: Ints) -> Floats:
        """Read the spectrograms at these positions of the subset."""
        return self._spectrograms.read(self._rows[np.asarray(rows)])
