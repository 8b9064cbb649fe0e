"""Statistics of frame-wise values."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Floats

STATISTICS: tuple[str, ...] = ("mean", "std", "min", "max", "median", "q25", "q75")


def summarise(values: np.ndarray) -> Floats:
    """Compute the ``STATISTICS`` of each column of ``values`` ``(frames, k)``, float32 ``(k, 7)``.

    NaN frames are ignored; a column of NaN only gives NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if len(values) and not np.isnan(values).any():
        return _of(values)
    summary = np.full((values.shape[1], len(STATISTICS)), np.nan, dtype=np.float32)
    for column in range(values.shape[1]):
        present = values[~np.isnan(values[:, column]), column]
        if len(present):
            summary[column] = _of(present[:, None])[0]
    return summary


def _of(values: np.ndarray) -> Floats:
    low, middle, high = np.percentile(values, (25, 50, 75), axis=0)
    parts = (values.mean(0), values.std(0), values.min(0), values.max(0), middle, low, high)
    return np.stack(parts, axis=1).astype(np.float32)


def summary_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the column names of a summary of ``names``: ``name_mean``, ``name_std``, …"""
    return tuple(f"{name}_{statistic}" for name in names for statistic in STATISTICS)
