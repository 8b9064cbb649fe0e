"""Collaborative filtering of the study, on playlists whose songs belong together."""

import numpy as np
import pytest

from benchmarks.studies import collaborative

GROUPS, SONGS = 5, 12


@pytest.fixture(scope="module")
def counts():
    """Playlists of eight of the twelve songs of one of five groups."""
    rng = np.random.default_rng(0)
    rows = [
        SONGS * (number % GROUPS) + rng.choice(SONGS, 8, replace=False) for number in range(100)
    ]
    return collaborative.incidence(np.arange(GROUPS * SONGS), rows)


@pytest.mark.parametrize(
    "fit",
    [
        collaborative.nearest_items,
        lambda counts: collaborative.als(counts, 0),
        lambda counts: collaborative.bpr(counts, 0),
    ],
    ids=["item-kNN", "ALS", "BPR"],
)
def test_songs_of_the_likes_group_come_first(counts, fit):
    scores = fit(counts)(np.array([12, 13]))
    others = np.setdiff1d(np.arange(GROUPS * SONGS), [12, 13])
    best = others[np.argsort(-scores[others])][:10]
    assert (best // SONGS == 1).sum() >= 8


def test_a_half_step_of_als_is_the_least_squares_solution():
    rng = np.random.default_rng(1)
    fixed = rng.normal(size=(30, collaborative.FACTORS))
    held = np.array([3, 7, 20])
    found = collaborative._solve(fixed, fixed.T @ fixed, held)
    weights = np.ones(30)
    weights[held] += collaborative.CONFIDENCE
    wanted = np.zeros(30)
    wanted[held] = 1.0
    away = weights * (fixed @ found - wanted)
    np.testing.assert_allclose(fixed.T @ away + collaborative.RIDGE * found, 0, atol=1e-8)
