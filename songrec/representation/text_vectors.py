"""Lyrics as vectors without a network: TF-IDF of hashed words, on their main directions.

Sources: Salton & Buckley, "Term-weighting approaches in automatic text retrieval", 1988 (TF-IDF);
Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009; Deerwester et
al., "Indexing by Latent Semantic Analysis", 1990 (the singular value decomposition of texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from songrec.core.cjk_bigrams import is_run, pairs_of, tokens
from songrec.core.types import Floats
from songrec.representation.text_cache import TextCache, digest_of

VERSION = "1"
"""To be changed with the computation: cached vectors of older versions are ignored."""
BUCKETS = 2**14
ROWS_PER_PART = 2_000


def words_of(text: str) -> list[str]:
    """Return the lower-case words of a text; pairs of characters where words are not separated."""
    words: list[str] = []
    for token in tokens(text.lower()):
        words += pairs_of(token) if is_run(token) else [token]
    return words


class TextVectors:
    """TF-IDF of hashed words on ``size`` directions, each vector of length 1 (or 0: no word known).

    A text whose words are all unknown from the training is a zero vector, and counts as no text.
    With fewer texts than ``size`` the last columns are 0. With ``cache`` the result of a fit to the
    same texts, and their vectors, are read from it.
    """

    def __init__(self, size: int = 64, cache: TextCache | None = None) -> None:
        self.size = size
        self.cache = cache

    def fit(self, texts: Sequence[str | None], *, seed: int) -> Self:
        """Learn the words' weights and the directions from the texts that are not None."""
        present = [text for text in texts if text]
        if self.cache is None:
            return self._learn(present, seed)
        name = f"tfidffit-{digest_of(VERSION, str(self.size), str(BUCKETS), str(seed), *present)}"
        return self._take(self.cache.arrays(name, lambda: self._learn(present, seed).arrays()))

    def _learn(self, texts: list[str], seed: int) -> Self:
        counts = self._counts(texts)
        self.idf_ = np.ones(BUCKETS, dtype=np.float32)
        self.components_ = np.zeros((self.size, BUCKETS), dtype=np.float32)
        if counts.shape[0]:
            weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
            self.idf_ = weighting.idf_.astype(np.float32)
            # Words that no text has match nothing.
            self.idf_[np.asarray(counts.sum(axis=0)).ravel() == 0] = 0.0
            n_components = min(self.size, counts.shape[0] - 1)
            if n_components >= 1:
                svd = TruncatedSVD(n_components, random_state=seed % 2**32, n_iter=7)
                # Texts that are all the same have no variance for it to explain.
                with np.errstate(invalid="ignore", divide="ignore"):
                    svd.fit(self._weighted(counts))
                # An arbitrary sign: the entry of largest size is made positive.
                largest = np.abs(svd.components_).argmax(axis=1)
                signs = np.sign(svd.components_[np.arange(n_components), largest])
                self.components_[:n_components] = svd.components_ * signs[:, None]
            else:
                self.components_[0] = self._weighted(counts).toarray()[0]
        return self

    def transform(self, texts: Sequence[str | None]) -> Floats:
        """Return vectors float32 ``(n, size)``; zeros for None."""
        if self.cache is None:
            return self._vectors(texts)
        fitted = self.idf_.tobytes(), self.components_.tobytes()
        name = f"tfidf-{digest_of(VERSION, *fitted)}"
        return self.cache.vectors(name, self.size, texts, self._vectors)

    def _vectors(self, texts: Sequence[str | None]) -> Floats:
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        present = [at for at, text in enumerate(texts) if text]
        for first in range(0, len(present), ROWS_PER_PART):
            rows = present[first : first + ROWS_PER_PART]
            part = self._weighted(self._counts([texts[row] or "" for row in rows]))
            projected = np.asarray(part @ self.components_.T, dtype=np.float32)
            lengths = np.linalg.norm(projected, axis=1, keepdims=True)
            vectors[rows] = np.divide(
                projected, lengths, out=np.zeros_like(projected), where=lengths > 1e-6
            )
        return vectors

    def arrays(self) -> dict[str, Any]:
        """Return the arrays that ``from_arrays`` needs."""
        return {"text_idf": self.idf_, "text_components": self.components_}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        """Restore from ``arrays``."""
        return cls(len(arrays["text_components"]))._take(arrays)

    def _take(self, arrays: dict[str, Any]) -> Self:
        self.idf_ = arrays["text_idf"]
        self.components_ = arrays["text_components"]
        return self

    def _counts(self, texts: Sequence[str]) -> Any:
        hashing = HashingVectorizer(
            analyzer=words_of, n_features=BUCKETS, norm=None, alternate_sign=False, dtype=np.float32
        )
        return hashing.transform(texts) if len(texts) else np.empty((0, BUCKETS), np.float32)

    def _weighted(self, counts: Any) -> Any:
        """Return logarithmic counts times idf, rows of length 1, as ``TfidfTransformer`` does."""
        weighted = counts.copy()
        weighted.data = (1.0 + np.log(weighted.data)) * self.idf_[weighted.indices]
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        per_row = np.repeat(np.maximum(lengths, 1e-12), np.diff(weighted.indptr))
        weighted.data = (weighted.data / per_row).astype(np.float32)
        return weighted
