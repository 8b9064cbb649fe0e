"""Artists that are like an artist, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.similar_artists import similar_artists
from tests.services.training.test_two_tower import scenes, space_with_artists

SONGS = np.arange(10)
"""The songs of the first artist, which is of the first of five scenes of twelve artists."""


@pytest.fixture(scope="module")
def space():
    return replace(space_with_artists(), playlists=tuple(scenes(60)))


def matches_of(space, **options):
    return similar_artists(METHODS.create("distance"), space, SONGS, 60, **options)


def test_artists_of_the_same_playlists_are_said_to_be_together(space):
    matches = matches_of(space)
    together = {one.track_id // 10 for one in matches if one.are_together}
    assert together == {5 * number for number in range(1, 12)}
    for one in matches:
        assert ("the same playlists" in one.sentence) == one.are_together
    bare = matches_of(replace(space, playlists=()))
    assert [one.track_id for one in bare] == [one.track_id for one in matches]
    assert not any(one.are_together for one in bare)


def test_an_artist_all_of_whose_songs_are_left_out_is_no_match(space):
    first = matches_of(space)[0].track_id // 10
    without = matches_of(space, withdrawn=list(range(10 * first, 10 * first + 10)))
    assert first not in {one.track_id // 10 for one in without}
    assert len(without) == len(matches_of(space)) - 1
