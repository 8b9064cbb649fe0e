"""Every registered representation, by the contract in songrec.representation."""

import numpy as np
import pytest

from songrec.core.types import FeatureTable
from songrec.representation import REPRESENTATIONS

# What makes an entry quick enough for a test; a new entry may add a line here.
QUICK = {"autoencoder": {"epochs": 2}, "vae": {"epochs": 2, "hidden": (8,)}}

everyone = pytest.mark.parametrize("name", REPRESENTATIONS.names())


def made(name, **more):
    return REPRESENTATIONS.create(name, **{**QUICK.get(name, {}), **more})


@pytest.fixture(scope="module")
def table():
    values = np.random.default_rng(3).normal(size=(200, 12)).astype(np.float32)
    return FeatureTable(np.arange(200), tuple("abcdefghijkl"), values)


@everyone
def test_init_stores_its_parameters_untouched(name):
    parameters = REPRESENTATIONS.parse(name)
    model = REPRESENTATIONS.create(name)
    assert {key: getattr(model, key) for key in parameters} == parameters
    assert model.history_ == []


@everyone
def test_transform_gives_one_finite_float32_row_per_track(name, table):
    latent = made(name).fit(table, seed=1).transform(table)
    assert latent.dtype == np.float32
    assert latent.shape[0] == len(table.track_ids)
    assert np.isfinite(latent).all()


@everyone
def test_fit_returns_itself_and_leaves_the_table_alone(name, table):
    before = table.values.copy()
    model = made(name)
    assert model.fit(table, seed=1) is model
    np.testing.assert_array_equal(table.values, before)


@everyone
def test_the_same_seed_gives_the_same_latent(name, table):
    first, second = (made(name).fit(table, seed=7).transform(table) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@everyone
def test_a_loaded_model_places_new_tracks_as_the_saved_one(name, table, tmp_path):
    model = made(name).fit(table, seed=1)
    model.save(tmp_path)
    again = type(model).load(tmp_path)
    values = np.random.default_rng(4).normal(size=(5, 12)).astype(np.float32)
    new = FeatureTable(np.arange(5), table.names, values)
    np.testing.assert_allclose(again.transform(new), model.transform(new), atol=1e-6)
    assert again.metrics_ == model.metrics_


@everyone
def test_progress_rises_to_one_at_most(name, table):
    seen = []
    made(name).fit(
        table, seed=1, on_progress=lambda share, message, details=None: seen.append(share)
    )
    assert seen == sorted(seen)
    assert all(0 <= share <= 1 for share in seen)


@everyone
def test_tiny_and_constant_tables_do_not_crash(name):
    for rows in (1, 2, 3):
        constant = FeatureTable(np.arange(rows), ("a", "b"), np.zeros((rows, 2), np.float32))
        assert np.isfinite(made(name).fit(constant, seed=0).transform(constant)).all()


@everyone
def test_what_can_reconstruct_restores_the_tables_shape(name, table):
    model = made(name).fit(table, seed=1)
    if not hasattr(model, "reconstruct"):
        pytest.skip(f"{name} does not reconstruct")
    assert model.reconstruct(table).shape == table.values.shape


@everyone
def test_the_registry_lists_the_abilities_that_others_ask_for(name):
    entry = REPRESENTATIONS.entry(name)
    has = {ability for ability in ("assign", "decode") if hasattr(entry.load(), ability)}
    assert set(entry.abilities) == has
