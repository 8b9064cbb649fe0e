import numpy as np
import pytest

from songrec.evaluation.tastes import TastesAnswer, measure


def answer(served, right, alone):
    """Five tastes; the first ``right`` songs are right, of as many playlists as are served.

    A list for a like alone begins with its ``alone`` right songs, all of its own playlist.
    """
    hits = np.zeros((20, 5), dtype=bool)
    for song in range(right):
        hits[song, song % served] = True
    own = [np.zeros((20, 5), dtype=bool) for _ in alone]
    for number, count in enumerate(alone):
        own[number][:count, number] = True
    return TastesAnswer(hits, tuple(own))


def test_tastes_served_and_the_share_right_beside_the_best_single_list():
    found = measure([answer(5, 10, [4, 10, 0, 0, 0]), answer(2, 4, [2, 1, 0, 0, 10])])
    assert found["tastes_served"] == pytest.approx((1 + 0.4) / 2)
    assert found["p_at_20"] == pytest.approx((0.5 + 0.2) / 2)
    assert found["best_single_p_at_20"] == 0.5
    assert found["of_best_single"] == 0.7
    assert found["served_alone"] == pytest.approx((0.4 + 0.6) / 2)
    low, high = found["intervals"]["of_best_single"]
    assert low <= 0.7 <= high


def test_a_hit_of_another_playlist_does_not_serve_the_like_alone():
    alone = tuple(np.eye(5, dtype=bool)[[number - 1]] for number in range(5))
    found = measure([TastesAnswer(np.ones((20, 5), dtype=bool), alone)])
    assert (found["served_alone"], found["best_single_p_at_20"]) == (0.0, 0.05)


@pytest.mark.parametrize(
    ("first_places", "served"),
    [
        ([1, 1, 1, 1, 1], 1.0),
        ([4, 4, 4, 4, 4], 1.0),
        ([5, 5, 5, 5, 5], 0.8),
        ([18, 2, 3, 0, 0], 0.4),
    ],
    ids=["first", "fourth", "fifth", "far off and never"],
)
def test_twenty_places_serve_the_likes_whose_right_song_comes_early(first_places, served):
    alone = []
    for number, place in enumerate(first_places):
        hits = np.zeros((20, 5), dtype=bool)
        hits[:, (number + 1) % 5] = True  # right for another like
        if place:
            hits[place - 1 :, number] = True
        alone.append(hits)
    found = measure([TastesAnswer(np.zeros((20, 5), dtype=bool), tuple(alone))])
    assert found["served_at_most"] == pytest.approx(served)


def test_a_short_list_and_one_without_a_hit():
    hits = np.ones((3, 5), dtype=bool)
    found = measure([TastesAnswer(hits, (np.zeros((2, 5), dtype=bool),) * 5)])
    assert (found["tastes_served"], found["p_at_20"]) == (1.0, 0.15)
    assert found["of_best_single"] is found["intervals"]["of_best_single"] is None


def test_the_same_seed_gives_the_same_intervals():
    answers = [answer(1 + i % 5, 5 + i, [i, 0, 0, 0, 3]) for i in range(8)]
    assert measure(answers, seed=2) == measure(answers, seed=2)
