import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

from songrec.evaluation.agreement import (
    adjusted_rand_index,
    contingency,
    match_labels,
    maximum_assignment,
    moved_share,
)

RANDOM = np.random.default_rng(8)


@pytest.mark.parametrize(("in_a", "in_b"), list(itertools.product([1, 2, 7], repeat=2)))
def test_the_adjusted_rand_index_is_sklearns(in_a, in_b):
    a, b = RANDOM.integers(0, in_a, 200), RANDOM.integers(-1, in_b, 200)
    b = np.where(RANDOM.random(200) < 0.6, a, b)
    assert adjusted_rand_index(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_the_index_of_a_partition_with_itself_is_one(n):
    for labels in (np.zeros(n, int), np.arange(n)):
        assert adjusted_rand_index(labels, labels) == 1.0


def test_counts_are_those_of_sklearn():
    a, b = RANDOM.integers(0, 4, 50), RANDOM.integers(-1, 3, 50)
    counts, rows, columns = contingency(a, b)
    np.testing.assert_array_equal(counts, contingency_matrix(a, b))
    assert rows.tolist() == [0, 1, 2, 3]
    assert columns.tolist() == [-1, 0, 1, 2]


def test_labellings_of_different_tracks_are_refused():
    with pytest.raises(ValueError, match="same tracks"):
        contingency(np.zeros(3, int), np.zeros(4, int))


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (3, 8), (8, 3), (12, 12), (1, 6), (0, 3)])
def test_the_assignment_is_as_good_as_scipys(shape):
    for _ in range(20):
        weights = RANDOM.integers(0, 30, shape)
        pairs = maximum_assignment(weights)
        rows, columns = linear_sum_assignment(weights, maximize=True)
        assert len(pairs) == len(rows)
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        assert sum(weights[i, j] for i, j in pairs) == weights[rows, columns].sum()


def test_renamed_clusters_are_matched_and_nobody_moved():
    old = np.array([0, 0, 0, 1, 1, 2])
    new = np.array([2, 2, 2, 0, 0, 1])
    assert match_labels(new, old) == {2: 0, 0: 1, 1: 2}
    assert moved_share(new, old) == 0.0


def test_who_left_their_cluster_has_moved():
    old = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    new = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    assert moved_share(old, new) == pytest.approx(1 / 8)


def test_noise_matches_nothing_but_stays_where_it_is():
    assert match_labels(np.array([-1, 0]), np.array([0, -1])) == {}
    assert moved_share(np.array([-1, 0]), np.array([-1, 0])) == 0.0
    assert moved_share(np.array([-1, 0]), np.array([0, 0])) == 0.5


def test_no_tracks_have_not_moved():
    nobody = np.empty(0, dtype=np.int32)
    assert moved_share(nobody, nobody) == 0.0
    assert match_labels(nobody, nobody) == {}
