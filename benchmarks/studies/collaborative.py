"""Collaborative filtering beside the methods: item-kNN, ALS and BPR on the same playlists.

Playlists are users and songs are items, or artists are: then the songs of an artist share its
score, the more popular ones first. Likes are a playlist that nobody trained on; it is folded in.
Folds, likes and candidates are those of the study ``ranker``.

References
----------
Hu, Koren and Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM. Rendle
et al. (2009), BPR: Bayesian personalized ranking from implicit feedback, UAI. Robertson et al.
(1994), Okapi at TREC-3, for the BM25 weights of the neighbours. Deshpande and Karypis (2004),
Item-based top-N recommendation algorithms, ACM TOIS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from benchmarks.studies.playlists import FILE, by_score, interval
from benchmarks.studies.ranker import HEADER, with_likes
from benchmarks.tables import table
from songrec.core.types import Ints, Space
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste.additive_model import LEVELS
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks

NEEDS = (FILE,)
FACTORS, ROUNDS = 64, 15
CONFIDENCE, RIDGE = 20.0, 1.0
"""Of ALS: weight of an item in a playlist beside one that is not, and of the factors' norm."""
EPOCHS, BATCH, LEARNING_RATE, DECAY = 60, 512, 0.05, 0.002
"""Of BPR."""
K1, B, SHRINKAGE = 1.2, 0.75, 5.0
"""BM25, and the pseudo-count of playlists of a pair of items."""

Array = NDArray[np.float64]
Scores = Callable[[Ints], Array]
"""Returns the scores of all items for the items of the likes."""


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table of each method and number of likes."""
    tasks = continuation_tasks(data / FILE, likes=max(LEVELS), draws=1, seed=seed)
    return measured(tasks, seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the table for any tasks."""
    by_level = {n_likes: with_likes(tasks, n_likes, seed) for n_likes in LEVELS}
    answers: dict[tuple[int, str], list[Answer]] = {}
    for about, playlists in tasks.folds:
        rows = [playlist.rows for playlist in playlists]
        for name, items, scores in trained(tasks.space, rows, seed):
            search = by_score(lambda query, i=items, s=scores: song_scores(query, i, s))
            for n_likes, of_level in by_level.items():
                found = of_level.answers(search, tasks.space, about)
                answers.setdefault((n_likes, name), []).extend(found)
    songs = len(np.unique(tasks.catalogue.song_keys))
    lines = []
    for (n_likes, name), of in sorted(answers.items(), key=lambda item: item[0][0]):
        values = measures.measure(of, tasks.space.matrix, songs, seed=seed)
        cells = [
            interval((values[one], *values["intervals"][one]), 3)
            for one in ("p_at_10", "new_artist_p_at_10", "discovery_p_at_10")
        ]
        lines.append((str(n_likes), name, *cells))
    return table(HEADER, lines)


def trained(
    space: Space, playlists: Sequence[Ints], seed: int
) -> Iterator[tuple[str, Ints, Scores]]:
    """Yield name, each song's item and the scores of every method, trained on playlists."""
    _, songs = np.unique(space.song_keys, return_inverse=True)
    for kind, items in (("songs", songs), ("artists", statistics_of(space).artists)):
        counts = incidence(items, playlists)
        yield f"item-kNN (BM25), {kind}", items, nearest_items(counts)
        yield f"ALS, {kind}", items, als(counts, seed)
        yield f"BPR, {kind}", items, bpr(counts, seed)


def incidence(items: Ints, playlists: Sequence[Ints]) -> csr_array:
    """Return a matrix ``(playlists, items)`` that is 1 where a playlist has an item."""
    held = [np.unique(items[rows]) for rows in playlists]
    ends = np.cumsum([0, *map(len, held)])
    shape = (len(playlists), int(items.max()) + 1)
    return csr_array((np.ones(ends[-1]), np.concatenate(held), ends), shape=shape)


def song_scores(query: Query, items: Ints, scores: Scores) -> Array:
    """Score every song by its item; of equal ones the more popular song comes first."""
    of_items = scores(np.unique(items[query.likes]))
    popularity = query.statistics.popularity
    tie = np.zeros(len(items)) if popularity is None else 1e-9 * popularity
    return of_items[items] + tie


def nearest_items(counts: csr_array) -> Scores:
    """Return item-kNN: the sum of shrunk cosines of BM25-weighted items to those of the likes."""
    lengths = counts.sum(axis=1)
    frequencies = np.asarray(counts.sum(axis=0))
    inverse = np.log1p((counts.shape[0] - frequencies + 0.5) / (frequencies + 0.5))
    of_playlist = (K1 + 1) / (1 + K1 * (1 - B + B * lengths / lengths.mean()))
    weighted = (diags_array(of_playlist) @ counts @ diags_array(inverse)).tocsc()
    norms = np.sqrt(np.asarray(weighted.power(2).sum(axis=0)))
    unit = (weighted @ diags_array(1 / np.where(norms > 0, norms, 1.0))).tocsc()

    def scores(liked: Ints) -> Array:
        shared = np.asarray((counts.T @ counts[:, liked]).todense())
        near = np.asarray((unit.T @ unit[:, liked]).todense())
        return (near * shared / (shared + SHRINKAGE)).sum(axis=1)

    return scores


def als(counts: csr_array, seed: int) -> Scores:
    """Return ALS for implicit feedback; the likes' factors are one more half step."""
    rng = np.random.default_rng(seed)
    items = 0.01 * rng.normal(size=(counts.shape[1], FACTORS))
    by_item = counts.T.tocsr()
    for _ in range(ROUNDS):
        playlists = _half_step(counts, items)
        items = _half_step(by_item, playlists)

    def scores(liked: Ints) -> Array:
        return items @ _solve(items, items.T @ items, liked)

    return scores


def _half_step(counts: csr_array, fixed: Array) -> Array:
    gram = fixed.T @ fixed
    rows = np.split(counts.indices, counts.indptr[1:-1])
    return np.array([_solve(fixed, gram, row) for row in rows])


def _solve(fixed: Array, gram: Array, held: Ints) -> Array:
    of_held = fixed[held]
    left = gram + CONFIDENCE * of_held.T @ of_held + RIDGE * np.eye(FACTORS)
    return np.linalg.solve(left, (1 + CONFIDENCE) * of_held.sum(axis=0))


def bpr(counts: csr_array, seed: int) -> Scores:
    """Return BPR by stochastic gradient descent; likes are the mean of their items' factors."""
    rng = np.random.default_rng(seed)
    n_playlists, n_items = counts.shape
    playlists = 0.1 * rng.normal(size=(n_playlists, FACTORS))
    items, bias = 0.1 * rng.normal(size=(n_items, FACTORS)), np.zeros(n_items)
    of = np.repeat(np.arange(n_playlists), np.diff(counts.indptr))
    for _ in range(EPOCHS):
        order = rng.permutation(len(of))
        for batch in np.array_split(order, max(1, len(order) // BATCH)):
            user, held = of[batch], counts.indices[batch]
            other = rng.integers(0, n_items, len(batch))
            difference = items[held] - items[other]
            margin = (playlists[user] * difference).sum(axis=1) + bias[held] - bias[other]
            step = (LEARNING_RATE / (1 + np.exp(margin)))[:, None]
            decay = LEARNING_RATE * DECAY
            np.add.at(playlists, user, step * difference - decay * playlists[user])
            np.add.at(items, held, step * playlists[user] - decay * items[held])
            np.add.at(items, other, -step * playlists[user] - decay * items[other])
            np.add.at(bias, held, step[:, 0])
            np.add.at(bias, other, -step[:, 0])

    def scores(liked: Ints) -> Array:
        return items @ items[liked].mean(axis=0) + bias

    return scores
