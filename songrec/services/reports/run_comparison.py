"""Comparison of two runs: their metrics, and where the tracks of each cluster moved. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from songrec.evaluation.agreement import adjusted_rand_index, contingency, match_labels, moved
from songrec.services.training.algorithms import REPRESENTATIONS
from songrec.services.training.run_metrics import MEASURES, Measure, Scope
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Cluster, Run


@dataclass(frozen=True)
class MetricRow:
    """A measure of both runs.

    ``better`` is ``"a"``, ``"b"``, or None (equal, unknown or not comparable). ``difference`` says
    why the values are not comparable; it is empty where they are.
    """

    measure: Measure
    a: float | None
    b: float | None
    better: str | None
    difference: str = ""


@dataclass(frozen=True)
class Flow:
    """Tracks of cluster ``a`` that are in cluster ``b`` of the other run."""

    a: Cluster
    b: Cluster
    tracks: int
    share_of_a: float
    matched: bool


@dataclass(frozen=True)
class RunComparison:
    """The comparison of runs ``a`` and ``b``.

    Attributes
    ----------
    shared, only_a, only_b
        Numbers of tracks in both runs, and in one of them.
    moved
        Number of tracks outside the cluster that matches theirs, one to one, in the other run.
    adjusted_rand_index
        None if the runs share no track.
    table
        ``table[i][j]`` counts the shared tracks in ``clusters_a[i]`` and ``clusters_b[j]``.
    flows
        Pairs of clusters that share a track, by cluster of ``a``, largest flow first.
    """

    a: Run
    b: Run
    metrics: tuple[MetricRow, ...]
    shared: int
    only_a: int
    only_b: int
    moved: int
    moved_share: float
    adjusted_rand_index: float | None
    clusters_a: tuple[Cluster, ...]
    clusters_b: tuple[Cluster, ...]
    table: tuple[tuple[int, ...], ...]
    flows: tuple[Flow, ...]


def compare_runs(instance: Instance, a: str, b: str) -> RunComparison:
    """Compare the runs with public ids ``a`` and ``b``.

    Raises ``UnknownName`` for an unknown run and ``NotReady`` if its files are missing.
    """
    run_a, run_b = runs.find(instance.session, a), runs.find(instance.session, b)
    ids_a, labels_a = run_folders.read_labels(instance.folder, run_a.public_id)
    ids_b, labels_b = run_folders.read_labels(instance.folder, run_b.public_id)
    _, in_a, in_b = np.intersect1d(ids_a, ids_b, assume_unique=True, return_indices=True)
    labels_a, labels_b = labels_a[in_a], labels_b[in_b]
    shared = len(in_a)
    changed = int(moved(labels_a, labels_b).sum())
    clusters_a = tuple(runs.clusters_of(instance.session, run_a))
    clusters_b = tuple(runs.clusters_of(instance.session, run_b))
    table = _table(labels_a, labels_b, clusters_a, clusters_b)
    return RunComparison(
        a=run_a,
        b=run_b,
        metrics=metric_rows(run_a, run_b),
        shared=shared,
        only_a=len(ids_a) - shared,
        only_b=len(ids_b) - shared,
        moved=changed,
        moved_share=changed / shared if shared else 0.0,
        adjusted_rand_index=adjusted_rand_index(labels_a, labels_b) if shared else None,
        clusters_a=clusters_a,
        clusters_b=clusters_b,
        table=tuple(tuple(int(count) for count in row) for row in table),
        flows=_flows(table, clusters_a, clusters_b, match_labels(labels_a, labels_b)),
    )


def metric_rows(a: Run, b: Run) -> tuple[MetricRow, ...]:
    """Compare every measure that at least one of the runs has.

    One is called better only where both values measure the same.
    """
    rows = []
    for measure in MEASURES:
        value_a, value_b = measure.value_of(a), measure.value_of(b)
        if value_a is None and value_b is None:
            continue
        better, differing = None, ""
        if measure.better and value_a is not None and value_b is not None:
            differing = difference(measure.scope, a, b)
            if not differing and value_a != value_b:
                better = "a" if (value_a > value_b) == (measure.better == "higher") else "b"
        rows.append(MetricRow(measure, value_a, value_b, better, differing))
    return tuple(rows)


def difference(scope: Scope, a: Run, b: Run) -> str:
    """Describe why a measure of ``scope`` does not measure the same of two runs, or return ``""``.

    The losses of two models, or of one with another weight of a term, are numbers of different
    kinds; a silhouette in two latents is one of two spaces.
    """
    if scope == "any" or a.public_id == b.public_id:
        return ""
    if scope == "songs":
        return "different songs" if a.data_fingerprint != b.data_fingerprint else ""
    if scope == "features":
        return _data_difference(a, b) or (
            # A model of spectrograms measures its error in those.
            _model_difference(a, b) if _reads_sound_itself(a) or _reads_sound_itself(b) else ""
        )
    if a.representation != b.representation:
        return f"different models, {a.representation} and {b.representation}"
    if scope == "model":
        return ""
    if scope == "loss":
        return _data_difference(a, b) or _model_difference(a, b)
    if a.seed != b.seed or _parameters(a) != _parameters(b):
        return "each in its own latent"
    return _data_difference(a, b)


def _data_difference(a: Run, b: Run) -> str:
    if a.feature_set != b.feature_set:
        return f"different features, {a.feature_set} and {b.feature_set}"
    return "different songs" if a.data_fingerprint != b.data_fingerprint else ""


def _model_difference(a: Run, b: Run) -> str:
    """Describe how the losses of two runs differ, or return ``""``."""
    if a.representation != b.representation:
        return f"different models, {a.representation} and {b.representation}"
    if a.representation not in REPRESENTATIONS:
        return ""
    of_a, of_b = _parameters(a), _parameters(b)
    for parameter in REPRESENTATIONS.entry(a.representation).parameters:
        value_a, value_b = of_a.get(parameter.name), of_b.get(parameter.name)
        if parameter.defines_loss and value_a != value_b:
            return (
                f"different losses, {parameter.label.lower()} "
                f"{parameter.text(value_a)} and {parameter.text(value_b)}"
            )
    return ""


def _parameters(run: Run) -> dict[str, Any]:
    values = run.parameters.get("representation", {})
    if run.representation not in REPRESENTATIONS:
        return dict(values)
    return REPRESENTATIONS.entry(run.representation).with_current_names(values)


def _reads_sound_itself(run: Run) -> bool:
    return (
        run.representation in REPRESENTATIONS
        and "spectrograms" in REPRESENTATIONS.entry(run.representation).required_inputs
    )


def _table(
    labels_a: np.ndarray,
    labels_b: np.ndarray,
    clusters_a: tuple[Cluster, ...],
    clusters_b: tuple[Cluster, ...],
) -> np.ndarray:
    counts, rows, columns = contingency(labels_a, labels_b)
    table = np.zeros((len(clusters_a), len(clusters_b)), dtype=np.int64)
    row_of = {cluster.number: i for i, cluster in enumerate(clusters_a)}
    column_of = {cluster.number: j for j, cluster in enumerate(clusters_b)}
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            table[row_of[int(row)], column_of[int(column)]] = counts[i, j]
    return table


def _flows(
    table: np.ndarray,
    clusters_a: tuple[Cluster, ...],
    clusters_b: tuple[Cluster, ...],
    matched: dict[int, int],
) -> tuple[Flow, ...]:
    flows = []
    for i, a in enumerate(clusters_a):
        total = max(int(table[i].sum()), 1)
        for j in np.argsort(-table[i], kind="stable"):
            b, tracks = clusters_b[j], int(table[i, j])
            if tracks:
                flows.append(Flow(a, b, tracks, tracks / total, matched.get(a.number) == b.number))
    return tuple(flows)
