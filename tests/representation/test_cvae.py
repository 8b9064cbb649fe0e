"""The conditional model: the label is used, is left out of the latent, and makes up tracks."""

import numpy as np
import pytest

from songrec.core.errors import UnknownName
from songrec.core.types import FeatureTable
from songrec.representation.cvae import CVAE
from songrec.representation.probing import read_accuracy

MEANS = {"folk": -2.0, "metal": 2.0, "jazz": 0.0}


def made(seed, rows=450):
    """Columns that move with the label (first four) and by one factor of their own (all)."""
    random = np.random.default_rng(seed)
    labels = [list(MEANS)[row % 3] for row in range(rows)]
    values = random.normal(size=(rows, 1)) @ random.normal(size=(1, 8))
    values[:, :4] += np.array([MEANS[label] for label in labels])[:, None]
    values += random.normal(0, 0.2, values.shape)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return FeatureTable(np.arange(rows), tuple("abcdefgh"), values.astype(np.float32)), labels


@pytest.fixture(scope="module")
def trained():
    table, labels = made(1)
    labels[::10] = [None] * len(labels[::10])
    model = CVAE(hidden=(32,), latent=3, beta=0.2, epochs=40, batch_size=32, learning_rate=3e-3)
    return model.fit(table, seed=0, labels=labels), table, labels


def test_the_latent_leaves_out_the_label_that_a_plain_one_holds(trained):
    metrics = trained[0].metrics_
    assert metrics["label_leakage_chance"] == pytest.approx(1 / 3)
    assert metrics["label_leakage_vae"] > 0.85
    assert metrics["label_leakage"] < metrics["label_leakage_vae"] - 0.25


def test_made_up_tracks_are_like_those_of_their_label(trained):
    model, table, labels = trained
    for label in MEANS:
        real = table.values[[at for at, own in enumerate(labels) if own == label]]
        made_up = model.generate(label, 300, seed=3)
        assert made_up.shape == (300, 8)
        np.testing.assert_allclose(made_up[:, :4].mean(axis=0), real[:, :4].mean(axis=0), atol=0.3)
    np.testing.assert_array_equal(model.generate("folk", 5, 7), model.generate("folk", 5, 7))
    assert not np.array_equal(model.generate("folk", 5, 7), model.generate("folk", 5, 8))


def test_reconstructing_uses_the_label(trained):
    model, table, labels = trained
    error = np.square(model.reconstruct(table, labels=labels) - table.values).mean()
    other = [{"folk": "metal", "metal": "folk"}.get(label, label) for label in labels]
    latent = model.transform(table, labels=labels)
    assert error < 0.2
    assert np.square(model.decode(latent, other) - table.values).mean() > 3 * error


def test_an_unknown_label_is_a_class_and_an_unheard_one_is_not_made_up(trained):
    model, table, _ = trained
    assert np.isfinite(model.decode(np.zeros((2, 3), np.float32))).all()
    assert np.isfinite(model.transform(table, labels=["polka"] * 450)).all()
    with pytest.raises(UnknownName, match=r"No genre 'folc'\. Did you mean 'folk'"):
        model.generate("folc", 3, 0)


def test_rare_labels_share_a_class(interpreted):
    table, labels = made(2, rows=60)
    labels[0], labels[1] = "polka", "tango"
    model = CVAE(hidden=(8,), epochs=1, max_labels=3).fit(table, seed=0, labels=labels)
    assert model.labels_ == ["jazz", "folk", "metal"]
    assert model._classes(["polka", "never heard", None, "folk"]).tolist() == [1, 1, 0, 3]


def test_a_class_that_training_has_not_seen_is_the_average_label(interpreted):
    table, labels = made(2, rows=60)
    model = CVAE(hidden=(8,), epochs=1).fit(table, seed=0, labels=labels)
    np.testing.assert_allclose(model._one_hot([None])[0], [0, 0, 1 / 3, 1 / 3, 1 / 3], rtol=1e-6)


def test_a_loaded_model_knows_its_labels(trained, tmp_path):
    model, table, labels = trained
    model.save(tmp_path)
    again = CVAE.load(tmp_path)
    assert again.labels_ == model.labels_
    np.testing.assert_allclose(
        again.transform(table, labels=labels), model.transform(table, labels=labels), atol=1e-5
    )
    np.testing.assert_allclose(
        again.generate("jazz", 4, 1), model.generate("jazz", 4, 1), atol=1e-5
    )


def test_a_label_that_is_written_in_the_latent_is_read_and_one_that_is_not_is_not():
    random = np.random.default_rng(0)
    labels = [("a", "b", "c", None)[row % 4] for row in range(800)]
    written = np.array([[ord(label or "z")] for label in labels]) + random.normal(0, 0.01, (800, 2))
    assert read_accuracy(written, labels, seed=0) == (pytest.approx(1.0), pytest.approx(1 / 3))
    accuracy, chance = read_accuracy(random.normal(size=(800, 2)), labels, seed=0)
    assert chance == pytest.approx(1 / 3)
    assert 0.2 < accuracy < 0.45


def test_one_label_cannot_be_told_from_another():
    latent = np.zeros((20, 2))
    assert read_accuracy(latent, ["a"] * 20, seed=0) is None
    assert read_accuracy(latent, ["a"] * 17 + ["b"] * 3, seed=0) is None
