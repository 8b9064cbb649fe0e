"""Finding the other excerpt of the same recording: what a feature set knows of how music sounds.

One rule for every feature set. Columns are standardised over all clips that take part (mean 0,
standard deviation 1; a value that is unknown lies at the mean, a column that is constant is left
out) and two clips are as alike as the cosine of their vectors. Each track's excerpt a asks; the
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
    """Over ``pairs`` questions: how often the right clip came first (``top1``) or among the first
    five (``top5``), and the mean of 1 / its place (``mrr``). ``places`` int64 ``(pairs,)``.
    """

    places: NDArray[np.int64]

    @property
    def pairs(self) -> int:
        """How many questions were asked."""
        return len(self.places)

    def to_json(self) -> dict[str, float]:
        """The measures, rounded to four places."""
        places = self.places
        return {
            "pairs": self.pairs,
            "top1": round(float((places == 1).mean()), 4),
            "top5": round(float((places <= FIRST).mean()), 4),
            "mrr": round(float((1 / places).mean()), 4),
        }


def retrieve(asking: Floats, answering: Floats) -> Retrieval:
    """Where row i of ``answering`` comes when row i of ``asking`` asks; both ``(pairs, d)``.

    Candidates that are exactly as alike as the right one come before it: a set that cannot tell
    clips apart must not look as if it could.
    """
    if asking.shape != answering.shape:
        raise ValueError(f"a clip each side: {asking.shape} and {answering.shape}")
    clips = np.concatenate([asking, answering])
    moments = ColumnMoments.of(clips)
    unit = _unit(moments.standardize(clips)[:, moments.varies()])
    alike = unit[: len(asking)] @ unit[len(asking) :].T
    right = np.diag(alike)[:, None]
    # Equal up to rounding counts as equal.
    return Retrieval((alike >= right - 1e-12).sum(axis=1).astype(np.int64))


def retrieve_by_distance(distances: NDArray[np.float64]) -> Retrieval:
    """Where candidate i comes when question i asks; ``(pairs, pairs)`` distances to candidates.

    Candidates that are exactly as far as the right one come before it.
    """
    right = np.diag(distances)[:, None]
    # Equal up to rounding counts as equal.
    return Retrieval((distances <= right * (1 + 1e-12)).sum(axis=1).astype(np.int64))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1.0, lengths)
