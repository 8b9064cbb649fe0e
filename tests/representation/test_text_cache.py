"""Texts are embedded once: vectors are kept by content, model and parameters, in one file."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.core.errors import NotReady
from songrec.representation import text_cache
from songrec.representation.hybrid_conv_vae import HybridConvVAE
from songrec.representation.text_cache import FILE, TextCache, digest_of
from songrec.representation.text_sentences import SentenceVectors
from songrec.representation.text_vectors import TextVectors
from songrec.store.sound.spectrograms import GivenSpectrograms
from tests.representation.test_hybrid_conv_vae import SMALL, table_of
from tests.representation.test_text_sentences import needs_torch, save_tiny
from tests.spectrograms import songs


class Embedder:
    """Lengths and first letters as vectors; remembers what it was asked for."""

    def __init__(self, stop_after=10**9):
        self.asked = []
        self.stop_after = stop_after

    def __call__(self, texts):
        if len(self.asked) >= self.stop_after:
            raise InterruptedError
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], dtype=np.float32)


def test_a_text_is_embedded_once_whatever_its_place(tmp_path):
    first, second = Embedder(), Embedder()
    found = TextCache(tmp_path).vectors("kind-1", 2, ["rain", None, "night", "rain", ""], first)
    assert first.asked == ["rain", "night"]
    np.testing.assert_array_equal(found, [[4, 114], [0, 0], [5, 110], [4, 114], [0, 0]])
    again = TextCache(tmp_path).vectors("kind-1", 2, ["night", "sea", "rain"], second)
    assert second.asked == ["sea"]
    np.testing.assert_array_equal(again, [[5, 110], [3, 115], [4, 114]])


def test_another_model_or_size_has_its_own_vectors(tmp_path):
    cache, other, wider = TextCache(tmp_path), Embedder(), Embedder()
    cache.vectors("kind-1", 2, ["rain"], Embedder())
    cache.vectors("kind-2", 2, ["rain"], other)
    assert other.asked == ["rain"]
    with pytest.raises(ValueError, match="shape"):  # two columns are no three
        cache.vectors("kind-1", 3, ["rain"], wider)
    assert wider.asked == ["rain"]


def test_what_was_embedded_before_a_stop_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(text_cache, "ROWS_PER_WRITE", 2)
    texts = ["one", "two", "three", "four", "five"]
    with pytest.raises(InterruptedError):
        TextCache(tmp_path).vectors("kind-1", 2, texts, Embedder(stop_after=4))
    rest = Embedder()
    TextCache(tmp_path).vectors("kind-1", 2, texts, rest)
    assert rest.asked == ["five"]


def test_models_not_used_for_long_are_forgotten_within_their_kind(tmp_path):
    cache = TextCache(tmp_path)
    cache.vectors("rare-1", 2, ["rain"], Embedder())
    for number in range(text_cache.KEPT + 1):
        cache.vectors(f"kind-{number}", 2, ["rain"], Embedder())
    known, forgotten = Embedder(), Embedder()
    cache.vectors("rare-1", 2, ["rain"], known)
    cache.vectors(f"kind-{text_cache.KEPT}", 2, ["rain"], known)
    cache.vectors("kind-0", 2, ["rain"], forgotten)
    assert (known.asked, forgotten.asked) == ([], ["rain"])


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / FILE).write_bytes(b"no database " * 100)
    with pytest.raises(NotReady, match="delete it"):
        TextCache(tmp_path).vectors("kind-1", 2, ["rain"], Embedder())


def test_digests_tell_parts_apart():
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("a", b"b") == digest_of("a", "b")


def never(self, *given):
    raise AssertionError("it was learnt, or embedded, before")


def test_directions_of_the_same_texts_are_learnt_once(tmp_path, monkeypatch):
    _, texts = songs(30)
    plain = TextVectors(8).fit(texts, seed=3).transform(texts)
    kept = TextVectors(8, TextCache(tmp_path)).fit(texts, seed=3)
    np.testing.assert_array_equal(kept.transform(texts), plain)
    monkeypatch.setattr(TextVectors, "_learn", never)
    monkeypatch.setattr(TextVectors, "_vectors", never)
    again = TextVectors(8, TextCache(tmp_path)).fit(texts, seed=3)
    np.testing.assert_array_equal(again.transform(texts), plain)
    for size, seed in ((9, 3), (8, 4)):
        with pytest.raises(AssertionError):
            TextVectors(size, TextCache(tmp_path)).fit(texts, seed=seed)


def test_a_second_training_of_the_model_embeds_nothing_and_finds_the_same(tmp_path, monkeypatch):
    pictures, texts = songs(24)

    def latent():
        model = HybridConvVAE(**SMALL, epochs=1)
        model.use_folders(scratch=tmp_path, cache=tmp_path, models=tmp_path)
        given = {"spectrograms": GivenSpectrograms(pictures), "texts": texts}
        return model.fit(table_of(24), seed=1, **given).transform(table_of(24), **given)

    first = latent()
    monkeypatch.setattr(TextVectors, "_learn", never)
    monkeypatch.setattr(TextVectors, "_vectors", never)
    np.testing.assert_array_equal(latent(), first)


@needs_torch
def test_the_transformer_is_loaded_only_for_texts_that_are_new(tmp_path):
    folder, cache = save_tiny(tmp_path / "model"), TextCache(tmp_path)
    plain = SentenceVectors(folder).transform(["rain night", "iron"])
    first = SentenceVectors(folder, cache)
    np.testing.assert_array_equal(first.transform(["rain night", None, "iron"])[[0, 2]], plain)
    again = SentenceVectors(folder, cache)
    np.testing.assert_array_equal(again.transform(["iron", "rain night"]), plain[::-1])
    assert "_loaded" not in vars(again)
    again.transform(["lantern"])
    assert "_loaded" in vars(again)


@needs_torch
def test_other_weights_are_another_model(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    folder = save_tiny(tmp_path)
    one = SentenceVectors(folder).name
    weights = {
        name: torch.zeros_like(w) for name, w in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert SentenceVectors(folder).name != one
