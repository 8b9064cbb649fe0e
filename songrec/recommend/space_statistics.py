"""Statistics of a space for all methods, cached per open space.

``typical`` is the unit of all distances; ``distributions`` turn a value into "calmer than 83% of
the catalogue".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Space

SAMPLE = 50_000
"""Maximum sample size of distributions; the error of percentiles is below 0.5%."""
PAIRS = 20_000
SEED = 20_260


@dataclass(frozen=True)
class Distribution:
    """Distribution of one attribute: its distinct values ascending and their mid-ranks, 0 to 1."""

    values: NDArray[np.float64]
    ranks: NDArray[np.float64]

    def percentile(self, value: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the share of the catalogue below ``value``, ties counted half; NaN stays NaN."""
        if not len(self.values):
            return np.full(np.shape(value), np.nan)
        return np.interp(value, self.values, self.ranks)

    def quantile(self, share: float) -> float:
        """Return the value below which ``share`` of the catalogue lies; NaN without values."""
        if not len(self.values):
            return float("nan")
        return float(np.interp(share, self.ranks, self.values))


@dataclass(frozen=True)
class SpaceStatistics:
    """Statistics of a ``Space``, each computed at first use; see ``statistics_of``."""

    space: Space = field(repr=False)

    @cached_property
    def typical(self) -> float:
        """Median L2 distance between two random tracks; 1.0 if all tracks are the same.

        Tracks at that distance have no more in common than a random pair.
        """
        return _typical(self.space.matrix)

    @cached_property
    def typical_latent(self) -> float:
        """Median L2 distance between two random tracks in the run's latent."""
        return _typical(self.space.latent)

    @cached_property
    def square_norms(self) -> NDArray[np.float32]:
        """Squared L2 norm of every track, ``(n,)``."""
        matrix = self.space.matrix
        return np.einsum("ij,ij->i", matrix, matrix)

    @cached_property
    def norms(self) -> NDArray[np.float32]:
        """L2 norm of every track, ``(n,)``; 1 instead of 0, for division."""
        norms = np.sqrt(self.square_norms)
        norms[norms == 0] = 1.0
        return norms

    @cached_property
    def scales(self) -> NDArray[np.float64]:
        """Standard deviation of each column, ``(d,)``; 1 for constant columns."""
        squares = np.einsum("ij,ij->j", self.space.matrix, self.space.matrix, dtype=np.float64)
        rows = max(len(self.space.matrix), 1)
        mean = self.space.matrix.sum(axis=0, dtype=np.float64) / rows
        spread = np.sqrt(np.maximum(squares / rows - mean**2, 0.0))
        return np.where(spread > 1e-6, spread, 1.0)

    @cached_property
    def unknown(self) -> NDArray[np.bool_] | None:
        """Mask of unknown values, ``(n, d)``; None if all values are known.

        Unknown values are 0 in the space.
        """
        space = self.space
        unknown = np.zeros(space.matrix.shape, dtype=bool)
        for column, name in enumerate(space.columns):
            if name in space.value_names:
                values = space.values[:, space.value_names.index(name)]
                unknown[:, column] = np.isnan(values) & (space.matrix[:, column] == 0)
        return unknown if unknown.any() else None

    @cached_property
    def chance_squares(self) -> NDArray[np.float64]:
        """Mean squared difference of two random known values of each column, ``(d,)``."""
        matrix, unknown = self.space.matrix, self.unknown
        n_values = len(matrix) - (0 if unknown is None else unknown.sum(axis=0))
        n_values = np.maximum(n_values, 1)
        # Unknown values are 0 and add nothing to the sums.
        mean = matrix.sum(axis=0, dtype=np.float64) / n_values
        squares = np.einsum("ij,ij->j", matrix, matrix, dtype=np.float64) / n_values
        return 2.0 * np.maximum(squares - mean**2, 0.0)

    def lacking(
        self, rows: NDArray[np.int64], others: NDArray[np.int64] | int
    ) -> NDArray[np.bool_] | None:
        """Return the columns that a row or its other row lacks, ``(rows, d)``; None without any."""
        return None if self.unknown is None else self.unknown[rows] | self.unknown[others]

    def differences(
        self, rows: NDArray[np.int64], others: NDArray[np.int64] | int
    ) -> NDArray[np.float64]:
        """Return how each row differs from one other row, or each from its own, ``(rows, d)``.

        In a column that one of the two lacks they differ as two random tracks do
        (``chance_squares``): it speaks neither for nor against them.
        """
        matrix, lacking = self.space.matrix, self.lacking(rows, others)
        differences = matrix[rows].astype(np.float64) - matrix[others]
        if lacking is None:
            return differences
        return np.where(lacking, np.sqrt(self.chance_squares), differences)

    def distances(self, rows: NDArray[np.int64], other: int) -> NDArray[np.float64]:
        """Return the L2 norms of ``differences`` from one row, ``(rows,)``."""
        return next(self.distances_in_turn(rows, [other]))

    def distances_in_turn(
        self, rows: NDArray[np.int64], others: Iterable[int]
    ) -> Iterator[NDArray[np.float64]]:
        """Yield the distances of ``rows`` from each of the other rows."""
        matrix, unknown = self.space.matrix, self.unknown
        vectors = matrix[rows].astype(np.float64)
        lacking = None if unknown is None else unknown[rows].astype(np.float64)
        for other in others:
            point = matrix[other].astype(np.float64)
            differences = vectors - point
            squares = np.einsum("ij,ij->i", differences, differences)
            if unknown is not None and lacking is not None:
                # Unknown values are 0: what they added is taken away again, which is faster than
                # to choose value by value.
                at = unknown[other]
                chance = self.chance_squares
                squares += np.einsum("ij,j->i", lacking, np.where(at, 0.0, chance - point**2))
                for column in np.flatnonzero(at).tolist():
                    squares += chance[column] - vectors[:, column] ** 2
                np.maximum(squares, 0.0, out=squares)
            yield np.sqrt(squares)

    def distances_to_each(
        self, rows: NDArray[np.int64], others: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the distance of each row to each other row, ``(rows, others)``."""
        columns = list(self.distances_in_turn(rows, others.tolist()))
        return np.array(columns).reshape(len(others), len(rows)).T

    @cached_property
    def artists(self) -> NDArray[np.int64]:
        """A number for each track's artist, from 1 up; 0 where unknown."""
        return _numbered(self.space.artists, len(self.space.track_ids))

    @cached_property
    def albums(self) -> NDArray[np.int64]:
        """A number for each track's album, from 1 up; 0 where unknown."""
        return _numbered(self.space.albums, len(self.space.track_ids))

    @cached_property
    def sizes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Number of tracks of each artist and of each album, by their numbers."""
        return np.bincount(self.artists, minlength=1), np.bincount(self.albums, minlength=1)

    def rows_by(self, artist: int) -> NDArray[np.int64]:
        """Return the rows of an artist's tracks, ascending."""
        order, ends = self._by_artist
        return order[ends[artist] - self.sizes[0][artist] : ends[artist]]

    def rows_by_each(self, artists: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of several artists' tracks: those of the first, of the second, …"""
        order, ends = self._by_artist
        sizes = self.sizes[0][artists]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return order[np.repeat(ends[artists] - sizes, sizes) + within]

    @cached_property
    def _by_artist(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.argsort(self.artists, kind="stable"), np.cumsum(self.sizes[0])

    @cached_property
    def mean_track_factors(self) -> NDArray[np.float32]:
        """The mean of the track factors, ``(t,)``; empty in a run without any."""
        track_factors = self.space.track_factors
        return (
            np.zeros(0, dtype=np.float32) if track_factors is None else track_factors.mean(axis=0)
        )

    @cached_property
    def popularity(self) -> NDArray[np.float64] | None:
        """Popularity as normal scores ``(n,)``, 0 where unknown; None where too few are known."""
        space = self.space
        if "popularity" not in space.value_names or not len(space.values):
            return None
        spread = self.distributions["popularity"]
        if len(spread.values) < 2:
            return None
        quantile = NormalDist().inv_cdf
        scores = np.array([quantile(share) for share in spread.ranks.tolist()])
        values = space.values[:, space.value_names.index("popularity")].astype(np.float64)
        return np.nan_to_num(np.interp(values, spread.values, scores), nan=0.0)

    @cached_property
    def unknown_popularity(self) -> NDArray[np.bool_]:
        """Whether each track's popularity is unknown, ``(n,)``."""
        if "popularity" not in self.space.value_names:
            return np.ones(len(self.space.track_ids), dtype=bool)
        return np.isnan(self.space.values[:, self.space.value_names.index("popularity")])

    @cached_property
    def distributions(self) -> dict[str, Distribution]:
        """Distribution of each column of ``values``, and of each other column of the space."""
        space = self.space
        rows = np.arange(len(space.track_ids))
        if len(rows) > SAMPLE:
            chosen = np.random.default_rng(SEED).choice(len(rows), SAMPLE, replace=False)
            rows = np.sort(chosen)
        stored, matrix = space.values[rows], space.matrix[rows]
        spreads = {
            name: _distribution(matrix[:, column]) for column, name in enumerate(space.columns)
        }
        spreads.update(
            (name, _distribution(stored[:, column]))
            for column, name in enumerate(space.value_names)
        )
        return spreads


def _typical(vectors: Floats) -> float:
    """Median distance of two random rows; 1.0 where all are the same."""
    n = len(vectors)
    if n < 2:
        return 1.0
    rng = np.random.default_rng(SEED)
    one = rng.integers(0, n, PAIRS)
    # Pairs of distinct tracks only.
    other = (one + rng.integers(1, n, PAIRS)) % n
    apart = vectors[one].astype(np.float64) - vectors[other]
    return float(np.median(np.sqrt(np.einsum("ij,ij->i", apart, apart)))) or 1.0


def _numbered(keys: NDArray[np.uint64] | None, tracks: int) -> NDArray[np.int64]:
    if keys is None:
        return np.zeros(tracks, dtype=np.int64)
    # 0 comes first, even if no track has it.
    padded = np.concatenate([np.zeros(1, dtype=np.uint64), keys])
    return np.unique(padded, return_inverse=True)[1][1:].astype(np.int64)


def _distribution(column: NDArray[np.float32]) -> Distribution:
    present = column[np.isfinite(column)].astype(np.float64)
    values, counts = np.unique(present, return_counts=True)
    below = np.cumsum(counts) - counts
    return Distribution(values, (below + counts / 2) / max(len(present), 1))


def statistics_of(space: Space) -> SpaceStatistics:
    """Return the cached statistics of ``space``."""
    return space.cached("statistics", lambda: SpaceStatistics(space))
