"""Mean and deviation of the columns of a table that is too long for the memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.numerics import ROUNDING
from songrec.core.types import Floats

COVERAGE = 0.5
"""A column that fewer of the rows have (the pitch of music without any) tells nothing."""


class ColumnFigures:
    """Mean and deviation of each column, block by block (Chan, Golub and LeVeque 1983)."""

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.count = np.zeros(width)
        self.mean = np.zeros(width)
        self.squares = np.zeros(width)

    def add(self, rows: Floats) -> None:
        """Take ``(b, d)`` more rows into account; what is not finite is unknown."""
        known = np.isfinite(rows)
        count = known.sum(axis=0)
        wide = np.where(known, rows, 0).astype(np.float64)
        mean = wide.sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(known, wide - mean, 0.0) ** 2).sum(axis=0)
        apart, both = mean - self.mean, np.maximum(self.count + count, 1)
        self.squares += squares + apart**2 * self.count * count / both
        self.mean += apart * count / both
        self.count += count
        self.rows += len(rows)

    @property
    def spread(self) -> NDArray[np.float64]:
        """The deviation of each column."""
        return np.sqrt(self.squares / np.maximum(self.count, 1))

    def telling(self) -> NDArray[np.bool_]:
        """The columns that vary and that enough rows have."""
        varies = self.spread > np.maximum(ROUNDING * np.abs(self.mean), 1e-9)
        return varies & (self.count >= COVERAGE * max(self.rows, 1))

    def standardised(self, rows: Floats) -> Floats:
        """Rows of mean 0 and deviation 1, what is unknown at 0."""
        known = np.isfinite(rows)
        spread = np.where(self.spread > 0, self.spread, 1.0)
        return np.where(known, (rows - self.mean) / spread, 0.0).astype(np.float32)
