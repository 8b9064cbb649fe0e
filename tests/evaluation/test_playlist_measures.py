import numpy as np
import pytest

from songrec.evaluation.occurrences import Occurrences
from songrec.evaluation.playlists import MEASURES, Answer, clicks, measure, r_precision, times

POINTS = np.eye(60, dtype=np.float32)


def answer(playlist, right, rest, rows=None, artists=None, known=(99,), to_find=(), new=None):
    rows = np.arange(len(right)) if rows is None else np.asarray(rows)
    artists = np.arange(1, len(right) + 1) if artists is None else np.asarray(artists)
    return Answer(
        playlist,
        rows,
        np.array(right, dtype=bool),
        rest,
        artists,
        np.array(known, dtype=int),
        np.array(to_find, dtype=int),
        None if new is None else np.array(new, dtype=bool),
    )


def test_measures_of_a_known_answer():
    right = [1, 0, 0, 1, *[0] * 6, *[0] * 39, 1]  # first, fourth and fiftieth
    found = measure([answer(0, right, 4)], POINTS, 60)
    assert found["p_at_10"] == 0.2
    assert found["recall_at_50"] == 0.75
    best = 1 + 1 / np.log2(3) + 1 / np.log2(4) + 1 / np.log2(5)
    assert found["ndcg_at_10"] == pytest.approx((1 + 1 / np.log2(5)) / best, abs=1e-4)
    assert found["coverage"] == pytest.approx(10 / 60, abs=1e-4)
    assert found["intra_list_diversity"] == 1.0  # points at right angles
    assert found["hits_per_artist"] == 1.0


def test_recall_is_of_as_many_as_there_is_room_for():
    assert measure([answer(0, [1] * 50, 90)], POINTS, 60)["recall_at_50"] == 1.0


def test_hits_by_artists_are_told_apart():
    right = [1, 1, 1, 1, *[0] * 6]
    found = measure([answer(0, right, 9, artists=[7, 7, 7, 8, *[9] * 6], known=[7])], POINTS, 60)
    assert found["hits_per_artist"] == 2.0
    assert found["new_artist_p_at_10"] == 0.1
    nothing = measure([answer(0, [0] * 10, 9)], POINTS, 60)
    assert nothing["hits_per_artist"] is None
    assert nothing["intervals"]["hits_per_artist"] is None


def test_every_playlist_counts_once_however_often_it_is_asked_about():
    answers = [answer(0, [1] * 10, 10)] * 9 + [answer(1, [0] * 10, 10)]
    assert measure(answers, POINTS, 60)["p_at_10"] == 0.5


def test_intervals_hold_the_value_and_narrow_with_more_playlists():
    rng = np.random.default_rng(0)

    def some(count):
        return [
            answer(
                i,
                rng.random(10) < 0.3,
                20,
                rows=rng.choice(60, 10, replace=False),
                new=rng.random(10) < 0.2,
            )
            for i in range(count)
        ]

    few, many = (measure(some(count), POINTS, 60) for count in (20, 400))
    for found in (few, many):
        for name in MEASURES:
            low, high = found["intervals"][name]
            assert low <= found[name] <= high, name
    width = [
        found["intervals"]["p_at_10"][1] - found["intervals"]["p_at_10"][0] for found in (few, many)
    ]
    assert width[1] < width[0] / 3
    # The mean of 4000 draws with probability 0.3, each playlist ten of them.
    assert width[1] == pytest.approx(2 * 1.96 * np.sqrt(0.3 * 0.7 / 4000), rel=0.2)


def test_the_same_seed_gives_the_same_intervals():
    answers = [answer(i, np.arange(10) < i, 10) for i in range(8)]
    assert measure(answers, POINTS, 60, seed=3) == measure(answers, POINTS, 60, seed=3)


def test_an_empty_answer_is_no_hit():
    found = measure([answer(0, [], 5), answer(1, [1] * 10, 10)], POINTS, 60)
    assert found["p_at_10"] == 0.5
    assert found["intra_list_diversity"] == 1.0


def test_fewer_songs_than_ten_are_no_better_than_ten_of_which_as_many_are_right():
    found = measure([answer(0, [1, 1], 5)], POINTS, 60)
    assert found["p_at_10"] == found["new_artist_p_at_10"] == 0.2


def test_without_artists_nothing_is_said_of_them():
    unknown = answer(0, [1, 1, 0], 5, artists=[0, 0, 0], known=[0, 0])
    found = measure([unknown], POINTS, 60)
    assert found["new_artist_p_at_10"] is found["hits_per_artist"] is None
    some = answer(0, [1, 1, 1], 5, artists=[0, 4, 4], known=[0, 9])
    assert measure([some], POINTS, 60)["hits_per_artist"] == 2.0


def test_one_method_is_so_many_times_another():
    half = [answer(i, [1] * 2 + [0] * 8, 10) for i in range(6)]
    whole = [answer(i, [1] * 4 + [0] * 6, 10) for i in (3, 1, 0, 2, 5, 4)]
    assert times(whole, half) == [2.0, 2.0, 2.0]
    ratio, low, high = times([*whole[:5], answer(4, [0] * 10, 10)], half)
    assert ratio == pytest.approx(10 / 6, abs=1e-4)
    assert low < ratio <= high == 2.0
    assert times(half, [answer(i, [0] * 10, 10) for i in range(6)]) is None


def test_r_precision_credits_each_artist_once_with_a_quarter():
    # Four to find, so the first four count: one is right, artists 7 and 8 are of songs to find.
    artists = [7, 7, 8, 0, 9, 9]
    found = answer(0, [1, 0, 0, 0, 1, 1], 4, artists=artists, to_find=[0, 7, 8, 9])
    assert r_precision(found) == (1 + 0.25 * 2) / 4
    assert r_precision(answer(0, [1, 1], 2, artists=[7, 8], to_find=[7, 8])) == 1.25
    assert r_precision(answer(0, [0, 0], 2, artists=[1, 2], to_find=[7])) == 0.0


def test_clicks_are_tens_of_songs_before_the_first_that_is_right():
    assert [clicks(answer(0, [*[0] * hit, 1], 9)) for hit in (0, 9, 10, 499)] == [0, 0, 1, 49]
    assert clicks(answer(0, [*[0] * 500, 1], 9)) == clicks(answer(0, [], 9)) == 51


def test_discovery_is_of_the_list_of_other_artists():
    some = [answer(0, [1] * 10, 20, new=[1, 1, 0]), answer(1, [1] * 10, 20, new=[0] * 10)]
    assert measure(some, POINTS, 60)["discovery_p_at_10"] == 0.1
    assert measure([answer(0, [1], 9)], POINTS, 60)["discovery_p_at_10"] is None


def test_hubs_are_songs_in_many_lists():
    # Song 0 is in all of eight lists, the others in one each.
    hub = [answer(i, [0, 0], 9, rows=[0, 1 + i]) for i in range(8)]
    found = measure(hub, POINTS, 9)
    assert found["largest_hub"] == 1.0
    counts = np.array([8, *[1] * 8])
    skewness = ((counts - counts.mean()) ** 3).mean() / counts.std() ** 3
    assert found["hubness"] == pytest.approx(skewness, abs=1e-4)
    even = Occurrences.count([np.array([i]) for i in range(4)], np.arange(4), 4)
    assert even.skewness(np.arange(4)) == 0.0
    assert even.largest_share(np.arange(4)) == 0.25
    # A group that is drawn twice counts twice.
    assert even.largest_share(np.array([0, 0, 1])) == pytest.approx(2 / 3)
    assert even.coverage(np.array([0, 0, 1])) == 0.5
