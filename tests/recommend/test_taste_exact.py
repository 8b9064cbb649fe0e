"""``taste`` scores few tracks exactly and still finds the best of all."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend.query import Query
from songrec.recommend.taste import scorer
from songrec.recommend.taste.prior import ColumnPrior, TastePrior
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from tests.recommend.planted import random_space

TRACKS = 3000


def space_with_everything(seed):
    """Artists, albums, popularity and vectors learnt from playlists beside the columns."""
    rng = np.random.default_rng(seed)
    space = random_space(TRACKS, d=8, seed=seed)
    track_factors = rng.normal(size=(TRACKS, 16)).astype(np.float32)
    popularity = rng.integers(0, 100, TRACKS)
    popularity = np.where(rng.random(TRACKS) < 0.1, np.nan, popularity)
    artists = rng.integers(0, 300, TRACKS).astype(np.uint64)
    return replace(
        space,
        values=np.column_stack([space.values, popularity]).astype(np.float32),
        value_names=(*space.value_names, "popularity"),
        artists=artists,
        albums=artists * np.uint64(2) + rng.integers(0, 2, TRACKS).astype(np.uint64),
        track_factors=track_factors / np.linalg.norm(track_factors, axis=1, keepdims=True),
        taste_prior={
            **TastePrior({"popularity": ColumnPrior(0.4, 0.6, 4.0)}).to_json(),
            "two_tower": {"weight": 3.0},
        },
    )


def scorer_for(space, seed, dislikes, settings):
    """Two groups of likes; the dislikes are the songs nearest to the first of them, or anywhere."""
    rng = np.random.default_rng(seed)
    near, far = (np.argsort(((space.matrix - at) ** 2).sum(axis=1)) for at in (1.3, -1.3))
    likes = np.concatenate([near[:8], far[: 8 if seed % 2 else 0]])
    bad = near[8 : 8 + dislikes] if seed % 3 else rng.choice(TRACKS, dislikes, replace=False)
    query = Query.of(space, space.track_ids[likes].tolist(), space.track_ids[bad].tolist())
    return TasteScorer(query, settings)


@pytest.mark.parametrize("looked", [2**14, 1])  # 1: dislikes are always taste_scorer of all tracks
@pytest.mark.parametrize("dislikes", [0, 3, 40])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_top_scores_are_those_of_brute_force(monkeypatch, seed, dislikes, looked):
    monkeypatch.setattr(scorer, "MAX_LOOK", looked)
    taste_scorer = scorer_for(
        space_with_everything(seed), seed, dislikes, TasteSettings(playlists=True)
    )
    terms = taste_scorer.terms(np.arange(TRACKS))
    scores = terms.total()
    assert taste_scorer.top(30)[0].tolist() == np.argsort(-scores)[:30].tolist()
    assert len(taste_scorer.groups) == (2 if seed % 2 else 1)


def test_scores_of_all_tracks_in_float32_equal_those_of_each_track():
    space = space_with_everything(7)
    for settings in (
        TasteSettings(),
        TasteSettings(metadata=False),
        TasteSettings(playlists=True),
        TasteSettings(dislike_weight=0),
    ):
        taste_scorer = scorer_for(space, 7, 5, settings)
        scores = taste_scorer.terms(np.arange(TRACKS)).total()
        fast = (
            taste_scorer._with_dislikes
            if taste_scorer.disliked_densities
            else taste_scorer._without_dislikes[0]
        )
        assert np.abs(fast - scores).max() < 1e-3


def test_tracks_of_one_artist_are_found_by_its_number():
    statistics = Query.of(space_with_everything(2), [10]).statistics
    for artist in (0, 1, 7, int(statistics.artists.max())):
        rows = np.flatnonzero(statistics.artists == artist)
        assert statistics.rows_by(artist).tolist() == rows.tolist()
        assert statistics.sizes[0][artist] == len(rows)
