"""Standardising of columns to mean 0 and standard deviation 1: the one mechanism of all rooms.

Rows may come block by block (a table longer than the memory), unknown values are left out, and a
column that only varies by rounding counts as constant. scikit-learn's ``StandardScaler`` does not
do all three, and the web process does not import it.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.numerics import ROUNDING

BLOCK = 8192
"""Rows that are converted to float64 at a time."""


class ColumnMoments:
    """Running count, mean and standard deviation of each column, in float64.

    Values that are not finite are unknown and do not count. Blocks are merged by the updating
    formulae of Chan, Golub and LeVeque (1983), "Algorithms for Computing the Sample Variance".
    """

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.count = np.zeros(width)
        self.mean = np.zeros(width)
        self.largest = np.zeros(width)
        self._squares = np.zeros(width)

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> Self:
        """Return the moments of all rows of ``values`` ``(n, d)``."""
        moments = cls(values.shape[1])
        for start in range(0, len(values), BLOCK):
            moments.add(values[start : start + BLOCK])
        return moments

    def add(self, rows: NDArray[np.floating]) -> None:
        """Take ``(b, d)`` more rows into account."""
        is_finite = np.isfinite(rows)
        count = is_finite.sum(axis=0)
        values = np.where(is_finite, rows, 0).astype(np.float64)
        mean = values.sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(is_finite, values - mean, 0.0) ** 2).sum(axis=0)
        gap, total = mean - self.mean, np.maximum(self.count + count, 1)
        self._squares += squares + gap**2 * self.count * count / total
        self.mean += gap * count / total
        self.count += count
        self.rows += len(rows)
        self.largest = np.maximum(self.largest, np.abs(values).max(axis=0, initial=0.0))

    @property
    def std(self) -> NDArray[np.float64]:
        """Population standard deviation of each column, ``(d,)``."""
        return np.sqrt(self._squares / np.maximum(self.count, 1))

    def varies(self, *, atol: float = 0.0) -> NDArray[np.bool_]:
        """Return which columns vary by more than ``atol`` and by more than rounding, ``(d,)``."""
        return self.std > np.maximum(ROUNDING * self.largest, atol)

    def scale(self, *, atol: float = 0.0) -> NDArray[np.float64]:
        """Return the standard deviation of each column that varies, and 1 for constant ones."""
        return np.where(self.varies(atol=atol), self.std, 1.0)

    def standardize(self, rows: NDArray[np.floating], *, atol: float = 0.0) -> NDArray[np.float64]:
        """Return ``(b, d)`` rows less the mean, over the scale; unknown values become 0."""
        centred = np.where(np.isfinite(rows), rows - self.mean, 0.0)
        return centred / self.scale(atol=atol)
