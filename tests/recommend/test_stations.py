"""Stations play on without repeating; paths step evenly; blends add and subtract; known answers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.core.errors import BadInput, NotReady
from songrec.recommend.explain.taste_profile import build_taste_profile
from songrec.recommend.lists import blends, paths, stations
from songrec.recommend.similarity.more_like import more_like
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import nearest_rows
from tests.recommend.planted import make_space, random_space

SPACE = random_space(500, d=4, seed=2)


def ids(found):
    return [match.track_id for match in found]


def adds_up(found):
    return all(
        match.score == pytest.approx(math.fsum(r.contribution for r in match.reasons), abs=1e-6)
        for match in found
    )


def test_a_station_plays_every_song_once_and_the_nearer_ones_early():
    whole = stations.station_matches(SPACE, [10], 0, 600, seed=5)
    keys = SPACE.song_keys[SPACE.rows_of(ids(whole))]
    assert len(whole) == len(np.unique(SPACE.song_keys)) == len(set(keys.tolist()))
    assert whole[0].track_id == 10
    scores = np.array([match.score for match in whole])
    assert scores[:40].mean() > scores[40:120].mean() > scores[120:].mean()
    assert adds_up(whole[:30])
    # A little variety: not simply the nearest first, and another seed plays another order.
    assert scores[1:].tolist() != sorted(scores[1:], reverse=True)
    assert ids(stations.station_matches(SPACE, [10], 0, 20, seed=6)) != ids(whole[:20])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=40),
    st.integers(0, 3),
    st.sampled_from([None, 0, 3]),
)
def test_the_parts_of_a_station_make_up_one_order(numbers, seed, label):
    seeds = [10 * number for number in numbers]
    ask = {"seed": seed, "label": label}
    whole = ids(stations.station_matches(SPACE, seeds, 0, 75, **ask))
    parts = [stations.station_matches(SPACE, seeds, at, 25, **ask) for at in (0, 25, 50)]
    assert whole == [one for part in parts for one in ids(part)]
    assert len(set(whole)) == 75


def test_a_cluster_s_station_leaves_the_cluster_only_when_it_is_played_out():
    rng = np.random.default_rng(0)
    space = make_space(rng.normal(size=(60, 3)), labels=np.repeat([0, 1], 30))
    found = stations.station_matches(space, [10, 20, 30], 0, 60, seed=1, label=0)
    labels = [int(space.labels[space.rows_of([one])[0]]) for one in ids(found)]
    assert labels[:12] == [0] * 12
    assert sorted(labels) == [0] * 30 + [1] * 30


def test_a_station_of_what_can_be_heard_plays_nothing_else():
    audible = [10 * number for number in range(1, 500, 7)]
    found = stations.station_matches(SPACE, [10], 0, 600, seed=1, only=audible)
    assert set(ids(found)) == {one for one in audible if one in ids(found)}
    assert len(found) >= len(audible) - 2


def test_what_can_be_heard_is_still_measured_by_the_whole_catalogue():
    alone = stations.station_matches(SPACE, [10], 0, 10, seed=1, only=[10, 20, 30])
    whole = {m.track_id: m for m in stations.station_matches(SPACE, [10], 0, 600, seed=1)}
    assert len(alone) == 3
    assert alone == [whole[match.track_id] for match in alone]


@pytest.mark.parametrize("seeds", [[10], [10, 250, 4990], list(range(10, 300, 10))])
def test_a_station_s_order_is_that_of_all_distances(monkeypatch, seeds):
    monkeypatch.setattr(stations, "JITTER", 0.0)
    rows = SPACE.rows_of(seeds[: stations.MAX_SEEDS])
    gaps = SPACE.matrix[:, None].astype(np.float64) - SPACE.matrix[rows]
    apart = np.sqrt((gaps**2).sum(axis=2))
    if len(rows) > 1:
        apart[rows, np.arange(len(rows))] = np.inf  # a seed is measured against the others
    apart = apart.min(axis=1)
    found = stations.station_matches(SPACE, seeds[: stations.MAX_SEEDS], 0, 60)
    of_found = apart[SPACE.rows_of(ids(found))]
    nearest_copy = [apart[SPACE.song_keys == key].min() for key in np.unique(SPACE.song_keys)]
    assert of_found == pytest.approx(np.sort(nearest_copy)[:60], abs=1e-3)
    assert [1 - m.score for m in found] == pytest.approx(
        of_found / statistics_of(SPACE).typical, abs=1e-6
    )


@pytest.mark.parametrize("candidates", [1, 7, 600])
def test_what_lies_nearest_to_the_way_is_what_all_distances_say(monkeypatch, candidates):
    monkeypatch.setattr(paths, "CANDIDATES", candidates)
    ends = SPACE.latent[[3, 77]].astype(np.float64)
    shares = np.array([0.0, 0.2, 0.5, 0.9])
    for share, rows in zip(shares, paths._nearest(SPACE, ends, shares), strict=True):
        gaps = SPACE.latent - (ends[0] + share * (ends[1] - ends[0]))
        order = np.argsort((gaps**2).sum(axis=1), kind="stable")
        assert rows == order[:candidates].tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 499), st.integers(1, 60), st.sampled_from([0.0, 30.0]))
def test_none_of_the_nearest_is_missing_however_far_from_the_middle_it_lies(row, count, offset):
    space = make_space(SPACE.matrix + offset)
    point = space.matrix[row].astype(np.float64)
    near = nearest_rows(space, point, count)
    apart = ((space.matrix.astype(np.float64) - point) ** 2).sum(axis=1)
    assert set(np.argsort(apart, kind="stable")[:count].tolist()) <= set(near.tolist())
    assert len(near) <= count + 20


def test_what_is_disliked_is_left_out_of_a_station_with_its_copies():
    found = stations.station_matches(SPACE, [10], 0, 600, seed=1)
    # Rows 49 and 50 are the same song.
    kept = stations.exclude_songs(SPACE, found, [500])
    assert len(found) - len(kept) == 1
    assert not {500, 510} & set(ids(kept))


def test_no_artist_comes_twice_in_a_row_where_it_can_be_avoided():
    from dataclasses import replace

    space = replace(
        make_space(np.arange(6)[:, None] * np.ones((6, 2))),
        artists=np.array([1, 1, 1, 2, 2, 0], dtype=np.uint64),
    )
    found = stations.separate_artists(space, stations.station_matches(space, [10], 0, 6))
    by = [int(space.artists[space.rows_of([one])[0]]) for one in ids(found)]
    assert sorted(ids(found)) == [10, 20, 30, 40, 50, 60]
    assert not [pair for pair in itertools.pairwise(by) if pair[0] == pair[1] != 0]


def test_the_way_between_two_songs_is_found_where_it_was_planted():
    rng = np.random.default_rng(1)
    line = np.linspace([-4.0, -4.0], [4.0, 4.0], 9)
    far = rng.uniform(-4, 4, (200, 2))
    far = far[np.abs(far @ np.array([1, -1])) > 1.5]
    space = make_space(np.vstack([line, far]))
    path = paths.find_path(space, 10, 90, 7)
    assert space.track_ids[path.rows].tolist() == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert path.unevenness == pytest.approx(0, abs=1e-6)
    told = paths.describe_path(space, path)
    assert adds_up(told)
    assert [match.score for match in told] == pytest.approx([1.0] * 9, abs=1e-6)


def test_a_copy_of_a_song_is_no_step_of_its_own():
    points = np.linspace([0.0, 0.0], [1.0, 1.0], 5)
    keys = [0, 1, 0, 3, 4]
    path = paths.find_path(make_space(points, song_keys=keys), 10, 50, 3)
    # The third track is the first song again: two tracks are left for three targets.
    assert path.rows.tolist() == [0, 1, 3, 4]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 6))
def test_no_single_exchange_makes_the_steps_more_even(first, last, between):
    space = random_space(401, d=3, seed=4)
    path = paths.find_path(space, 10 * (first + 1), 10 * (last + 1), between)
    assert len(path.rows) == between + 2
    keys = space.song_keys[path.rows[1:-1]].tolist()
    ends = space.song_keys[path.rows[[0, -1]]].tolist()
    assert len(set(keys)) == between
    assert not set(keys) & set(ends)
    latent = space.latent.astype(np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "SWEEPS", 0)
        nearest = paths.find_path(space, 10 * (first + 1), 10 * (last + 1), between)
    mean = nearest.lengths.mean()
    total = ((path.lengths - mean) ** 2).sum()
    assert total <= ((nearest.lengths - mean) ** 2).sum() + 1e-6
    used = set(keys) | set(ends)
    for i in range(1, between + 1):
        for row in range(len(latent)):
            if int(space.song_keys[row]) in used:
                continue
            way = path.rows.copy()
            way[i] = row
            steps = np.linalg.norm(np.diff(latent[way], axis=0), axis=1)
            assert ((steps - mean) ** 2).sum() >= total - 1e-6


def test_a_path_to_a_song_that_no_run_knows_is_refused():
    with pytest.raises(NotReady):
        paths.find_path(SPACE, 10, 7, 3)


def test_a_blend_finds_what_was_planted_where_the_sum_points():
    rng = np.random.default_rng(5)
    a, b, c = np.array([2.0, 1, 0]), np.array([0.0, 2, 1]), np.array([0.0, 1, 2])
    wanted = 1.5 * (a + b - c)
    space = make_space(np.vstack([a, b, c, wanted, rng.normal(size=(80, 3)) * 0.8]))
    found = blends.blend(space, [10, 20], [30], 5)
    assert found[0].track_id == 40
    assert found[0].score == pytest.approx(1, abs=1e-5)
    assert adds_up(found)
    assert not {10, 20, 30} & set(ids(found))
    assert {r.kind for r in found[0].reasons} == {"feature"}
    for match in found:
        # Told once per feature, once per song; both add up to the cosine.
        assert sorted(r.about for r in match.reasons) == sorted(space.columns)
        split = math.fsum(r.contribution for r in match.per_like)
        assert split == pytest.approx(match.score, abs=1e-9)
        x = space.matrix[space.rows_of([match.track_id])[0]].astype(float)
        q = (a + b - c) / np.linalg.norm(a + b - c)
        for reason in match.reasons:
            column = space.columns.index(reason.about)
            own = x[column] * q[column] / np.linalg.norm(x)
            assert reason.contribution == pytest.approx(own, abs=1e-6)
    assert {r.kind for r in found[0].per_like} == {"added", "subtracted"}
    for reason in found[0].per_like:
        point = space.matrix[space.rows_of([reason.about])[0]]
        assert reason.text.startswith("Like" if point @ wanted > 0 else "Unlike")
    unit = space.matrix / np.linalg.norm(space.matrix, axis=1, keepdims=True)
    query = a + b - c
    brute = unit @ query / np.linalg.norm(query)
    brute[:3] = -2
    assert ids(found) == (10 * (np.argsort(-brute)[:5] + 1)).tolist()


def test_a_blend_says_in_words_which_songs_and_features_carry_it():
    # Columns: variance, tempo, loudness, energy. A and B are fast and loud, C is loud alone.
    rng = np.random.default_rng(6)
    planted = [[0, 2, 2, 0], [0, 2, 1.5, 0.1], [0, 0, 2, 0], [0, 2.4, 0.9, -0.1]]
    space = make_space(np.vstack([planted, rng.normal(size=(200, 4)) * 0.6]))
    names = dict(zip([10, 20, 30], ["A", "B", "C"], strict=True))
    best = blends.blend(space, [10, 20], [30], 1, lambda ids: names)[0]
    assert best.track_id == 40
    assert best.reasons[0].about == "tempo"
    assert (
        best.reasons[0].text
        == "Faster than 99% of all songs (2 BPM), like the blend (2 BPM and 2 BPM, minus 0 BPM)"
    )
    # Loudness is part of the figures, not of the sentence.
    assert best.reasons[1].about == "loudness"
    assert blends.describe_match(best) == "Faster than most songs, like “A” and “B”"


def test_songs_that_cancel_out_leave_nothing_to_look_for():
    space = make_space([[1, 2], [1, 2], [3, 1], [0, 1]])
    with pytest.raises(BadInput, match="cancel"):
        blends.blend(space, [10], [20], 3)
    with pytest.raises(BadInput, match="at least one"):
        blends.blend(space, [], [20], 3)
    with pytest.raises(NotReady):
        blends.blend(space, [11], [], 3)


def test_more_like_one_song_leans_towards_the_likes_and_never_brings_them_back():
    rng = np.random.default_rng(2)
    # Around the song at the origin, as many to the left as to the right.
    points = np.vstack([[0, 0, 0], [1.2, 0, 0], rng.normal(size=(150, 3))])
    space = make_space(points)
    found = more_like(space, 10, 12, likes=[20])
    side = points[space.rows_of(ids(found)), 0]
    plain = points[space.rows_of(ids(more_like(space, 10, 12))), 0]
    assert side.mean() > plain.mean()
    assert adds_up(found)
    assert not {10, 20} & set(ids(found))
    away = points[space.rows_of(ids(more_like(space, 10, 12, dislikes=[20]))), 0]
    assert away.mean() < plain.mean()


def test_two_planted_tastes_stay_two_and_dislikes_teach_what_differs():
    rng = np.random.default_rng(0)
    rest = rng.normal(size=(300, 6))
    calm = rng.normal([-2, 2, 0, 0, -2, 0], 0.15, (8, 6))
    loud = rng.normal([2, -2, 0, 0, 2, 0], 0.15, (8, 6))
    space = make_space(np.vstack([calm, loud, rest]))
    first, second = [10 * i for i in range(1, 9)], [10 * i for i in range(9, 17)]
    both = build_taste_profile(space, first + second)
    assert [one.size for one in both.tastes] == [8, 8]
    typical = [set(one.typical) for one in both.tastes]
    assert sorted(map(min, typical)) == sorted([min(typical[0]), min(typical[1])])
    assert any(one <= set(first) for one in typical)
    assert any(one <= set(second) for one in typical)
    alone = build_taste_profile(space, first, second)
    assert len(alone.tastes) == 1
    assert alone.contrasts
    assert build_taste_profile(space, [7]) is None
