import numpy as np
import pytest

from songrec.core.standardization import ColumnMoments


def test_blocks_give_the_moments_of_the_whole():
    values = np.random.default_rng(2).normal([0, 1e4, -3], [1, 0.5, 1e-3], size=(20_000, 3))
    values[::7, 0] = np.nan
    moments = ColumnMoments.of(values)
    assert moments.rows == 20_000
    assert moments.count.tolist() == np.isfinite(values).sum(axis=0).tolist()
    assert moments.mean == pytest.approx(np.nanmean(values, axis=0), rel=1e-12, abs=1e-12)
    assert moments.std == pytest.approx(np.nanstd(values, axis=0), rel=1e-9)


def test_unknown_values_become_the_mean_and_constant_columns_do_not_vary():
    values = np.array([[1.0, 5.0, np.nan], [3.0, 5.0, 2.0], [np.nan, 5.0, 4.0]], dtype=np.float32)
    moments = ColumnMoments.of(values)
    standardized = moments.standardize(values)
    np.testing.assert_allclose(standardized[:, 0], [-1, 1, 0])
    np.testing.assert_allclose(standardized[:, 1], 0)
    np.testing.assert_allclose(standardized[:, 2], [0, -1, 1])
    assert moments.varies().tolist() == [True, False, True]
    assert not ColumnMoments.of(np.full((4, 2), np.nan)).varies().any()


def test_a_column_that_varies_by_rounding_is_constant():
    silent = np.nextafter(np.full(6, 0.3, np.float32), np.tile([0, 1], 3).astype(np.float32))
    assert len(set(silent.tolist())) == 2
    values = np.column_stack([silent, np.arange(6), np.arange(6) * 1e-7]).astype(np.float32)
    moments = ColumnMoments.of(values)
    assert moments.varies().tolist() == [False, True, True]
    assert moments.varies(atol=1e-6).tolist() == [False, True, False]
    assert moments.scale()[0] == 1.0


def test_no_rows_give_no_deviation():
    moments = ColumnMoments.of(np.empty((0, 2)))
    assert moments.std.tolist() == [0.0, 0.0]
    assert moments.scale().tolist() == [1.0, 1.0]
