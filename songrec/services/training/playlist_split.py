"""Playlists to train on without those that overlap with the ones that are held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songrec.core.types import Ints, Space

MAX_OVERLAP = 0.5
"""Largest common share of the shorter playlist's songs between training and held-out playlists."""


def without_overlap(space: Space, training: Sequence[Ints], held_out: Sequence[Ints]) -> list[Ints]:
    """Leave out the playlists that share over ``MAX_OVERLAP`` of the shorter one's songs.

    Parameters
    ----------
    training, held_out
        Rows of ``space``, one array per playlist. Held-out playlists are left out themselves.
    """
    if not training:
        return []
    _, song = np.unique(space.song_keys, return_inverse=True)
    songs = [np.unique(song[rows]) for rows in training]
    starts = np.cumsum([0, *map(len, songs)])[:-1]
    flat, sizes = np.concatenate(songs), np.array([len(each) for each in songs])
    remaining = np.ones(len(training), dtype=bool)
    for rows in held_out:
        members = np.zeros(int(song.max()) + 1, dtype=bool)
        members[song[rows]] = True
        shared = np.add.reduceat(members[flat].astype(np.int64), starts)
        remaining &= shared <= MAX_OVERLAP * np.minimum(sizes, members.sum())
    return [training[at] for at in np.flatnonzero(remaining)]
