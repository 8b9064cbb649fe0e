"""Weights and skips bend an answer whatever the method, and the reasons still add up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from songrec.recommend.feedback_boosts import Boost
from songrec.recommend.ranking import rank
from songrec.recommend.registry import METHODS
from tests.recommend.planted import make_space


@pytest.fixture
def space():
    """Two knots of 30 tracks and 140 tracks around them."""
    rng = np.random.default_rng(3)
    one, two = rng.normal(2, 0.4, (30, 4)), rng.normal(-2, 0.4, (30, 4))
    # Track ids are 10, 20, 30, …: the first knot's go to 300, the second's to 600.
    return make_space(np.vstack([one, two, rng.normal(0, 1.5, (140, 4))]))


def from_first(found):
    return sum(match.track_id <= 300 for match in found)


@pytest.mark.parametrize("method", METHODS.names())
def test_a_heavier_like_moves_its_neighbours_up(space, method):
    likes = [10, 20, 310, 320]
    plain = rank(space, likes, n=10, method=method)
    boosts = [Boost.of_weight(10, 3), Boost.of_weight(20, 3)]
    weighed = rank(space, likes, n=10, method=method, boosts=boosts)
    assert from_first(weighed) >= from_first(plain)
    for match in weighed:
        assert match.score == pytest.approx(math.fsum(r.contribution for r in match.reasons))
    assert [m.score for m in weighed] == sorted((m.score for m in weighed), reverse=True)
    told = [r for m in weighed for r in m.reasons if "counts three times" in r.text]
    assert told
    assert all(reason.contribution > 0 for reason in told)


@pytest.mark.parametrize("method", METHODS.names())
def test_skips_move_their_neighbours_down_without_being_called_dislikes(space, method):
    likes = [10, 20, 310, 320]
    plain = rank(space, likes, n=10, method=method)
    skips = [Boost.of_skips(track_id, 3) for track_id in range(30, 120, 10)]
    skipped = rank(space, likes, n=10, method=method, boosts=skips)
    assert from_first(skipped) <= from_first(plain)
    reasons = [reason for match in skipped for reason in match.reasons]
    assert not [reason for reason in reasons if reason.kind == "disliked"]
    assert all(
        "which you skipped" in r.text and r.contribution < 0 for r in reasons if r.kind == "skipped"
    )


def test_a_weight_of_one_changes_nothing(space):
    boosts = [Boost.of_weight(10, 1)]
    assert rank(space, [10, 310], n=10, boosts=boosts) == rank(space, [10, 310], n=10)


def test_a_skip_weighs_less_than_half_a_step_of_weight():
    assert 0 > Boost.of_skips(1, 1).strength > -Boost.of_weight(1, 2).strength / 2
