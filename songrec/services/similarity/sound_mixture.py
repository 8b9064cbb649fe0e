"""The mixture of feature sets for comparing songs of a library with sound: ``sound``.

Several feature sets are compared at once, each by its own distance and mutual proximity
(``recommend.similarity.mutual_proximity``). Weights were chosen by cross-validation over composers
(docs/evaluation.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats, Ints, ProximityPart
from songrec.features import sound_vectors
from songrec.recommend.similarity.mutual_proximity import Phrase, distance_moments
from songrec.store.sound import feature_matrices, mixture_files, sound_folders
from songrec.store.sound.mixture_files import NAME

__all__ = ["NAME", "PHRASES", "WEIGHTS", "parts_of", "refresh", "values_matrix"]

WEIGHTS: Mapping[str, float] = {
    "musicnn": 0.5,
    "musicnn_max": 0.5,
    "timbre": 1.0,
    "chroma": 0.5,
}
"""Feature sets of the mixture and their weights, scaled to add up to 1 over those that exist."""
VERSION = 1
"""Raised when the same matrices give another mixture."""
SAMPLE = 1000
"""Size of the sample of tracks for the distribution of distances."""
COVERAGE = 0.5
"""Share of the tracks of the most common set that a set must have to be part of the mixture."""
SEED = 0
_HEARD = Phrase(
    "musicnn",
    "Close by what a listening model hears (MusiCNN)",
    "Far by what a listening model hears (MusiCNN)",
)
PHRASES: Mapping[str, Phrase] = {
    "musicnn": _HEARD,
    "musicnn_max": _HEARD,
    "timbre": Phrase("timbre", "Similar timbre", "Different timbre"),
    "chroma": Phrase("chroma", "Similar key and chords", "Different key and chords"),
}
"""Descriptions of each set for listeners."""


def parts_of(
    matrices: Mapping[str, Floats], rows: Mapping[str, Ints], weights: Mapping[str, float]
) -> list[ProximityPart]:
    """Compute the parts of a mixture over the same tracks.

    Parameters
    ----------
    matrices
        By feature set, float32 ``(n, d)``: standardised columns or embedded Gaussians.
    rows
        By feature set, the rows of the tracks, ``(m,)`` each.
    """
    total = sum(weights[name] for name in matrices)
    parts = []
    for name, matrix in matrices.items():
        vectors = sound_vectors.comparison_vectors(name, matrix, rows[name], seed=SEED)
        count = len(vectors)
        sample = np.arange(count)
        if count > SAMPLE:
            sample = np.sort(np.random.default_rng(SEED).choice(count, SAMPLE, replace=False))
        mean, std = distance_moments(vectors, sample)
        norms = np.einsum("ij,ij->i", vectors, vectors)
        parts.append(ProximityPart(name, vectors, norms, mean, std, weights[name] / total))
    return parts


def values_matrix(feature_set: str, values: Floats) -> Floats:
    """Return the matrix of a set's vectors ``(n, columns)``, as ``feature_matrices`` writes it."""
    moments = ColumnMoments.of(values)
    if sound_vectors.is_gaussian(feature_set):
        return sound_vectors.embed_gaussians(moments)(values)
    informative = feature_matrices.informative_columns(moments)
    return moments.standardize(values)[:, informative].astype(np.float32)


def refresh(instance: Path) -> bool:
    """Write the mixture of the feature sets that have a matrix; whether it changed.

    A set that fewer than half as many tracks have as the most common one is left out: it would
    take the others from their songs.
    """
    spaces = {
        name: feature_matrices.load(instance, name)
        for name in WEIGHTS
        if sound_folders.current(instance, name) is not None
    }
    most = max((len(space.track_ids) for space in spaces.values()), default=0)
    used = {n: space for n, space in spaces.items() if len(space.track_ids) >= COVERAGE * most}
    ids: Ints = np.empty(0, dtype=np.int64)
    for at, space in enumerate(used.values()):
        ids = space.track_ids if at == 0 else np.intersect1d(ids, space.track_ids)
    rows = {name: space.rows_of(ids) for name, space in used.items()}
    keys = next((space.song_keys[rows[name]] for name, space in used.items()), np.empty(0))
    sources = [f"{VERSION} {SAMPLE}", *(f"{name} {WEIGHTS[name]}" for name in used)]
    sources += [f"{sound_folders.current(instance, name)}" for name in used]

    def build() -> Sequence[ProximityPart]:
        return parts_of({name: space.matrix for name, space in used.items()}, rows, WEIGHTS)

    return mixture_files.refresh(instance, sources, ids, keys.astype(np.uint64), build)
