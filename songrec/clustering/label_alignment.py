"""Cluster numbers by size, or continued from an older run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from songrec.core.types import Clustering, Floats


def by_size(clustering: Clustering) -> Clustering:
    """Number the clusters from the largest (0) down; of equal ones the earlier first.

    Clusters without tracks are dropped, with their centres.
    """
    labels = clustering.labels
    names, first, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    return renumbered(clustering, {int(names[at]): number for number, at in enumerate(order)})


def continuing(clustering: Clustering, matched: Mapping[int, int]) -> Clustering:
    """Number the clusters as an older run does, so that colours and links survive a retrain.

    ``matched`` maps new numbers to the old ones that they continue. An old number beyond the number
    of clusters is not kept. The other clusters take the free numbers in their order.
    ``clustering`` must be numbered by size.
    """
    clusters = int(clustering.labels.max(initial=-1)) + 1
    numbers = {new: old for new, old in matched.items() if 0 <= new < clusters and old < clusters}
    free = (number for number in range(clusters) if number not in set(numbers.values()))
    for new in range(clusters):
        if new not in numbers:
            numbers[new] = next(free)
    return renumbered(clustering, numbers)


def renumbered(clustering: Clustering, numbers: Mapping[int, int]) -> Clustering:
    """Rename label ``a`` to ``numbers[a]``; centres and probabilities are reordered alike."""
    labels = clustering.labels
    table = np.full(int(labels.max(initial=-1)) + 2, -1, dtype=np.int32)  # its last entry: noise
    for old, new in numbers.items():
        table[old] = new
    centres, probabilities = clustering.centres, clustering.probabilities
    order = sorted(numbers, key=numbers.__getitem__)
    if centres is not None and numbers:
        centres = centres[order]
    if probabilities is not None and numbers:
        probabilities = _whole_rows(probabilities[:, order])
    return replace(clustering, labels=table[labels], centres=centres, probabilities=probabilities)


def _whole_rows(probabilities: Floats) -> Floats:
    """Scale rows to add up to 1 after columns of clusters without tracks were dropped."""
    totals = probabilities.sum(axis=1, keepdims=True)
    even = np.float32(1 / probabilities.shape[1])
    return np.where(totals > 0, probabilities / np.where(totals > 0, totals, 1), even)
