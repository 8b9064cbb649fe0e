"""Numbers up to rounding: what counts as equal, and how many distinct rows a table has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDING = 8 * float(np.finfo(np.float32).eps)
"""Share of the largest value of a column by which single precision may change its values.

A column that varies by less is constant: the mean of a network's silent unit over three windows
differs from its mean over ten in the last digits. Divided by the deviation of those digits it would
measure how long a sound is, and weigh as much as any other column.
"""


def distinct_rows(values: NDArray[np.floating], most: int) -> int:
    """Return the number of distinct rows of ``(n, d)``, at most ``most``."""
    # The first rows nearly always settle it; sorting a million rows is for the odd case.
    for rows in (values[: 100 * most], values):
        distinct = len(np.unique(rows, axis=0))
        if distinct >= most:
            return most
    return distinct
