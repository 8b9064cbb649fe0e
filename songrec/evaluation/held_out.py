"""Reconstruction error of a model on tracks that it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from songrec.core.types import Floats, Ints

Restore = Callable[[Ints], Floats]


def split(n: int, *, share: float = 0.1, seed: int = 0) -> tuple[Ints, Ints]:
    """Return rows to learn from and rows held out, both ascending, at least one of each.

    Of a single row none is held out.
    """
    order = np.random.default_rng(seed).permutation(n)
    held = min(max(1, round(share * n)), max(n - 1, 0))
    return np.sort(order[held:]), np.sort(order[:held])


def reconstruction_error(
    fit: Callable[[Ints], Restore], values: Floats, *, share: float = 0.1, seed: int = 0
) -> tuple[float, float] | None:
    """Measure the mean squared error on the tracks learnt from and on those held out.

    Parameters
    ----------
    fit
        ``fit(rows)`` learns from rows of ``values`` and returns a function that restores any rows,
        ``(rows) -> float32 (len(rows), f)``.
    values
        float32 ``(n, f)``.
    share
        Part of the rows that is held out.
    seed
        Of the split.

    Returns
    -------
    tuple of float or None
        The error on the rows learnt from and on those held out; None below two tracks.
    """
    if len(values) < 2:
        return None
    training, held_out = split(len(values), share=share, seed=seed)
    restore = fit(training)
    seen, unseen = (
        float(np.square(restore(rows) - values[rows], dtype=np.float64).mean())
        for rows in (training, held_out)
    )
    return seen, unseen
