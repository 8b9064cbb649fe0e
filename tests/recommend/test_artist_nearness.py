"""Nearness of artists by vectors: known artists, unknown ones, and the split over the likes."""

from dataclasses import replace

import numpy as np
import pytest

from songrec.recommend.taste.artist_nearness import ArtistVectors, artist_vectors_of
from tests.recommend.planted import random_space

LIKES = np.array([0, 2])


def vectors():
    """Four artists of two tracks each; the last has no vector."""
    unit = np.array([[1, 0], [0.6, 0.8], [0, 1], [9, 9]], dtype=np.float32)
    return ArtistVectors(unit, np.array([True, True, True, False]), np.repeat(np.arange(4), 2))


def test_a_song_is_as_near_as_its_artist_is_to_those_of_the_likes():
    near = vectors()
    rows = np.arange(8)
    np.testing.assert_allclose(
        near.similarities(LIKES, rows[:6]),
        [[1, 0.6], [1, 0.6], [0.6, 1], [0.6, 1], [0, 0.8], [0, 0.8]],
        atol=1e-7,
    )
    found = near.nearness(LIKES, rows)
    mean = near.similarities(LIKES, rows[:6]).mean(axis=1)
    np.testing.assert_allclose(found[:6], (mean - mean.mean()) / mean.std(), atol=1e-6)
    assert found[6:].tolist() == [0, 0]
    np.testing.assert_allclose(near.nearness_of_all(LIKES), found, atol=1e-6)
    np.testing.assert_allclose(near.nearness_per_like(LIKES, rows).sum(axis=1), found, atol=1e-12)


def test_a_like_by_an_unknown_artist_changes_nothing():
    near, rows = vectors(), np.arange(8)
    some, more = near.nearness(LIKES, rows), near.nearness(np.array([0, 2, 6]), rows)
    np.testing.assert_allclose(some, more)
    assert not near.nearness(np.array([6]), rows).any()
    assert not near.nearness_of_all(np.array([6])).any()
    assert np.isnan(near.similarities(np.array([6]), rows)).all()


def test_where_all_artists_are_as_near_nearness_is_nothing():
    same = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (3, 1))
    near = ArtistVectors(same, np.ones(3, dtype=bool), np.arange(3))
    assert not near.nearness_of_all(np.array([0])).any()
    assert not near.nearness(np.array([0]), np.arange(3)).any()


def test_a_space_numbers_its_artists():
    space = random_space(12)
    assert artist_vectors_of(space) is None
    n = len(space.track_ids)
    artists = np.array([0, 30, 20, 10] * n, dtype=np.uint64)[:n]
    with_vectors = replace(
        space,
        artists=artists,
        artist_ids=np.array([10, 30, 40], dtype=np.uint64),
        artist_vectors=np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32),
    )
    near = artist_vectors_of(with_vectors)
    assert near.has_vector_of(np.arange(4)).tolist() == [False, True, False, True]
    assert near.similarities(np.array([1]), np.array([3, 5]))[:, 0].tolist() == pytest.approx(
        [0, 1]
    )
    assert artist_vectors_of(with_vectors) is near
    others = replace(with_vectors, artist_ids=np.array([1, 2, 3], dtype=np.uint64))
    assert artist_vectors_of(others) is None
