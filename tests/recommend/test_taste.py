"""Tastes: planted ones are found, priors are learnt, and every reason says what it counts."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.ranking import rank
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.density import NormalInverseGamma, split_into_tastes
from songrec.recommend.taste.prior import ColumnPrior, PitmanYor, TastePrior
from tests.recommend.planted import make_space, random_space

D = 6
RNG = np.random.default_rng(11)


def catalogue(tracks=2000, seed=4, **credits):
    rng = np.random.default_rng(seed)
    return replace(make_space(rng.normal(size=(tracks, D))), **credits)


def with_planted(space, centre, spread, count, seed):
    """The space with its first ``count`` tracks moved around ``centre``."""
    matrix = space.matrix.copy()
    rng = np.random.default_rng(seed)
    matrix[:count] = centre + spread * rng.normal(size=(count, D))
    return replace(space, matrix=matrix.astype(np.float32))


def found(space, likes, n=10, dislikes=(), **parameters):
    likes, dislikes = (space.track_ids[list(rows)].tolist() for rows in (likes, dislikes))
    return rank(space, likes, dislikes, n, method="taste", **parameters)


def rows_of(space, matches):
    return space.rows_of([match.track_id for match in matches]).tolist()


def test_a_planted_taste_is_found():
    # Two columns are what these like; the other four they do not care about.
    space = with_planted(
        catalogue(), np.array([1.5, -1.5, 0, 0, 0, 0]), np.array([0.1, 0.1, 1, 1, 1, 1]), 60, 1
    )
    rows = rows_of(space, found(space, range(15), 20))
    assert sum(row < 60 for row in rows) >= 12  # chance is one in thirty


def test_attributes_that_the_likes_agree_in_decide():
    space = with_planted(
        catalogue(), np.array([1.5, 0, 0, 0, 0, 0]), np.array([0.05, 1, 1, 1, 1, 1]), 30, 2
    )
    first = found(space, range(15), 1)[0]
    contributions = {reason.about: reason.contribution for reason in first.reasons}
    assert max(contributions, key=contributions.get) == space.columns[0]
    assert contributions[space.columns[0]] > 3 * sorted(contributions.values())[-2]


def two_tastes():
    a, b = np.full(D, 1.6), np.full(D, -1.6)
    rng = np.random.default_rng(3)
    return np.vstack([a + 0.3 * rng.normal(size=(9, D)), b + 0.3 * rng.normal(size=(6, D))])


def test_two_planted_tastes_stay_two():
    groups = split_into_tastes(NormalInverseGamma([ColumnPrior()] * D), two_tastes())
    assert [sorted(group.tolist()) for group in groups] == [list(range(9)), list(range(9, 15))]


def test_one_taste_stays_one():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        likes = 0.5 * rng.normal(size=D) + 0.8 * rng.normal(size=(12, D))
        assert len(split_into_tastes(NormalInverseGamma([ColumnPrior()] * D), likes)) == 1, seed


def test_few_likes_are_one_taste():
    likes = np.array([[3.0] * D, [-3.0] * D, [3.0] * D, [-3.0] * D, [0.0] * D])
    assert len(split_into_tastes(NormalInverseGamma([ColumnPrior()] * D), likes)) == 1


def test_two_tastes_are_both_recommended_and_nothing_in_between():
    space = catalogue()
    matrix = space.matrix.copy()
    rng = np.random.default_rng(5)
    matrix[:40] = 1.6 + 0.3 * rng.normal(size=(40, D))
    matrix[40:80] = -1.6 + 0.3 * rng.normal(size=(40, D))
    matrix[80:120] = 0.3 * rng.normal(size=(40, D))  # what the average of both would be
    space = replace(space, matrix=matrix)
    answered = found(space, [*range(8), *range(40, 48)], 40)
    rows = rows_of(space, answered)
    assert sum(row < 40 for row in rows) >= 10
    assert sum(40 <= row < 80 for row in rows) >= 10
    assert not any(80 <= row < 120 for row in rows)
    told = [r for match in answered for r in match.reasons if r.about == "taste"]
    assert {r.text for r in told} == {"Fits one of your 2 tastes (8 of 16 likes)"}


def test_a_disliked_region_is_not_recommended():
    space = with_planted(catalogue(), np.full(D, 1.2), 0.5, 200, 6)
    before = rows_of(space, found(space, range(10), 20))
    middle = space.matrix[before[:3]].mean(axis=0)

    def near(rows):
        return int((np.linalg.norm(space.matrix[rows] - middle, axis=1) < 1.0).sum())

    after = rows_of(space, found(space, range(10), 20, dislikes=before[:3]))
    assert near(before) >= 6
    assert near(after) <= near(before) / 2


def test_a_distant_dislike_changes_next_to_nothing():
    space = with_planted(catalogue(), np.full(D, 1.2), 0.5, 200, 6)
    far = int(np.argmin(space.matrix.sum(axis=1)))
    before = found(space, range(10), 10)
    after = found(space, range(10), 10, dislikes=[far])
    assert [m.track_id for m in before] == [m.track_id for m in after]
    assert [m.score for m in after] == pytest.approx([m.score for m in before], abs=1e-3)


def credited(tracks=2000):
    """Every artist has ten tracks in a row, every album five."""
    artists = np.arange(tracks, dtype=np.uint64) // np.uint64(10) + np.uint64(1)
    albums = np.arange(tracks, dtype=np.uint64) // np.uint64(5) + np.uint64(1)
    return catalogue(tracks, artists=artists, albums=albums)


def test_a_liked_artist_is_recommended_and_named_as_the_reason():
    space = credited()
    likes = [0, 1, 100, 101]
    names = {int(space.track_ids[0]): "Hallelujah"}
    space = replace(space, taste_prior=TastePrior(artist=PitmanYor(2.0, 0.2, 1.0)).to_json())
    answered = found(space, likes, 8, names=lambda ids: names)
    rows = rows_of(space, answered)
    assert {row // 10 for row in rows} <= {0, 10}
    first = next(m for m, row in zip(answered, rows, strict=True) if row < 10)
    reason = next(r for r in first.reasons if r.about == "artist")
    assert reason.kind == "prior"
    assert reason.text == "By the same artist as “Hallelujah” and another song you like"
    assert reason.details["likes"] == space.track_ids[[0, 1]].tolist()
    assert reason.contribution > 3


def test_without_metadata_only_the_sound_counts():
    space = credited()
    bare = replace(space, artists=None, albums=None)
    one = found(space, [0, 1, 100], 10, metadata=False)
    assert one == found(bare, [0, 1, 100], 10)
    assert {reason.kind for match in one for reason in match.reasons} == {"feature"}


def test_contributions_add_up_with_every_kind_of_term():
    space = credited()
    values = np.column_stack([space.values, RNG.integers(0, 100, len(space.values))])
    learned = TastePrior({"popularity": ColumnPrior(0.4, 0.6, 5.0)}).to_json()
    space = replace(
        space,
        values=values.astype(np.float32),
        value_names=(*space.value_names, "popularity"),
        taste_prior=learned,
    )
    taste = Query.of(space, space.track_ids[[0, 1, 2, 50, 51, 99]].tolist(), [30, 40])
    rows, scores = TasteMethod().search(taste, 30)
    reasons = TasteMethod().reasons(taste, rows)
    kinds = {reason.about for why in reasons for reason in why if reason.kind == "prior"}
    assert kinds >= {"artist", "popularity"}
    for score, why in zip(scores, reasons, strict=True):
        assert sum(reason.contribution for reason in why) == pytest.approx(score, abs=1e-9)


def test_the_artists_of_unknown_tracks_are_not_one_artist():
    space = catalogue(300, artists=np.zeros(300, np.uint64), albums=np.zeros(300, np.uint64))
    kinds = {reason.kind for match in found(space, [0, 1], 5) for reason in match.reasons}
    assert kinds == {"feature"}


def playlists(space, count, artists_each, seed=0):
    """Playlists of thirty tracks around a point each, from as many artists."""
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(count):
        centre = rng.normal(size=D) * np.array([1.0, 0.8, 0.5, 0.3, 0.1, 0.0])
        apart = ((space.matrix - centre) ** 2).sum(axis=1)
        if artists_each:
            chosen = rng.choice(200, artists_each, replace=False)
            pool = (chosen[:, None] * 10 + np.arange(10)).ravel()
        else:
            pool = np.argsort(apart)[:60]
        lists.append(rng.choice(pool, 30, replace=False))
    return lists


def test_columns_that_playlists_agree_in_get_a_narrow_prior():
    space = catalogue()
    prior = taste_prior.fit_prior(space, playlists(space, 60, 0))
    assert prior.playlists == 60
    within = [prior.columns[name].within for name in space.columns]
    between = [prior.columns[name].between for name in space.columns]
    assert between[0] > between[3] > between[5]
    assert max(within) < 0.65  # nearer to each other than the weak prior has it
    assert TastePrior.from_json(prior.to_json()).column(space.columns[0]).within == pytest.approx(
        within[0], abs=1e-4
    )


def test_how_readily_artists_come_again_is_fitted():
    space = credited()
    faithful = taste_prior.fit_prior(space, playlists(space, 40, 3)).artist
    rng = np.random.default_rng(1)
    never = [rng.permutation(200)[:30] * 10 + rng.integers(0, 10, 30) for _ in range(40)]
    fickle = taste_prior.fit_prior(space, never).artist
    counts = taste_prior.artist_counts(
        space.artists.astype(np.int64), np.array([0, 1, 100]), np.array([2, 101, 500])
    )
    loyal, other = (taste_prior.log_lift(habit, counts) for habit in (faithful, fickle))
    assert loyal[0] > loyal[1] > loyal[2]
    assert loyal[0] > other[0]
    assert loyal[2] < other[2]


def test_the_pitman_yor_process_is_a_probability_over_the_catalogue():
    artists = np.repeat(np.arange(1, 21), 5)
    known = np.array([0, 1, 5, 10])
    habit = PitmanYor(3.0, 0.4, 1.0)
    rest = np.setdiff1d(np.arange(100), known)
    ratio = np.exp(taste_prior.log_lift(habit, taste_prior.artist_counts(artists, known, rest)))
    # What the four known songs would have had of the new part is all that is missing.
    new = (3.0 + 0.4 * 3) / (4 + 3.0) / 100
    assert (ratio / 100).sum() == pytest.approx(1 - 4 * new)


def test_too_few_playlists_leave_the_default_prior():
    space = catalogue()
    assert taste_prior.fit_prior(space, playlists(space, 4, 0)) == TastePrior()
    assert TastePrior.from_json(None).column("energy") == ColumnPrior()


def test_a_column_of_another_scale_counts_the_same():
    space = random_space(500, d=4, seed=2)
    wide = replace(space, matrix=(space.matrix * np.array([1, 10, 0.1, 1])).astype(np.float32))
    likes = space.track_ids[:8].tolist()
    same = [m.track_id for m in rank(space, likes, [], 20, method="taste")]
    assert [m.track_id for m in rank(wide, likes, [], 20, method="taste")] == same


def test_by_default_the_year_counts_more_than_the_tempo():
    model = NormalInverseGamma(
        [taste_prior.default_column_prior("year"), taste_prior.default_column_prior("tempo")]
    )
    likes = np.full((5, 2), 1.0)
    of_that_time, of_that_tempo = model.posterior_predictive(likes).log_density(
        np.array([[1.0, -1.0], [-1.0, 1.0]])
    )
    assert of_that_time.sum() > of_that_tempo.sum() + 1
    nothing = taste_prior.TastePrior()
    assert nothing.column("year") == taste_prior.default_column_prior("year")
    assert nothing.column("energy") == taste_prior.ColumnPrior()


def test_an_unknown_album_of_a_like_is_no_other_album():
    """Whether a song is of a like's album is unknown where the like's album is."""
    space = credited()
    albums = space.albums.copy()
    albums[0] = 0
    by_artist = space.track_ids[:10].tolist()
    ranked = found(replace(space, albums=albums), [0], 9, only=by_artist)
    assert len(ranked) == 9
    assert not [r.text for match in ranked for r in match.reasons if r.about == "album"]
    # Beside a like of a known album it counts nothing: as if that one alone were liked.
    artists, numbers = space.artists.astype(int), albums.astype(int)
    both, alone = (
        taste_prior.album_counts(artists, numbers, np.array(likes), np.array([2, 7, 12]))
        for likes in ([0, 1], [1])
    )
    for name in ("same", "left", "n_liked", "names", "total"):
        np.testing.assert_array_equal(getattr(both, name), getattr(alone, name))
