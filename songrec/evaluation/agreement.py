"""Agreement of two labellings of the same tracks. numpy only: pages use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]


def contingency(
    a: Labels, b: Labels
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count the tracks of each pair of labels.

    Parameters
    ----------
    a, b
        int ``(n,)``, labels of the same tracks.

    Returns
    -------
    tuple of arrays
        Counts int64 ``(r, c)``, the distinct labels of ``a`` ``(r,)`` and of ``b`` ``(c,)``, both
        ascending.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"the labellings must be of the same tracks, got {a.shape} and {b.shape}")
    rows, row = np.unique(a, return_inverse=True)
    columns, column = np.unique(b, return_inverse=True)
    flat = np.bincount(row * len(columns) + column, minlength=len(rows) * len(columns))
    return (
        flat.reshape(len(rows), len(columns)).astype(np.int64),
        rows.astype(np.int64),
        columns.astype(np.int64),
    )


def adjusted_rand_index(a: Labels, b: Labels) -> float:
    """Return the agreement on which pairs belong together, corrected for chance.

    1 for the same partition, about 0 for independent ones.

    References
    ----------
    Hubert & Arabie, "Comparing partitions", Journal of Classification 1985.
    """
    return _adjusted_rand(contingency(a, b)[0])


@dataclass(frozen=True)
class Agreement:
    """Three measures of a clustering against labels, and their values by chance.

    ``random`` is the mean over permutations of the clusters' numbers: random clusters of the same
    sizes. ``tracks`` counts those that have both a cluster and a label.
    """

    tracks: int
    classes: int
    values: dict[str, float]
    random: dict[str, float]


PERMUTATIONS = 10


def against_labels(labels: Labels, classes: Labels, *, seed: int) -> Agreement | None:
    """Measure how well clusters match known labels.

    Parameters
    ----------
    labels, classes
        int ``(n,)``, clusters and labels; tracks where either is below 0 (noise, unknown) are left
        out.
    seed
        Of the permutations.

    Returns
    -------
    Agreement or None
        ``values`` and ``random`` have ``ari`` (adjusted Rand index), ``nmi`` (mutual information
        over the mean of the entropies) and ``purity`` (share of tracks in the class that is
        commonest in their cluster, which grows with the number of clusters). None where fewer than
        two labels are left.

    References
    ----------
    Strehl & Ghosh, "Cluster ensembles", JMLR 2002 (nmi); Manning, Raghavan & Schütze,
    "Introduction to Information Retrieval", 2008, chapter 16 (purity).
    """
    both = (labels >= 0) & (classes >= 0)
    _, clusters = np.unique(labels[both], return_inverse=True)
    names, label = np.unique(classes[both], return_inverse=True)
    if len(names) < 2:
        return None
    values = _measures(_counts(clusters, label))
    rng = np.random.default_rng(seed)
    permuted = [_measures(_counts(rng.permutation(clusters), label)) for _ in range(PERMUTATIONS)]
    return Agreement(
        int(both.sum()),
        len(names),
        values,
        {name: float(np.mean([one[name] for one in permuted])) for name in values},
    )


def _adjusted_rand(counts: NDArray[np.int64]) -> float:
    total = _pairs(np.array([counts.sum()]))
    together = _pairs(counts)
    in_a, in_b = _pairs(counts.sum(axis=1)), _pairs(counts.sum(axis=0))
    if total == 0 or in_a == in_b == total or in_a == in_b == 0:
        return 1.0
    expected = in_a * in_b / total
    return float((together - expected) / ((in_a + in_b) / 2 - expected))


def _measures(counts: NDArray[np.int64]) -> dict[str, float]:
    return {
        "ari": _adjusted_rand(counts),
        "nmi": _normalised_information(counts),
        "purity": _purity(counts),
    }


def _counts(row: Labels, column: Labels) -> NDArray[np.int64]:
    """Return the contingency of labels that are 0, 1, … already."""
    shape = (int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1)
    flat = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def _purity(counts: NDArray[np.int64]) -> float:
    return float(counts.max(axis=1).sum() / counts.sum()) if counts.size else 1.0


def _normalised_information(counts: NDArray[np.int64]) -> float:
    total = counts.sum()
    rows, columns = counts.sum(axis=1) / max(total, 1), counts.sum(axis=0) / max(total, 1)
    entropies = _entropy(rows) + _entropy(columns)
    if entropies == 0:
        return 1.0
    shared = entropies - _entropy(counts.ravel() / total)
    return float(np.clip(2 * shared / entropies, 0, 1))


def _entropy(shares: NDArray[np.float64]) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())


def match_labels(new: Labels, old: Labels) -> dict[int, int]:
    """Return which old label each new one continues, so that most tracks keep theirs.

    The assignment with the largest number of tracks in matched pairs. Labels below 0 are noise and
    match nothing; neither do clusters that share no track.
    """
    counts, rows, columns = contingency(new, old)
    counts = counts[np.ix_(rows >= 0, columns >= 0)]
    rows, columns = rows[rows >= 0], columns[columns >= 0]
    return {
        int(rows[i]): int(columns[j]) for i, j in maximum_assignment(counts) if counts[i, j] > 0
    }


def moved_share(a: Labels, b: Labels) -> float:
    """Return the share of tracks that are not where their cluster went, see ``moved``."""
    if not len(a):
        return 0.0
    return float(moved(a, b).mean())


def moved(a: Labels, b: Labels) -> NDArray[np.bool_]:
    """Return which tracks are not in the cluster of ``b`` that their cluster of ``a`` matches.

    bool ``(n,)``; a track that is noise in both has not moved.
    """
    matched = match_labels(a, b)
    expected = np.array([matched.get(int(label), -2) if label >= 0 else -1 for label in a])
    return np.asarray(expected.reshape(a.shape) != b)


def maximum_assignment(weights: NDArray[np.integer]) -> list[tuple[int, int]]:
    """Return the pairs (row, column), each used at most once, of largest total weight.

    Parameters
    ----------
    weights
        int ``(n, m)``.

    Returns
    -------
    list of tuple
        Sorted by row. The Hungarian method by shortest augmenting paths with potentials, in
        O(n² m); scipy has the same, which the pages' process does not load.

    References
    ----------
    Kuhn 1955; Jonker & Volgenant, "A shortest augmenting path algorithm for dense and sparse
    linear assignment problems", Computing 1987.
    """
    if not weights.size:
        return []
    if weights.shape[0] > weights.shape[1]:
        return sorted((row, column) for column, row in maximum_assignment(weights.T))
    cost = (weights.max() - weights).astype(np.float64)
    n, m = cost.shape
    # Row and column 0 are the method's helpers; row_of[j] is the row that holds column j.
    row_potential, column_potential = np.zeros(n + 1), np.zeros(m + 1)
    row_of = np.zeros(m + 1, dtype=int)
    for row in range(1, n + 1):
        row_of[0] = row
        column = 0
        shortest = np.full(m + 1, np.inf)
        came_from = np.zeros(m + 1, dtype=int)
        done = np.zeros(m + 1, dtype=bool)
        while row_of[column]:
            done[column] = True
            at = row_of[column]
            free = ~done[1:]
            reduced = cost[at - 1] - row_potential[at] - column_potential[1:]
            closer = free & (reduced < shortest[1:])
            shortest[1:][closer] = reduced[closer]
            came_from[1:][closer] = column
            following = int(np.where(free, shortest[1:], np.inf).argmin()) + 1
            delta = shortest[following]
            row_potential[row_of[done]] += delta
            column_potential[done] -= delta
            shortest[1:][free] -= delta
            column = following
        while column:
            previous = came_from[column]
            row_of[column] = row_of[previous]
            column = previous
    return sorted((int(row_of[j]) - 1, j - 1) for j in range(1, m + 1) if row_of[j])


def _pairs(counts: NDArray[np.int64]) -> float:
    return float((counts * (counts - 1) // 2).sum())
