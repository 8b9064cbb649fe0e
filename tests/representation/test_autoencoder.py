import numpy as np
import pytest

from songrec.core.backend import keras
from songrec.core.errors import BadInput, Cancelled
from songrec.core.types import FeatureTable
from songrec.representation import training_loop
from songrec.representation.autoencoder import Autoencoder
from songrec.representation.pca import PCA


def table_of(values):
    names = tuple(f"f{i}" for i in range(values.shape[1]))
    return FeatureTable(np.arange(len(values)), names, values)


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    values = random.normal(size=(600, 3)) @ random.normal(size=(3, 12))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return table_of(values.astype(np.float32))


def small_model():
    keras.utils.set_random_seed(4)
    inputs = keras.Input((12,))
    middle = keras.layers.Dense(5, activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(12)(middle))


def test_the_default_is_the_missions_network(table):
    model = Autoencoder(epochs=1).fit(table, seed=0)
    layers = [layer for layer in model.model_.layers if hasattr(layer, "units")]
    assert [layer.units for layer in layers] == [12, 6, 12, 12]
    assert [layer.activation.__name__ for layer in layers] == ["relu", "relu", "relu", "linear"]
    assert model.transform(table).shape == (600, 6)


def test_one_step_an_epoch_is_what_fit_does(table):
    # One batch holds everything, so shuffling cannot make a difference.
    ours, usual = small_model(), small_model()
    losses = [
        epoch.loss
        for epoch in training_loop.train(
            ours,
            table.values,
            optimizer=keras.optimizers.Adam(0.01),
            epochs=5,
            batch_size=600,
            seed=0,
        )
    ]
    usual.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    history = usual.fit(table.values, table.values, epochs=5, batch_size=600, verbose=0)
    np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-4)
    for mine, theirs in zip(ours.get_weights(), usual.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


def test_a_short_last_batch_counts_by_its_rows(table):
    # Identical rows: every order gives the same batches, of 32 and a last one of 8 rows.
    values = np.repeat(table.values[:1], 40, axis=0)
    ours, usual = small_model(), small_model()
    (epoch,) = training_loop.train(
        ours, values, optimizer=keras.optimizers.SGD(0.1), epochs=1, batch_size=32, seed=0
    )
    usual.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    history = usual.fit(values, values, epochs=1, batch_size=32, verbose=0)
    assert epoch.loss == pytest.approx(history.history["loss"][0], rel=1e-4)
    for mine, theirs in zip(ours.get_weights(), usual.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_every_row_is_seen_once_an_epoch(table):
    # With a step of zero length the epoch's loss is the mean over all rows.
    model = small_model()
    (epoch,) = training_loop.train(
        model, table.values, optimizer=keras.optimizers.SGD(0.0), epochs=1, batch_size=32, seed=2
    )
    assert epoch.loss == pytest.approx(training_loop.evaluate(model, table.values), rel=1e-5)


def test_an_epochs_learning_rate_is_the_one_it_was_given(table):
    # Steps of no length in the second epoch, of the usual length in the third.
    model = small_model()
    found = training_loop.train(
        model,
        table.values,
        optimizer=keras.optimizers.Adam(0.5),
        epochs=3,
        batch_size=100,
        seed=0,
        learning_rate=lambda epoch: (0.01, 0.0, 0.01)[epoch - 1],
    )
    after = [model.get_weights()[0] for _ in found]
    np.testing.assert_array_equal(after[0], after[1])
    assert 0.001 < np.abs(after[2] - after[1]).max() < 0.1


def test_it_learns_what_three_factors_hold(table):
    model = Autoencoder(epochs=60, batch_size=16).fit(table, seed=0)
    losses = [epoch["loss"] for epoch in model.history_]
    assert losses[-1] < 0.25 * losses[0]
    assert model.history_[-1]["val_loss"] < 0.4
    assert [epoch["epoch"] for epoch in model.history_] == list(range(1, 61))


def test_three_components_hold_what_three_factors_made(table):
    model = PCA(latent=3).fit(table, seed=0)
    assert model.metrics_["explained_variance"] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(model.reconstruct(table), table.values, atol=1e-4)


def test_progress_carries_the_loss_curve(table):
    seen = []
    Autoencoder(epochs=3).fit(
        table, seed=0, on_progress=lambda share, message, details=None: seen.append(details)
    )
    assert [details["epoch"] for details in seen if details] == [1, 2, 3]
    assert all(details["loss"] > 0 and details["val_loss"] > 0 for details in seen if details)


def test_it_can_be_cancelled_within_an_epoch(table, monkeypatch):
    monkeypatch.setattr(training_loop, "FIRST_CALL_STEPS", 2)
    calls = []

    def stop(share, message, details=None):
        calls.append((share, details))
        raise Cancelled

    with pytest.raises(Cancelled):
        Autoencoder(epochs=50).fit(table, seed=0, on_progress=stop)
    assert len(calls) == 1
    assert calls[0][0] < 1 / 50
    assert calls[0][1] is None


def test_a_loss_that_runs_away_says_what_to_change(table):
    huge = table_of(table.values * 1e18)
    with pytest.raises(BadInput, match="learning rate of 1 is too high"):
        Autoencoder(epochs=20, learning_rate=1.0).fit(huge, seed=0)


def test_a_validation_loss_that_runs_away_is_no_run_either(table, monkeypatch):
    told = [training_loop.Epoch(1, 0.5, 0.4), training_loop.Epoch(2, 0.5, float("inf"))]
    monkeypatch.setattr(training_loop, "train", lambda *args, **kwargs: iter(told))
    with pytest.raises(BadInput, match="no longer a number after epoch 2"):
        Autoencoder(epochs=2).fit(table, seed=0)


def test_units_that_are_never_active_are_counted():
    # Nothing to learn from zeros: the latent stays at relu(0).
    model = Autoencoder(epochs=1).fit(table_of(np.zeros((50, 4), np.float32)), seed=0)
    assert model.metrics_["dead_latent_dimensions"] == 6


def test_too_few_tracks_to_hold_one_out_have_no_validation_loss():
    values = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert Autoencoder(epochs=1).fit(table_of(values), seed=0).metrics_["val_loss"] is None


def test_holding_out_splits_every_row_once():
    learn, check = training_loop.hold_out(100, 0.1, seed=3)
    assert len(check) == 10
    assert sorted([*learn, *check]) == list(range(100))


def test_of_several_trainings_the_one_with_the_least_validation_loss_is_kept(table):
    model = Autoencoder(epochs=2, n_init=3, init="random").fit(table, seed=0)
    kept = model.metrics_["val_loss"]
    assert kept == model.history_[-1]["val_loss"] < model.metrics_["worst_start_loss"]
    # The weights are those of the history that is kept.
    _, held_out = training_loop.hold_out(600, 0.1, seed=0)
    restored = model.reconstruct(table.take(held_out))
    assert np.mean((restored - table.values[held_out]) ** 2) == pytest.approx(kept, rel=1e-4)


def test_two_seeds_end_in_nearly_the_same_latent(table):
    latents = [Autoencoder(epochs=3, n_init=1).fit(table, seed=s).transform(table) for s in (0, 1)]
    # Three factors made the table: the other dimensions hold next to nothing.
    for one, other in zip(*(latent.T[:3] for latent in latents), strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95
