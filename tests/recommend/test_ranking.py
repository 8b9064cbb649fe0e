from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, Reranking
from songrec.recommend.methods.distance import Distance
from songrec.recommend.query import Query
from songrec.recommend.ranking import rank, rank_ids
from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.similar import similar_tracks
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste.density import NormalInverseGamma, split_into_tastes
from songrec.recommend.taste.prior import TastePrior
from tests.recommend.planted import make_space, random_space

SPACE = random_space(700, d=6, seed=3, clusters=4)
ids = st.sampled_from(SPACE.track_ids.tolist())
tastes = st.tuples(
    st.lists(ids, min_size=1, max_size=45, unique=True), st.lists(ids, max_size=5, unique=True)
).filter(lambda taste: set(taste[0]) - set(taste[1]))
methods = st.sampled_from(METHODS.names())
BY_SOUND = ("cosine", "distance", "cluster", "taste", "learned", "fragments")
"""The methods whose answers on these planted spaces are known."""


def song_of(track_ids):
    return set(SPACE.song_keys[SPACE.rows_of(list(track_ids))].tolist())


@settings(max_examples=60, deadline=None)
@given(tastes, methods, st.sampled_from([0.0, 0.3, 1.0]))
def test_contributions_add_up_to_the_score(taste, method, variety):
    for match in rank(SPACE, *taste, 8, method=method, by=Reranking(variety)):
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(tastes, methods, st.sampled_from([0.0, 0.7]))
def test_known_songs_never_come_back_and_every_song_comes_once(taste, method, variety):
    likes, dislikes = taste
    found = [
        m.track_id for m in rank(SPACE, likes, dislikes, 60, method=method, by=Reranking(variety))
    ]
    assert not song_of(found) & song_of([*likes, *dislikes])
    assert len(song_of(found)) == len(found)


def plain_scores(method, taste):
    """Every track's score, computed the slow way."""
    matrix = SPACE.matrix.astype(np.float64)
    typical = statistics_of(SPACE).typical
    to_likes = np.linalg.norm(matrix[:, None] - taste.liked_vectors, axis=2)
    to_dislikes = np.linalg.norm(matrix[:, None] - taste.disliked_vectors, axis=2)
    near = np.maximum(typical - to_dislikes, 0)
    if method in ("distance", "fragments"):  # whole songs, where none is cut into segments
        return (typical - to_likes).sum(axis=1) - 0.25 * near.sum(axis=1)
    if method == "cluster":
        same = SPACE.labels[:, None] == SPACE.labels[taste.likes]
        pushed = 0.15 * near.max(axis=1, initial=0)
        return typical - np.where(same, to_likes, np.inf).min(axis=1) - pushed
    if method in ("taste", "learned"):
        return plain_taste(matrix, taste)
    query = taste.liked_vectors.mean(axis=0)
    if len(taste.dislikes):
        query = query - 0.15 * taste.disliked_vectors.mean(axis=0)
    return matrix @ query / np.linalg.norm(matrix, axis=1) / np.linalg.norm(query)


def plain_taste(matrix, taste):
    """Student's t as scipy has it, every track and column."""
    scale = matrix.std(axis=0)
    matrix, likes, bad = (v / scale for v in (matrix, taste.liked_vectors, taste.disliked_vectors))
    model = NormalInverseGamma([TastePrior().column(name) for name in SPACE.columns])

    def log(density):
        root = np.sqrt(density.squared_scale)
        return stats.t.logpdf(matrix, density.df, density.location, root).sum(axis=1)

    before = log(model.prior_predictive)
    groups = split_into_tastes(model, likes)
    of_groups = [
        log(model.posterior_predictive(likes[g])) + np.log(len(g) / len(likes)) for g in groups
    ]
    usual = stats.t.logpdf(
        1, model.prior_predictive.df, 0, np.sqrt(model.prior_predictive.squared_scale)
    ).sum()
    harm = sum(np.exp(log(model.density_around(one)) - before) for one in bad)
    return np.max(of_groups, axis=0) - 0.8 * before - 0.2 * usual - np.log1p(harm / len(likes))


@settings(max_examples=60, deadline=None)
@given(tastes, st.sampled_from(BY_SOUND), st.integers(1, 40))
def test_the_best_tracks_are_those_of_brute_force(taste, method, n):
    asked = Query.of(SPACE, *taste)
    scores = plain_scores(method, asked)
    rows, best = asked.rank_distinct(np.arange(len(scores)), scores)
    best = best[np.isfinite(best)][:n]
    found = rank(SPACE, *taste, n, method=method)
    assert [m.score for m in found] == pytest.approx(best.tolist(), abs=1e-5)
    if len(best) and np.diff(best).size and np.abs(np.diff(best)).min() > 1e-5:
        assert [m.track_id for m in found] == SPACE.track_ids[rows[: len(best)]].tolist()


def test_distance_looks_at_a_small_part_of_a_large_catalogue(monkeypatch):
    space = random_space(30_000, d=8, seed=1)
    near = np.argsort(np.linalg.norm(space.matrix - space.matrix[7], axis=1))[:40]
    looked = []
    scores = Distance.scores

    def counted(self, taste, rows):
        looked.append(len(rows))
        return scores(self, taste, rows)

    monkeypatch.setattr(Distance, "scores", counted)
    rank(space, space.track_ids[near].tolist(), [], 10, method="distance")
    assert sum(looked) < 3_000


def planted(extra=()):
    """Far-off noise, and three tracks beside the first one."""
    rng = np.random.default_rng(5)
    noise = rng.normal(loc=(0, 0, 0, -4), size=(200, 4))
    centre = np.array([[2.0, 2.0, 2.0, 6.0]])
    neighbours = centre * (1 + np.array([[0.0], [0.01], [0.02], [0.03]]))
    return np.vstack([neighbours, noise, *extra])


@pytest.mark.parametrize("method", BY_SOUND)
def test_planted_neighbours_come_first(method):
    space = make_space(planted())
    found = rank(space, [10], [], 3, method=method)
    assert {m.track_id for m in found} == {20, 30, 40}
    assert found[0].score >= found[1].score >= found[2].score


def test_similar_puts_planted_neighbours_first_and_leaves_the_track_itself_out():
    found = similar_tracks(make_space(planted()), 10, 3)
    assert [m.track_id for m in found] == [20, 30, 40]
    assert 0 < found[2].score < found[0].score < 1
    for match in found:
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score, abs=1e-9)


def test_length_and_year_do_not_make_songs_similar():
    rng = np.random.default_rng(4)
    sounds = rng.normal(size=(50, 3))
    sounds[1] = sounds[0] + 0.01
    besides = rng.normal(size=(50, 2))
    besides[0], besides[1], besides[2] = 3.0, -3.0, 3.0  # the third shares length and year alone
    space = replace(
        make_space(np.hstack([sounds, besides])),
        columns=("energy", "tempo", "liveness", "duration", "year"),
    )
    found = similar_tracks(space, 10, 1)
    assert [match.track_id for match in found] == [20]
    assert {reason.about for reason in found[0].reasons} == {"energy", "tempo", "liveness"}


def test_similar_names_a_track_added_after_the_run():
    with pytest.raises(NotReady, match="flask train"):
        similar_tracks(make_space(planted()), 11, 3)


@pytest.mark.parametrize("method", BY_SOUND)
def test_a_second_copy_of_a_liked_song_is_not_recommended(method):
    keys = np.arange(204)
    keys[1] = keys[0]
    keys[3] = keys[2]
    found = rank(make_space(planted(), song_keys=keys), [10], [], 2, method=method)
    assert found[0].track_id in (30, 40)
    assert len({30, 40} & {m.track_id for m in found}) == 1
    assert 20 not in {m.track_id for m in found}


@pytest.mark.parametrize("method", BY_SOUND)
def test_a_dislike_pushes_its_neighbours_down(method):
    # Liked at (0, 10), answers on both sides of it, and a dislike beyond the nearer one.
    # (In columns of which all methods make as much; the one between them is the same for all.)
    noise = np.random.default_rng(1).normal(loc=(0, -5), size=(50, 2))
    points = [[0, 10], [2.95, 10], [-3, 10], [4, 10], *noise]
    space = make_space([[x, 0, y] for x, y in points])
    assert rank(space, [10], [], 1, method=method)[0].track_id == 20
    found = rank(space, [10], [40], 2, method=method)
    assert found[0].track_id == 30
    pushed = [r for m in found for r in m.reasons if r.kind == "disliked"]
    assert pushed
    assert {r.about for r in pushed} == {40}


def test_same_cluster_recommends_only_from_the_clusters_of_the_likes():
    likes = SPACE.track_ids[:2].tolist()
    found = rank(SPACE, likes, [], 700, method="cluster")
    wanted = set(SPACE.labels[:2].tolist())
    assert {int(SPACE.labels[SPACE.rows_of([m.track_id])[0]]) for m in found} == wanted


def test_noise_is_no_cluster():
    space = make_space(planted(), labels=np.full(204, -1))
    assert rank(space, [10], [], 5, method="cluster") == []


def test_the_same_question_gets_the_same_answer():
    likes = SPACE.track_ids[5:9].tolist()
    for method in METHODS.names():
        by = Reranking(0.4, surprise=7)
        again = rank(SPACE, likes, [], 9, method=method, by=by)
        assert rank(SPACE, likes, [], 9, method=method, by=by) == again


def test_a_list_longer_than_the_catalogue_holds_all_of_it():
    space = make_space(planted())
    assert len(rank(space, [10], [20], 10_000, method="distance")) == 202


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (BadInput, {"likes": []}),
        (BadInput, {"likes": [10], "dislikes": [10]}),
        (NotReady, {"likes": [11]}),
        (UnknownName, {"likes": [10], "method": "cosinus"}),
    ],
)
def test_impossible_requests_raise_an_error(error, arguments):
    with pytest.raises(error):
        rank(SPACE, n=3, **arguments)


@pytest.mark.parametrize("method", BY_SOUND)
def test_a_catalogue_of_identical_songs_is_ranked(method):
    same = make_space(np.zeros((5, 3)))
    found = rank(same, [10], [], 3, method=method)
    assert [match.track_id for match in found] == [20, 30, 40]
    scores = {match.score for match in found}
    if method in ("taste", "learned"):
        assert len(scores) == 1
        assert scores.pop() > 0
    else:
        assert scores == {0.0 if method == "cosine" else 1.0}
    assert rank(make_space(np.zeros((1, 3))), [10], [], 3, method=method) == []


def test_identical_songs_have_the_highest_similarity():
    assert [match.score for match in similar_tracks(make_space(np.zeros((3, 3))), 10, 5)] == [
        1.0,
        1.0,
    ]
    assert similar_tracks(make_space(np.zeros((1, 3))), 10, 5) == []


@pytest.mark.parametrize("method", METHODS.names())
def test_a_space_without_columns_raises_an_error(method):
    nothing = make_space(np.zeros((5, 0)))
    with pytest.raises(NotReady, match="Ingest a catalogue"):
        rank(nothing, [10], [], 3, method=method)
    with pytest.raises(NotReady, match="Ingest a catalogue"):
        similar_tracks(nothing, 10, 3)


def test_a_ranking_without_reasons_is_the_same_ranking():
    space = random_space(300, d=4, seed=4)
    options = {"by": DEFAULT_RERANKING, "seeds": True, "withdrawn": [70], "excluded": [20]}
    only = space.track_ids[::2]
    for likes in ([10], [10, 40, 90]):
        for chosen in (None, only):
            whole = rank(space, likes, n=25, only=chosen, **options)
            expected = [match.track_id for match in whole]
            assert rank_ids(space, likes, 25, only=chosen, **options) == expected
    with pytest.raises(BadInput):
        rank_ids(space, [], 5)
    with pytest.raises(NotReady):
        rank_ids(space, [-1], 5, seeds=True)
