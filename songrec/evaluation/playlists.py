"""Measures of playlist continuation: part of a playlist is liked, the rest is to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Ints
from songrec.evaluation.bootstrap import finite_mean, interval, quantiles, resamples
from songrec.evaluation.occurrences import Occurrences

FIRST, LOOK = 10, 50
DEPTH = 500
"""Songs of a list that are looked at: the length of a list in the RecSys Challenge 2018."""
PAGE = 10
"""Songs that a click shows."""
NO_HIT_CLICKS = DEPTH // PAGE + 1
ARTIST_CREDIT = 0.25
UNKNOWN = 0


@dataclass(frozen=True)
class Answer:
    """The recommendations for one set of likes.

    ``rows`` are best first, ``right`` tells which of them are on the playlist, ``rest`` is the
    number of songs to be found. ``playlist`` numbers the playlist, ``artists`` are those of the
    rows (``UNKNOWN``: 0), ``known`` those of the likes and ``rest_artists`` those of the songs to
    be found. ``discovery`` tells which songs are on the playlist of the list that the method gives
    where only songs by other artists than the likes' are candidates; None where no artist of the
    likes is known.
    """

    playlist: int
    rows: Ints
    right: NDArray[np.bool_]
    rest: int
    artists: NDArray[np.integer]
    known: NDArray[np.integer]
    rest_artists: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    discovery: NDArray[np.bool_] | None = None


MEASURES = (
    "p_at_10",
    "recall_at_50",
    "ndcg_at_10",
    "r_precision",
    "clicks",
    "discovery_p_at_10",
    "new_artist_p_at_10",
    "hits_per_artist",
    "coverage",
    "hubness",
    "largest_hub",
    "intra_list_diversity",
)


def measure(
    answers: Sequence[Answer], points: Floats, songs: int, *, seed: int = 0
) -> dict[str, float | dict[str, list[float] | None] | None]:
    """Compute every measure with its bootstrap interval.

    Parameters
    ----------
    answers
        Recommendations for several sets of likes of several playlists.
    points
        float ``(n, d)``, vectors of all tracks, for the diversity.
    songs
        Number of songs in the catalogue, for the coverage.
    seed
        Of the resampling.

    Returns
    -------
    dict
        ``p_at_10``: right ones among the first ten, by ten. ``recall_at_50``: share of the
        playlist's other songs among the first fifty, of as many as there is room for.
        ``ndcg_at_10``: discounted cumulative gain of the first ten over the best possible one.
        ``r_precision`` and ``clicks``: as in the RecSys Challenge 2018, see the functions.
        ``discovery_p_at_10``: right ones, by ten, among the first ten of the list in which no song
        is by an artist of the likes, where any of those is known.
        ``new_artist_p_at_10``: share of the first ten that are right and by an artist of none of
        the likes, where any artist is known. ``hits_per_artist``: right ones of the first ten per
        artist among them, where there are any. Both None without artists. ``coverage``: share of
        the catalogue's songs that are ever among the first ten. ``hubness``: skewness, over the
        catalogue's songs, of the number of lists that have a song among the first ten, 0 where
        all songs are recommended alike. ``largest_hub``: share of the lists that have the most
        frequent song among the first ten. ``intra_list_diversity``: mean of 1 − cosine over the
        pairs of the first ten. Each is the mean over playlists, each the mean over its sets of
        likes; coverage and hubs are of all lists together. ``intervals`` has 95% intervals of the
        same names: percentiles over resampled playlists. A resample has fewer different playlists
        and so covers less and has larger hubs: these intervals are shifted by as much as their
        medians are off.

    References
    ----------
    Liang et al., "Variational autoencoders for collaborative filtering", WWW 2018 (recall);
    Järvelin & Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002; Efron,
    "Bootstrap methods", Annals of Statistics 1979; Radovanović et al., "Hubs in space", JMLR 2010.
    """
    numbers = np.array([answer.playlist for answer in answers])
    _, of = np.unique(numbers, return_inverse=True)
    playlists = int(of.max()) + 1
    figures = {
        "p_at_10": [_precision(a) for a in answers],
        "recall_at_50": [float(a.right[:LOOK].sum()) / min(a.rest, LOOK) for a in answers],
        "ndcg_at_10": [_ndcg(a) for a in answers],
        "r_precision": [r_precision(a) for a in answers],
        "clicks": [clicks(a) for a in answers],
        "discovery_p_at_10": [_discovery(a) for a in answers],
        "new_artist_p_at_10": [_new_artists(a) for a in answers],
        "hits_per_artist": [_per_artist(a) for a in answers],
        "intra_list_diversity": [_diversity(points, a.rows[:FIRST]) for a in answers],
    }
    draws = resamples(playlists, seed)
    values: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for name, of_answers in figures.items():
        means = _by_playlist(np.array(of_answers), of, playlists)
        finite = means[np.isfinite(means)]
        values[name] = round(float(finite.mean()), 4) if len(finite) else None
        intervals[name] = (
            interval(lambda at, m=means: finite_mean(m[at]), draws) if len(finite) else None
        )
    of_lists = Occurrences.count([a.rows[:FIRST] for a in answers], of, songs)
    for name, statistic in (
        ("coverage", of_lists.coverage),
        ("hubness", of_lists.skewness),
        ("largest_hub", of_lists.largest_share),
    ):
        values[name], intervals[name] = _of_all_lists(statistic, draws)
    ordered = {name: intervals[name] for name in MEASURES}
    return {**{name: values[name] for name in MEASURES}, "intervals": ordered}


def times(
    answers: Sequence[Answer], others: Sequence[Answer], *, seed: int = 0
) -> list[float] | None:
    """Return the ratio of the P@10 of ``answers`` to that of ``others``, with its interval.

    ``[ratio, low, high]``: both methods answered the same tasks and are resampled together.
    None where the others find nothing.
    """
    one, other = (_means(of) for of in (answers, others))
    if not other.mean():
        return None
    draws = resamples(len(one), seed)

    def ratio(at: Ints) -> float:
        below = float(other[at].mean())
        return float(one[at].mean()) / below if below else float("nan")

    return [round(float(one.mean() / other.mean()), 4), *interval(ratio, draws)]


def _means(answers: Sequence[Answer]) -> NDArray[np.float64]:
    """Return the P@10 of each playlist, in the order of their numbers."""
    _, of = np.unique([answer.playlist for answer in answers], return_inverse=True)
    precisions = np.array([_precision(answer) for answer in answers])
    return _by_playlist(precisions, of, int(of.max()) + 1)


def _precision(answer: Answer) -> float:
    return float(answer.right[:FIRST].sum()) / FIRST


def _ndcg(answer: Answer) -> float:
    discounts = 1 / np.log2(np.arange(2, FIRST + 2))
    right = answer.right[:FIRST]
    return float(discounts[: len(right)][right].sum() / discounts[: min(answer.rest, FIRST)].sum())


def r_precision(answer: Answer) -> float:
    """Return the R-precision of the RecSys Challenge 2018, from 0 (worst) up to 1.25.

    Of as many songs as are to be found, those that are right, and a quarter for each artist of a
    song to be found who is among them, once each; divided by the number of songs to be found.

    References
    ----------
    Zamani et al., "An analysis of approaches taken in the ACM RecSys Challenge 2018 for automatic
    music playlist continuation", ACM TIST 2019.
    """
    length = min(answer.rest, DEPTH)
    artists = np.intersect1d(answer.artists[:length], answer.rest_artists)
    credit = ARTIST_CREDIT * np.count_nonzero(artists != UNKNOWN)
    return (float(answer.right[:length].sum()) + credit) / answer.rest


def clicks(answer: Answer) -> float:
    """Return how often ten more songs have to be requested before one is right: 0 (best) to 51.

    51 where none of the first 500 is right. The source is that of ``r_precision``.
    """
    hits = np.flatnonzero(answer.right[:DEPTH])
    return float(hits[0] // PAGE if len(hits) else NO_HIT_CLICKS)


def _discovery(answer: Answer) -> float:
    if answer.discovery is None:
        return float("nan")
    return float(answer.discovery[:FIRST].sum()) / FIRST


def _new_artists(answer: Answer) -> float:
    if not answer.known.any():
        return float("nan")
    artists, right = answer.artists[:FIRST], answer.right[:FIRST]
    return float((right & ~np.isin(artists, answer.known)).sum()) / FIRST


def _per_artist(answer: Answer) -> float:
    hits = answer.artists[:FIRST][answer.right[:FIRST]]
    hits = hits[hits != UNKNOWN]
    return len(hits) / len(np.unique(hits)) if len(hits) else float("nan")


def _diversity(points: Floats, rows: Ints) -> float:
    if len(rows) < 2:
        return float("nan")
    vectors = points[rows].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths == 0, 1.0, lengths)
    alike = vectors @ vectors.T
    return float(1 - alike[np.triu_indices(len(rows), 1)].mean())


def _by_playlist(values: NDArray[np.float64], of: Ints, playlists: int) -> NDArray[np.float64]:
    finite = np.isfinite(values)
    counts = np.bincount(of[finite], minlength=playlists)
    sums = np.bincount(of[finite], weights=values[finite], minlength=playlists)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _of_all_lists(
    statistic: Callable[[Ints], float], draws: Ints
) -> tuple[float, list[float] | None]:
    """Return a statistic of all lists together, and its interval shifted to be around it."""
    value = statistic(np.arange(draws.shape[1]))
    low, middle, high = quantiles(statistic, draws)
    return round(value, 4), [round(value + low - middle, 4), round(value + high - middle, 4)]
