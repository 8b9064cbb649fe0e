"""The additive ranker: what playlists teach, planted, and where it answers."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend import ranking
from songrec.recommend.query import Query
from songrec.recommend.ranking import rank
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.additive_model import LEVELS, AdditiveModel
from songrec.services.training import additive_ranker, two_tower
from songrec.store.runs import spaces
from tests.services.training.test_two_tower import scenes, space_with_artists


@pytest.fixture(scope="module")
def trained():
    """A space with a ranker that was trained on five scenes of twelve artists."""
    space = space_with_artists()
    lists = scenes(60)
    space = replace(space, taste_prior=taste_prior.fit_prior(space, lists).to_json())
    artifacts = additive_ranker.fit_ranker(space, lists)
    return artifacts.apply(space)


def test_artists_of_the_same_playlists_come_first(trained):
    validation = trained.ranker["validation"]
    assert validation["additive_ranker"] > 2 * validation["taste"]
    likes = [0, 50, 100, 150]  # of artists 0, 5, 10, 15: all of the first scene
    matches = rank(trained, likes, [], 10)
    assert [match.track_id // 10 % 5 for match in matches] == [0] * 10
    reasons = {reason.about for reason in matches[0].reasons if reason.contribution > 0}
    assert reasons & {"artist_playlists", "similar_playlists"}


def test_the_new_end_recommends_artists_of_none_of_the_likes(trained):
    likes = [0, 50, 100, 150]
    matches = rank(trained, likes, [], 10, method="additive_ranker", discovery=1.0)
    artists = {match.track_id // 10 for match in matches}
    assert not artists & {0, 5, 10, 15}
    assert {artist % 5 for artist in artists} == {0}


def queries(space):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(space.track_ids), 20, replace=False)
        yield Query(space, np.sort(rows[: [1, 3, 7, 12][seed]]), np.sort(rows[15 : 15 + seed]))


@pytest.mark.parametrize("discovery", [0.0, 0.4, 1.0])
def test_scores_are_exact_and_their_terms_add_up(trained, discovery):
    method = METHODS.create("additive_ranker", discovery=discovery)
    for query in queries(trained):
        rows, scores = method.search(query, 15)
        everything = np.arange(len(trained.track_ids))
        best = query.rank_distinct(everything, method._scorer(query).scores(everything))
        np.testing.assert_array_equal(rows, best[0][:15])
        reasons = [sum(r.contribution for r in why) for why in method.reasons(query, rows)]
        np.testing.assert_allclose(reasons, scores, atol=1e-5)
        without_dislikes = scores + method._scorer(query).dislike_terms(rows).sum(axis=1)
        per_like = method.per_like(query, rows)
        assert per_like.shape == (15, len(query.likes))
        np.testing.assert_allclose(per_like.sum(axis=1), without_dislikes, atol=1e-5)


def test_without_training_scores_are_those_of_taste():
    space = space_with_artists()
    for query in queries(space):
        rows, scores = METHODS.create("additive_ranker").search(query, 15)
        of_taste = METHODS.create("taste").search(query, 15)
        np.testing.assert_array_equal(rows, of_taste[0])
        np.testing.assert_allclose(scores, of_taste[1], atol=1e-6)


@pytest.fixture(scope="module")
def with_towers(trained):
    """The same ranker with nearness to the likes in vectors of the scenes."""
    rng = np.random.default_rng(4)
    scene = np.arange(len(trained.track_ids)) // 10 % 5
    vectors = np.eye(5)[scene] + 0.3 * rng.normal(size=(len(scene), 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    towers = two_tower.Towers(vectors.astype(np.float32), 8.0)
    model = AdditiveModel.from_json(trained.ranker)
    ranker = additive_ranker.with_towers(model, towers, 0.5).to_json()
    return replace(trained, ranker=ranker, track_factors=towers.vectors)


def test_nearness_in_track_factors_counts_and_its_terms_add_up(trained, with_towers):
    test_scores_are_exact_and_their_terms_add_up(with_towers, 0.0)
    test_scores_are_exact_and_their_terms_add_up(with_towers, 1.0)
    likes = np.array([0, 50])
    before = METHODS.create("additive_ranker").scores(Query(trained, likes, likes[:0]), likes + 7)
    query = Query(with_towers, likes, likes[:0])
    after = METHODS.create("additive_ranker").scores(query, likes + 7)
    near = with_towers.track_factors.astype(float)
    towards = near[likes].mean(axis=0) / np.linalg.norm(near[likes].mean(axis=0))
    expected = 0.5 * 8 * (near[likes + 7] - near.mean(axis=0)) @ towards
    np.testing.assert_allclose(after - before, expected, atol=1e-4)
    (why, _) = METHODS.create("additive_ranker").reasons(query, likes + 7)
    (of_playlists,) = (reason for reason in why if reason.about == "playlists")
    assert of_playlists.contribution == pytest.approx(expected[0], abs=1e-4)
    assert of_playlists.text.startswith("Often in playlists with songs like “")
    elsewhere = tuple(rows[rows // 10 != 0] for rows in with_towers.playlists)
    query = Query(replace(with_towers, playlists=elsewhere), likes, likes[:0])
    (why, _) = METHODS.create("additive_ranker").reasons(query, likes + 7)
    (of_playlists,) = (reason for reason in why if reason.about == "playlists")
    assert of_playlists.text.startswith("Sounds like songs in playlists with “")


def test_playlists_to_validate_with_save_a_training(monkeypatch):
    fitted, fit_curves = [], additive_ranker.fit_curves

    def counted(space, **options):
        fitted.append(len(space.playlists))
        return fit_curves(space, **options)

    monkeypatch.setattr(additive_ranker, "fit_curves", counted)
    space, lists = space_with_artists(), scenes(60)
    space = replace(space, taste_prior=taste_prior.fit_prior(space, lists[:45]).to_json())
    found = additive_ranker.fit_ranker(space, lists[:45], validation=lists[45:])
    assert fitted == [45]
    assert found.model["playlists"] == 45
    validation = found.model["validation"]
    assert validation["additive_ranker"] > validation["taste"]


def test_towers_count_where_they_find_more_of_held_out_playlists():
    space, lists = space_with_artists(), scenes(60)
    space = replace(space, taste_prior=taste_prior.fit_prior(space, lists).to_json())
    scene = np.arange(len(space.track_ids)) // 10 % 5
    helpful = two_tower.Towers(np.eye(5, dtype=np.float32)[scene], 20.0)
    fitted = two_tower.FittedTowers(helpful, helpful, tuple(lists[:12]))
    found = additive_ranker.fit_ranker(space, lists, fitted)
    validation = found.model["validation"]
    assert validation["additive_ranker"] > validation["taste"]
    assert (found.track_factors is not None) == (found.model["towers"] > 0)
    useless = two_tower.Towers(
        np.ones((len(scene), 5), np.float32) / np.sqrt(5, dtype=np.float32), 20.0
    )
    fitted = two_tower.FittedTowers(useless, useless, tuple(lists[:12]))
    found = additive_ranker.fit_ranker(space, lists, fitted)
    assert found.model["towers"] == 0
    assert found.track_factors is None


def test_a_run_with_a_ranker_answers_by_it_and_others_as_before(trained):
    assert ranking.method_used(trained) == "additive_ranker"
    assert ranking.method_used(trained, "taste") == "taste"
    assert ranking.method_used(trained, "learned") == "taste"
    older = replace(trained, ranker=None, playlists=())
    assert ranking.method_used(older) == "taste"
    assert ranking.method_used(older, "additive_ranker") == "taste"


def test_a_ranker_that_is_not_better_is_dropped(monkeypatch):
    space = space_with_artists()
    equal = {"taste": 0.1, ("additive_ranker", 0.0): 0.1}
    monkeypatch.setattr(additive_ranker, "_validate", lambda *a, **k: (equal, None))
    assert additive_ranker.fit_ranker(space, scenes(40)).model is None
    assert additive_ranker.fit_ranker(space, scenes(29)).model is None


def test_curves_are_zero_without_evidence_and_never_fall(trained):
    model = AdditiveModel.from_json(trained.ranker)
    for discovery in (0.0, 0.3, 1.0):
        for n_likes in (1, 2, 3, 6, 10, 40):
            for name, curve in model.curves(n_likes, discovery).items():
                assert curve(np.zeros(1))[0] == pytest.approx(0)
                assert name == "liked_artist" or (np.diff(curve.values) >= -1e-9).all()
    assert set(model.knots) == set(model.values)
    assert all(len(one) == len(LEVELS) for one in model.values.values())


def test_scores_of_a_few_songs_are_those_of_a_search(trained):
    for query in queries(trained):
        few = np.array([3, 77, 78, 401])
        alone = METHODS.create("additive_ranker").scores(replace(query), few)
        METHODS.create("additive_ranker").search(query, 10)
        after = METHODS.create("additive_ranker").scores(query, few)
        np.testing.assert_allclose(alone, after, atol=1e-6)


def test_a_ranker_that_is_read_back_answers_the_same(trained, tmp_path):
    assert spaces.read_ranker(tmp_path) == {}
    spaces.write_ranker(tmp_path, trained.ranker, trained.playlists)
    stored = replace(trained, **spaces.read_ranker(tmp_path))
    assert rank(stored, [0, 50], [7], 10) == rank(trained, [0, 50], [7], 10)
