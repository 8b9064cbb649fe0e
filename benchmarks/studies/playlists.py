"""Tasks of the playlist studies, and tables of P@10 against a first method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.recommend.query import Query
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from songrec.recommend.top_k import Rows
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, Search

FILE = "catalogues/tidytuesday_spotify_songs.csv"
HEADER = ("P@10", "P@10, new artists", "times the first")
Scores = Callable[[Query], NDArray[np.floating]]


def with_priors(
    tasks: ContinuationTasks, seed: int
) -> Iterator[tuple[list[int], list[Ints], Space]]:
    """Yield each fold: its playlists, the rows of the playlists learnt from, and the space with
    the taste prior of those.
    """
    for about, lists in tasks.folds:
        rows = [playlist.rows for playlist in lists]
        prior = taste_prior.fit_prior(tasks.space, rows, seed=seed)
        yield about, rows, replace(tasks.space, taste_prior=prior.to_json())


def by_score(scores: Scores) -> Search:
    """Return a search for the highest of ``scores`` ``(n,)``."""

    def search(space: Space, query: Query, count: int) -> Rows:
        everything = np.arange(len(space.track_ids), dtype=np.int64)
        return query.rank_distinct(everything, np.asarray(scores(query), dtype=np.float64))[0][
            :count
        ]

    return search


def taste_scores(query: Query) -> NDArray[np.float64]:
    """Score every track by ``taste_content``, ``(n,)``."""
    everything = np.arange(len(query.space.track_ids), dtype=np.int64)
    return TasteScorer(query, TasteSettings(metadata=False)).scores(everything)


def lines(
    answers: Mapping[str, Sequence[Answer]], tasks: ContinuationTasks, seed: int
) -> list[tuple[str, ...]]:
    """Return a row per method: its name and the columns of ``HEADER``, with 95% intervals."""
    songs = len(np.unique(tasks.catalogue.song_keys))
    first = next(iter(answers))
    rows = []
    for name, of in answers.items():
        measured: dict[str, Any] = measures.measure(of, tasks.space.matrix, songs, seed=seed)
        times = measures.times(of, answers[first], seed=seed)
        new = measured["new_artist_p_at_10"]
        rows.append(
            (
                name,
                interval((measured["p_at_10"], *measured["intervals"]["p_at_10"]), 3),
                "–" if new is None else f"{new:.3f}",
                "" if name == first or times is None else interval(times, 2),
            )
        )
    return rows


def interval(values: Sequence[float], places: int) -> str:
    """Format a value with its interval: ``0.138 (0.121 to 0.157)``."""
    value, low, high = (f"{one:.{places}f}" for one in values)
    return f"{value} ({low} to {high})"
