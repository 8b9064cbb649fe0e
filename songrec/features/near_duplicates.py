"""Search for near-identical tracks by their feature vectors, without comparing every pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats

LENGTH_SLACK = 0.02
"""Relative difference of lengths up to which two tracks are compared."""
_BLOCK = 1024


def unit_rows(values: Floats) -> Floats:
    """Standardise the columns of ``values`` ``(n, d)`` and scale each row to length 1, float32.

    Unknown values (NaN) count as the column's mean; a row of zeros stays one.
    """
    standardized = ColumnMoments.of(values).standardize(values)
    norms = np.linalg.norm(standardized, axis=1, keepdims=True)
    return (standardized / np.where(norms > 0, norms, 1.0)).astype(np.float32)


def near_pairs(
    values: Floats, lengths: NDArray[np.floating], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find pairs of rows with a cosine of at least ``threshold`` between standardised values.

    Of rows that are equal the first one stands for all, and each other is paired with it alone:
    thousands of copies take linear time.

    Parameters
    ----------
    values
        float32 ``(n, d)``, NaN where unknown.
    lengths
        ``(n,)``, in any unit. Only rows whose lengths differ by at most 2% are compared: in the
        order of their lengths, a thousand at a time.

    Returns
    -------
    Rows ``(k, 2)``, the smaller one first, each pair once, and cosines ``(k,)``.
    """
    unit, lengths = unit_rows(values), np.asarray(lengths, dtype=np.float64)
    first = _first_equal(unit, lengths)
    copies = np.flatnonzero((first != np.arange(len(first))) & unit.any(axis=1))
    alone = np.setdiff1d(np.arange(len(first)), copies)
    order = alone[np.argsort(lengths[alone], kind="stable")]
    sorted_lengths = lengths[order]
    ends = np.searchsorted(sorted_lengths, sorted_lengths / (1 - LENGTH_SLACK), side="right")
    pairs = [np.column_stack([first[copies], copies])]
    cosines = [np.ones(len(copies), dtype=np.float32)]
    for start in range(0, len(order), _BLOCK):
        stop = min(start + _BLOCK, len(order))
        last = ends[stop - 1]
        similarity = unit[order[start:stop]] @ unit[order[start:last]].T
        rows, columns = np.nonzero(similarity >= threshold)
        keep = (columns > rows) & (columns + start < ends[rows + start])
        rows, columns = rows[keep], columns[keep]
        pairs.append(
            np.sort(np.column_stack([order[rows + start], order[columns + start]]), axis=1)
        )
        cosines.append(similarity[rows, columns])
    return np.concatenate(pairs), np.concatenate(cosines)


def _first_equal(unit: Floats, lengths: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each row the first row with the same values and length."""
    if not len(unit):
        return np.empty(0, dtype=np.int64)
    parts = (np.ascontiguousarray(part).reshape(len(unit), -1) for part in (unit, lengths))
    table = np.hstack([part.view(np.uint8) for part in parts])
    rows = table.view(np.dtype((np.void, table.shape[1])))
    _, first, group = np.unique(rows.ravel(), return_index=True, return_inverse=True)
    return first[group].astype(np.int64)
