"""Vectors of one feature set by which tracks are compared: the Euclidean distance is the set's.

Sets that are compared by the cosine become standardised rows of length 1, Gaussians their embedding
(``gaussians``). Both are then turned to their principal axes and cut to the first ``MOST``: those
hold nearly all of the distances at a fraction of the memory that a comparison reads. Last, they are
whitened a little (``whitening``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats
from songrec.features.gaussians import GaussianEmbedding
from songrec.features.registry import EXTRACTORS

GAUSSIAN = "gaussian"
MOST = 64
"""Principal axes that are kept."""
STRENGTH = 0.15
"""How far axes are whitened, 0 (not at all) to 1 (all axes vary by as much)."""
SAMPLE = 20_000
"""Tracks that the axes are fitted to."""
BLOCK = 4096
Convert = Callable[[Floats], Floats]


def is_gaussian(feature_set: str) -> bool:
    """Return whether the vectors of ``feature_set`` are means and covariances."""
    return EXTRACTORS.entry(feature_set).distance == GAUSSIAN


def embed_gaussians(moments: ColumnMoments) -> Convert:
    """Return the embedding of Gaussians for a library of such moments; unknown ones become 0.

    0 is the Gaussian of the library: mean and covariance of a typical track.
    """
    embedding = GaussianEmbedding.of_mean(moments.mean)
    return lambda rows: np.nan_to_num(embedding.transform(rows))


def unit_rows(rows: Floats) -> Floats:
    """Return rows of length 1, float32 ``(n, d)``; rows of zeros stay."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    return (wide / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def principal_axes(rows: Floats, most: int = MOST) -> Floats:
    """Return the first principal axes of ``(n, d)`` as columns, float32 ``(d, k)``.

    The sign of an axis is that of its largest value, so that equal rows give equal axes.
    """
    wide = rows.astype(np.float64)
    wide -= wide.mean(axis=0)
    values, vectors = np.linalg.eigh(wide.T @ wide / max(len(wide), 1))
    order = np.argsort(-values, kind="stable")[:most]
    order = order[values[order] > 1e-9 * max(float(values.max(initial=0.0)), 1e-12)]
    axes = vectors[:, order]
    largest = np.abs(axes).argmax(axis=0)
    return (axes * np.sign(axes[largest, np.arange(len(order))])).astype(np.float32)


def whitening(covariance: NDArray[np.float64], strength: float = STRENGTH) -> Floats:
    """Return the symmetric matrix that whitens by a ``covariance`` shrunk to the identity, (k, k).

    Axes in which all tracks vary much say less about two of them than their variance makes them
    weigh. The covariance is scaled to mean variance 1 and mixed with the identity.
    """
    k = len(covariance)
    scale = float(np.trace(covariance)) / max(k, 1)
    mixed = strength * covariance / (scale or 1.0) + (1 - strength) * np.eye(k)
    values, vectors = np.linalg.eigh(mixed)
    return ((vectors / np.sqrt(np.maximum(values, 1e-9))) @ vectors.T).astype(np.float32)


def blocks(matrix: Floats, rows: NDArray[np.int64]) -> Iterator[Floats]:
    """Yield ``matrix[rows]`` in blocks."""
    for at in range(0, len(rows), BLOCK):
        yield np.asarray(matrix[rows[at : at + BLOCK]])


def comparison_vectors(
    feature_set: str,
    matrix: Floats,
    rows: NDArray[np.int64],
    *,
    strength: float = STRENGTH,
    seed: int = 0,
) -> Floats:
    """Return the vectors of ``rows`` of a set's matrix, float32 ``(len(rows), k)``.

    Parameters
    ----------
    matrix
        float32 ``(n, d)``, possibly memory-mapped: standardised columns, or embedded Gaussians.
    rows
        int64, ascending.
    """
    prepare: Convert = np.asarray if is_gaussian(feature_set) else unit_rows
    sample = rows
    if len(rows) > SAMPLE:
        sample = np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))
    examples = prepare(np.asarray(matrix[sample]))
    axes = principal_axes(examples)
    turned = (examples @ axes).astype(np.float64)
    turned -= turned.mean(axis=0)
    axes = axes @ whitening(turned.T @ turned / max(len(turned), 1), strength)
    parts = [prepare(block) @ axes for block in blocks(matrix, rows)]
    return np.concatenate(parts).astype(np.float32)
