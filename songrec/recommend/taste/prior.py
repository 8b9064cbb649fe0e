"""What is known of tastes before anybody likes anything: learnt from playlists, or weak.

For each column of the space (normal scores): how far the means of playlists lie apart
(``between``), how far the songs of one playlist do (``within``, both variances), and how much
alike playlists are in that (``shape`` of an inverse gamma distribution). For artists and albums:
how readily they come again (``PitmanYor``). The number of parameters is small on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.recommend.credits import UNKNOWN
from songrec.recommend.space_statistics import statistics_of

Array = NDArray[np.float64]

WITHIN, BETWEEN, SHAPE = 0.65, 0.35, 5.0
"""Of a column of normal scores (variance 1) two thirds lie within a taste: nothing was learnt."""
STARTS = {"year": (0.3, 0.7), "tempo": (0.9, 0.1), "liveness": (0.9, 0.1)}
"""The same where it is known to be otherwise: what is put together is mostly of one time, and says
next to nothing of tempo (which is a beat's, not a mood's) and of whether an audience was there."""
PSEUDO = 10.0
"""The weak values count as much as this many playlists."""
FEWEST_TRACKS, FEWEST_PLAYLISTS = 12, 5
LIKES = 10
"""Habits are learnt as they are used: so many songs of a playlist are known, the rest is found."""
CONCENTRATIONS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
DISCOUNTS = (0.0, 0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class ColumnPrior:
    """The prior of one column; see the module."""

    within: float = WITHIN
    between: float = BETWEEN
    shape: float = SHAPE


def weak(name: str) -> ColumnPrior:
    """The prior of a column of which playlists have taught nothing."""
    return ColumnPrior(*STARTS.get(name, (WITHIN, BETWEEN)))


@dataclass(frozen=True)
class PitmanYor:
    """How readily a name (artist, album) comes again: a Pitman-Yor process over the names.

    With ``n`` songs known, ``c`` of them by the name and ``k`` different names among them, the
    next song is by it with probability ((c - discount) + (concentration + discount k) share) /
    (n + concentration), where share is the name's share of the catalogue (Pitman and Yor 1997).
    ``strength`` multiplies the logarithm of what that is above chance: 1 where it was learnt.
    """

    concentration: float = 8.0
    discount: float = 0.4
    strength: float = 0.5


@dataclass(frozen=True)
class TastePrior:
    """Columns by name, habits of ``artist`` and ``album``, and how many playlists taught them."""

    columns: Mapping[str, ColumnPrior] = field(default_factory=dict)
    artist: PitmanYor = PitmanYor()
    album: PitmanYor = PitmanYor()
    playlists: int = 0

    def column(self, name: str) -> ColumnPrior:
        """The prior of a column; the weak one where it was not learnt."""
        return self.columns.get(name) or weak(name)

    def to_json(self) -> dict[str, Any]:
        """As a run's manifest holds it."""
        return {
            "playlists": self.playlists,
            "columns": {
                name: [round(c.within, 4), round(c.between, 4), round(c.shape, 3)]
                for name, c in self.columns.items()
            },
            **{
                name: [habit.concentration, habit.discount, habit.strength]
                for name, habit in (("artist", self.artist), ("album", self.album))
            },
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any] | None) -> TastePrior:
        """What ``to_json`` gave; the weak prior for None."""
        if not told:
            return cls()
        return cls(
            {name: ColumnPrior(*values) for name, values in told["columns"].items()},
            PitmanYor(*told["artist"]),
            PitmanYor(*told["album"]),
            int(told["playlists"]),
        )


def learn(space: Space, playlists: Iterable[Ints], *, seed: int = 0) -> TastePrior:
    """The prior that fits ``playlists`` (rows of ``space``) best.

    Those with fewer than ``FEWEST_TRACKS`` tracks are left out; with fewer than
    ``FEWEST_PLAYLISTS`` others nothing is learnt and the weak prior comes back.
    """
    lists = [np.unique(rows) for rows in playlists]
    lists = [rows for rows in lists if len(rows) >= FEWEST_TRACKS]
    if len(lists) < FEWEST_PLAYLISTS:
        return TastePrior()
    statistics = statistics_of(space)
    columns = {
        name: _column(name, [space.matrix[rows, at].astype(np.float64) for rows in lists])
        for at, name in enumerate(space.columns)
    }
    if statistics.popularity is not None:
        columns["popularity"] = _column(
            "popularity", [statistics.popularity[rows] for rows in lists]
        )
    habits = {}
    if space.artists is not None and space.albums is not None:
        rng = np.random.default_rng(seed)
        splits = []
        for rows in lists:
            known = rng.choice(rows, min(LIKES, len(rows) // 2), replace=False)
            splits.append((known, np.setdiff1d(rows, known)))
        artists, albums = statistics.artists, statistics.albums
        counts = [artist_counts(artists, known, rest) for known, rest in splits]
        habits["artist"] = _fit_pitman_yor(counts)
        inside = [album_counts(artists, albums, known, rest) for known, rest in splits]
        habits["album"] = _fit_pitman_yor(inside)
    return TastePrior(columns, playlists=len(lists), **habits)


def _column(name: str, parts: Sequence[Array]) -> ColumnPrior:
    """Moments: mean and spread of the playlists' variances, variance of their means."""
    start = weak(name)
    sizes = np.array([len(part) for part in parts])
    means = np.array([part.mean() for part in parts])
    variances = np.maximum([part.var(ddof=1) for part in parts], 1e-3)
    within = float(variances.mean())
    between = float(means.var(ddof=1) - within * (1 / sizes).mean())
    # The variance of a sample's variance is 2 s⁴ / (n − 1): the rest is how playlists differ.
    differing = float(variances.var(ddof=1) - 2 * within**2 * (1 / (sizes - 1)).mean())
    shape = 2 + within**2 / max(differing, 0.02 * within**2)
    share = len(parts) / (len(parts) + PSEUDO)
    return ColumnPrior(
        max(share * within + (1 - share) * start.within, 0.01),
        max(share * between + (1 - share) * start.between, 0.01),
        share * min(shape, 20.0) + (1 - share) * start.shape,
    )


@dataclass(frozen=True)
class Counts:
    """Of some candidates: ``same`` songs known by their name, ``left`` others of it that are not.

    ``known`` songs in all with ``names`` different names; each an array or a number for all.
    """

    same: Array
    left: Array
    known: Array | float
    names: Array | float
    total: Array | float


def artist_counts(artists: Ints, known: Ints, rows: Ints, sizes: Ints | None = None) -> Counts:
    """Of the candidates ``rows``, when the rows ``known`` are liked; names are artists.

    ``artists`` are numbers from 0 (unknown) up, one for each row; ``sizes`` says how many rows
    each has, where that is known already.
    """
    everywhere = np.bincount(artists, minlength=1) if sizes is None else sizes
    liked = np.bincount(artists[known], minlength=len(everywhere))
    liked[UNKNOWN] = 0
    of = artists[rows]
    same = liked[of].astype(np.float64)
    left = np.maximum(everywhere[of] - same, 1.0)
    return Counts(same, left, float(liked.sum()), float((liked > 0).sum()), float(len(artists)))


def album_counts(
    artists: Ints,
    albums: Ints,
    known: Ints,
    rows: Ints,
    sizes: tuple[Ints, Ints] | None = None,
) -> Counts:
    """The same for albums among the songs of the candidate's own artist.

    ``sizes`` of artists and of albums, as in ``artist_counts``.
    """
    if sizes is None:
        sizes = np.bincount(artists, minlength=1), np.bincount(albums, minlength=1)
    by_artist = artist_counts(artists, known, rows, sizes[0])
    by_album = artist_counts(albums, known, rows, sizes[1])
    liked_albums = np.unique(albums[known][albums[known] != UNKNOWN])
    first = np.zeros(len(sizes[1]), dtype=np.int64)
    first[albums[known]] = artists[known]
    names = np.bincount(first[liked_albums], minlength=len(sizes[0]))
    unknown = albums[rows] == UNKNOWN
    same = np.where(unknown, 0.0, by_album.same)
    return Counts(
        same,
        by_album.left,
        np.where(unknown, 0.0, by_artist.same),
        names[artists[rows]].astype(np.float64),
        by_artist.left,
    )


def log_lift(habit: PitmanYor, counts: Counts) -> Array:
    """How much likelier than chance each candidate is, as a logarithm; 0 with nothing known."""
    again = np.maximum(counts.same - habit.discount, 0.0) / counts.left * counts.total
    new = habit.concentration + habit.discount * np.asarray(counts.names)
    ratio = np.log((again + new) / (np.asarray(counts.known) + habit.concentration))
    return habit.strength * np.where(np.asarray(counts.known) > 0, ratio, 0.0)


def _fit_pitman_yor(splits: Sequence[Counts]) -> PitmanYor:
    """The habit under which the songs of the playlists that were not known are likeliest."""
    best, chosen = -math.inf, PitmanYor(strength=1.0)
    for concentration in CONCENTRATIONS:
        for discount in DISCOUNTS:
            habit = PitmanYor(concentration, discount, 1.0)
            told = sum(float(log_lift(habit, counts).mean()) for counts in splits)
            if told > best:
                best, chosen = told, habit
    return chosen
