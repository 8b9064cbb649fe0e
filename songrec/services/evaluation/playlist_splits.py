"""Splits of playlists into those to train on and those to test on, without leakage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from songrec.core.types import Ints
from songrec.services.evaluation.playlist_catalogue import Playlist, PlaylistCatalogue

FOLDS = 5
MAX_OVERLAP = 0.5
"""Playlists that share more than this of the shorter one's songs are never on both sides."""
MIN_REMAINING = 0.5
"""Share of the training playlists that must remain to test all playlists in a single fold."""
BLOCK = 256

Fold = tuple[list[int], list[Playlist]]
"""Numbers of the playlists to test on, and the playlists to train on."""


def leakage_free_folds(
    catalogue: PlaylistCatalogue, tested: Sequence[Playlist], *, same_file: bool, seed: int = 0
) -> list[Fold]:
    """Split playlists into folds whose training playlists overlap with none of the tested ones.

    Parameters
    ----------
    tested
        Playlists to test on; a fold gives their numbers.
    same_file
        Train on the playlists of the first file, else on those of the second.

    Returns
    -------
    folds
        One fold if training playlists are of another file and most of them remain; else ``FOLDS``
        drawn with ``seed``, fewer where fewer playlists are tested.
    """
    training = [p for p in catalogue.playlists if same_file or p.file == 1]
    overlaps = overlapping(catalogue, tested, training)
    if not same_file and (~overlaps.any(axis=0)).mean() >= MIN_REMAINING:
        tested_by_fold = [np.arange(len(tested))]
    else:
        order = np.random.default_rng(seed).permutation(len(tested))
        parts = (np.sort(order[fold::FOLDS]) for fold in range(FOLDS))
        tested_by_fold = [part for part in parts if len(part)]
    folds = []
    for numbers in tested_by_fold:
        remaining = np.flatnonzero(~overlaps[numbers].any(axis=0))
        folds.append((numbers.tolist(), [training[i] for i in remaining]))
    return folds


def overlapping(
    catalogue: PlaylistCatalogue, a: Sequence[Playlist], b: Sequence[Playlist]
) -> NDArray[np.bool_]:
    """Return whether two playlists share over ``MAX_OVERLAP`` of the shorter one's songs.

    Bool ``(len(a), len(b))``. A playlist overlaps with itself.
    """
    _, song = np.unique(catalogue.song_keys, return_inverse=True)
    songs_a, songs_b = _incidence(song, a), _incidence(song, b)
    sizes = songs_b.sum(axis=1)
    overlaps = np.zeros((len(a), len(b)), dtype=bool)
    for start in range(0, len(a), BLOCK):
        block = songs_a[start : start + BLOCK]
        shorter = np.minimum(block.sum(axis=1)[:, None], sizes)
        overlaps[start : start + BLOCK] = (block @ songs_b.T).toarray() > MAX_OVERLAP * shorter
    return overlaps


def _incidence(song: Ints, lists: Sequence[Playlist]) -> csr_array:
    """Return a matrix ``(lists, songs)`` that is 1 where a playlist contains a song."""
    songs = [np.unique(song[p.rows]) for p in lists]
    ends = np.cumsum([0, *map(len, songs)])
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *songs])
    shape = (len(lists), int(song.max(initial=-1)) + 1)
    return csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=shape)
