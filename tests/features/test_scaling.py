import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable
from songrec.features.scaling import Scaler


def table(values):
    values = np.asarray(values, dtype=np.float32)
    names = tuple(f"f{i}" for i in range(values.shape[1]))
    return FeatureTable(np.arange(len(values)), names, values)


@pytest.fixture
def holed():
    random = np.random.default_rng(5)
    values = random.normal(loc=[0, 100, -8], scale=[1, 30, 0.01], size=(500, 3))
    values[random.random(values.shape) < 0.04] = np.nan
    return table(np.column_stack([values, np.full(500, 0.1)]))


def test_the_statistics_are_sklearns_after_median_imputation(holed):
    scaler = Scaler.fit(holed)
    imputed = SimpleImputer(strategy="median").fit_transform(holed.values.astype(np.float64))
    reference = StandardScaler().fit(imputed)
    np.testing.assert_allclose(scaler.mean, reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler.scale, reference.scale_, rtol=1e-12)
    np.testing.assert_allclose(
        scaler.transform(holed).values, reference.transform(imputed), atol=1e-5
    )


def test_a_constant_column_becomes_zero_and_not_infinite(holed):
    scaled = Scaler.fit(holed).transform(holed).values
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaled[:, 3], 0.0, atol=1e-6)


def test_what_differs_by_rounding_alone_is_constant():
    # A silent unit's mean over 3 and over 10 windows: the same number up to its last digits.
    unit = np.float32(-0.0461531)
    means = np.where(np.arange(6) % 2, unit, np.nextafter(unit, np.float32(0)))
    assert len(set(means.tolist())) == 2
    telling = 1e-4 * np.arange(6) + 100  # differs little, and tells
    scaled = Scaler.fit(table(np.column_stack([means, telling]))).transform(
        table(np.column_stack([means, telling]))
    )
    np.testing.assert_allclose(scaled.values[:, 0], 0.0, atol=1e-6)
    assert scaled.values[:, 1].std() == pytest.approx(1.0, abs=0.01)


def test_a_single_track_is_all_zeros():
    assert not Scaler.fit(table([[1, 2]])).transform(table([[1, 2]])).values.any()


def test_a_column_that_nobody_knows_is_named():
    with pytest.raises(BadInput, match="'f1'"):
        Scaler.fit(table([[1, np.nan], [2, np.nan]]))


def test_no_tracks_is_said_plainly():
    with pytest.raises(BadInput, match="no tracks"):
        Scaler.fit(table(np.empty((0, 2))))


def test_other_columns_than_those_learnt_are_refused(holed):
    with pytest.raises(BadInput, match="trained on"):
        Scaler.fit(holed).transform(table([[1, 2]]))


def test_a_saved_scaler_scales_new_tracks_the_same(holed, tmp_path):
    scaler = Scaler.fit(holed)
    scaler.save(tmp_path / "scaler.npz")
    again = Scaler.load(tmp_path / "scaler.npz")
    new = table([[np.nan, 90, -8, 0.1]])
    np.testing.assert_array_equal(again.transform(new).values, scaler.transform(new).values)
