"""Lyrics as sentence embeddings: a small transformer, averaged over its words; optional.

Source: Reimers & Gurevych, "Sentence-BERT", EMNLP 2019: the mean of the last layer over the words,
of length 1. transformers runs the weights; the package sentence-transformers is not needed. Longer
texts than the network reads are embedded in parts and averaged. Each text is embedded by itself:
its vector does not depend on the others, and may be kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Floats
from songrec.representation.text_cache import TextCache

VERSION = "1"
"""To be changed with how the network is used: cached vectors of older versions are ignored."""
FILES = ("config.json", "tokenizer.json", "model.safetensors")
NEEDED = ("torch", "transformers")
MOST_PARTS = 8
"""Parts of a text that are embedded; the network reads 256 or 512 tokens of each."""


class SentenceVectors:
    """Embeddings of the transformer in ``folder``.

    Nothing is learnt from the texts. ``size`` is the network's. With ``cache`` texts that were
    embedded before are read from it, and the network is loaded only if one is new.
    """

    def __init__(self, folder: Path, cache: TextCache | None = None) -> None:
        self._folder = folder
        self.cache = cache
        for name in NEEDED:
            if importlib.util.find_spec(name) is None:
                raise NotReady(
                    f"Sentence embeddings need {name}: pip install -r "
                    "requirements/embeddings.txt, or set representation.text=tfidf."
                )
        if not all((self._folder / name).is_file() for name in FILES):
            raise NotReady(
                f"No sentence transformer in {self._folder} ({', '.join(FILES)}): put one there, "
                "or set representation.text=tfidf."
            )
        path = self._folder / "config.json"
        try:
            self.size = int(json.loads(path.read_text(encoding="utf-8"))["hidden_size"])
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{path} describes no transformer with a hidden_size.") from None

    def fit(self, texts: Sequence[str | None], *, seed: int) -> Self:
        """Return itself: nothing is learnt."""
        return self

    def transform(self, texts: Sequence[str | None]) -> Floats:
        """Embed texts, float32 ``(n, size)`` of length 1; zeros for None."""
        if self.cache is None:
            return self._vectors(texts)
        return self.cache.vectors(self.name, self.size, texts, self._vectors)

    @cached_property
    def name(self) -> str:
        """Name of the model in the cache: equal for equal weights, vocabulary and use of them."""
        digest = hashlib.blake2b(f"{VERSION} {MOST_PARTS}".encode(), digest_size=16)
        for name in FILES:
            with (self._folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "blake2b").digest())
        return f"sentences-{digest.hexdigest()}"

    def arrays(self) -> dict[str, Any]:
        """Return no arrays: the network stays in its folder."""
        return {}

    def _vectors(self, texts: Sequence[str | None]) -> Floats:
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        for at, text in enumerate(texts):
            if text:
                vectors[at] = self._embedded(text)
        return vectors

    @cached_property
    def _loaded(self) -> tuple[Any, Any, int]:
        """Tokenizer, network and the number of tokens that the network reads at once."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
        network = AutoModel.from_pretrained(
            self._folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        ).eval()
        reads = int(network.config.max_position_embeddings)
        return tokenizer, network, min(int(tokenizer.model_max_length), reads)

    def _embedded(self, text: str) -> Floats:
        import torch

        tokenizer, network, length = self._loaded
        words = tokenizer(
            text,
            truncation=True,
            max_length=length,
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        )
        inputs = {name: words[name][:MOST_PARTS] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            states = network(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None].to(states.dtype)
        parts = ((states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).numpy()
        parts /= np.maximum(np.linalg.norm(parts, axis=1, keepdims=True), 1e-12)
        mean = parts.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
