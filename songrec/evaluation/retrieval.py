"""Retrieval of the other excerpt of the same recording: a test of what a feature set captures.

One rule for every feature set. Columns are standardised over all clips that take part (mean 0,
standard deviation 1; an unknown value lies at the mean, a constant column is left out) and the
similarity of two clips is the cosine of their vectors. Each track's excerpt a is a query; the
candidates are the excerpts b of all tracks, one of which is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats

FIRST = 5


@dataclass(frozen=True)
class Retrieval:
    """The rank of the right clip for each query, ``ranks`` int64 ``(pairs,)`` from 1."""

    ranks: NDArray[np.int64]

    @property
    def pairs(self) -> int:
        """Number of queries."""
        return len(self.ranks)

    def to_json(self) -> dict[str, float]:
        """Return the number of pairs and three measures, rounded to four places.

        The share of queries whose right clip is first (``top1``) or among the first five
        (``top5``), and the mean reciprocal rank (``mrr``).
        """
        return {
            "pairs": self.pairs,
            "top1": round(float((self.ranks == 1).mean()), 4),
            "top5": round(float((self.ranks <= FIRST).mean()), 4),
            "mrr": round(float((1 / self.ranks).mean()), 4),
        }


def retrieve(queries: Floats, candidates: Floats) -> Retrieval:
    """Rank the candidates of each query by cosine similarity.

    Parameters
    ----------
    queries, candidates
        float ``(pairs, d)``; row i of the one is the right answer to row i of the other.
        Candidates exactly as similar as the right one are ranked before it, so that equal vectors
        do not count as found.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if queries.shape != candidates.shape:
        raise ValueError(
            f"queries and candidates must have one shape, got {queries.shape} and "
            f"{candidates.shape}"
        )
    clips = np.concatenate([queries, candidates])
    moments = ColumnMoments.of(clips)
    unit = _unit(moments.standardize(clips)[:, moments.varies()])
    similarities = unit[: len(queries)] @ unit[len(queries) :].T
    right = np.diag(similarities)[:, None]
    # Equal up to rounding counts as equal.
    return Retrieval((similarities >= right - 1e-12).sum(axis=1).astype(np.int64))


def retrieve_by_distance(distances: NDArray[np.float64]) -> Retrieval:
    """Rank the candidates of each query by distance.

    Parameters
    ----------
    distances
        ``(pairs, pairs)``, a row per query; the right candidate of query i is column i. Candidates
        exactly as far as the right one are ranked before it.
    """
    right = np.diag(distances)[:, None]
    # Equal up to rounding counts as equal.
    return Retrieval((distances <= right * (1 + 1e-12)).sum(axis=1).astype(np.int64))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1.0, lengths)
