"""Artists that are like an artist, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.similar_artists import similar_artists
from tests.recommend.planted import VALUE_NAMES, make_space
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


def test_artists_sound_alike_by_what_is_known_of_them_alone():
    """An artist with no known value is as far as a random one; a song that lacks all is no mean."""
    rng = np.random.default_rng(2)
    columns = [i for i, name in enumerate(VALUE_NAMES) if name not in ("explicit", "popularity")]
    values = rng.normal(size=(200, len(VALUE_NAMES)))
    values[:20, columns] = rng.normal(size=(1, len(columns))) * 1.5
    values[:5] = np.nan  # half of the artist's own songs
    values[20:30] = np.nan  # all songs of another artist
    space = replace(
        make_space(np.nan_to_num(values[:, columns]), values=values),
        artists=np.repeat(np.arange(1, 21, dtype=np.uint64), 10),
    )
    matches = similar_artists(METHODS.create("distance"), space, SONGS, 60)
    distances = {int(space.rows_of([one.track_id])[0]) // 10: one.distance for one in matches}
    assert distances[1] == pytest.approx(0.0, abs=1e-6)
    assert distances[2] == pytest.approx(1.0, abs=0.1)
    assert next(one for one in matches if one.distance == distances[2]).sentence != "Similar sound"
