import numpy as np
import pytest
from scipy import stats

from songrec.core.errors import BadInput, NotReady
from songrec.features.attribute_table import attributes_table
from songrec.features.quantile_normalization import (
    mid_ranks,
    normal_quantile,
    normal_scores,
    normal_space,
)


def test_the_quantile_function_agrees_with_scipy_far_into_the_tails():
    shares = np.concatenate([np.logspace(-300, -1, 400), np.linspace(0.001, 0.999, 999)])
    shares = np.concatenate([shares, 1 - np.logspace(-15, -1, 100)])
    np.testing.assert_allclose(
        normal_quantile(shares), stats.norm.ppf(shares), rtol=1e-12, atol=1e-15
    )


def test_ties_share_their_middle():
    ranks = mid_ranks(np.array([5, 1, 1, 9], dtype=np.float32))
    np.testing.assert_allclose(ranks, [5 / 8, 2 / 8, 2 / 8, 7 / 8])


def test_scores_keep_the_order_and_forget_the_scale():
    column = np.array([0.1, 3.0, -2.0, 1e6], dtype=np.float32)
    np.testing.assert_array_equal(normal_scores(column), normal_scores(np.cbrt(column)))
    assert (np.argsort(normal_scores(column)) == np.argsort(column)).all()


def test_scores_of_many_tracks_are_standard_normal():
    scores = normal_scores(np.random.default_rng(0).exponential(size=20_000).astype(np.float32))
    assert scores.mean() == pytest.approx(0, abs=1e-3)
    assert scores.std() == pytest.approx(1, abs=1e-2)


def test_an_unknown_value_lies_in_the_middle():
    scores = normal_scores(np.array([np.nan, 1, 2, 3], dtype=np.float32))
    assert scores[0] == 0
    assert scores[1] < 0 < scores[3]


def test_the_space_is_about_sound_and_leaves_out_what_few_or_all_share():
    random = np.random.default_rng(1)
    names = ("tempo", "energy", "popularity", "explicit", "liveness")
    values = random.random((100, 5), dtype=np.float32)
    values[:, 4] = 0.5
    year = np.full(100, 1999, dtype=np.float32)
    year[:50] = np.nan
    duration = random.random(100, dtype=np.float32)
    space = normal_space(values, names, {"duration": duration, "year": year})
    assert space.columns == ("tempo", "energy", "duration")
    assert space.matrix.shape == (100, 3)
    assert space.matrix.dtype == np.float32


def test_constant_columns_stay_where_there_is_nothing_else():
    values = np.full((3, 2), 0.5, dtype=np.float32)
    space = normal_space(values, ("tempo", "energy"), {"year": np.full(3, np.nan, np.float32)})
    assert space.columns == ("tempo", "energy")
    assert not space.matrix.any()


def test_attributes_that_too_few_tracks_have_are_left_out_with_their_share():
    values = np.ones((100, 2), dtype=np.float32)
    values[:5, 0] = np.nan
    values[:6, 1] = np.nan
    table, choice = attributes_table(np.arange(100), values, ("tempo", "variance"))
    assert table.names == choice.used == ("tempo",)
    assert choice.left_out == {"variance": 0.94}


def test_an_empty_catalogue_says_what_to_do_first():
    with pytest.raises(NotReady, match="flask ingest"):
        attributes_table(np.empty(0, dtype=np.int64), np.empty((0, 1), np.float32), ("tempo",))


def test_a_catalogue_without_attributes_cannot_be_trained_on():
    with pytest.raises(BadInput, match="nothing to train on"):
        attributes_table(np.arange(2), np.full((2, 1), np.nan, np.float32), ("tempo",))
