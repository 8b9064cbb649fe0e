import numpy as np
import pytest

from songrec.core.types import Floats
from songrec.evaluation.retrieval import (
    Retrieval,
    cosine_similarities,
    evaluate_artist,
    retrieve_artist,
    retrieve_track,
)


def retrieve(queries: Floats, candidates: Floats) -> Retrieval:
    return retrieve_track(cosine_similarities(queries, candidates))


def test_clips_that_are_their_others_neighbours_are_found_first():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(9, 5))
    found = retrieve(a, a + 0.01 * rng.normal(size=a.shape)).to_json()
    assert found == {"pairs": 9, "top1": 1.0, "top5": 1.0, "mrr": 1.0}


def test_measures_of_known_places():
    # On a circle each asks from where the answer is so many steps further on.
    at = 2 * np.pi * np.arange(10) / 10
    circle = np.column_stack([np.cos(at), np.sin(at)])
    found = retrieve(circle, np.roll(circle, 1, axis=0))
    # One neighbour sits on the spot, the other side's is as near as the right one: third at worst.
    assert found.ranks.tolist() == [3] * 10
    assert found.to_json()["top1"] == 0.0
    assert found.to_json()["top5"] == 1.0
    assert found.to_json()["mrr"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_set_that_knows_nothing_is_not_called_good():
    same = np.ones((8, 3))
    assert retrieve(same, same).to_json() == {"pairs": 8, "top1": 0.0, "top5": 0.0, "mrr": 0.125}


def test_a_scale_of_its_own_changes_nothing():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 4)), rng.normal(size=(12, 4))
    scale, shift = np.array([1e-3, 1, 1e4, 7]), np.array([5, -2, 1e3, 0])
    np.testing.assert_array_equal(
        retrieve(a, b).ranks, retrieve(a * scale + shift, b * scale + shift).ranks
    )


def test_each_question_needs_its_answer():
    with pytest.raises(ValueError, match="must have one shape"):
        retrieve(np.ones((3, 2)), np.ones((2, 2)))


#          query 0: another track of its album is nearest, then one of another album
ARTISTS = ("one", "one", "two", "one", "")
SIMILARITIES = np.array(
    [
        [1.0, 0.9, 0.8, 0.7, 0.1],
        [0.9, 1.0, 0.8, 0.7, 0.1],
        [0.8, 0.8, 1.0, 0.7, 0.1],
        [0.7, 0.8, 0.8, 1.0, 0.1],
        [0.1, 0.1, 0.1, 0.1, 1.0],
    ]
)


def test_another_track_by_the_artist_is_right_and_the_own_track_is_left_out():
    found = retrieve_artist(SIMILARITIES, ARTISTS)
    # Of the fourth track's candidates one by another artist is as near as the right one.
    assert found.ranks.tolist() == [1, 1, 2]


def test_tracks_of_the_same_album_do_not_count_where_the_artist_has_other_albums():
    found = retrieve_artist(SIMILARITIES, ARTISTS, ("red", "red", "red", "blue", ""))
    # The first two may only find the fourth: the second and third are of their album.
    assert found.ranks.tolist() == [1, 1, 2]
    found = retrieve_artist(SIMILARITIES, ARTISTS, ("red", "red", "green", "blue", ""))
    assert found.ranks.tolist() == [2, 2, 2]


def test_an_album_filter_that_would_leave_nothing_is_not_applied():
    found = retrieve_artist(SIMILARITIES, ARTISTS, ("red", "red", "green", "red", ""))
    assert found.ranks.tolist() == [1, 1, 2]


def test_a_list_without_two_tracks_by_an_artist_asks_nothing():
    with pytest.raises(ValueError, match="no artist has two tracks"):
        retrieve_artist(np.eye(3), ("one", "two", ""))


def test_the_album_filter_is_told_apart_where_artists_have_several_albums():
    plain = evaluate_artist(SIMILARITIES, ARTISTS, ("", "", "", "", ""))
    assert plain == retrieve_artist(SIMILARITIES, ARTISTS).to_json()
    found = evaluate_artist(SIMILARITIES, ARTISTS, ("red", "red", "green", "blue", ""))
    assert found == {
        **plain,
        "album_filter": {"pairs": 3, "top1": 0.0, "top5": 1.0, "mrr": 0.5},
    }
