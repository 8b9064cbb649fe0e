"""The sentence branch on a tiny transformer with random weights, saved as the hub keeps them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from songrec.core.errors import NotReady
from songrec.representation.text_sentences import SentenceVectors

HAVE_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
needs_torch = pytest.mark.skipif(
    not HAVE_TORCH, reason="torch and transformers are optional: requirements/embeddings.txt"
)


def save_tiny(folder: Path) -> Path:
    """One layer of 32 units over words of a made-up vocabulary, 16 positions."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "rain", "night", "harbour", "furnace", "iron", "lantern"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    ).save_pretrained(folder)
    BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=32,
            max_position_embeddings=16,
        )
    ).save_pretrained(folder)
    return folder


@needs_torch
def test_texts_become_vectors_of_length_one_and_long_ones_are_read_in_parts(tmp_path: Path) -> None:
    vectors = SentenceVectors(save_tiny(tmp_path)).fit([], seed=0)
    found = vectors.transform(["rain night", None, "rain " * 40, "rain night"])
    assert found.shape == (4, 32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found[[0, 2]], axis=1), 1, atol=1e-5)
    assert not found[1].any()
    np.testing.assert_array_equal(found[0], found[3])


@needs_torch
def test_vectors_are_those_of_the_package_sentence_transformers(tmp_path: Path) -> None:
    package = pytest.importorskip("sentence_transformers", exc_type=ImportError)
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    folder = save_tiny(tmp_path)
    theirs = package.SentenceTransformer(
        modules=[
            modules.Transformer(str(folder), max_seq_length=16),
            modules.Pooling(32),
            modules.Normalize(),
        ]
    )
    texts = ["rain night harbour", "iron furnace lantern rain", "night"]
    found = SentenceVectors(folder).transform(texts)
    np.testing.assert_allclose(found, theirs.encode(texts), atol=1e-6)


def test_missing_packages_and_files_are_named(tmp_path: Path) -> None:
    message = "No sentence transformer" if HAVE_TORCH else "requirements/embeddings.txt"
    with pytest.raises(NotReady, match=message):
        SentenceVectors(tmp_path)
