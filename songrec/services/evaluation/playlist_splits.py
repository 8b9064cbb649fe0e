"""Which playlists are asked about after learning from which, so that nothing leaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from songrec.core.types import Ints
from songrec.services.evaluation.playlist_catalogue import Playlist, PlaylistCatalogue

FOLDS = 5
SHARED = 0.5
"""Of playlists that share more of the smaller one's songs than this, none is learnt from when
another is asked about."""
ENOUGH = 0.5
"""Of the playlists to learn from, so many must be left when all questions are asked at once."""
BLOCK = 256

Part = tuple[list[int], list[Playlist]]


def parts(
    catalogue: PlaylistCatalogue, asked: Sequence[Playlist], *, own: bool, seed: int = 0
) -> list[Part]:
    """Numbers of ``asked`` playlists, and the playlists to learn from before they are answered.

    With ``own`` the lessons are the playlists of the first file, else those of the second. What is
    asked about teaches nothing, and neither does a playlist that shares more than ``SHARED`` of its
    songs with one of the part. There is one part if the lessons are others and most of them
    remain, else ``FOLDS`` (fewer where fewer playlists are asked about), drawn with ``seed``.
    """
    lessons = [p for p in catalogue.playlists if own or p.file == 1]
    alike = kin(catalogue, asked, lessons)
    if not own and (~alike.any(axis=0)).mean() >= ENOUGH:
        folds = [np.arange(len(asked))]
    else:
        order = np.random.default_rng(seed).permutation(len(asked))
        folds = [np.sort(order[part::FOLDS]) for part in range(FOLDS) if len(order[part::FOLDS])]
    found = []
    for about in folds:
        taught = np.flatnonzero(~alike[about].any(axis=0))
        found.append((about.tolist(), [lessons[at] for at in taught]))
    return found


def kin(
    catalogue: PlaylistCatalogue, asked: Sequence[Playlist], others: Sequence[Playlist]
) -> NDArray[np.bool_]:
    """Whether a playlist and another share over ``SHARED`` of the shorter one's songs.

    ``(asked, others)``. A playlist is its own kin.
    """
    _, song = np.unique(catalogue.song_keys, return_inverse=True)
    one, other = _holding(song, asked), _holding(song, others)
    sizes = other.sum(axis=1)
    found = np.zeros((len(asked), len(others)), dtype=bool)
    for start in range(0, len(asked), BLOCK):
        block = one[start : start + BLOCK]
        shorter = np.minimum(block.sum(axis=1)[:, None], sizes)
        found[start : start + BLOCK] = (block @ other.T).toarray() > SHARED * shorter
    return found


def _holding(song: Ints, lists: Sequence[Playlist]) -> csr_array:
    """1 where a playlist holds a song, ``(lists, songs)``."""
    songs = [np.unique(song[p.rows]) for p in lists]
    ends = np.cumsum([0, *map(len, songs)])
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *songs])
    shape = (len(lists), int(song.max(initial=-1)) + 1)
    return csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=shape)
