"""Stations play on without repeating; paths step evenly; known answers."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.core.errors import NotReady
from songrec.recommend.explain.taste_profile import build_taste_profile
from songrec.recommend.feedback_boosts import background_boosts
from songrec.recommend.lists import paths, stations
from songrec.recommend.lists.tastes import split_tastes
from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.ranking import rank
from songrec.recommend.taste.prior import PitmanYor, TastePrior
from songrec.recommend.top_k import nearest_rows
from tests.recommend.planted import make_space, random_space

SPACE = random_space(500, d=4, seed=2)
BY_ARTISTS = replace(
    SPACE,
    artists=np.arange(500, dtype=np.uint64) // np.uint64(10) + np.uint64(1),
    taste_prior=TastePrior(artist=PitmanYor(2.0, 0.2, 1.0)).to_json(),
)


def ids(found):
    return [match.track_id for match in found]


def adds_up(found):
    return all(
        match.score == pytest.approx(math.fsum(r.contribution for r in match.reasons), abs=1e-6)
        for match in found
    )


def station(seeds, start, n, space=SPACE, **options):
    return stations.station_matches(TasteMethod(), space, seeds, start, n, **options)


def test_a_station_plays_every_song_once_and_the_best_ones_early():
    whole = station([10], 0, 600, seed=5)
    keys = SPACE.song_keys[SPACE.rows_of(ids(whole))]
    assert len(whole) == len(np.unique(SPACE.song_keys)) == len(set(keys.tolist()))
    assert whole[0].track_id == 10
    assert whole[0].reasons[0].text == "The song this radio starts from"
    scores = np.array([match.score for match in whole])
    assert scores[:40].mean() > scores[40:120].mean() > scores[120:].mean()
    assert adds_up(whole[:30])
    # A little variety: not simply the best first, and another seed plays another order.
    assert scores[1:].tolist() != sorted(scores[1:], reverse=True)
    assert ids(station([10], 0, 20, seed=6)) != ids(whole[:20])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=40),
    st.integers(0, 3),
    st.sampled_from([None, 0, 3]),
)
def test_the_parts_of_a_station_make_up_one_order(numbers, seed, label):
    seeds = [10 * number for number in numbers]
    ask = {"seed": seed, "label": label, "space": BY_ARTISTS}
    whole = ids(station(seeds, 0, 75, **ask))
    parts = [station(seeds, at, 25, **ask) for at in (0, 25, 50)]
    assert whole == [one for part in parts for one in ids(part)]
    assert len(set(whole)) == 75


def test_a_cluster_s_station_leaves_the_cluster_only_when_it_is_played_out():
    rng = np.random.default_rng(0)
    space = make_space(rng.normal(size=(60, 3)), labels=np.repeat([0, 1], 30))
    found = station([10, 20, 30], 0, 60, space, seed=1, label=0)
    labels = [int(space.labels[space.rows_of([one])[0]]) for one in ids(found)]
    assert labels[:12] == [0] * 12
    assert sorted(labels) == [0] * 30 + [1] * 30


def test_a_station_of_what_can_be_heard_plays_nothing_else():
    audible = [10 * number for number in range(1, 500, 7)]
    found = station([10], 0, 600, seed=1, only=audible)
    assert set(ids(found)) == {one for one in audible if one in ids(found)}
    assert len(found) >= len(audible) - 2


def test_what_can_be_heard_is_still_scored_by_the_whole_catalogue():
    alone = station([10], 0, 10, seed=1, only=[10, 20, 30])
    whole = {m.track_id: m for m in station([10], 0, 600, seed=1)}
    assert len(alone) == 3
    for match in alone:
        assert match.score == pytest.approx(whole[match.track_id].score, abs=1e-9)


def test_a_song_s_station_has_the_order_of_the_recommendations_for_it(monkeypatch):
    monkeypatch.setattr(stations, "JITTER", 0.0)
    found = station([10], 0, 60)
    best = rank(SPACE, [10], [], 59, method="taste")
    assert ids(found[1:]) == ids(best)
    assert [m.score for m in found[1:]] == pytest.approx([m.score for m in best], abs=1e-9)


def test_an_artist_does_not_fill_a_station(monkeypatch):
    monkeypatch.setattr(stations, "JITTER", 0.0)
    found = station([10], 0, 40, BY_ARTISTS)
    artists = BY_ARTISTS.artists[BY_ARTISTS.rows_of(ids(found))]
    best = rank(BY_ARTISTS, [10], [], 9, method="taste")
    assert (BY_ARTISTS.artists[BY_ARTISTS.rows_of(ids(best))] == artists[0]).sum() >= 8
    assert (artists[:20] == artists[0]).sum() <= 5


def test_several_seeds_come_in_between_and_are_explained_by_the_others():
    seeds = [10, 110, 210, 310]
    found = station(seeds, 0, 40, BY_ARTISTS, names=lambda ids: {i: f"Song {i}" for i in ids})
    places = [at for at, one in enumerate(ids(found)) if one in seeds]
    assert len(places) == 4
    assert max(places) > 6
    own = found[places[0]]
    others = Query.of(BY_ARTISTS, [one for one in seeds if one != own.track_id])
    (score,) = TasteMethod().scores(others, BY_ARTISTS.rows_of([own.track_id]))
    assert own.score == pytest.approx(score, abs=1e-9)
    assert adds_up(found)


def test_the_candidates_of_a_path_are_what_the_method_ranks_first_for_either_end(monkeypatch):
    monkeypatch.setattr(paths, "CANDIDATES", 20)
    ends, shares = SPACE.rows_of([40, 780]), np.array([0.001, 0.5, 0.999])
    first, middle, last = paths._candidates(TasteMethod(), SPACE, ends, shares, ())
    best = [
        SPACE.rows_of(ids(rank(SPACE, [one], [], 499, method="taste"))).tolist()
        for one in (40, 780)
    ]
    assert first[:10].tolist() == best[0][:10]
    assert last[:10].tolist() == best[1][:10]
    places = [{row: np.log1p(at) for at, row in enumerate(ranked)} for ranked in best]
    outside = np.log1p(paths.LOOK)
    sums = [places[0].get(row, outside) + places[1].get(row, outside) for row in middle.tolist()]
    assert sums == sorted(sums)
    others = set(best[0]) - set(middle.tolist())
    assert max(sums) <= min(
        places[0].get(row, outside) + places[1].get(row, outside) for row in others
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 499), st.integers(1, 60), st.sampled_from([0.0, 30.0]))
def test_none_of_the_nearest_is_missing_however_far_from_the_middle_it_lies(row, count, offset):
    space = make_space(SPACE.matrix + offset)
    point = space.matrix[row].astype(np.float64)
    near = nearest_rows(space, row, count)
    apart = ((space.matrix.astype(np.float64) - point) ** 2).sum(axis=1)
    assert set(np.argsort(apart, kind="stable")[:count].tolist()) <= set(near.tolist())
    assert len(near) <= count + 20


def test_what_is_disliked_is_left_out_of_a_station_with_its_copies():
    found = station([10], 0, 600, seed=1)
    # Rows 49 and 50 are the same song.
    kept = stations.exclude_songs(SPACE, found, [500])
    assert len(found) - len(kept) == 1
    assert not {500, 510} & set(ids(kept))


def test_no_artist_comes_twice_in_a_row_where_it_can_be_avoided():
    space = replace(
        make_space(np.arange(6)[:, None] * np.ones((6, 2))),
        artists=np.array([1, 1, 1, 2, 2, 0], dtype=np.uint64),
    )
    found = stations.separate_artists(space, station([10], 0, 6, space))
    by = [int(space.artists[space.rows_of([one])[0]]) for one in ids(found)]
    assert sorted(ids(found)) == [10, 20, 30, 40, 50, 60]
    assert not [pair for pair in itertools.pairwise(by) if pair[0] == pair[1] != 0]


def test_the_way_between_two_songs_is_found_where_it_was_planted():
    rng = np.random.default_rng(1)
    line = np.linspace([-4.0, -4.0], [4.0, 4.0], 9)
    far = rng.uniform(-4, 4, (200, 2))
    far = far[np.abs(far @ np.array([1, -1])) > 1.5]
    space = make_space(np.vstack([line, far]))
    path = paths.find_path(TasteMethod(), space, 10, 90, 7)
    assert space.track_ids[path.rows].tolist() == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert path.unevenness == pytest.approx(0, abs=1e-6)
    told = paths.describe_path(space, path)
    assert adds_up(told)
    assert [match.score for match in told] == pytest.approx([1.0] * 9, abs=1e-6)


def test_a_copy_of_a_song_is_no_step_of_its_own():
    points = np.linspace([0.0, 0.0], [1.0, 1.0], 5)
    keys = [0, 1, 0, 3, 4]
    path = paths.find_path(TasteMethod(), make_space(points, song_keys=keys), 10, 50, 3)
    # The third track is the first song again: two tracks are left for three targets.
    assert path.rows.tolist() == [0, 1, 3, 4]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 6))
def test_no_single_exchange_makes_the_steps_more_even(first, last, between):
    space = random_space(401, d=3, seed=4)
    path = paths.find_path(TasteMethod(), space, 10 * (first + 1), 10 * (last + 1), between)
    assert len(path.rows) == between + 2
    keys = space.song_keys[path.rows[1:-1]].tolist()
    ends = space.song_keys[path.rows[[0, -1]]].tolist()
    assert len(set(keys)) == between
    assert not set(keys) & set(ends)
    latent = space.latent.astype(np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "SWEEPS", 0)
        nearest = paths.find_path(TasteMethod(), space, 10 * (first + 1), 10 * (last + 1), between)
    mean = nearest.lengths.mean()
    total = ((path.lengths - mean) ** 2).sum()
    assert total <= ((nearest.lengths - mean) ** 2).sum() + 1e-6
    used = set(keys) | set(ends)
    # Of two tracks of a song the method recommends one.
    shares = np.arange(1, between + 1) / (between + 1)
    candidates = paths._candidates(TasteMethod(), space, path.rows[[0, -1]], shares, ())
    for i in range(1, between + 1):
        for row in np.unique(np.concatenate(candidates)).tolist():
            if int(space.song_keys[row]) in used:
                continue
            way = path.rows.copy()
            way[i] = row
            steps = np.linalg.norm(np.diff(latent[way], axis=0), axis=1)
            assert ((steps - mean) ** 2).sum() >= total - 1e-6


def test_a_path_to_a_song_that_no_run_knows_is_refused():
    with pytest.raises(NotReady):
        paths.find_path(TasteMethod(), SPACE, 10, 7, 3)


def test_a_song_s_list_leans_towards_the_likes_in_the_background():
    rng = np.random.default_rng(2)
    # Around the song at the origin, as many to the left as to the right.
    points = np.vstack([[0, 0, 0], [1.2, 0, 0], rng.normal(size=(150, 3))])
    space = make_space(points)

    def side(found):
        return points[space.rows_of(ids(found)), 0].mean()

    plain = rank(space, [10], n=12, seeds=True)
    boosts = background_boosts([20], {})
    found = rank(space, [10], n=12, excluded=[20], boosts=boosts, seeds=True)
    assert side(found) > side(plain)
    assert adds_up(found)
    assert not {10, 20} & set(ids(found))
    assert side(rank(space, [10], [20], n=12, seeds=True)) < side(plain)


def test_two_planted_tastes_stay_two_and_dislikes_teach_what_differs():
    rng = np.random.default_rng(0)
    rest = rng.normal(size=(300, 6))
    calm = rng.normal([-2, 2, 0, 0, -2, 0], 0.15, (8, 6))
    loud = rng.normal([2, -2, 0, 0, 2, 0], 0.15, (8, 6))
    space = make_space(np.vstack([calm, loud, rest]))
    first, second = [10 * i for i in range(1, 9)], [10 * i for i in range(9, 17)]

    def profile(likes, dislikes=()):
        query = Query.of(space, likes, dislikes)
        return build_taste_profile(query, split_tastes(TasteMethod(), query))

    both = profile(first + second)
    assert [one.size for one in both.tastes] == [8, 8]
    typical = [set(one.typical) for one in both.tastes]
    assert sorted(map(min, typical)) == sorted([min(typical[0]), min(typical[1])])
    assert any(one <= set(first) for one in typical)
    assert any(one <= set(second) for one in typical)
    alone = profile(first, second)
    assert len(alone.tastes) == 1
    assert alone.contrasts
    assert profile([7]) is None


@pytest.mark.parametrize("seeds", [[10], [10, 200, 310], list(range(10, 500, 7))])
def test_a_station_without_reasons_is_the_same_station(seeds):
    for only in (None, np.arange(1, 5_000, 2)):
        expected = ids(station(seeds, 0, 40, seed=3, only=only))
        assert stations.station_ids(TasteMethod(), SPACE, seeds, 40, seed=3, only=only) == expected
    assert stations.station_ids(TasteMethod(), SPACE, [-1], 5) == []
