"""Finding the other half of a pair: lyrics their sound, a sound its lyrics."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Floats


def recall_at(alike: Floats, at: int) -> float:
    """The share of rows whose own column, of the same number, is among the ``at`` most alike.

    ``alike`` is ``(n, n)``. Columns exactly as alike as the right one come before it, so that what
    cannot tell pairs apart does not look as if it could. Chance is ``at / n``.
    """
    own = np.diag(alike)[:, None]
    before = (alike >= own).sum(axis=1) - 1
    return float((before < at).mean())
