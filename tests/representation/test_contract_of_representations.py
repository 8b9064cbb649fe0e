"""Every registered representation, by the contract in songrec.representation."""

import functools

import numpy as np
import pytest

from songrec.core.types import FeatureTable
from songrec.representation import REPRESENTATIONS
from songrec.store.sound.spectrograms import GivenSpectrograms

_PICTURES = {"epochs": 1, "bands": 16, "frames": 16, "filters": 2, "units": 8, "batch_size": 64}
# What makes an entry quick enough for a test; a new entry may add a line here.
QUICK = {
    "autoencoder": {"epochs": 2},
    "vae": {"epochs": 2, "hidden": (8,)},
    "vade": {"epochs": 2, "pretraining_epochs": 0, "hidden": (8,), "n_clusters": 3},
    "cvae": {"epochs": 1, "hidden": (8,)},
    "conv_vae": _PICTURES,
    "hybrid_conv_vae": _PICTURES,
}

everyone = pytest.mark.parametrize("name", REPRESENTATIONS.names())


def made(name, **more):
    return REPRESENTATIONS.create(name, **{**QUICK.get(name, {}), **more})


def needed(name, table):
    """What the entry asks for beside its table, row by row over the table's tracks."""
    random, rows = np.random.default_rng(5), len(table.track_ids)
    pictures = -80 * random.random((rows, 20, 30)).astype(np.float32)
    words = np.array(["rain", "night", "sun", "road", "heart", "fire"])
    given = {
        "spectrograms": GivenSpectrograms(pictures),
        "texts": [" ".join(random.choice(words, 4)) if row % 3 else None for row in range(rows)],
        "labels": [("rock", "jazz", None)[row % 3] for row in range(rows)],
    }
    return {what: given[what] for what in REPRESENTATIONS.entry(name).required_inputs}


def fitted(name, table, seed=1):
    return made(name).fit(table, seed=seed, **needed(name, table))


@pytest.fixture(scope="module")
def table():
    values = np.random.default_rng(3).normal(size=(200, 12)).astype(np.float32)
    return FeatureTable(np.arange(200), tuple("abcdefghijkl"), values)


class Learnt:
    """A model trained once, by its name, and what was seen of its training."""

    def __init__(self, name, table):
        self.table = FeatureTable(table.track_ids, table.names, table.values.copy())
        self.needed = needed(name, table)
        self.shares = []
        self.model = made(name)
        self.returned = self.model.fit(
            self.table,
            seed=1,
            on_progress=lambda share, message, details=None: self.shares.append(share),
            **self.needed,
        )
        self.latent = self.model.transform(self.table, **self.needed)


@pytest.fixture(scope="module")
def trained(table):
    """``trained(name)``: compiling a network is dear, so that each is trained once for all."""
    return functools.cache(lambda name: Learnt(name, table))


@everyone
def test_init_stores_its_parameters_untouched(name):
    parameters = REPRESENTATIONS.parse(name)
    model = REPRESENTATIONS.create(name)
    assert {key: getattr(model, key) for key in parameters} == parameters
    assert model.history_ == []


@everyone
def test_transform_gives_one_finite_float32_row_per_track(name, trained):
    latent = trained(name).latent
    assert latent.dtype == np.float32
    assert latent.shape[0] == 200
    assert np.isfinite(latent).all()


@everyone
def test_fit_returns_itself_and_leaves_the_table_alone(name, table, trained):
    learnt = trained(name)
    assert learnt.returned is learnt.model
    np.testing.assert_array_equal(learnt.table.values, table.values)


@everyone
def test_the_same_seed_gives_the_same_latent(name, table, trained):
    again = fitted(name, table).transform(table, **needed(name, table))
    np.testing.assert_array_equal(again, trained(name).latent)


@everyone
def test_a_loaded_model_places_new_tracks_as_the_saved_one(name, table, trained, tmp_path):
    model = trained(name).model
    model.save(tmp_path)
    again = type(model).load(tmp_path)
    values = np.random.default_rng(4).normal(size=(5, 12)).astype(np.float32)
    new = FeatureTable(np.arange(5), table.names, values)
    more = needed(name, new)
    np.testing.assert_allclose(
        again.transform(new, **more), model.transform(new, **more), atol=1e-6
    )
    assert again.metrics_ == model.metrics_


@everyone
def test_progress_rises_to_one_at_most(name, trained):
    seen = trained(name).shares
    assert seen == sorted(seen)
    assert all(0 <= share <= 1 for share in seen)


@everyone
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_tiny_and_constant_tables_do_not_crash(name, rows, interpreted):
    constant = FeatureTable(np.arange(rows), ("a", "b"), np.zeros((rows, 2), np.float32))
    model = fitted(name, constant, 0)
    assert np.isfinite(model.transform(constant, **needed(name, constant))).all()


@pytest.mark.parametrize("name", ["autoencoder", "vade"])
def test_a_single_track_does_not_crash_what_is_compiled(name):
    constant = FeatureTable(np.arange(1), ("a", "b"), np.zeros((1, 2), np.float32))
    assert np.isfinite(fitted(name, constant, 0).transform(constant)).all()


@everyone
def test_what_can_reconstruct_restores_the_tables_shape(name, table, trained):
    model, more = trained(name).model, trained(name).needed
    if not hasattr(model, "reconstruct"):
        pytest.skip(f"{name} does not reconstruct")
    whole = more.get("spectrograms", table.values)
    assert model.reconstruct(table, **more).shape == whole.shape


@everyone
def test_the_registry_lists_the_abilities_that_others_ask_for(name):
    entry = REPRESENTATIONS.entry(name)
    has = {ability for ability in ("assign", "decode") if hasattr(entry.load(), ability)}
    assert set(entry.abilities) == has


@everyone
def test_the_registry_says_what_a_model_needs_beside_its_table(name):
    entry = REPRESENTATIONS.entry(name)
    assert entry.required_inputs == tuple(getattr(entry.load(), "required_inputs", ()))
