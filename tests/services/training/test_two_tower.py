"""The two towers: songs that share playlists get near vectors, and trained models are cached."""

import json
from dataclasses import replace

import numpy as np
import pytest

from songrec.core.types import Space, no_progress
from songrec.recommend.ranking import rank
from songrec.services.training import additive_ranker, taste_stage, two_tower

TRACKS, COLUMNS = 600, ("energy", "tempo", "loudness")


def space_with_artists(seed: int = 0) -> Space:
    """Sixty artists of ten songs each, with content that is independent of the artist."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(TRACKS, 3)).astype(np.float32)
    return Space(
        "made",
        np.arange(TRACKS),
        matrix,
        COLUMNS,
        matrix,
        COLUMNS,
        matrix,
        np.zeros(TRACKS, np.int32),
        matrix[:, :2],
        np.arange(TRACKS, dtype=np.uint64),
        np.arange(TRACKS, dtype=np.uint64) // np.uint64(10) + np.uint64(1),
        np.arange(TRACKS, dtype=np.uint64) + np.uint64(1),
    )


def scenes(count: int, seed: int = 1) -> list[np.ndarray]:
    """Playlists with one song of each of the twelve artists of one of five scenes."""
    rng = np.random.default_rng(seed)
    lists = []
    for number in range(count):
        artists = 5 * np.arange(12) + number % 5
        lists.append(np.sort(artists * 10 + rng.integers(0, 10, 12)))
    return lists


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(two_tower, "EPOCHS", 6)
    monkeypatch.setattr(two_tower, "STEPS", 10)


def test_artists_that_share_playlists_get_near_vectors(quick):
    space = space_with_artists()
    towers, summary = two_tower.fit_track_factors(space, scenes(60))
    vectors = towers.final.vectors
    assert summary["playlists"] == 60
    assert summary["weight"] > 0
    assert max(summary["ndcg"], key=summary["ndcg"].get) != "0.0"
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    space = replace(space, track_factors=vectors, taste_prior={**empty(), "two_tower": summary})
    # Four songs of the first scene are liked, so most recommendations are from that scene.
    likes = [0, 50, 100, 150]
    matches = rank(space, likes, [], 10, method="learned")
    scene = [int(match.track_id) // 10 % 5 for match in matches]
    assert scene.count(0) >= 8
    reason = next(r for r in matches[0].reasons if r.about == "playlists")
    assert reason.kind == "prior"
    assert reason.contribution > 0
    assert reason.details["likes"][0] in likes


def empty() -> dict:
    return {"playlists": 0, "columns": {}, "artist": [8, 0.4, 0.5], "album": [8, 0.4, 0.5]}


def test_vectors_that_do_not_improve_validation_count_nothing(quick, monkeypatch):
    monkeypatch.setattr(two_tower, "_validate", lambda *a: {0.0: 0.3, 0.25: 0.3, 0.5: 0.2})
    _, summary = two_tower.fit_track_factors(space_with_artists(), scenes(60))
    assert summary["weight"] == 0.0


def test_too_few_playlists_give_no_vectors():
    towers, summary = two_tower.fit_track_factors(
        space_with_artists(), scenes(two_tower.MIN_PLAYLISTS - 1)
    )
    assert towers is None
    assert summary == {"weight": 0.0, "playlists": 29}


def test_without_vectors_learned_equals_taste():
    space = space_with_artists()
    assert rank(space, [0, 50], [], 10, method="learned") == rank(
        space, [0, 50], [], 10, method="taste"
    )


def test_training_can_be_stopped(quick):
    from songrec.core.errors import Cancelled

    def stop(fraction, message, details=None):
        raise Cancelled

    with pytest.raises(Cancelled):
        two_tower.fit_track_factors(space_with_artists(), scenes(40), on_progress=stop)


def test_playlists_to_validate_with_save_a_training(quick, monkeypatch):
    trained, train_towers = [], two_tower.train_towers

    def counted(space, lists, **options):
        trained.append(len(lists))
        return train_towers(space, lists, **options)

    monkeypatch.setattr(two_tower, "train_towers", counted)
    lists = scenes(60)
    towers, summary = two_tower.fit_track_factors(space_with_artists(), lists[:45], lists[45:])
    assert trained == [45]
    assert towers.first is towers.final
    assert len(towers.held_out) == 15
    assert summary["playlists"] == 45
    assert summary["weight"] > 0
    two_tower.fit_track_factors(space_with_artists(), lists[:45])
    assert trained[1:] == [36, 45]


def test_models_of_equal_data_are_trained_once_and_old_ones_deleted(tmp_path, monkeypatch):
    calls = []

    def fit(space, playlists, validation, **options):
        calls.append(len(playlists))
        vectors = np.ones((TRACKS, 2), np.float32)
        towers = two_tower.Towers(vectors, 1.0)
        fitted = two_tower.FittedTowers(towers, towers, tuple(playlists[:5]))
        return fitted, {"weight": 1.0, "playlists": len(playlists)}

    monkeypatch.setattr(two_tower, "fit_track_factors", fit)
    no_ranker = additive_ranker.RankerArtifacts(None, ())
    monkeypatch.setattr(additive_ranker, "fit_ranker", lambda *a, **k: no_ranker)

    def model_of(count, seed=0):
        cache, space = tmp_path / "tastes", space_with_artists()
        return taste_stage._cached_models(cache, space, scenes(count), None, (), seed, no_progress)

    first, again = model_of(40), model_of(40)
    assert first.taste_prior == again.taste_prior
    np.testing.assert_array_equal(first.track_factors, again.track_factors)
    assert calls == [40]
    model_of(40, seed=1)
    more = range(41, 41 + taste_stage.CACHED_MODELS - 1)
    for count in more:
        model_of(count)
    assert calls == [40, 40, *more]  # one model more than are cached
    kept = [path.name for path in (tmp_path / "tastes").iterdir()]
    assert len(kept) == taste_stage.CACHED_MODELS
    assert not any(name.endswith(".partial") for name in kept)
    summary = json.loads((tmp_path / "tastes" / kept[0] / "taste.json").read_text())
    assert summary["two_tower"]["weight"] == 1.0
    model_of(40, seed=1)
    model_of(more[-1])
    assert len(calls) == 2 + len(more)
    model_of(40)  # the oldest
    assert calls[2 + len(more) :] == [40]
