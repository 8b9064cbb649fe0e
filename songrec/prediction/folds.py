"""Seeded splits into folds of equal size that keep groups of tracks intact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints


def parts(
    count: int,
    n: int,
    *,
    seed: int,
    groups: NDArray[Any] | None = None,
    classes: NDArray[Any] | None = None,
) -> Ints:
    """Assign ``count`` tracks to ``n`` folds, 0 to ``n`` - 1; int64 ``(count,)``.

    Parameters
    ----------
    groups
        Tracks with equal values (recordings of the same song, for example) share a fold, so that
        no track is predicted by a model that was fitted on the same song.
    classes
        Class of each track; every fold gets an even share of each.
    """
    keys = np.arange(count) if groups is None else np.asarray(groups)
    _, first, song = np.unique(keys, return_index=True, return_inverse=True)
    songs = len(first)
    order = np.random.default_rng(seed).permutation(songs)
    if classes is not None:
        # Dealing out the shuffled songs by class gives every part its share of each class.
        order = order[np.argsort(np.asarray(classes)[first][order], kind="stable")]
    part = np.empty(songs, dtype=np.int64)
    part[order] = np.arange(songs) % n
    return part[song]
