from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from songrec.prediction import metrics


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_measures_of_numbers_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    true, predicted = rng.random(50), rng.random(50)
    assert metrics.r2(true, predicted) == pytest.approx(sklearn.metrics.r2_score(true, predicted))
    assert metrics.mae(true, predicted) == pytest.approx(
        sklearn.metrics.mean_absolute_error(true, predicted)
    )


def test_measures_of_classes_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    true, predicted = rng.integers(0, 5, 80), rng.integers(0, 6, 80)
    assert metrics.accuracy(true, predicted) == pytest.approx(
        sklearn.metrics.accuracy_score(true, predicted)
    )
    assert metrics.f1_weighted(true, predicted) == pytest.approx(
        sklearn.metrics.f1_score(true, predicted, average="weighted", zero_division=0)
    )


def test_r2_of_equal_values_is_unknown_rather_than_a_figure() -> None:
    result = metrics.score(np.ones(10), np.zeros(10), is_class=False, seed=0)
    assert result["r2"] is None
    assert result["mae"] == 1.0
    assert "r2" not in result["intervals"]


def test_intervals_hold_the_figure_and_shrink_with_more_tracks(rng: np.random.Generator) -> None:
    widths = []
    for n in (40, 1000):
        true = rng.normal(size=n)
        result = metrics.score(true, true + 0.5 * rng.normal(size=n), is_class=False, seed=1)
        low, high = result["intervals"]["r2"]
        assert low < result["r2"] < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_about_95_of_100_intervals_hold_the_true_accuracy() -> None:
    held = 0
    for seed in range(100):
        right = np.random.default_rng(seed).random(200) < 0.7
        result = metrics.score(np.ones(200), right.astype(float), is_class=True, seed=seed)
        low, high = result["intervals"]["accuracy"]
        held += low <= 0.7 <= high
    assert 88 <= held <= 100
