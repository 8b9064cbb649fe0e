"""Lyrics as vectors without a network: hashed words, weighed, on their main directions.

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
"""Changes with what is made of a text: vectors that were kept before are then not used."""
BUCKETS = 2**14
ROWS_PER_PART = 2_000


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; pairs of characters where none are told apart."""
    found: list[str] = []
    for token in tokens(text.lower()):
        found += pairs_of(token) if is_run(token) else [token]
    return found


class TextVectors:
    """TF-IDF of hashed words on ``size`` directions, each vector of length 1 (or 0: no word known).

    A text of nothing but words that no text of the training had is a zero vector, and counts as
    no text. Where the training had fewer texts than ``size``, the last columns are 0.
    With ``cache`` what was learnt of the same texts before, and their vectors, are read from it.
    """

    def __init__(self, size: int = 64, cache: TextCache | None = None) -> None:
        self.size = size
        self.cache = cache

    def fit(self, texts: Sequence[str | None], *, seed: int) -> Self:
        """Learn the words' weights and the directions from those of the texts that are there."""
        given = [text for text in texts if text]
        if self.cache is None:
            return self._learn(given, seed)
        name = f"tfidffit-{digest_of(VERSION, str(self.size), str(BUCKETS), str(seed), *given)}"
        return self._take(self.cache.arrays(name, lambda: self._learn(given, seed).arrays()))

    def _learn(self, texts: list[str], seed: int) -> Self:
        counts = self._counts(texts)
        self.idf_ = np.ones(BUCKETS, dtype=np.float32)
        self.components_ = np.zeros((self.size, BUCKETS), dtype=np.float32)
        if counts.shape[0]:
            weigher = TfidfTransformer(sublinear_tf=True).fit(counts)
            self.idf_ = weigher.idf_.astype(np.float32)
            # In words that no text had there is nothing to match.
            self.idf_[np.asarray(counts.sum(axis=0)).ravel() == 0] = 0.0
            kept = min(self.size, counts.shape[0] - 1)
            if kept >= 1:
                svd = TruncatedSVD(kept, random_state=seed % 2**32, n_iter=7)
                # Texts that are all the same have no variance for it to explain.
                with np.errstate(invalid="ignore", divide="ignore"):
                    svd.fit(self._weighed(counts))
                # An arbitrary sign: the entry of largest size is made positive.
                largest = np.abs(svd.components_).argmax(axis=1)
                signs = np.sign(svd.components_[np.arange(kept), largest])
                self.components_[:kept] = svd.components_ * signs[:, None]
            else:
                self.components_[0] = self._weighed(counts).toarray()[0]
        return self

    def transform(self, texts: Sequence[str | None]) -> Floats:
        """float32 ``(n, size)``; zeros for None."""
        if self.cache is None:
            return self._vectors(texts)
        learnt = self.idf_.tobytes(), self.components_.tobytes()
        name = f"tfidf-{digest_of(VERSION, *learnt)}"
        return self.cache.vectors(name, self.size, texts, self._vectors)

    def _vectors(self, texts: Sequence[str | None]) -> Floats:
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        there = [at for at, text in enumerate(texts) if text]
        for first in range(0, len(there), ROWS_PER_PART):
            rows = there[first : first + ROWS_PER_PART]
            part = self._weighed(self._counts([texts[row] or "" for row in rows]))
            found = np.asarray(part @ self.components_.T, dtype=np.float32)
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
            vectors[rows] = np.divide(
                found, lengths, out=np.zeros_like(found), where=lengths > 1e-6
            )
        return vectors

    def arrays(self) -> dict[str, Any]:
        """What ``from_arrays`` needs."""
        return {"text_idf": self.idf_, "text_components": self.components_}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        """As it was when ``arrays`` gave these."""
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

    def _weighed(self, counts: Any) -> Any:
        """Logarithmic counts times idf, each row of length 1, as ``TfidfTransformer`` does it."""
        weighed = counts.copy()
        weighed.data = (1.0 + np.log(weighed.data)) * self.idf_[weighed.indices]
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        per_row = np.repeat(np.maximum(lengths, 1e-12), np.diff(weighed.indptr))
        weighed.data = (weighed.data / per_row).astype(np.float32)
        return weighed
