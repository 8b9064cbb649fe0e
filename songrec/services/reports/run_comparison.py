"""Comparison of two runs: their metrics, and where the tracks of each cluster moved. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songrec.evaluation.agreement import adjusted_rand_index, contingency, match_labels, moved
from songrec.services.training.run_metrics import MEASURES, Measure
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Cluster, Run


@dataclass(frozen=True)
class MetricRow:
    """A measure of both runs; ``better`` is ``"a"``, ``"b"``, or None (equal or unknown)."""

    measure: Measure
    a: float | None
    b: float | None
    better: str | None


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
    """Compare every measure that at least one of the runs has."""
    rows = []
    for measure in MEASURES:
        value_a, value_b = measure.value_of(a), measure.value_of(b)
        if value_a is None and value_b is None:
            continue
        better = None
        if measure.better and value_a is not None and value_b is not None and value_a != value_b:
            better = "a" if (value_a > value_b) == (measure.better == "higher") else "b"
        rows.append(MetricRow(measure, value_a, value_b, better))
    return tuple(rows)


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
