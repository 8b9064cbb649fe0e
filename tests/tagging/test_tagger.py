import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady
from songrec.tagging import network
from songrec.tagging.tagger import Tagger, TaggerConfig, binary_crossentropy

SMALL = TaggerConfig(
    filters=8, units=6, depth=2, dropout=0.1, learning_rate=0.02, batch_size=8, epochs=8
)


class Sounds:
    """24 segments of 10 frames × 5 bands: the second half is loud in the highest band."""

    shape = (24, 10, 5)

    def read(self, rows):
        random = np.random.default_rng(0)
        spectrograms = random.normal(-60, 3, self.shape).astype(np.float32)
        spectrograms[12:, :, 4] += 40
        return spectrograms[rows]


TARGETS = np.stack([np.arange(24) >= 12, np.arange(24) < 12], axis=1).astype(np.float32)
LEARN, CHECK = np.flatnonzero(np.arange(24) % 3), np.flatnonzero(np.arange(24) % 3 == 0)


@pytest.fixture(scope="module")
def trained():
    return Tagger(("loud", "quiet"), SMALL).fit(Sounds(), TARGETS, LEARN, CHECK, seed=3)


def test_planted_tags_are_learnt(trained):
    embeddings, probabilities = trained.predict(Sounds(), CHECK)
    assert embeddings.shape == (8, 6)
    assert ((probabilities > 0.5) == (TARGETS[CHECK] > 0.5)).all()
    losses = [one["val_loss"] for one in trained.history_]
    assert trained.best_epoch_ == int(np.argmin(losses)) + 1
    kept = binary_crossentropy(TARGETS[CHECK], probabilities)
    assert kept == pytest.approx(min(losses), rel=1e-4)  # the best epoch's weights, not the last's


def test_a_saved_tagger_predicts_the_same(trained, tmp_path):
    trained.save(tmp_path, {"source": "genre"})
    again = Tagger.load(tmp_path)
    for one, other in zip(
        trained.predict(Sounds(), CHECK), again.predict(Sounds(), CHECK), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-5)
    assert again.tags == ("loud", "quiet")
    (tmp_path / "tagger.json").write_text("{}")
    with pytest.raises(NotReady, match="flask segments train"):
        Tagger.load(tmp_path)


def test_the_same_seed_gives_the_same_weights():
    config = TaggerConfig(filters=4, units=3, depth=1, batch_size=8, epochs=1)
    told = [
        Tagger(("a", "b"), config)
        .fit(Sounds(), TARGETS, LEARN, CHECK, seed=seed)
        .predict(Sounds(), CHECK)
        for seed in (5, 5, 6)
    ]
    assert (told[0][0] == told[1][0]).all()
    assert (told[0][1] != told[2][1]).any()


def test_it_stops_when_nothing_gets_better_and_takes_shorter_steps_before(monkeypatch):
    made = []
    adam = network.keras.optimizers.Adam

    def observed(*given, **named):
        made.append(adam(*given, **named))
        return made[-1]

    monkeypatch.setattr(network.keras.optimizers, "Adam", observed)
    config = TaggerConfig(
        filters=4, units=3, depth=1, dropout=0.0, learning_rate=8e-9, epochs=9, patience=6
    )
    random = np.random.default_rng(0)
    noise = (random.random((24, 1)) < 0.5).astype(np.float32)
    model = Tagger(("noise",), config)
    told = [0.5, 0.7, 0.6, 0.8, 0.9, 0.6, 0.7]
    losses = iter([*told, 0.1])
    model_predict = model.predict

    def scripted(spectrograms, rows):
        vectors, _ = model_predict(spectrograms, rows)
        wanted = next(losses)
        return vectors, np.where(noise[rows] > 0, np.exp(-wanted), 1 - np.exp(-wanted))

    model.predict = scripted
    model.fit(Sounds(), noise, LEARN, CHECK)
    assert [round(one["val_loss"], 3) for one in model.history_] == told
    assert model.best_epoch_ == 1
    # After two and four epochs without progress.
    assert float(made[0].learning_rate) == pytest.approx(2e-9)


def test_an_untrained_tagger_predicts_the_frequency_of_each_tag():
    model = network.tagger(10, 5, 3, filters=4, units=3, depth=1, dropout=0.0)
    shares = np.array([0.02, 0.5, 0.0])
    network.initialise_bias(model, shares)
    silent = np.zeros((1, 10, 5), dtype=np.float32)
    assert model(silent)[0].numpy() == pytest.approx([0.02, 0.5, 0.001], abs=1e-3)


def test_training_without_segments_is_refused():
    with pytest.raises(BadInput, match="no segments"):
        Tagger(("a",), SMALL).fit(Sounds(), TARGETS[:, :1], np.array([], dtype=int), CHECK)


def test_the_published_layers():
    model = network.tagger(108, 80, 50, filters=128, units=256, depth=4, dropout=0.4)
    names = [layer.name for layer in model.layers]
    assert names[1:9] == [
        f"{kind}_{n}" for n in (1, 2, 3, 4) for kind in ("padding", "convolution")
    ]
    assert names[9] == "pooling"
    assert model.get_layer("convolution_1").kernel.shape == (2, 80, 128)
    assert model.get_layer("convolution_4").output.shape == (None, 108, 128)
    assert model.get_layer("pooling").output.shape == (None, 54, 128)
    assert [n for n in names if n.startswith("lstm") or n == network.EMBEDDING] == [
        "lstm_1",
        "lstm_2",
        "lstm_3",
        "fragment",
    ]
    assert model.get_layer("dropout_1").rate == 0.4
    assert model.get_layer("fragment").output.shape == (None, 256)
    assert names[-3:] == ["tags", "normalisation", "sigmoid"]


def test_the_convolutions_are_causal():
    model = network.tagger(10, 3, 2, filters=4, units=3, depth=1, dropout=0.0)
    early = network.keras.Model(model.input, model.get_layer("convolution_4").output)
    one = np.random.default_rng(1).normal(size=(1, 10, 3)).astype(np.float32)
    other = one.copy()
    other[0, 6:] += 1
    assert np.allclose(early(one)[0, :6], early(other)[0, :6])
    assert not np.allclose(early(one)[0, 6], early(other)[0, 6])
