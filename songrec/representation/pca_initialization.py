"""First weights by which a relu autoencoder is a principal component analysis.

Random first weights lead every seed to a latent of its own. From the principal components all
seeds go the same way, no unit of the latent is dead, and the error begins where the best linear
model ends.

A layer holds the scores s of the components in pairs of units, relu(s) and relu(-s), whose
difference is s: exact, and bent at the mean, where training can begin to curve. A layer too narrow
for pairs, as the latent itself, holds s shifted above 0, relu(s + 3 sigma). Units that are left
over begin with random weights of their inputs that count for nothing after them yet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats

SHIFT = 3.0
"""Standard deviations by which a score is raised above 0 where it has one unit only."""

Array = NDArray[np.float64]


def weights(values: Floats, widths: Sequence[int], seed: int) -> list[Floats]:
    """Return kernels and biases of a mirrored dense autoencoder, in the order of its layers.

    Parameters
    ----------
    values
        Float32 ``(n, c)``, what it is going to be trained on.
    widths
        Units of the encoder's layers, the latent last. The decoder mirrors them.
    seed
        Of the weights of units that are left over.

    Returns
    -------
    list
        ``[kernel, bias, …]``, float32, of every layer from the first to the linear output.
    """
    random = np.random.default_rng(seed)
    mean, components, deviations = _principal(values, widths[-1])
    k = len(components)
    shift = SHIFT * deviations
    # The scores are ``layer @ read + offset`` of each layer in turn, first of the input itself.
    read, offset = components.T, -components @ mean
    layers: list[Array] = []
    for units in (*widths, *reversed(widths[:-1])):
        kernel, bias = _spare(len(read), units, random), np.zeros(units)
        after = np.zeros((units, k))
        if units >= 2 * k and units != widths[-1]:
            kernel[:, : 2 * k] = np.hstack([read, -read])
            bias[: 2 * k] = np.concatenate([offset, -offset])
            after[: 2 * k] = np.vstack([np.eye(k), -np.eye(k)])
            next_offset = np.zeros(k)
        else:
            n_components = min(k, units)
            kernel[:, :n_components] = read[:, :n_components]
            bias[:n_components] = (offset + shift)[:n_components]
            after[:n_components, :n_components] = np.eye(n_components)
            next_offset = np.where(np.arange(k) < n_components, -shift, 0.0)
        layers += [kernel, bias]
        read, offset = after, next_offset
    layers += [read @ components, offset @ components + mean]
    return [layer.astype(np.float32) for layer in layers]


def _principal(values: Floats, latent: int) -> tuple[Array, Array, Array]:
    """Return mean ``(c,)``, components ``(k, c)`` and the standard deviations of their scores."""
    mean = values.mean(axis=0, dtype=np.float64)
    centred = values - mean
    variances, vectors = np.linalg.eigh(centred.T @ centred / max(len(values), 1))
    order = np.argsort(-variances)[:latent]
    components = vectors[:, order].T
    # The sign of an eigenvector is arbitrary: the largest entry is positive.
    largest = components[np.arange(len(components)), np.abs(components).argmax(axis=1)]
    return mean, components * np.sign(largest)[:, None], np.sqrt(np.maximum(variances[order], 0.0))


def _spare(inputs: int, units: int, random: np.random.Generator) -> Array:
    """Return a kernel as Glorot & Bengio (2010) draw it."""
    bound = math.sqrt(6 / (inputs + units))
    return random.uniform(-bound, bound, (inputs, units))
