import numpy as np
import pytest

from songrec.core.backend import keras
from songrec.core.errors import BadInput
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable
from songrec.representation.hybrid_conv_vae import TEMPERATURE, HybridConvVAE, alignment, fused
from songrec.representation.text_vectors import TextVectors, words_of
from songrec.store.sound.spectrograms import GivenSpectrograms
from tests.spectrograms import songs

SMALL = {"bands": 16, "frames": 24, "filters": 4, "units": 32, "latent": 8, "text_size": 24}
HELD_OUT = 60


def table_of(rows):
    return FeatureTable(
        np.arange(rows), (), np.empty((rows, 0), np.float32), FeatureSpec(("melspectrogram",))
    )


def numpy_of(value):
    return keras.ops.convert_to_numpy(value)


@pytest.fixture(scope="module")
def learnt():
    pictures, texts = songs(200)
    texts = [text if row % 5 else None for row, text in enumerate(texts)]
    model = HybridConvVAE(**SMALL, epochs=25, learning_rate=3e-3)
    return model.fit(table_of(200), seed=1, spectrograms=GivenSpectrograms(pictures), texts=texts)


def recall(asked, answers, at=10):
    """The share of rows whose own answer is among the nearest, by cosine."""
    asked, answers = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (asked, answers))
    alike = asked @ answers.T
    return float(((alike > np.diag(alike)[:, None]).sum(axis=1) < at).mean())


def test_words_find_their_songs_and_songs_their_words_among_songs_never_seen(learnt):
    pictures, texts = songs(HELD_OUT, seed=7)
    sounds = learnt.encode(spectrograms=GivenSpectrograms(pictures))
    words = learnt.encode(texts=texts)
    chance = 10 / HELD_OUT
    assert recall(words, sounds) > 3 * chance
    assert recall(sounds, words) > 3 * chance


def test_a_song_without_words_is_placed_by_its_sound_alone(learnt):
    pictures, texts = songs(6, seed=7)
    given = GivenSpectrograms(pictures)
    alone = learnt.encode(spectrograms=given)
    without = learnt.transform(table_of(6), spectrograms=given, texts=[None] * 6)
    np.testing.assert_allclose(without, alone, atol=1e-6)
    both = learnt.transform(table_of(6), spectrograms=given, texts=texts)
    assert np.abs(both - alone).max() > 0.01
    unknown = learnt.transform(table_of(6), spectrograms=given, texts=["never heard"] * 6)
    np.testing.assert_allclose(unknown, alone, atol=1e-6)


def test_neither_sound_nor_words_cannot_be_encoded(learnt):
    with pytest.raises(BadInput, match="neither sound nor text"):
        learnt.encode()
    np.testing.assert_array_equal(learnt.encode(texts=[None]), np.zeros((1, 8)))


def test_all_parts_of_the_loss_are_kept_and_add_up(learnt):
    for epoch in learnt.history_:
        whole = (
            epoch["reconstruction"]
            + epoch["kl_weight"] * epoch["kl"]
            + 10 * epoch["text"]
            + 100 * epoch["alignment"]
        )
        assert epoch["loss"] == pytest.approx(whole, rel=1e-6)
    assert learnt.metrics_["tracks_with_text"] == 160
    assert learnt.history_[-1]["alignment"] < 0.7 * learnt.history_[0]["alignment"]


def test_it_is_saved_with_its_words(learnt, tmp_path):
    learnt.save(tmp_path)
    again = HybridConvVAE.load(tmp_path)
    _, texts = songs(5, seed=3)
    np.testing.assert_allclose(again.encode(texts=texts), learnt.encode(texts=texts), atol=1e-6)
    assert {path.suffix for path in tmp_path.iterdir()} == {".keras", ".npz", ".json"}


def test_without_any_lyrics_it_learns_from_sound():
    pictures, _ = songs(20)
    model = HybridConvVAE(**SMALL, epochs=1)
    given = GivenSpectrograms(pictures)
    model.fit(table_of(20), seed=0, spectrograms=given, texts=[None] * 20)
    assert model.metrics_["tracks_with_text"] == 0
    latent = model.transform(table_of(20), spectrograms=given, texts=[None] * 20)
    assert np.isfinite(latent).all()


def test_one_modality_of_a_song_with_both_is_hidden_at_times_and_never_both():
    model = HybridConvVAE(modality_dropout=0.5)
    has_words = np.float32([1, 0] * 10_000)
    sound, words = model._seen(has_words, np.random.default_rng(0))
    assert ((sound + words) > 0).all()
    assert (sound[has_words == 0] == 1).all()
    assert (words[has_words == 0] == 0).all()
    both = ((sound > 0) & (words > 0))[has_words > 0].mean()
    assert 0.48 < both < 0.52
    assert 0.23 < (sound[has_words > 0] == 0).mean() < 0.27
    held_out = model._seen(has_words, None)
    np.testing.assert_array_equal(held_out[1], has_words)


def test_experts_are_multiplied_as_gaussians_are():
    # Variances 1 and 1/3 beside the prior's 1: precisions 1 + 3 + 1, means weighed by them.
    sound = (np.float32([[2.0]]), np.float32([[0.0]]))
    text = (np.float32([[4.0]]), np.log(np.float32([[1 / 3]])))
    mean, log_variance = fused([sound, text], [np.float32([[1]]), np.float32([[1]])])
    assert numpy_of(mean)[0, 0] == pytest.approx((2 + 12) / 5)
    assert numpy_of(log_variance)[0, 0] == pytest.approx(np.log(1 / 5))
    mean, log_variance = fused([sound, text], [np.float32([[1]]), np.float32([[0]])])
    assert numpy_of(mean)[0, 0] == pytest.approx(1.0)
    assert numpy_of(log_variance)[0, 0] == pytest.approx(np.log(1 / 2))


def test_the_alignment_is_infonce_over_the_rows_that_have_both():
    sound = np.float32([[1, 0], [0, 1], [1, 1]])
    text = np.float32([[1, 0], [1, 1], [5, 5]])
    found = numpy_of(alignment(sound, text, np.float32([1, 1, 0])))
    alike = np.array([[1, np.sqrt(0.5)], [0, np.sqrt(0.5)]]) / TEMPERATURE
    there = alike - np.log(np.exp(alike).sum(axis=1, keepdims=True))
    back = alike - np.log(np.exp(alike).sum(axis=0, keepdims=True))
    np.testing.assert_allclose(found[:2], -(np.diag(there) + np.diag(back)) / 2, rtol=1e-4)
    assert found[2] == 0


def test_words_are_told_apart_by_spaces_and_where_there_are_none_by_pairs():
    assert words_of("Rain, RAIN on_the 2 roads!") == ["rain", "rain", "on", "the", "2", "roads"]
    assert words_of("夜の雨 love") == ["夜の", "の雨", "love"]
    assert words_of("雨") == ["雨"]


def test_texts_on_one_theme_lie_close_and_no_text_is_zero():
    rain = ["rain storm cloud wet", "storm cloud thunder rain", "wet cloud rain rain"]
    love = ["kiss heart love darling", "darling love kiss tender", "heart tender love"]
    vectors = TextVectors(4).fit([*rain, *love, None], seed=0)
    found = vectors.transform([*rain, *love, None, "zzz"])
    np.testing.assert_allclose(np.linalg.norm(found[:6], axis=1), 1, atol=1e-5)
    assert not found[6:].any()
    alike = found[:6] @ found[:6].T
    assert min(alike[:3, :3].min(), alike[3:, 3:].min()) > alike[:3, 3:].max() + 0.3
    again = TextVectors.from_arrays(vectors.arrays())
    np.testing.assert_array_equal(again.transform(rain), found[:3])


@pytest.mark.parametrize("texts", [[], [None], ["one text only"], ["same", "same"]])
def test_few_texts_are_enough(texts):
    found = TextVectors(8).fit(texts, seed=0).transform([*texts, "same words"])
    assert found.shape == (len(texts) + 1, 8)
    assert np.isfinite(found).all()
