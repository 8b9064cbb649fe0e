"""Songs to like first, on small spaces with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from songrec.recommend.lists.starters import central_order, starter_order
from tests.recommend.planted import VALUE_NAMES, make_space

ROWS = np.arange(6)


def with_popularity(space, popularity):
    values = np.full((len(space.track_ids), len(VALUE_NAMES)), np.nan, dtype=np.float32)
    values[:, VALUE_NAMES.index("popularity")] = popularity
    return replace(space, values=values, value_names=VALUE_NAMES)


def two_groups():
    """A group of four songs around 0 and one of two songs around 10, on a line."""
    points = [[-3.0], [0.1], [1.0], [2.0], [10.0], [11.0]]
    return make_space(points, labels=[1, 1, 1, 1, 0, 0])


def test_groups_take_turns_and_the_most_typical_of_each_come_first():
    # The mean of the first group is 0.025, that of the second 10.5.
    order = starter_order(two_groups(), ROWS).tolist()
    assert order[::2][:2] == [1, 2]
    assert set(order[1:4:2]) == {4, 5}
    assert order[4:] == [3, 0]


def test_popularity_moves_songs_up_where_it_is_known():
    # Places by nearness: 3, 0, 1, 2; by popularity: 0, 3, 1, 2 for rows 0 to 3.
    space = with_popularity(two_groups(), [90, 5, 60, 30, 1, 1])
    first = [row for row in starter_order(space, ROWS).tolist() if row < 4]
    assert first == [2, 0, 1, 3]
    unknown = with_popularity(two_groups(), [90, np.nan, np.nan, np.nan, np.nan, np.nan])
    assert [row for row in starter_order(unknown, ROWS).tolist() if row < 4] == [1, 2, 3, 0]


def test_of_a_large_group_only_well_known_songs_are_offered():
    rng = np.random.default_rng(3)
    popularity = rng.permutation(2_000).astype(float)
    space = with_popularity(make_space(rng.normal(size=(2_000, 3))), popularity)
    chosen = starter_order(space, np.arange(2_000))
    assert len(chosen) == 30
    assert popularity[chosen].min() >= 1_800


def test_each_song_comes_once_and_an_artist_again_after_all_others():
    space = make_space(np.arange(6.0)[:, None], song_keys=[1, 1, 2, 3, 4, 5])
    space = replace(space, artists=np.array([7, 7, 7, 7, 8, 0], dtype=np.uint64))
    order = starter_order(space, ROWS).tolist()
    assert len(order) == 5
    assert 1 not in order
    assert set(order[:3]) == {3, 4, 5}
    assert set(order[3:]) == {0, 2}


def test_noise_comes_last_and_nothing_of_nothing():
    space = make_space(np.arange(3.0)[:, None], labels=[-1, -1, 0])
    assert starter_order(space, np.arange(3)).tolist() == [2, 0, 1]
    assert starter_order(space, np.arange(0)).tolist() == []


def test_central_songs_are_the_nearest_to_the_mean():
    assert central_order(two_groups(), np.arange(4)).tolist() == [1, 2, 3, 0]
