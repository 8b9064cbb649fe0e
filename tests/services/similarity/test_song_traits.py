"""The words and figures beside a song."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.services.similarity.song_traits import song_traits, telling_words
from tests.recommend.planted import VALUE_NAMES, make_space

N = 400


def catalogue():
    """Return a space whose attributes are spread evenly over their usual ranges."""
    rng = np.random.default_rng(0)
    values = rng.random((N, len(VALUE_NAMES)))
    values[:, VALUE_NAMES.index("tempo")] = 60 + 120 * values[:, VALUE_NAMES.index("tempo")]
    for name in ("liveness", "speechiness", "instrumentalness"):
        values[:, VALUE_NAMES.index(name)] *= 0.5
    return make_space(rng.normal(size=(N, 10)), values=values)


SPACE = catalogue()


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"energy": 0.1, "acousticness": 0.95}, ("acoustic", "calm")),
        ({"energy": 0.1, "positiveness": 0.1}, ("calm", "melancholy")),
        ({"energy": 0.95, "positiveness": 0.1}, ("energetic", "dark")),
        # More of an audience than any other song here, and yet in a studio.
        ({"liveness": 0.7}, ()),
        ({"liveness": 0.9}, ("live",)),
        ({"speechiness": 0.5}, ()),
        ({"loudness": 0.99, "popularity": 0.99, "explicit": 1.0}, ()),
        ({"energy": 0.45, "tempo": 118}, ()),
        ({"energy": None, "positiveness": None}, ()),
        ({}, ()),
    ],
)
def test_only_true_and_telling_words_stand_beside_a_song(attributes, words):
    assert telling_words(SPACE, attributes) == words


def test_length_and_loudness_are_no_traits():
    for traits in song_traits(SPACE, np.arange(N)):
        assert not {t["name"] for t in traits} & {"loudness", "duration", "explicit", "variance"}


def test_words_are_those_of_the_space_that_is_asked():
    attributes = {"energy": 0.95, "positiveness": 0.1}
    values = np.random.default_rng(0).random((N, len(VALUE_NAMES)))
    values[:, VALUE_NAMES.index("energy")] = 0.95
    loud = make_space(np.random.default_rng(0).normal(size=(N, 10)), values=values)
    assert [telling_words(space, attributes) for space in (SPACE, loud, SPACE)] == [
        ("energetic", "dark"),
        ("dark",),
        ("energetic", "dark"),
    ]
