import numpy as np
import pytest

from songrec.evaluation.importance import importance


def test_known_answers_by_hand():
    # 0, 0, 4, 4: mean 2, variance 4. Each cluster's mean is 4 = 2 standard deviations from the
    # other's, and all of the variance lies between them.
    values = np.array([[0, 1], [0, 2], [4, 1], [4, 2]], dtype=np.float32)
    found = importance(values, ("apart", "alike"), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(found.difference, [[-2, 0], [2, 0]])
    np.testing.assert_allclose(found.eta_squared, [1, 0])
    assert found.of_cluster(1, 1) == [("apart", 2.0)]
    assert found.overall(1) == [("apart", 1.0)]


def test_eta_squared_is_the_share_of_variance_between_the_clusters():
    # Sums of squares: between 2·1² + 2·1² = 4, within 4 · 0.5² = 1.
    values = np.array([[-1.5], [-0.5], [0.5], [1.5]], dtype=np.float32)
    found = importance(values, ("x",), np.array([3, 3, 7, 7]))
    assert found.clusters.tolist() == [3, 7]
    assert found.eta_squared[0] == pytest.approx(4 / 5)


def test_noise_and_unknown_values_do_not_count():
    values = np.array([[0], [0], [4], [4], [np.nan], [99]], dtype=np.float32)
    found = importance(values, ("x",), np.array([0, 0, 1, 1, 1, -1]))
    np.testing.assert_allclose(found.difference, [[-2], [2]])
    assert found.clusters.tolist() == [0, 1]


def test_a_constant_or_unknown_feature_says_nothing():
    values = np.array([[0.1, np.nan], [0.1, np.nan], [0.1, 1.0]], dtype=np.float32)
    found = importance(values, ("constant", "unknown"), np.array([0, 1, 1]))
    assert np.isnan(found.eta_squared).all()
    assert found.of_cluster(0, 5) == []
    assert found.overall(5) == []


def test_one_cluster_has_no_others_to_differ_from():
    found = importance(np.array([[1.0], [2.0]], dtype=np.float32), ("x",), np.array([0, 0]))
    assert np.isnan(found.difference).all()
    assert found.eta_squared[0] == pytest.approx(0.0)
