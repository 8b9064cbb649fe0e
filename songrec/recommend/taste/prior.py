"""What is known of tastes before anybody likes anything: fitted to playlists, or default.

For each column of the space (normal scores): the variance of the means of playlists
(``between``), the variance of the songs of one playlist (``within``), and how much playlists
differ in the latter (``shape`` of an inverse gamma distribution). For artists and albums: how
readily they come again (``PitmanYor``). The number of parameters is small on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.recommend.space_statistics import statistics_of

Array = NDArray[np.float64]

WITHIN, BETWEEN, SHAPE = 0.65, 0.35, 5.0
"""Default variances of a column of normal scores (variance 1): two thirds lie within a taste."""
UNKNOWN = 0
"""The artist or album of a track whose catalogue names none."""
DEFAULTS = {"year": (0.3, 0.7), "tempo": (0.9, 0.1), "liveness": (0.9, 0.1)}
"""Columns with other defaults (within, between): songs of one taste are mostly of one time, and
have next to nothing in common in tempo (a beat's, not a mood's) and presence of an audience."""
PSEUDO_PLAYLISTS = 10.0
"""The defaults count as much as this many playlists."""
MIN_TRACKS, MIN_PLAYLISTS = 12, 5
N_LIKES = 10
"""Habits are fitted as they are used: so many songs of a playlist are liked, the rest predicted."""
CONCENTRATIONS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
DISCOUNTS = (0.0, 0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class ColumnPrior:
    """The prior of one column: variances and shape as the module describes them."""

    within: float = WITHIN
    between: float = BETWEEN
    shape: float = SHAPE


def default_column_prior(name: str) -> ColumnPrior:
    """Return the prior of a column without playlists to fit it to."""
    return ColumnPrior(*DEFAULTS.get(name, (WITHIN, BETWEEN)))


@dataclass(frozen=True)
class PitmanYor:
    """How readily a name (artist, album) comes again: a Pitman-Yor process over the names.

    With ``n`` songs known, ``c`` of them by the name and ``k`` different names among them, the
    next song is by it with probability ((c - discount) + (concentration + discount k) share) /
    (n + concentration), where share is the name's share of the catalogue. ``strength`` multiplies
    the log of that probability's ratio to chance: 1 where it was fitted.

    References
    ----------
    Pitman and Yor (1997), The two-parameter Poisson-Dirichlet distribution.
    """

    concentration: float = 8.0
    discount: float = 0.4
    strength: float = 0.5


@dataclass(frozen=True)
class TastePrior:
    """Priors of columns by name, of artists and of albums; the playlists they were fitted to."""

    columns: Mapping[str, ColumnPrior] = field(default_factory=dict)
    artist: PitmanYor = PitmanYor()
    album: PitmanYor = PitmanYor()
    playlists: int = 0

    def column(self, name: str) -> ColumnPrior:
        """Return the prior of a column; the default one where it was not fitted."""
        return self.columns.get(name) or default_column_prior(name)

    def to_json(self) -> dict[str, Any]:
        """Serialize the prior as ``taste.json`` of a run folder holds it."""
        return {
            "playlists": self.playlists,
            "columns": {
                name: [round(c.within, 4), round(c.between, 4), round(c.shape, 3)]
                for name, c in self.columns.items()
            },
            **{
                name: [process.concentration, process.discount, process.strength]
                for name, process in (("artist", self.artist), ("album", self.album))
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> TastePrior:
        """Read what ``to_json`` wrote; None is the default prior."""
        if not data:
            return cls()
        return cls(
            {name: ColumnPrior(*values) for name, values in data["columns"].items()},
            PitmanYor(*data["artist"]),
            PitmanYor(*data["album"]),
            int(data["playlists"]),
        )


def fit_prior(space: Space, playlists: Iterable[Ints], *, seed: int = 0) -> TastePrior:
    """Fit the prior to ``playlists`` (rows of ``space``).

    Playlists with fewer than ``MIN_TRACKS`` tracks are left out; with fewer than ``MIN_PLAYLISTS``
    others the default prior is returned.
    """
    lists = [np.unique(rows) for rows in playlists]
    lists = [rows for rows in lists if len(rows) >= MIN_TRACKS]
    if len(lists) < MIN_PLAYLISTS:
        return TastePrior()
    statistics = statistics_of(space)
    columns = {}
    for at, name in enumerate(space.columns):
        unknown = None if statistics.unknown is None else statistics.unknown[:, at]
        fitted = _fit_column(name, _known_values(space.matrix[:, at], unknown, lists))
        columns[name] = fitted or default_column_prior(name)
    popularity = statistics.popularity
    if popularity is not None:
        values = _known_values(popularity, statistics.unknown_popularity, lists)
        if (fitted := _fit_column("popularity", values)) is not None:
            columns["popularity"] = fitted
    if space.artists is None or space.albums is None:
        return TastePrior(columns, playlists=len(lists))
    rng = np.random.default_rng(seed)
    splits = []
    for rows in lists:
        liked = rng.choice(rows, min(N_LIKES, len(rows) // 2), replace=False)
        splits.append((liked, np.setdiff1d(rows, liked)))
    artists, albums = statistics.artists, statistics.albums
    return TastePrior(
        columns,
        _fit_pitman_yor([artist_counts(artists, liked, rest) for liked, rest in splits]),
        _fit_pitman_yor([album_counts(artists, albums, liked, rest) for liked, rest in splits]),
        len(lists),
    )


def _known_values(
    column: NDArray[np.floating], unknown: NDArray[np.bool_] | None, lists: Sequence[Ints]
) -> list[Array]:
    """Return the known values of each playlist with two of them, the fewest with a variance."""
    parts = [rows if unknown is None else rows[~unknown[rows]] for rows in lists]
    return [column[rows].astype(np.float64) for rows in parts if len(rows) > 1]


def _fit_column(name: str, parts: Sequence[Array]) -> ColumnPrior | None:
    """Fit by moments: mean and spread of the playlists' variances, variance of their means.

    None for fewer than ``MIN_PLAYLISTS`` playlists.
    """
    if len(parts) < MIN_PLAYLISTS:
        return None
    default = default_column_prior(name)
    sizes = np.array([len(part) for part in parts])
    means = np.array([part.mean() for part in parts])
    variances = np.maximum([part.var(ddof=1) for part in parts], 1e-3)
    within = float(variances.mean())
    between = float(means.var(ddof=1) - within * (1 / sizes).mean())
    # The variance of a sample's variance is 2 s⁴ / (n − 1): the rest is how playlists differ.
    differing = float(variances.var(ddof=1) - 2 * within**2 * (1 / (sizes - 1)).mean())
    shape = 2 + within**2 / max(differing, 0.02 * within**2)
    share = len(parts) / (len(parts) + PSEUDO_PLAYLISTS)
    return ColumnPrior(
        max(share * within + (1 - share) * default.within, 0.01),
        max(share * between + (1 - share) * default.between, 0.01),
        share * min(shape, 20.0) + (1 - share) * default.shape,
    )


@dataclass(frozen=True)
class NameCounts:
    """Counts for candidate songs by name (artist or album); arrays, or one number for all.

    ``same``: liked songs of the candidate's name; ``left``: other songs of the name; ``n_liked``:
    liked songs in all, of ``names`` different names; ``total``: songs in all.
    """

    same: Array
    left: Array
    n_liked: Array | float
    names: Array | float
    total: Array | float


def artist_counts(artists: Ints, liked: Ints, rows: Ints, sizes: Ints | None = None) -> NameCounts:
    """Count songs by artist for the candidates ``rows`` when the rows ``liked`` are liked.

    Parameters
    ----------
    artists
        ``(n,)`` numbers from 0 (unknown) up.
    sizes
        How many rows each artist has; counted here if it is not given.
    """
    everywhere = np.bincount(artists, minlength=1) if sizes is None else sizes
    counts = np.bincount(artists[liked], minlength=len(everywhere))
    counts[UNKNOWN] = 0
    of = artists[rows]
    same = counts[of].astype(np.float64)
    left = np.maximum(everywhere[of] - same, 1.0)
    total = float(len(artists))
    return NameCounts(same, left, float(counts.sum()), float((counts > 0).sum()), total)


def album_counts(
    artists: Ints,
    albums: Ints,
    liked: Ints,
    rows: Ints,
    sizes: tuple[Ints, Ints] | None = None,
) -> NameCounts:
    """Count songs by album among the songs of each candidate's own artist, of known albums.

    Parameters are those of ``artist_counts``; ``sizes`` are of artists and of albums.
    """
    if sizes is None:
        sizes = np.bincount(artists, minlength=1), np.bincount(albums, minlength=1)
    # A like of an unknown album may be of the candidate's.
    liked = liked[albums[liked] != UNKNOWN]
    by_artist = artist_counts(artists, liked, rows, sizes[0])
    by_album = artist_counts(albums, liked, rows, sizes[1])
    liked_albums = np.unique(albums[liked])
    artist_of_album = np.zeros(len(sizes[1]), dtype=np.int64)
    artist_of_album[albums[liked]] = artists[liked]
    names = np.bincount(artist_of_album[liked_albums], minlength=len(sizes[0]))
    unknown = albums[rows] == UNKNOWN
    return NameCounts(
        np.where(unknown, 0.0, by_album.same),
        by_album.left,
        np.where(unknown, 0.0, by_artist.same),
        names[artists[rows]].astype(np.float64),
        by_artist.left,
    )


def log_lift(process: PitmanYor, counts: NameCounts) -> Array:
    """Compute the log of how much likelier than chance each candidate is; 0 with nothing liked."""
    again = np.maximum(counts.same - process.discount, 0.0) / counts.left * counts.total
    new = process.concentration + process.discount * np.asarray(counts.names)
    ratio = np.log((again + new) / (np.asarray(counts.n_liked) + process.concentration))
    return process.strength * np.where(np.asarray(counts.n_liked) > 0, ratio, 0.0)


def _fit_pitman_yor(splits: Sequence[NameCounts]) -> PitmanYor:
    """Return the process under which the songs to predict of the playlists are likeliest."""
    best, chosen = -math.inf, PitmanYor(strength=1.0)
    for concentration in CONCENTRATIONS:
        for discount in DISCOUNTS:
            process = PitmanYor(concentration, discount, 1.0)
            lift = sum(float(log_lift(process, counts).mean()) for counts in splits)
            if lift > best:
                best, chosen = lift, process
    return chosen
