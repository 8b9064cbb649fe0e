"""How well a model restores tracks that it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from songrec.core.types import Floats, Ints

Restore = Callable[[Ints], Floats]


def split(n: int, *, share: float = 0.1, seed: int = 0) -> tuple[Ints, Ints]:
    """Rows to learn from and rows held out, both ascending; at least one of each from two rows."""
    order = np.random.default_rng(seed).permutation(n)
    held = min(max(1, round(share * n)), max(n - 1, 0))
    return np.sort(order[held:]), np.sort(order[:held])


def reconstruction_error(
    fit: Callable[[Ints], Restore], values: Floats, *, share: float = 0.1, seed: int = 0
) -> tuple[float, float] | None:
    """Mean squared error on the tracks learnt from and on those held out; None below two tracks.

    ``fit(rows)`` learns from these rows of ``values`` ``(n, f)`` and gives what restores any rows,
    ``(rows) -> float32 (len(rows), f)``.
    """
    if len(values) < 2:
        return None
    learnt, held = split(len(values), share=share, seed=seed)
    restore = fit(learnt)
    seen, unseen = (
        float(np.square(restore(rows) - values[rows], dtype=np.float64).mean())
        for rows in (learnt, held)
    )
    return seen, unseen
