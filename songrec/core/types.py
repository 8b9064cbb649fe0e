"""Types that the rooms exchange: frozen dataclasses over numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from songrec.core.feature_spec import ATTRIBUTES_ONLY, FeatureSpec

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
T = TypeVar("T")


class Progress(Protocol):
    """Callback for progress: a fraction from 0 to 1 and a short message.

    ``details`` carries figures worth storing, such as ``{"epoch": 3, "loss": 0.12}``.
    """

    def __call__(
        self, fraction: float, message: str, details: dict[str, Any] | None = None
    ) -> None:
        """Report progress; raises ``Cancelled`` to stop the work."""


def no_progress(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
    """Ignore progress."""


def part_of(on_progress: Progress, first: float, last: float) -> Progress:
    """Return a progress callable whose 0 to 1 is reported as ``first`` to ``last``."""

    def report(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        on_progress(first + (last - first) * fraction, message, details)

    return report


@dataclass(frozen=True)
class Audio:
    """Decoded audio, mixed to one channel, at the loudness of the file.

    ``samples`` float32 ``(n,)``, full scale is -1..1; ``sample_rate`` in Hz; ``start_s`` is where
    the excerpt begins in the file and ``duration_s`` how long the whole file is, in seconds.
    """

    samples: Floats
    sample_rate: int
    start_s: float
    duration_s: float


@dataclass(frozen=True)
class FeatureTable:
    """The columns of one or several feature sets over tracks.

    ``track_ids`` int64 ``(n,)`` ascending, ``names`` one per column, ``values`` float32
    ``(n, len(names))``, possibly NaN; ``feature_set`` names the sets.
    """

    track_ids: Ints
    names: tuple[str, ...]
    values: Floats
    feature_set: FeatureSpec = ATTRIBUTES_ONLY

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.track_ids), len(self.names)):
            raise ValueError(
                f"values must be {(len(self.track_ids), len(self.names))}, got {self.values.shape}"
            )

    def take(self, rows: NDArray[Any]) -> FeatureTable:
        """Return the table of some rows (a mask or indices)."""
        return replace(self, track_ids=self.track_ids[rows], values=self.values[rows])

    def select(self, columns: Sequence[int]) -> FeatureTable:
        """Return the table of some columns, by index."""
        names = tuple(self.names[column] for column in columns)
        return replace(self, names=names, values=self.values[:, columns])


class Spectrograms(Protocol):
    """Spectrograms of the tracks of a table, read from disk row by row.

    ``shape`` is ``(n, bands, frames)``; ``read(rows)`` gives those rows in decibels, float32
    ``(len(rows), bands, frames)``.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tracks, mel bands (lowest first), time frames."""

    def read(self, rows: Ints) -> Floats:
        """Read the spectrograms of these rows, in the order given."""


@dataclass(frozen=True)
class Clustering:
    """Labels int32 ``(n,)`` (-1 is noise), confidence float32 ``(n,)`` in 0..1, centres or None.

    ``probabilities`` float ``(n, k)``: how much each track belongs to each cluster, columns by
    cluster number, rows add up to 1; None where the method gives none. ``details`` is JSON: the
    curve by which the number of clusters was selected, learnt weights, samples (see
    docs/clustering.md).
    """

    labels: NDArray[np.int32]
    confidence: Floats
    centres: Floats | None = None
    probabilities: Floats | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """One term of a score; the contributions of a match add up to its score.

    ``about`` depends on ``kind``: ``"liked"``, ``"disliked"``, ``"skipped"``, ``"background"``: a
    track id, None where several songs are one reason; ``"feature"``, ``"target"``: an attribute's
    name; ``"tag"``: its name; ``"prior"``: ``"artist"``, ``"album"``, ``"popularity"``,
    ``"playlists"`` or ``"taste"``; ``"rerank"``: ``"variety"``, ``"novelty"``, …; ``"seed"``: the
    id of the track that a list starts from.

    ``text`` is a sentence or clause for listeners, ``details`` its figures:
    ``{"features": [{"name", "value", "other"}, …]}``.
    """

    kind: str
    text: str
    contribution: float
    about: int | str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """A recommended track, its score (higher is better) and the reasons.

    ``per_like`` is the same score split over the liked (or blended) songs, followed by the reasons
    of dislikes and re-ranking; empty where the method cannot split it, or ``reasons`` do already.
    """

    track_id: int
    score: float
    reasons: tuple[Reason, ...]
    per_like: tuple[Reason, ...] = ()


def positions(ascending: Ints, values: Ints | list[int]) -> Ints:
    """Return the positions in ``ascending`` of those ``values`` that it holds, in their order."""
    values = np.asarray(values, dtype=np.int64)
    if not len(ascending) or not len(values):
        return np.empty(0, dtype=np.int64)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return at[np.asarray(ascending)[at] == values].astype(np.int64)


@dataclass(frozen=True)
class SegmentIndex:
    """Vectors of m segments of n tracks, mostly memory-mapped.

    ``track_ids`` int64 ``(n,)`` ascending; the segments of track i are the rows ``first[i]`` to
    before ``first[i + 1]`` (``first`` int64 ``(n + 1,)``) of ``vectors`` float32 ``(m, d)``,
    of ``starts`` float32 ``(m,)`` (the start of each in its file, in seconds) and of ``tags``
    float16 ``(m, t)``, the probabilities of ``tag_names`` (None without a tagger).

    ``head`` float32 ``(m, k)`` repeats the first k columns of ``vectors``, ``tail`` float32
    ``(m,)`` is the norm of the rest: enough to bound distances by. ``seconds`` is the length of a
    segment, ``typical`` the distance of two random ones, ``made_by`` the encoder of the vectors and
    ``why`` the end of a sentence that says why that one was selected.
    """

    name: str
    track_ids: Ints
    first: Ints
    vectors: Floats
    head: Floats
    tail: Floats
    starts: Floats
    seconds: float
    typical: float
    made_by: str
    tag_names: tuple[str, ...] = ()
    tags: NDArray[np.float16] | None = None
    why: str = ""


@dataclass(frozen=True, eq=False)
class Cached:
    """Base class of immutable objects that keep what is computed from them.

    A cached value leaves memory with its object; ``dataclasses.replace`` gives a copy without it.
    """

    _cache: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def cached(self, name: str, compute: Callable[[], T]) -> T:
        """Return ``compute()``, computed at the first call for ``name``."""
        if name not in self._cache:
            # Of two threads that compute at once both must get the same object.
            return self._cache.setdefault(name, compute())
        return self._cache[name]


class NeighbourIndex(Protocol):
    """An exact search for nearest rows outside of this process, in some columns of a space."""

    columns: tuple[str, ...]

    def nearest(self, point: Floats, count: int, rounding: float) -> Ints:
        """Return rows that contain the ``count`` nearest to ``point``, unordered.

        All ties of the last one are included, and every row that only a rounding error of float32
        keeps from being among them: ``rounding`` times the squares that a squared distance is
        computed from.
        """
        ...


@dataclass(frozen=True, eq=False)
class Space(Cached):
    """The arrays of one run that ranking needs, over the same n tracks, mostly memory-mapped.

    ``matrix`` float32 ``(n, d)`` is the normalised recommendation space with columns ``columns``;
    ``values`` float32 ``(n, f)`` are the canonical attribute values (NaN where unknown) with
    columns ``value_names``; ``latent`` float32 ``(n, l)``; ``labels`` int32 ``(n,)``;
    ``coordinates`` float32 ``(n, 2)``; ``song_keys`` uint64 ``(n,)`` is equal for two tracks
    that are the same song (same artist and title). ``track_ids`` is ascending.

    ``artists`` and ``albums`` uint64 ``(n,)`` are equal for tracks by the same artist or of the
    same album, 0 where unknown; None where the run does not say. ``taste_prior`` is the JSON of a
    ``recommend.taste.prior.TastePrior`` fitted to playlists, None without one; ``track_factors``
    float32 ``(n, t)`` are unit vectors in which songs of one playlist are near, None without any.
    ``artist_vectors`` float32 ``(k, d)`` are unit vectors in which artists with the same listeners
    are near, of the artists ``artist_ids`` uint64 ``(k,)`` ascending (values of ``artists``, 0 is
    none of them); None without any.
    ``content_flags`` uint8 ``(n,)`` are those of ``core.content_flags``, None in older runs.
    ``ranker`` is the JSON of a ``recommend.taste.additive_model.AdditiveModel``, None without one;
    ``playlists`` are the rows of the playlists that it takes evidence from.
    ``segments`` are those of the tracks that have any; None without an index. ``neighbours``
    answers searches in its columns in place of ``matrix``; None where there is no such index.
    """

    run_id: str
    track_ids: Ints
    matrix: Floats
    columns: tuple[str, ...]
    values: Floats
    value_names: tuple[str, ...]
    latent: Floats
    labels: NDArray[np.int32]
    coordinates: Floats
    song_keys: NDArray[np.uint64]
    artists: NDArray[np.uint64] | None = None
    albums: NDArray[np.uint64] | None = None
    taste_prior: dict[str, Any] | None = None
    track_factors: Floats | None = None
    artist_ids: NDArray[np.uint64] | None = None
    artist_vectors: Floats | None = None
    content_flags: NDArray[np.uint8] | None = None
    ranker: dict[str, Any] | None = None
    playlists: tuple[Ints, ...] = ()
    segments: SegmentIndex | None = None
    neighbours: NeighbourIndex | None = None

    def rows_of(self, track_ids: Ints | list[int]) -> Ints:
        """Return the rows of those of ``track_ids`` that are in the space, in the order given."""
        return positions(self.track_ids, track_ids)


@dataclass(frozen=True)
class SoundSpace:
    """One audio feature set of the n tracks that have it, mostly memory-mapped.

    ``matrix`` float32 ``(n, d)``: standardised columns ``columns`` (mean 0, deviation 1; unknown
    values 0), ``lengths`` float32 ``(n,)`` of its rows; ``track_ids`` int64 ``(n,)`` ascending,
    ``song_keys`` uint64 ``(n,)`` as in ``Space``. ``name`` is the feature set's.
    """

    name: str
    track_ids: Ints
    matrix: Floats
    columns: tuple[str, ...]
    lengths: Floats
    song_keys: NDArray[np.uint64]

    def rows_of(self, track_ids: Ints | list[int]) -> Ints:
        """Return the rows of those of ``track_ids`` that have the set, in the order given."""
        return positions(self.track_ids, track_ids)


@dataclass(frozen=True)
class ProximityPart:
    """One feature set of a mixture: vectors whose Euclidean distance is its distance.

    ``vectors`` float32 ``(n, d)``, ``square_norms`` float32 ``(n,)`` of its rows; ``mean`` and
    ``std`` float32 ``(n,)`` are the mean and standard deviation of a track's distances to a sample
    of all tracks, ``weight`` its share of the mixture. ``name`` is the feature set's.
    """

    name: str
    vectors: Floats
    square_norms: Floats
    mean: Floats
    std: Floats
    weight: float


@dataclass(frozen=True)
class SoundMixture:
    """The n tracks that have all feature sets of ``parts``, whose weights add up to 1.

    ``track_ids`` int64 ``(n,)`` ascending, ``song_keys`` uint64 ``(n,)`` as in ``Space``.
    """

    track_ids: Ints
    song_keys: NDArray[np.uint64]
    parts: tuple[ProximityPart, ...]

    def rows_of(self, track_ids: Ints | list[int]) -> Ints:
        """Return the rows of those of ``track_ids`` that are in the mixture, in the order given."""
        return positions(self.track_ids, track_ids)


NameTracks = Callable[[list[int]], dict[int, str]]
"""Looks up the titles of track ids as reasons quote them."""
