"""Lyrics as sentence embeddings: a small transformer, averaged over its words; optional.

Source: Reimers & Gurevych, "Sentence-BERT", EMNLP 2019: the mean of the last layer over the words,
of length 1. transformers runs the weights; the package sentence-transformers is not needed. Longer
texts than the network reads are embedded in parts and averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.config import instance_path
from songrec.core.errors import NotReady
from songrec.core.types import Floats

FOLDER = "sentences"
FILES = ("config.json", "tokenizer.json", "model.safetensors")
TEXTS_PER_PART = 16
MOST_PARTS = 8
"""Of so many stretches of a text; the network's own limit is 256 or 512 words each."""


class SentenceVectors:
    """Embeddings of the transformer in ``folder``, by default ``<instance>/models/sentences``.

    Nothing is learnt from the texts. ``size`` is the network's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or instance_path() / "models" / FOLDER
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise NotReady(
                f"Sentence embeddings need {error.name}: pip install -r "
                "requirements/embeddings.txt, or set representation.text=tfidf."
            ) from error
        if not all((folder / name).is_file() for name in FILES):
            raise NotReady(
                f"There is no sentence transformer in {folder} ({', '.join(FILES)}): put one "
                "there, or set representation.text=tfidf."
            )
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._network = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        ).eval()
        self.size = int(self._network.config.hidden_size)
        self._length = min(
            int(self._tokenizer.model_max_length),
            int(self._network.config.max_position_embeddings),
        )

    def fit(self, texts: Sequence[str | None], *, seed: int) -> Self:
        """Nothing is learnt."""
        return self

    def transform(self, texts: Sequence[str | None]) -> Floats:
        """float32 ``(n, size)`` of length 1; zeros for None."""
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        for at, text in enumerate(texts):
            if text:
                vectors[at] = self._embedded(text)
        return vectors

    def arrays(self) -> dict[str, Any]:
        """Nothing: the network stays in the instance folder."""
        return {}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        """The network of the instance folder."""
        return cls()

    def _embedded(self, text: str) -> Floats:
        torch = self._torch
        words = self._tokenizer(
            text, truncation=True, max_length=self._length, return_overflowing_tokens=True,
            padding=True, return_tensors="pt",
        )  # fmt: skip
        inputs = {name: words[name][:MOST_PARTS] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            states = self._network(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None].to(states.dtype)
        parts = ((states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).numpy()
        parts /= np.maximum(np.linalg.norm(parts, axis=1, keepdims=True), 1e-12)
        mean = parts.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
