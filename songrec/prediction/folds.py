"""Seeded splits: parts of equal size that keep what belongs together in one part."""

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
    together: NDArray[Any] | None = None,
    classes: NDArray[Any] | None = None,
) -> Ints:
    """The part, 0 to ``n`` - 1, of each of ``count`` tracks; int64 ``(count,)``.

    Tracks with equal ``together`` (recordings of the same song, say) share a part, so that no part
    is predicted by a model that has heard its songs. Each of the ``classes`` is spread evenly.
    """
    keys = np.arange(count) if together is None else np.asarray(together)
    _, first, song = np.unique(keys, return_index=True, return_inverse=True)
    songs = len(first)
    order = np.random.default_rng(seed).permutation(songs)
    if classes is not None:
        # Dealt out class by class, the shuffled songs leave every part its share of each class.
        order = order[np.argsort(np.asarray(classes)[first][order], kind="stable")]
    part = np.empty(songs, dtype=np.int64)
    part[order] = np.arange(songs) % n
    return part[song]
