"""Every question that is answered from a space; ranking also against the plain way.

The plain way: every distance computed, everything sorted.

python -m benchmarks.recommend                  17,000, 114,000 and 1,200,000 tracks
python -m benchmarks.recommend --tracks 17000

``segments``, which asks other arrays, is measured by ``benchmarks.segments``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from songrec.core.attributes import ATTRIBUTE_NAMES, SHARES
from songrec.core.types import Space
from songrec.recommend.feedback_boosts import background_boosts
from songrec.recommend.lists import moods, paths, stations
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, MAX_PER_ARTIST, Reranking
from songrec.recommend.query import Query
from songrec.recommend.ranking import create_method, rank
from songrec.recommend.similarity.similar import similar_tracks
from songrec.recommend.similarity.similar_artists import similar_artists
from songrec.recommend.taste.additive_model import AdditiveModel
from songrec.recommend.taste.evidence import INPUTS
from songrec.recommend.taste.prior import ColumnPrior, TastePrior

SIZES = (17_000, 114_000, 1_200_000)
FEWER, FEWER_REPEATS = 1_000_000, 5
RERANKED = replace(DEFAULT_RERANKING, variety=0.5, novelty=0.3, freshness=0.3, surprise=1)
BLENDED = Reranking(per_artist=MAX_PER_ARTIST)
TOWER, PLAYLISTS = 32, 1000
LIKES, DISLIKES, WANTED = 10, 3, 20
COLUMNS = (
    *[name for name in ATTRIBUTE_NAMES if name not in ("explicit", "popularity")],
    "duration",
    "year",
)


def made_up_space(tracks: int, seed: int = 0) -> Space:
    """Ten groups in a normalised space of 12 columns, and values to speak of; in memory.

    Artists have ten tracks each, albums five; vectors as learnt from playlists and the playlists
    themselves follow the groups.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, tracks).astype(np.int32)
    centres = rng.normal(size=(10, len(COLUMNS)))
    matrix = 0.6 * centres[labels] + 0.8 * rng.normal(size=(tracks, len(COLUMNS)))
    matrix[:, COLUMNS.index("year")] = np.round(12 * matrix[:, COLUMNS.index("year")]) / 12
    matrix = matrix.astype(np.float32)
    values = np.empty((tracks, len(ATTRIBUTE_NAMES)), dtype=np.float32)
    for column, name in enumerate(ATTRIBUTE_NAMES):
        source = matrix[:, COLUMNS.index(name)] if name in COLUMNS else rng.normal(size=tracks)
        values[:, column] = 1 / (1 + np.exp(-source)) if name in SHARES else 100 + 20 * source
    popularity = ATTRIBUTE_NAMES.index("popularity")
    values[:, popularity] = np.round(values[:, popularity])
    years = np.round(2000 + 12 * matrix[:, COLUMNS.index("year")])
    lengths = 200_000 + 40_000 * matrix[:, COLUMNS.index("duration")]
    keys = np.arange(tracks, dtype=np.uint64)
    keys[20::20] = keys[19:-1:20]
    artists = rng.integers(1, max(tracks // 10, 2), tracks).astype(np.uint64)
    track_factors = rng.normal(size=(10, TOWER)).astype(np.float32)[labels]
    track_factors += rng.standard_normal((tracks, TOWER), dtype=np.float32)
    track_factors /= np.linalg.norm(track_factors, axis=1, keepdims=True)
    return Space(
        "made-up",
        np.arange(1, tracks + 1, dtype=np.int64),
        matrix,
        COLUMNS,
        np.column_stack([values, lengths, years]),
        (*ATTRIBUTE_NAMES, "duration", "year"),
        np.ascontiguousarray(matrix[:, :6]),
        labels,
        matrix[:, :2],
        keys,
        artists=artists,
        albums=artists * np.uint64(2) + (keys & np.uint64(1)),
        track_factors=track_factors,
        taste_prior={
            **TastePrior({"popularity": ColumnPrior()}).to_json(),
            "two_tower": {"weight": 3.0},
        },
        ranker=AdditiveModel.linear(dict.fromkeys(INPUTS, 0.7)).to_json(),
        playlists=tuple(
            rng.choice(np.flatnonzero(labels == number % 10), 40) for number in range(PLAYLISTS)
        ),
    )


def plain_distance(space: Space, query: Query) -> np.ndarray:
    """Sort all sums of distances to the likes, which the bound avoids."""
    total = np.zeros(len(space.track_ids), dtype=np.float32)
    for liked in query.liked_vectors.astype(np.float32):
        total += np.linalg.norm(space.matrix - liked, axis=1)
    return np.argsort(total)[:WANTED]


def plain_cosine(space: Space, query: Query) -> np.ndarray:
    """Sort all cosine similarities."""
    unit = space.matrix / np.linalg.norm(space.matrix, axis=1, keepdims=True)
    return np.argsort(-(unit @ query.liked_vectors.mean(axis=0).astype(np.float32)))[:WANTED]


def plain_cluster(space: Space, query: Query) -> np.ndarray:
    """Sort all distances to the likes of the same cluster."""
    best = np.full(len(space.track_ids), np.inf, dtype=np.float32)
    for row, liked in zip(query.likes, query.liked_vectors.astype(np.float32), strict=True):
        apart = np.linalg.norm(space.matrix - liked, axis=1)
        apart[space.labels != space.labels[row]] = np.inf
        best = np.minimum(best, apart)
    return np.argsort(best)[:WANTED]


def plain_taste(space: Space, query: Query) -> np.ndarray:
    """Sort all sums of normal log-likelihood ratios of the columns."""
    mean = query.liked_vectors.sum(axis=0) / (len(query.likes) + 3)
    spread = ((query.liked_vectors - mean) ** 2).sum(axis=0) + 3
    spread /= len(query.likes) + 3
    ratio = space.matrix**2 - (space.matrix - mean) ** 2 / spread
    return np.argsort(-ratio.sum(axis=1))[:WANTED]


PLAIN: dict[str, Callable[[Space, Query], np.ndarray]] = {
    "distance": plain_distance,
    "cosine": plain_cosine,
    "cluster": plain_cluster,
    "taste": plain_taste,
    "learned": plain_taste,
    "additive_ranker": plain_taste,
}


def measure(sizes: tuple[int, ...] = SIZES, repeats: int = 15) -> dict[str, Any]:
    """Milliseconds (median and slowest of ``repeats``) per size and question.

    Ten likes of two groups, three dislikes, 20 answers with their reasons, two songs of an artist
    at most; each repeat asks for other likes. ``re-ranked`` asks for variety, novelty, freshness
    and surprise as well. ``plain`` is the ranking alone, without exclusions, reasons or dislikes.
    """
    return {
        str(size): _measure(
            made_up_space(size), repeats if size < FEWER else min(repeats, FEWER_REPEATS)
        )
        for size in sizes
    }


def _measure(space: Space, repeats: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    groups = [np.flatnonzero(space.labels == label) for label in range(10)]
    asked = []
    for _ in range(repeats):
        one, other, bad = rng.choice(10, 3, replace=False)
        likes = [*rng.choice(groups[one], LIKES // 2), *rng.choice(groups[other], LIKES // 2)]
        dislikes = rng.choice(groups[bad], DISLIKES)
        asked.append((space.track_ids[likes].tolist(), space.track_ids[dislikes].tolist()))
    results: dict[str, Any] = {}
    for method in PLAIN:
        # The first question also computes the figures of the space, once per process.
        rank(space, *asked[0], WANTED, method=method, by=RERANKED)
        for key, by in ((method, DEFAULT_RERANKING), (f"{method}, re-ranked", RERANKED)):
            results[key] = _timed(
                [lambda a=a, m=method, b=by: rank(space, *a, WANTED, method=m, by=b) for a in asked]
            )
        tastes = [Query.of(space, *question) for question in asked]
        results[f"{method}, plain"] = _timed(
            [lambda t=query, m=method: PLAIN[m](space, t) for query in tastes]
        )
    results |= _other_questions(space, asked)
    return results


def _other_questions(space: Space, asked: list[tuple[list[int], list[int]]]) -> dict[str, Any]:
    """Lists that grow from songs; the first of each, which makes figures of the space, not timed.

    Stations give 20 songs from place 200 on; half of the catalogue can be heard where it says so.
    """
    ids = space.track_ids
    audible = ids[::2].tolist()
    cluster = ids[space.labels == 0][:24].tolist()
    many = [[*likes, *dislikes, *ids[:: max(len(ids) // 40, 1)][:37]] for likes, dislikes in asked]
    aims = [moods.target_values(space, genre, None) for genre in list(moods.GENRES)[: len(asked)]]
    later = stations.candidates_needed(200 + WANTED)
    questions: dict[str, list[Callable[[], Any]]] = {
        "songs of a song's page": [
            lambda a=a: rank(space, a[0][:1], n=8, by=DEFAULT_RERANKING, seeds=True) for a in asked
        ],
        "the same, by sound alone": [lambda a=a: similar_tracks(space, a[0][0], 8) for a in asked],
        "more like this one": [lambda a=a: _more_like(space, *a) for a in asked],
        "similar artists": [
            lambda a=a: similar_artists(create_method(space), space, space.rows_of(a[0]), 8)
            for a in asked
        ],
        "five likes of five tastes": [
            lambda at=at: rank(space, _five_tastes(space, at), n=WANTED, by=DEFAULT_RERANKING)
            for at in range(len(asked))
        ],
        "mood": [lambda a=a: moods.nearest_to_target(space, a, WANTED) for a in aims],
        "surprise me": [
            lambda a=a, s=s: rank(space, *a, WANTED, by=replace(DEFAULT_RERANKING, surprise=s))
            for s, a in enumerate(asked)
        ],
        "station of a song": [lambda a=a: _station(space, a[0][:1]) for a in asked],
        "station of a song, audible": [
            lambda a=a: _station(space, a[0][:1], only=[*audible, a[0][0]]) for a in asked
        ],
        "station of an artist (10 songs)": [lambda a=a: _station(space, a[0]) for a in asked],
        "station of a playlist (50 songs)": [lambda m=m: _station(space, m) for m in many],
        "station of a cluster": [lambda: _station(space, cluster, label=0) for _ in asked],
        "station of a mood": [
            lambda a=a: moods.nearest_to_target(
                space,
                a,
                later,
                pick_ranks=lambda available: stations.jittered_order(available, 200, WANTED, 1),
            )
            for a in aims
        ],
        "path over 8 songs": [lambda a=a: _path(space, a[0][0], a[0][-1], 8) for a in asked],
        "path over 16 songs": [lambda a=a: _path(space, a[0][0], a[0][-1], 16) for a in asked],
        "blend of 2 less 1": [
            lambda a=a: rank(space, [a[0][0], a[0][-1]], a[1][:1], WANTED, by=BLENDED, seeds=True)
            for a in asked
        ],
    }
    results = {}
    for name, calls in questions.items():
        calls[0]()
        results[name] = _timed(calls)
    return results


def _station(space: Space, seeds: list[int], **asked: Any) -> Any:
    return stations.station_matches(
        create_method(space), space, seeds, 200, WANTED, seed=1, **asked
    )


def _more_like(space: Space, likes: list[int], dislikes: list[int]) -> Any:
    return rank(
        space,
        likes[:1],
        dislikes,
        WANTED,
        by=DEFAULT_RERANKING,
        excluded=likes[1:],
        boosts=background_boosts(likes[1:], {}),
        seeds=True,
    )


def _five_tastes(space: Space, at: int) -> list[int]:
    return [int(space.track_ids[np.flatnonzero(space.labels == label)[at]]) for label in range(5)]


def _path(space: Space, start: int, end: int, between: int) -> Any:
    return paths.describe_path(
        space, paths.find_path(create_method(space), space, start, end, between)
    )


def _timed(calls: list[Callable[[], Any]]) -> dict[str, float]:
    taken = []
    for call in calls:
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return {"median_ms": round(statistics.median(taken), 2), "slowest_ms": round(max(taken), 2)}


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    print(json.dumps(measure(tuple(arguments.tracks), arguments.repeats), indent=2))


if __name__ == "__main__":
    main()
