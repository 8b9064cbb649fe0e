"""Variational autoencoders: their losses are what the papers say, and what they learn is there."""

import numpy as np
import pytest

from songrec.core.backend import keras
from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable
from songrec.representation import training_loop
from songrec.representation import variational as maths
from songrec.representation.vae import VAE

SMALL = {"hidden": (16,), "epochs": 4, "batch_size": 32}


def table_of(values):
    names = tuple(f"f{i}" for i in range(values.shape[1]))
    return FeatureTable(np.arange(len(values)), names, values.astype(np.float32))


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 2)) @ random.normal(size=(2, 8))
    return table_of((values - values.mean(axis=0)) / values.std(axis=0))


def untrained():
    training_loop.seed_everything(3)
    model = VAE(**SMALL)
    model._build(8, 3)
    return model


def test_the_divergence_from_the_standard_normal_is_the_hand_computed_one():
    # N(1, 1): half of 1 + 1 - 0 - 1. N(0, 4): half of 0 + 4 - log 4 - 1. Independent: they add up.
    found = maths.divergence_from_standard(np.float32([[1, 0]]), np.log(np.float32([[1, 4]])))
    np.testing.assert_allclose(found, [0.5 + (3 - np.log(4)) / 2], rtol=1e-6)


def test_the_reconstruction_is_a_gaussians_negative_log_likelihood():
    target, output = np.float32([[1, 2, 3]]), np.float32([[0, 2, 5]])
    found = maths.half_squared_error(target, output)
    density = np.prod(np.exp(-0.5 * (target - output) ** 2) / np.sqrt(2 * np.pi))
    np.testing.assert_allclose(found, [-np.log(density) - 1.5 * np.log(2 * np.pi)], rtol=1e-6)


def test_beta_grows_through_the_warm_up_and_stays():
    weight = maths.kl_weight(2.0, 3)
    assert [weight(epoch) for epoch in range(1, 7)] == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]
    assert maths.kl_weight(2.0, 0)(1) == 2.0


def test_the_parts_of_an_epoch_are_means_over_every_track(table):
    # A step of zero length leaves the weights; 300 tracks in batches of 32 leave a short one.
    model = untrained()
    (epoch,) = training_loop.train(
        model.model_,
        table.values,
        optimizer=keras.optimizers.SGD(0.0),
        epochs=1,
        batch_size=32,
        seed=0,
        validation=table.values,
        row_loss=maths.half_squared_error,
        part_weights=lambda number: (1.0, 0.25),
    )
    mean, log_variance = (np.asarray(x) for x in model.encoder_(table.values))
    kl = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1).mean()
    assert epoch.parts[1] == pytest.approx(kl, rel=1e-4)
    assert epoch.validation_parts[1] == pytest.approx(kl, rel=1e-4)
    assert epoch.loss == pytest.approx(epoch.parts[0] + 0.25 * epoch.parts[1], rel=1e-6)
    # The reconstruction is of samples: about that of one other draw, and not of the mean.
    noise = np.random.default_rng(5).normal(size=mean.shape).astype(np.float32)
    drawn = model.decode(mean + np.exp(0.5 * log_variance) * noise)
    error = 0.5 * ((drawn - table.values) ** 2).sum(axis=1).mean()
    assert epoch.parts[0] == pytest.approx(error, rel=0.05)


def test_the_weights_of_the_parts_weigh_their_gradients(table):
    # With nothing but the divergence to learn from, every posterior becomes the prior.
    model = untrained()
    found = list(
        training_loop.train(
            model.model_,
            table.values,
            optimizer=keras.optimizers.Adam(0.01),
            epochs=30,
            batch_size=32,
            seed=0,
            row_loss=maths.half_squared_error,
            part_weights=lambda number: (0.0, 1.0),
        )
    )
    assert found[-1].parts[1] < 0.02
    assert found[-1].parts[1] < 0.1 * found[0].parts[1]


def test_two_factors_take_two_dimensions_of_the_latent(table):
    model = VAE(hidden=(32,), latent=5, beta=0.1, epochs=60, batch_size=16, learning_rate=3e-3)
    model.fit(table, seed=0)
    assert model.metrics_["active_latent_dimensions"] == 2
    assert np.square(model.reconstruct(table) - table.values).mean() < 0.1
    np.testing.assert_allclose(
        model.decode(model.transform(table)), model.reconstruct(table), atol=1e-6
    )


def test_a_latent_that_must_say_nothing_says_nothing(table):
    model = VAE(**{**SMALL, "epochs": 25}, beta=50.0, kl_warmup_epochs=0, learning_rate=0.01)
    model.fit(table, seed=0)
    assert model.metrics_["active_latent_dimensions"] == 0


def test_the_curve_keeps_its_parts(table, interpreted):
    seen = []
    model = VAE(**SMALL, beta=0.5, kl_warmup_epochs=1)
    model.fit(table, seed=0, on_progress=lambda share, message, details=None: seen.append(details))
    assert [details for details in seen if details] == model.history_
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4]
    assert [row["kl_weight"] for row in model.history_] == [0.25, 0.5, 0.5, 0.5]
    for row in model.history_:
        assert row["loss"] == pytest.approx(row["reconstruction"] + 0.5 * row["kl"], rel=1e-6)
        assert row["val_loss"] == pytest.approx(
            row["val_reconstruction"] + 0.5 * row["val_kl"], rel=1e-6
        )


def test_a_model_saved_under_former_parameter_names_loads(table, tmp_path, interpreted):
    model = VAE(**SMALL, kl_warmup_epochs=1).fit(table, seed=0)
    model.save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(path.read_text().replace('"kl_warmup_epochs"', '"warm_up"'))
    loaded = VAE.load(tmp_path)
    assert loaded.kl_warmup_epochs == 1
    np.testing.assert_array_equal(loaded.transform(table), model.transform(table))


def test_another_seed_is_another_latent(table, interpreted):
    first, second = (VAE(**SMALL).fit(table, seed=seed).transform(table) for seed in (0, 1))
    assert np.abs(first - second).max() > 0.01


def test_a_rate_too_high_says_what_to_change(table, interpreted):
    huge = table_of(table.values * 1e18)
    with pytest.raises(BadInput, match="learning rate of 1 is too high"):
        VAE(**SMALL, learning_rate=1.0).fit(huge, seed=0)
