"""Retrieval of the other half of a pair: the sound of lyrics, the lyrics of a sound."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Floats


def recall_at(similarities: Floats, k: int) -> float:
    """Return the share of rows whose own column is among their ``k`` most similar ones.

    Parameters
    ----------
    similarities
        float ``(n, n)``; the right column of row i is column i. Columns exactly as similar as the
        right one are ranked before it, so that equal values do not count as found.
    k
        Length of the list; chance is ``k / n``.
    """
    own = np.diag(similarities)[:, None]
    before = (similarities >= own).sum(axis=1) - 1
    return float((before < k).mean())
