"""Measures of playlist continuation: part of a playlist is liked, the rest is to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Ints

FIRST, LOOK = 10, 50
RESAMPLES = 1000
LEVEL = 0.95
UNKNOWN = 0


@dataclass(frozen=True)
class Answer:
    """The recommendations for one set of likes.

    ``rows`` are best first, ``right`` tells which of them are on the playlist, ``rest`` is the
    number of songs to be found. ``playlist`` numbers the playlist, ``artists`` are those of the
    rows (``UNKNOWN``: 0), and ``known`` those of the likes.
    """

    playlist: int
    rows: Ints
    right: NDArray[np.bool_]
    rest: int
    artists: NDArray[np.integer]
    known: NDArray[np.integer]


MEASURES = (
    "p_at_10",
    "recall_at_50",
    "ndcg_at_10",
    "new_artist_p_at_10",
    "hits_per_artist",
    "coverage",
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
        ``new_artist_p_at_10``: share of the first ten that are right and by an artist of none of
        the likes, where any artist is known. ``hits_per_artist``: right ones of the first ten per
        artist among them, where there are any. Both None without artists. ``coverage``: share of
        the catalogue's songs that are ever among the first ten. ``intra_list_diversity``: mean of
        1 − cosine over the pairs of the first ten. Each is the mean over playlists, each the mean
        over its sets of likes. ``intervals`` has 95% intervals of the same names: percentiles over
        resampled playlists. A resample has fewer different playlists and so covers less: the
        interval of the coverage is shifted by as much as its median is off.

    References
    ----------
    Liang et al., "Variational autoencoders for collaborative filtering", WWW 2018 (recall);
    Järvelin & Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002; Efron,
    "Bootstrap methods", Annals of Statistics 1979.
    """
    numbers = np.array([answer.playlist for answer in answers])
    _, of = np.unique(numbers, return_inverse=True)
    playlists = int(of.max()) + 1
    figures = {
        "p_at_10": [_precision(a) for a in answers],
        "recall_at_50": [float(a.right[:LOOK].sum()) / min(a.rest, LOOK) for a in answers],
        "ndcg_at_10": [_ndcg(a) for a in answers],
        "new_artist_p_at_10": [_new_artists(a) for a in answers],
        "hits_per_artist": [_per_artist(a) for a in answers],
        "intra_list_diversity": [_diversity(points, a.rows[:FIRST]) for a in answers],
    }
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, playlists, (RESAMPLES, playlists))
    values: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for name, of_answers in figures.items():
        means = _by_playlist(np.array(of_answers), of, playlists)
        finite = means[np.isfinite(means)]
        values[name] = round(float(finite.mean()), 4) if len(finite) else None
        intervals[name] = (
            _interval(lambda at, m=means: _mean(m[at]), draws) if len(finite) else None
        )
    first = [np.zeros(0, dtype=np.int64) for _ in range(playlists)]
    for answer, at in zip(answers, of.tolist(), strict=True):
        first[at] = np.union1d(first[at], answer.rows[:FIRST])
    covered = len(np.unique(np.concatenate(first))) / songs
    values["coverage"] = round(covered, 4)
    low, middle, high = _quantiles(
        lambda at: len(np.unique(np.concatenate([first[i] for i in at]))) / songs, draws
    )
    intervals["coverage"] = [round(covered + low - middle, 4), round(covered + high - middle, 4)]
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
    draws = np.random.default_rng(seed).integers(0, len(one), (RESAMPLES, len(one)))

    def ratio(at: Ints) -> float:
        below = float(other[at].mean())
        return float(one[at].mean()) / below if below else float("nan")

    return [round(float(one.mean() / other.mean()), 4), *_interval(ratio, draws)]


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


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _quantiles(statistic: Callable[[Ints], float], draws: Ints) -> tuple[float, float, float]:
    samples = np.array([statistic(at) for at in draws])
    tail = (1 - LEVEL) / 2
    low, middle, high = np.nanquantile(samples, [tail, 0.5, 1 - tail])
    return float(low), float(middle), float(high)


def _interval(statistic: Callable[[Ints], float], draws: Ints) -> list[float]:
    low, _, high = _quantiles(statistic, draws)
    return [round(low, 4), round(high, 4)]
