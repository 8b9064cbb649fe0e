"""Cluster numbers that mean something: 0 is the largest, unless a published run says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from songrec.core.types import Clustering, Floats


def by_size(clustering: Clustering) -> Clustering:
    """The same clusters numbered from the largest (0) down; of equal ones the earlier first.

    Clusters that no track is in disappear, with their centres.
    """
    labels = clustering.labels
    found, first, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    return renumbered(clustering, {int(found[at]): number for number, at in enumerate(order)})


def continuing(clustering: Clustering, matched: Mapping[int, int]) -> Clustering:
    """Numbers that continue an older run's, so that colours and links survive a retrain.

    ``matched`` says which old number each new cluster continues. An old number that is no longer
    among the first n (there are fewer clusters now) is not kept. The others take the free numbers
    in their order. ``clustering`` must be numbered by size.
    """
    clusters = int(clustering.labels.max(initial=-1)) + 1
    numbers = {new: old for new, old in matched.items() if 0 <= new < clusters and old < clusters}
    free = (number for number in range(clusters) if number not in set(numbers.values()))
    for new in range(clusters):
        if new not in numbers:
            numbers[new] = next(free)
    return renumbered(clustering, numbers)


def renumbered(clustering: Clustering, numbers: Mapping[int, int]) -> Clustering:
    """The clustering with label ``a`` called ``numbers[a]``; centres and probabilities follow."""
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
    """Rows that add up to 1 again after columns of clusters without a track have gone."""
    totals = probabilities.sum(axis=1, keepdims=True)
    even = np.float32(1 / probabilities.shape[1])
    return np.where(totals > 0, probabilities / np.where(totals > 0, totals, 1), even)
