"""``taste`` looks at few tracks closely and still answers as if it had looked at all of them."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.taste import scorer
from songrec.recommend.taste.prior import ColumnPrior, TastePrior
from songrec.recommend.taste.scorer import TasteScorer
from tests.recommend.planted import random_space

TRACKS = 3000


class WithTower(TasteMethod):
    uses_track_factors = True


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
            "tower": {"weight": 3.0},
        },
    )


def question(space, seed, dislikes, rule):
    """Two groups of likes; the dislikes are the songs nearest to the first of them, or anywhere."""
    rng = np.random.default_rng(seed)
    near, far = (np.argsort(((space.matrix - at) ** 2).sum(axis=1)) for at in (1.3, -1.3))
    likes = np.concatenate([near[:8], far[: 8 if seed % 2 else 0]])
    bad = near[8 : 8 + dislikes] if seed % 3 else rng.choice(TRACKS, dislikes, replace=False)
    taste = Query.of(space, space.track_ids[likes].tolist(), space.track_ids[bad].tolist())
    return TasteScorer(taste, rule)


@pytest.mark.parametrize("looked", [2**14, 1])  # 1: dislikes are always asked of all tracks
@pytest.mark.parametrize("dislikes", [0, 3, 40])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_best_are_those_of_all_scores_computed_one_by_one(monkeypatch, seed, dislikes, looked):
    monkeypatch.setattr(scorer, "LOOKED", looked)
    asked = question(space_with_everything(seed), seed, dislikes, WithTower())
    parts = asked.parts(np.arange(TRACKS))
    scores = parts.total()
    for group in (None, *range(len(asked.groups))):
        of_group = np.arange(TRACKS) if group is None else np.flatnonzero(parts.group == group)
        best = of_group[np.argsort(-scores[of_group])[:30]]
        assert sorted(asked.best(30, of=group)) == sorted(best.tolist())
    assert len(asked.groups) > 1 or seed % 2 == 0


def test_what_is_said_of_all_tracks_at_once_is_what_is_said_of_each():
    space = space_with_everything(7)
    for rule in (
        TasteMethod(),
        TasteMethod(metadata=False),
        WithTower(),
        TasteMethod(dislike_weight=0),
    ):
        asked = question(space, 7, 5, rule)
        told = asked.parts(np.arange(TRACKS)).total()
        rough = asked._harmed if asked.beside else asked._rough[0]
        assert np.abs(rough - told).max() < 1e-3


def test_tracks_of_one_artist_are_found_by_its_number():
    statistics = Query.of(space_with_everything(2), [10]).statistics
    for artist in (0, 1, 7, int(statistics.artists.max())):
        rows = np.flatnonzero(statistics.artists == artist)
        assert statistics.rows_by(artist).tolist() == rows.tolist()
        assert statistics.sizes[0][artist] == len(rows)
