"""Unknown values add nothing to a score, and no reason."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend import top_k
from songrec.recommend.explain.contributions import split_distance
from songrec.recommend.feedback_boosts import AppliedBoosts, Boost
from songrec.recommend.query import Query
from songrec.recommend.ranking import rank
from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.similar import closeness, similar_tracks
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste.additive_scorer import AdditiveScorer, AdditiveSettings
from songrec.recommend.taste.attribution import features_per_like
from songrec.recommend.taste.evidence import Evidence
from songrec.recommend.taste.playlist_evidence import PlaylistEvidence
from songrec.recommend.taste.prior import fit_prior
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from tests.recommend.planted import VALUE_NAMES, make_space

N = 300


@pytest.fixture(scope="module")
def space():
    """Random songs, a third of them with two unknown values each, which lie at 0 in the space."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(N, len(VALUE_NAMES)))
    for row in range(0, N, 3):
        values[row, rng.choice(10, 2, replace=False)] = np.nan
    at = [i for i, name in enumerate(VALUE_NAMES) if name not in ("explicit", "popularity")]
    return make_space(np.nan_to_num(values[:, at]), values=values)


@pytest.mark.parametrize("dislikes", [[], [70]])
def test_unknown_values_add_nothing(space, dislikes):
    query = Query.of(space, [20, 30, 50], dislikes)
    scorer = TasteScorer.of(query, TasteSettings())
    rows = np.arange(N)
    terms = scorer.terms(rows)
    unknown = scorer.model.unknown
    assert unknown is not None
    assert unknown.any()
    assert (terms.features[unknown] == 0).all()
    assert (terms.features[~unknown] != 0).any()
    # The quick scores of all songs are the same.
    quick = scorer._with_dislikes if dislikes else scorer._without_dislikes[0]
    np.testing.assert_allclose(quick, terms.total(), atol=2e-3)


def test_a_like_counts_where_it_is_known(space):
    column = int(
        np.flatnonzero(TasteScorer.of(Query.of(space, [20]), TasteSettings()).model.unknown[0])[0]
    )
    alone = TasteScorer.of(Query.of(space, [20, 30]), TasteSettings()).densities[0]
    joined = TasteScorer.of(Query.of(space, [10, 20, 30]), TasteSettings()).densities[0]
    for one, other in ((alone.location, joined.location), (alone.df, joined.df)):
        assert one[column] == other[column]
        assert (one != other).any()


def test_unknown_values_are_no_reasons(space):
    for match in rank(space, [20, 30, 50], n=50, method="taste"):
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score, abs=1e-5)
        assert not [reason.text for reason in match.reasons if "unknown" in reason.text]


@pytest.fixture(scope="module")
def dated():
    """The random songs with a year, unknown of every fourth, and a prior that has popularity."""
    rng = np.random.default_rng(4)
    years = rng.normal(size=N).astype(np.float32)
    years[::4] = np.nan
    values = rng.normal(size=(N, 3)).astype(np.float32)
    values[1::5, 2] = np.nan
    matrix = np.column_stack([values[:, :2], np.nan_to_num(years)])
    space = make_space(matrix)
    space = replace(
        space,
        columns=("energy", "valence", "year"),
        values=np.column_stack([values, years]),
        value_names=("energy", "valence", "popularity", "year"),
    )
    prior = fit_prior(space, [rng.choice(N, 30, replace=False) for _ in range(12)], seed=0)
    return replace(space, taste_prior=prior.to_json())


@pytest.mark.parametrize(
    "likes", [[1, 2, 7], [4], [6]], ids=["several", "no year", "no popularity"]
)
def test_unknown_values_are_no_evidence(dated, likes):
    evidence = Evidence(dated, np.array(likes))
    inputs = evidence.of_rows(np.arange(N))
    no_year, no_popularity = np.isnan(dated.values[:, 3]), np.isnan(dated.values[:, 2])
    for name, unknown in (
        ("year", no_year),
        ("nearest_year", no_year),
        ("popularity", no_popularity),
    ):
        assert (inputs[name][unknown] == 0).all()
        assert np.isfinite(inputs[name]).all()
    assert (inputs["year"][~no_year] != 0).any() == (likes != [4])
    assert (inputs["popularity"][~no_popularity] != 0).any() == (likes != [6])
    assert (evidence.by_column(np.arange(N))[no_year, 2] == 0).all()
    np.testing.assert_allclose(evidence.content, inputs["content"], atol=1e-4)


def test_unknown_values_add_nothing_to_the_curves(dated):
    scorer = AdditiveScorer.of(Query.of(dated, [20, 30, 50]), AdditiveSettings())
    terms = scorer.terms(np.arange(N))
    assert (terms.features[scorer.model.unknown] == 0).all()
    assert (terms.priors["popularity"][np.isnan(dated.values[:, 2])] == 0).all()
    np.testing.assert_allclose(scorer._without_dislikes[0], terms.total(), atol=2e-3)


def test_a_like_of_unknown_popularity_says_nothing_about_popularity(dated):
    alone, joined = (
        TasteScorer.of(Query.of(dated, likes), TasteSettings())._popularity
        for likes in ([30], [30, 70])
    )
    assert (alone.location, alone.df) == (joined.location, joined.df)


@pytest.mark.parametrize("likes", [[20], [10, 20], [20, 30, 50], list(range(20, 220, 10))])
@pytest.mark.parametrize("dislikes", [[], [70]])
@pytest.mark.parametrize("name", ["distance", "cosine"])
def test_searches_with_unknown_values_are_exact(space, name, likes, dislikes):
    method, query = METHODS.create(name), Query.of(space, likes, dislikes)
    rows, scores = method.search(query, 20)
    everything = np.arange(N)
    best = query.rank_distinct(everything, method.scores(query, everything))
    np.testing.assert_array_equal(rows, best[0][:20])
    np.testing.assert_allclose(scores, best[1][:20], rtol=1e-12)
    for why, score in zip(method.reasons(query, rows), scores, strict=True):
        assert sum(reason.contribution for reason in why) == pytest.approx(score, abs=1e-5)


def expected_distances(space, row):
    """Return the distance of each song to a row, twice the variance for what either lacks."""
    unknown = np.isnan(space.values[:, [VALUE_NAMES.index(name) for name in space.columns]])
    matrix = space.matrix.astype(float)
    variances = np.nanvar(np.where(unknown, np.nan, matrix), axis=0)
    squares = np.where(unknown | unknown[row], 2 * variances, (matrix - matrix[row]) ** 2)
    return np.sqrt(squares.sum(axis=1))


@pytest.mark.parametrize("like", [0, 1], ids=["two values unknown", "all known"])
def test_an_unknown_value_is_as_far_as_chance(space, like):
    query = Query(space, np.array([like]), np.empty(0, dtype=np.int64))
    typical, expected = statistics_of(space).typical, expected_distances(space, like)
    everything = np.delete(np.arange(N), like)
    scores = METHODS.create("distance").scores(query, everything)
    np.testing.assert_allclose(scores, typical - expected[everything], atol=1e-5)
    # All songs are of one cluster, so both methods rank them alike.
    rows, scores = METHODS.create("cluster").search(query, N)
    assert len(rows) == N - 1
    np.testing.assert_allclose(scores, typical - expected[rows], atol=1e-5)
    for match in similar_tracks(space, int(space.track_ids[like]), N):
        (row,) = space.rows_of([match.track_id])
        assert match.score == pytest.approx(1 - expected[row] / typical, abs=1e-5)
        (score,) = closeness(space, int(space.track_ids[like]), np.array([row]))
        assert score == pytest.approx(max(match.score, 0), abs=1e-5)


@pytest.mark.parametrize("like", [0, 1, 30, 31])
@pytest.mark.parametrize("count", [1, 10, 100])
def test_the_nearest_with_unknown_values_are_complete(space, like, count, monkeypatch):
    monkeypatch.setattr(top_k, "SLICE", 7)
    expected = expected_distances(space, like)
    ids = [match.track_id for match in similar_tracks(space, int(space.track_ids[like]), count)]
    order = np.argsort(expected, kind="stable")
    assert ids == space.track_ids[order[order != like][:count]].tolist()


def test_likes_of_one_cluster_bring_nothing_for_lacking_values():
    """A song that lacks a value is not nearer to a like than one that has the like's."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N, 2)) * 2
    values[1] = values[0] + 0.01  # as the like
    values[2] = [values[0, 0], np.nan]
    values[0, 1] = values[1, 1] = 0.0
    space = make_space(np.nan_to_num(values), values=values)
    space = replace(space, value_names=space.columns)
    rows, _ = METHODS.create("cluster").search(Query.of(space, [10]), N)
    rank_of = {int(row): at for at, row in enumerate(rows)}
    assert rank_of[1] == 0
    assert rank_of[2] > 10


def test_a_boost_moves_a_song_by_what_is_known_of_it(space):
    query = Query.of(space, [20])
    rows = np.arange(N)
    spread = 2.0
    scores = np.where(rows == 5, spread, 0.0)
    (near,) = AppliedBoosts.of(query, [Boost(10, 0.5)], rows, scores).shares.T
    expected = 1 - expected_distances(space, 0) / statistics_of(space).typical
    np.testing.assert_allclose(near, 0.5 * spread * np.maximum(expected, 0), atol=1e-5)


def test_a_direction_is_the_mean_of_known_values(space):
    query = Query.of(space, [10, 20])
    lacks = statistics_of(space).unknown[query.likes]
    assert lacks[0].any()
    assert not lacks[1].any()
    towards, _ = METHODS.create("cosine")._direction(query)
    column, other = (int(np.flatnonzero(lacks[0] == is_unknown)[0]) for is_unknown in (True, False))
    means = space.matrix[query.likes[1], column], space.matrix[query.likes, other].mean()
    assert towards[column] / towards[other] == pytest.approx(means[0] / means[1], rel=1e-5)


def test_reasons_of_a_distance_leave_out_what_is_unknown(space):
    own = int(space.track_ids[np.isnan(space.values).any(axis=1)][0])
    for match in [*similar_tracks(space, own, 5), *similar_tracks(space, 20, 5)]:
        assert not [reason.text for reason in match.reasons if "unknown" in reason.text]
        total = math.fsum(reason.contribution for reason in match.reasons)
        assert total == pytest.approx(match.score, abs=1e-5)


def test_a_distance_is_shared_out_among_what_is_known():
    differences = np.array([[3.0, 4.0, 9.0], [1.0, 1.0, 1.0]])
    unknown = np.array([[False, False, True], [True, True, True]])
    split = split_distance(differences, 6.0, unknown)
    length = math.sqrt(106)
    assert split[0].tolist() == pytest.approx([3 - length * 9 / 25, 3 - length * 16 / 25, 0.0])
    assert split.sum(axis=1).tolist() == pytest.approx([6 - length, 6 - math.sqrt(3)])


@pytest.mark.parametrize("method", ["taste", "additive_ranker"])
def test_columns_that_no_like_has_say_nothing(space, method):
    """Nothing follows from the one like's two unknown values, and no reason names them."""
    lacks = np.isnan(space.values[0, [VALUE_NAMES.index(name) for name in space.columns]])
    assert lacks.any()
    unnamed = {name for name, lacking in zip(space.columns, lacks, strict=True) if lacking}
    for match in rank(space, [10], n=50, method=method):
        assert not unnamed & {reason.about for reason in match.reasons}
        assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score, abs=1e-5)


@pytest.mark.parametrize("dislikes", [[], [70]])
@pytest.mark.parametrize("scorer_of", [TasteScorer, AdditiveScorer])
def test_quick_scores_of_likes_that_lack_values_are_exact(space, scorer_of, dislikes):
    settings = AdditiveSettings() if scorer_of is AdditiveScorer else TasteSettings()
    scorer = scorer_of.of(Query.of(space, [10], dislikes), settings)
    quick = scorer._with_dislikes if dislikes else scorer._without_dislikes[0]
    np.testing.assert_allclose(quick, scorer.terms(np.arange(N)).total(), atol=2e-3)


@pytest.mark.parametrize(
    ("likes", "silent"), [([4], ["year", "nearest_year"]), ([6], ["popularity"])]
)
def test_evidence_of_likes_without_a_value_is_none(dated, likes, silent):
    inputs = Evidence(dated, np.array(likes)).of_rows(np.arange(N))
    for name in silent:
        assert not inputs[name].any()
    terms = TasteScorer.of(Query(dated, np.array(likes), np.empty(0, int)), TasteSettings()).terms(
        np.arange(N)
    )
    assert ("popularity" in terms.priors) == ("popularity" not in silent)


def test_an_unknown_value_of_a_dislike_takes_nothing_away(space):
    """Songs that differ in what the dislike lacks alone lose the same."""
    columns = [VALUE_NAMES.index(name) for name in space.columns]
    lacks = np.isnan(space.values[0, columns])
    matrix, values = space.matrix.copy(), space.values.copy()
    matrix[2] = matrix[1]
    matrix[2, lacks] += 2.0
    values[1, columns], values[2, columns] = matrix[1], matrix[2]
    planted = replace(space, matrix=matrix, values=values)
    terms = TasteScorer.of(Query.of(planted, [50], [10]), TasteSettings()).dislike_terms(
        np.array([1, 2])
    )
    assert terms[0] == pytest.approx(terms[1], rel=1e-6)


def test_what_is_unknown_of_likes_does_not_part_them():
    """Twenty likes of one taste stay one where half of them lack most values."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(N, 10))
    matrix[:20] = 1.6 + 0.3 * rng.normal(size=(20, 10))
    values = np.zeros((N, len(VALUE_NAMES)))
    columns = [i for i, name in enumerate(VALUE_NAMES) if name not in ("explicit", "popularity")]
    values[:, columns] = matrix
    values[:10, columns[:6]] = np.nan
    space = make_space(np.nan_to_num(values[:, columns]), values=values)
    likes = space.track_ids[:20].tolist()
    assert len(TasteScorer.of(Query.of(space, likes), TasteSettings()).groups) == 1


def test_a_like_without_a_value_gets_no_share_of_its_term(space):
    method, query = METHODS.create("taste"), Query.of(space, [10, 20])
    lacks = statistics_of(space).unknown[0]
    rows = np.arange(2, N)
    scorer = method._scorer(query)
    features = np.where(lacks, scorer.terms(rows).features, 0.0)
    split = features_per_like(
        scorer.model.columns,
        scorer.model.points_with_nan(query.likes),
        scorer.groups,
        scorer.model.points(rows),
        features,
        np.zeros(len(rows), dtype=np.int64),
    )
    assert not split[:, 0].any()
    np.testing.assert_allclose(split[:, 1], features.sum(axis=1))


def test_priors_are_fitted_to_known_values():
    """Where half of the values are unknown, songs of a playlist do not seem to differ more."""
    rng = np.random.default_rng(5)
    values = np.zeros((N, len(VALUE_NAMES)))
    centres = np.repeat(rng.normal(size=15), 20)
    values[:, 0] = centres + 0.3 * rng.normal(size=N)
    values[:, VALUE_NAMES.index("popularity")] = 50 + 20 * centres + rng.normal(size=N)
    playlists = np.arange(N).reshape(15, 20)
    complete = make_space(values[:, :1], values=values)
    values = values.copy()
    values[::2] = np.nan
    partial = make_space(np.nan_to_num(values[:, :1]), values=values)
    every, some = (fit_prior(space, playlists).columns for space in (complete, partial))
    for name in (complete.columns[0], "popularity"):
        assert some[name].within == pytest.approx(every[name].within, rel=0.15)
        assert some[name].between == pytest.approx(every[name].between, rel=0.25)


def test_playlists_with_unknown_values_are_compared_by_what_is_known():
    """The playlist that the like is of stays nearest where half of its songs lack the column."""
    values = np.zeros((60, len(VALUE_NAMES)))
    values[:20, 0], values[20:40, 0], values[40:, 0] = 2.0, 0.8, -1.4
    values[:20, 0] += np.linspace(-0.1, 0.1, 20)
    complete = values.copy()
    values[1:20, 0] = np.where(np.arange(1, 20) % 2, np.nan, values[1:20, 0])
    evidence = []
    for of in (complete, values):
        space = make_space(np.nan_to_num(of[:, :1]), values=of)
        space = replace(space, playlists=(np.arange(20), np.arange(20, 40), np.arange(40, 60)))
        evidence.append(PlaylistEvidence.of(space)._sound_evidence(np.array([0])))
    assert evidence[0].argmax() == evidence[1].argmax() == 0
    assert PlaylistEvidence.of(space)._sound_evidence(np.array([1])).tolist() == [0.0] * 3
