"""Occurrences of songs in lists: coverage of the catalogue, and hubs, which are in many lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints


@dataclass(frozen=True)
class Occurrences:
    """Which songs are in which lists, in groups of lists.

    Each measure is of the lists of some ``groups``, by number; a group that is given twice counts
    twice, as bootstrap resamples need it.

    Attributes
    ----------
    song, group
        Int ``(m,)``: the song and the group of each place of a list.
    lists
        Int ``(groups,)``: number of lists in each group.
    n_songs
        Number of songs that could be in a list.

    References
    ----------
    Radovanović, Nanopoulos and Ivanović, "Hubs in space: popular nearest neighbors in
    high-dimensional data", JMLR 2010.
    """

    song: Ints
    group: Ints
    lists: Ints
    n_songs: int

    @classmethod
    def count(cls, lists: Sequence[Ints], groups: Ints, n_songs: int) -> Occurrences:
        """Collect lists of distinct songs; ``groups`` ``(lists,)`` numbers the group of each."""
        _, song = np.unique(np.concatenate(lists), return_inverse=True)
        group = np.repeat(groups, [len(songs) for songs in lists])
        return cls(song, group, np.bincount(groups), n_songs)

    def coverage(self, groups: Ints) -> float:
        """Return the share of the songs that are in any list, 0 to 1."""
        return float(np.count_nonzero(self._counts(groups)) / self.n_songs)

    def skewness(self, groups: Ints) -> float:
        """Return the skewness of the number of lists that a song is in.

        0 where every song is in as many lists; positive where few songs are in many of them.
        """
        counts = self._counts(groups)
        mean = counts.sum() / self.n_songs
        others = self.n_songs - len(counts)  # songs in no list
        variance = (((counts - mean) ** 2).sum() + others * mean**2) / self.n_songs
        third = (((counts - mean) ** 3).sum() - others * mean**3) / self.n_songs
        return float(third / variance**1.5) if variance else 0.0

    def largest_share(self, groups: Ints) -> float:
        """Return the share of the lists that the most frequent song is in, 0 to 1."""
        return float(self._counts(groups).max(initial=0.0) / self.lists[groups].sum())

    def _counts(self, groups: Ints) -> NDArray[np.float64]:
        """Return in how many lists each song is that is in any list of any group."""
        weights = np.bincount(groups, minlength=len(self.lists))
        return np.bincount(self.song, weights=weights[self.group])
