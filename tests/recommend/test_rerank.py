"""Re-ranking does what it is called, for every method, and the reasons still add up."""

from __future__ import annotations

import itertools
import math
import tempfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.core.errors import BadInput, UnknownName
from songrec.recommend.explain import contributions
from songrec.recommend.feedback_boosts import Boost
from songrec.recommend.lists.rerank import (
    DEFAULT_RERANKING,
    NO_RERANKING,
    Reranking,
    available_criteria,
    cap_per_artist,
)
from songrec.recommend.ranking import method_used, rank
from songrec.recommend.registry import METHODS
from songrec.recommend.space_statistics import statistics_of
from tests.recommend.planted import make_space, random_space
from tests.recommend.test_segments import index_of


def credited_space(tracks=700, artists=60, seed=3):
    """Points with artist, album, popularity, year and vectors that playlists taught."""
    rng = np.random.default_rng(seed)
    space = random_space(tracks, d=6, seed=seed, clusters=4)
    by = rng.integers(0, artists + 1, tracks).astype(np.uint64)  # 0 is nobody
    on = by * np.uint64(4) + rng.integers(0, 4, tracks).astype(np.uint64)
    beside = np.column_stack([rng.integers(0, 101, tracks), rng.integers(1960, 2021, tracks)])
    beside = beside.astype(np.float32)
    beside[rng.random(beside.shape) < 0.1] = np.nan
    track_factors = rng.normal(size=(tracks, 8)) + 0.3
    track_factors /= np.linalg.norm(track_factors, axis=1, keepdims=True)
    return replace(
        space,
        values=np.column_stack([space.values, beside]),
        value_names=(*space.value_names, "popularity", "year"),
        artists=by,
        albums=np.where(by > 0, on, 0),
        track_factors=track_factors.astype(np.float32),
        taste_prior={
            "playlists": 9,
            "columns": {"popularity": [0.5, 0.5, 5.0]},
            "artist": [4.0, 0.3, 1.0],
            "album": [4.0, 0.3, 1.0],
            "two_tower": {"weight": 3.0},
        },
    )


def with_segments(space):
    """The space with three windows of every track beside its point."""
    rng = np.random.default_rng(2)
    songs = {
        track_id: point + 0.5 * rng.normal(size=(3, len(point)))
        for track_id, point in zip(space.track_ids.tolist(), space.matrix, strict=True)
    }
    # The arrays stay mapped when the folder is gone.
    with tempfile.TemporaryDirectory() as folder:
        return replace(space, segments=index_of(folder, songs))


SPACE = with_segments(credited_space())
ids = st.sampled_from(SPACE.track_ids.tolist())
tastes = st.tuples(
    st.lists(ids, min_size=1, max_size=30, unique=True), st.lists(ids, max_size=4, unique=True)
).filter(lambda taste: set(taste[0]) - set(taste[1]))
share = st.sampled_from([0.0, 0.3, 1.0])
options = st.builds(
    Reranking, share, share, share, st.integers(0, 3), st.none() | st.integers(0, 99), st.booleans()
)
boosts = st.lists(st.builds(Boost.of_skips, ids, st.integers(1, 4)), max_size=2)
LIKES = SPACE.track_ids[[1, 2, 3, 50, 51]].tolist()


def rows_of(found):
    return SPACE.rows_of([match.track_id for match in found])


@settings(max_examples=120, deadline=None)
@given(tastes, st.sampled_from(METHODS.names()), options, boosts)
def test_contributions_add_up_under_every_method_and_re_ranking(taste, method, by, boosted):
    found = rank(SPACE, *taste, 7, method=method, by=by, boosts=boosted)
    assert found or method == "cluster"
    for match in found:
        told = math.fsum(reason.contribution for reason in match.reasons)
        assert told == pytest.approx(match.score, abs=1e-5)
        if match.per_like:
            split = math.fsum(reason.contribution for reason in match.per_like)
            assert split == pytest.approx(match.score, abs=1e-5)
    scores = [match.score for match in found]
    assert all(one >= other - 1e-9 for one, other in itertools.pairwise(scores))


@settings(max_examples=60, deadline=None)
@given(tastes, st.sampled_from(METHODS.names()), options)
def test_a_re_ranked_list_still_has_no_known_song_and_no_song_twice(taste, method, by):
    found = rank(SPACE, *taste, 20, method=method, by=by)
    songs = SPACE.song_keys[rows_of(found)].tolist()
    known = SPACE.song_keys[SPACE.rows_of([*taste[0], *taste[1]])].tolist()
    assert len(set(songs)) == len(songs)
    assert not set(songs) & set(known)


@pytest.mark.parametrize("method", METHODS.names())
def test_variety_spreads_the_answers_in_the_latent(method):
    def apart(variety):
        found = rank(SPACE, LIKES, [], 10, method=method, by=Reranking(variety))
        latent = SPACE.latent[rows_of(found)]
        gaps = np.linalg.norm(latent[:, None] - latent[None], axis=2) + 1e9 * np.eye(len(latent))
        return gaps.min(axis=1).mean(), found

    close, first = apart(0.0)
    middle, _ = apart(0.5)
    varied, last = apart(1.0)
    assert close < middle <= varied
    assert first[0].track_id == last[0].track_id
    told = [r for match in last for r in match.reasons if r.kind == "rerank"]
    assert {reason.about for reason in told} == {"variety"}
    assert all(reason.contribution < 0 for reason in told)


def test_variety_looks_at_the_latent_and_not_at_the_space():
    # All the same in the space, two places in the latent.
    latent = np.zeros((12, 2), dtype=np.float32)
    latent[[1, 7]] = 5.0, 5.0
    space = replace(make_space(np.ones((12, 3)) * [[1.0], *[[1.01]] * 11]), latent=latent)
    found = rank(space, [10], [], 3, method="cosine", by=Reranking(0.5))
    there = [bool(latent[space.rows_of([match.track_id])[0], 0]) for match in found]
    assert sorted(there[:2]) == [False, True]


def test_what_variety_costs_names_the_song_further_up():
    names = {int(track_id): f"Song {track_id}" for track_id in SPACE.track_ids}
    found = rank(SPACE, LIKES, [], 6, method="taste", by=Reranking(0.6), names=lambda ids: names)
    above: set[str] = set()
    for match in found:
        for reason in match.reasons:
            if reason.kind == "rerank":
                assert reason.details["title"] in above
                assert reason.text == f"Much like “{reason.details['title']}” further up"
        above.add(names[match.track_id])


@pytest.mark.parametrize("method", METHODS.names())
@pytest.mark.parametrize(
    ("wish", "name", "sign"), [("novelty", "popularity", -1), ("freshness", "year", 1)]
)
def test_little_known_and_recent_songs_come_up(method, wish, name, sign):
    values = SPACE.values[:, SPACE.value_names.index(name)]

    def middle(**asked):
        found = rank(SPACE, LIKES, [], 20, method=method, by=Reranking(**asked))
        return np.nanmedian(values[rows_of(found)]), found

    plain, _ = middle()
    moved, found = middle(**{wish: 1.0})
    assert sign * moved > sign * plain
    for match in found:
        (row,) = SPACE.rows_of([match.track_id])
        told = [reason for reason in match.reasons if reason.kind == "rerank"]
        if np.isnan(values[row]):
            assert not told
        for reason in told:
            assert reason.about == wish
            assert f"{values[row]:.0f}" in reason.text
            up = ("Less known" if wish == "novelty" else "Newer") in reason.text
            assert up == (reason.contribution > 0)


def test_what_nobody_knows_of_moves_nothing():
    bare = random_space(200, d=5)
    likes = bare.track_ids[:4].tolist()
    asked = rank(bare, likes, [], 8, by=Reranking(novelty=1.0, freshness=1.0, per_artist=1))
    assert asked == rank(bare, likes, [], 8)
    assert available_criteria(bare) == frozenset()
    assert available_criteria(SPACE) == {"novelty", "freshness", "per_artist"}


@pytest.mark.parametrize("method", METHODS.names())
def test_no_artist_comes_more_often_than_asked_and_the_list_stays_full(method):
    by = statistics_of(SPACE).artists
    for most in (1, 2):
        found = rank(SPACE, LIKES, [], 20, method=method, by=Reranking(per_artist=most))
        artists = by[rows_of(found)]
        assert np.bincount(artists[artists > 0]).max() <= most
        assert len(found) == 20
        plain = {
            match.track_id: match.score for match in rank(SPACE, LIKES, [], 200, method=method)
        }
        assert all(match.score == pytest.approx(plain[match.track_id]) for match in found)


def test_the_cap_looks_further_where_one_artist_has_nearly_all():
    space = replace(
        make_space(np.random.default_rng(0).normal(size=(500, 4))),
        artists=np.array([7] * 480 + list(range(100, 120)), dtype=np.uint64),
    )
    found = rank(space, [10, 20], [], 10, method="taste", by=Reranking(per_artist=2))
    artists = space.artists[space.rows_of([match.track_id for match in found])]
    assert len(found) == 10
    assert (artists == 7).sum() <= 2


def test_capped_keeps_the_first_of_each_and_all_of_nobody():
    assert cap_per_artist(np.array([5, 0, 5, 3, 5, 0, 3, 0]), 1).tolist() == [0, 1, 3, 5, 7]
    assert cap_per_artist(np.array([5, 0, 5, 3, 5, 0, 3, 0]), 2).tolist() == [0, 1, 2, 3, 5, 6, 7]
    assert len(cap_per_artist(np.array([5, 5, 5]), 0)) == 3


def test_a_surprise_is_drawn_from_the_good_ones_and_can_be_drawn_again():
    def drawn(seed):
        found = rank(SPACE, LIKES, [], 10, method="taste", by=Reranking(surprise=seed))
        return [match.track_id for match in found], found

    first, found = drawn(1)
    assert drawn(1)[0] == first
    assert drawn(2)[0] != first
    good = [match.track_id for match in rank(SPACE, LIKES, [], 100, method="taste")]
    assert set(first) <= set(good)
    for match in found:
        assert match.reasons[0].kind in ("feature", "prior")  # the reason is the taste's
        assert [r.about for r in match.reasons if r.kind == "rerank"] == ["surprise"]
    # The better ones come more often.
    often = [track_id for seed in range(40) for track_id in drawn(seed)[0]]
    assert sum(one in good[:10] for one in often) > 2 * sum(one in good[-50:-40] for one in often)


def two_tastes(spread):
    """Two knots of forty, of which the second is ``spread`` as wide and so less likely."""
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(2000, 6))
    matrix[:40] = 1.6 + 0.2 * rng.normal(size=(40, 6))
    matrix[40:80] = -1.6 + spread * rng.normal(size=(40, 6))
    return make_space(matrix)


@pytest.mark.parametrize(("one", "other"), [(8, 8), (12, 4)])
def test_two_planted_tastes_both_appear_in_the_first_ten(one, other):
    space = two_tastes(0.7)
    likes = space.track_ids[[*range(one), *range(40, 40 + other)]].tolist()
    alone = space.rows_of([m.track_id for m in rank(space, likes, n=10, method="taste")])
    assert (alone < 40).sum() >= 9  # without, the narrow taste has the list to itself
    found = rank(space, likes, n=10, method="taste", by=DEFAULT_RERANKING)
    near = [int(row) for row in space.rows_of([match.track_id for match in found])]
    in_first = sum(space.matrix[row].mean() > 0 for row in near)
    assert in_first == pytest.approx(10 * one / (one + other), abs=1.1)
    lifted = [r for m in found for r in m.reasons if r.about == "tastes"]
    assert lifted
    assert all(reason.contribution > 0 for reason in lifted)
    assert f"this one is {other} of {one + other} likes" in lifted[0].text


def test_one_taste_is_not_shared_out():
    space = two_tastes(0.7)
    likes = space.track_ids[:4].tolist()
    assert rank(space, likes, method="taste", by=Reranking(every_taste=True)) == rank(
        space, likes, method="taste"
    )


def test_the_score_per_like_goes_to_the_likes_it_rests_on():
    # Two likes at one place, one far off in the last column only, and an answer at the first place.
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(300, 3))
    matrix[:4] = [[2, 2, 2], [2, 2, 2.1], [2, 2, -2], [2, 2, 2.05]]
    found = rank(make_space(matrix), [10, 20, 30], [], 1, method="taste")[0]
    assert found.track_id == 40
    told = {reason.about: reason.contribution for reason in found.per_like}
    assert told[10] == pytest.approx(told[20], rel=0.1)
    assert told[30] < told[10]
    assert {reason.kind for reason in found.per_like} == {"liked"}


def test_an_artist_counts_for_the_likes_of_that_artist_alone():
    rng = np.random.default_rng(1)
    artists = np.arange(1, 401, dtype=np.uint64)
    artists[[0, 9]] = 1000
    space = replace(make_space(rng.normal(size=(400, 3))), artists=artists, albums=artists * 0)
    likes = [10, 50, 80]
    plain = rank(space, likes, [], 300, method="taste", metadata=False)
    with_artist = rank(space, likes, [], 300, method="taste")
    one, other = (
        next(match for match in found if match.track_id == 100) for found in (plain, with_artist)
    )
    before, after = (
        {reason.about: reason.contribution for reason in match.per_like} for match in (one, other)
    )
    gain = next(reason for reason in other.reasons if reason.about == "artist").contribution
    assert gain > 0
    assert contributions.main_reason(other.reasons).startswith("By the same artist as “track 10”")
    assert any(r.text.startswith("Same artist as “track 10”") for r in other.per_like)
    assert after[10] - before[10] == pytest.approx(gain)
    assert after[50] == pytest.approx(before[50])


def test_the_default_is_the_best_method_that_is_there():
    assert method_used(SPACE) == "learned"
    bare = replace(SPACE, track_factors=None)
    useless = replace(SPACE, taste_prior={**SPACE.taste_prior, "two_tower": {"weight": 0.0}})
    assert method_used(bare) == method_used(useless) == "taste"
    assert method_used(bare, "learned") == "taste"
    assert method_used(SPACE, "cosine") == "cosine"
    assert method_used(SPACE, "fragments") == method_used(SPACE, "segments") == "fragments"
    assert method_used(replace(SPACE, segments=None), "fragments") == "distance"
    assert rank(SPACE, LIKES) == rank(SPACE, LIKES, method="learned")
    assert rank(bare, LIKES) == rank(bare, LIKES, method="taste")
    with pytest.raises(UnknownName):
        method_used(SPACE, "cosinus")


def test_a_sentence_quotes_no_trait_that_speaks_against_the_song():
    for method in ("taste", "cosine", "cluster"):
        for match in rank(SPACE, LIKES, [], 30, method=method):
            told = contributions.main_reason(match.reasons)
            for reason in match.reasons:
                if (
                    reason.kind == "feature"
                    and reason.contribution < 0
                    and reason.details["clause"]
                ):
                    assert reason.details["clause"] not in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"variety": 2},
        {"novelty": -0.1},
        {"freshness": math.nan},
        {"per_artist": -1},
        {"surprise": -1},
    ],
)
def test_what_cannot_be_re_ranked_by_says_so(wrong):
    with pytest.raises(BadInput):
        Reranking(**wrong)


def test_nothing_asked_changes_nothing():
    assert NO_RERANKING.is_plain
    assert not DEFAULT_RERANKING.is_plain
    found = rank(SPACE, LIKES, [], 10, method="cosine")
    assert not [r for match in found for r in match.reasons if r.kind == "rerank"]
