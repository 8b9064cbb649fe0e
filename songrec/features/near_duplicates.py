"""Which tracks are near-identical by their feature vectors, without looking at every pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats

LENGTH_SLACK = 0.02
_BLOCK = 1024


def standardised(values: Floats) -> Floats:
    """Rows of unit length over columns of mean 0 and deviation 1, float32 ``(n, d)``.

    What is unknown (NaN) counts as usual.
    """
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0, dtype=np.float64) / counts
    centred = np.where(known, values - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / counts)
    centred = centred / np.where(deviation > 1e-9, deviation, 1.0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.where(norms > 0, norms, 1.0)).astype(np.float32)


def near_pairs(
    values: Floats, lengths: NDArray[np.floating], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of rows whose standardised cosine is at least ``threshold``: ``(k, 2)`` and cosines.

    Only rows whose ``lengths`` (any unit) differ by at most 2% are compared: rows are walked in
    the order of their lengths, a thousand at a time. First is below second, each pair once.
    """
    unit = standardised(values)
    order = np.argsort(lengths, kind="stable")
    sorted_lengths = np.asarray(lengths, dtype=np.float64)[order]
    ends = np.searchsorted(sorted_lengths, sorted_lengths / (1 - LENGTH_SLACK), side="right")
    pairs, cosines = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    for start in range(0, len(order), _BLOCK):
        stop = min(start + _BLOCK, len(order))
        last = ends[stop - 1]
        found = unit[order[start:stop]] @ unit[order[start:last]].T
        rows, columns = np.nonzero(found >= threshold)
        keep = (columns > rows) & (columns + start < ends[rows + start])
        rows, columns = rows[keep], columns[keep]
        pairs.append(
            np.sort(np.column_stack([order[rows + start], order[columns + start]]), axis=1)
        )
        cosines.append(found[rows, columns])
    return np.concatenate(pairs), np.concatenate(cosines)
