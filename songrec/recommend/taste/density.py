"""One taste as a density over the space, and how many tastes some likes are.

Each column of the likes is taken as normal with unknown mean and variance, whose prior
(``prior.ColumnPrior``) is normal-inverse-gamma: a few likes move mean and variance only so far,
many likes outweigh the prior, and the predictive density of the next song is Student's t.

References
----------
Murphy (2007), Conjugate Bayesian analysis of the Gaussian distribution, sections 3 and 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.recommend.taste.prior import ColumnPrior

Array = NDArray[np.float64]
Floats32 = NDArray[np.float32]

MIN_TASTE_SIZE = 3
"""Fewest likes that can be a taste of their own."""
MAX_TASTES = 4
EVIDENCE = 0.5
"""Weight of the evidence for another taste: columns are correlated, so not all of it counts."""
NEAR = 0.5
"""Variance around one song, in variances of a taste: closer than songs of one taste are."""
MARGIN = 1.0
"""Another taste is accepted when that makes the likes e times likelier."""

BLOCK_ELEMENTS = 2**19
"""Elements of a float32 matrix that are transposed at a time, so that they stay in the cache."""
MIN_BLOCK_ROWS, MAX_BLOCK_ROWS = 2**13, 2**15


@dataclass(frozen=True)
class StudentT:
    """Student's t for each column: degrees of freedom, location and squared scale, ``(d,)``."""

    df: Array
    location: Array
    squared_scale: Array

    def log_density(self, points: NDArray) -> NDArray:
        """Compute the log density of each column of ``points`` ``(n, d)``, ``(n, d)``."""
        z = (points - self.location.astype(points.dtype)) ** 2
        z /= (self.df * self.squared_scale).astype(points.dtype)
        z += 1
        np.log(z, out=z)  # vectorised, which log1p is not
        z *= (-(self.df + 1) / 2).astype(points.dtype)
        z += self.log_height.astype(points.dtype)
        return z

    @cached_property
    def log_height(self) -> Array:
        """The logarithm of the density at the location, ``(d,)``."""
        half = self.df / 2
        gammas = [math.lgamma(h + 0.5) - math.lgamma(h) for h in half.tolist()]
        return np.array(gammas) - 0.5 * np.log(self.df * np.pi * self.squared_scale)


class NormalInverseGamma:
    """The conjugate prior of all columns, and its predictive densities."""

    def __init__(self, columns: Sequence[ColumnPrior]) -> None:
        self.shape = np.array([column.shape for column in columns])
        within = np.array([column.within for column in columns])
        self.rate = within * (self.shape - 1)
        self.pseudo_likes = within / np.array([column.between for column in columns])
        """How many likes at the catalogue's mean the prior is worth, ``(d,)``."""

    @cached_property
    def prior_predictive(self) -> StudentT:
        """The density of a song with nothing liked."""
        square = self.rate * (self.pseudo_likes + 1) / (self.shape * self.pseudo_likes)
        return StudentT(2 * self.shape, np.zeros(len(square)), square)

    def posterior_predictive(self, likes: Array) -> StudentT:
        """Return the density of the next song after ``likes`` ``(n, d)``, NaN where unknown."""
        weight, shape, rate, location = self._update(likes)
        return StudentT(2 * shape, location, rate * (weight + 1) / (shape * weight))

    def density_around(self, point: Array) -> StudentT:
        """Return the density around one song ``(d,)``, ``NEAR`` as wide as a taste usually is.

        Where the song is NaN it is the density with nothing liked, so that nothing follows from it.
        """
        within = self.rate / (self.shape - 1)
        around = StudentT(2 * self.shape + 1, point, NEAR * within)
        unknown, prior = np.isnan(point), self.prior_predictive
        if not unknown.any():
            return around
        return StudentT(
            np.where(unknown, prior.df, around.df),
            np.where(unknown, prior.location, around.location),
            np.where(unknown, prior.squared_scale, around.squared_scale),
        )

    def log_evidence(self, likes: Array) -> float:
        """Compute the log marginal likelihood of ``likes`` ``(n, d)`` as one taste."""
        weight, shape, rate, _ = self._update(likes)
        gammas = sum(
            math.lgamma(after) - math.lgamma(before)
            for after, before in zip(shape.tolist(), self.shape.tolist(), strict=True)
        )
        logs = self.shape * np.log(self.rate) - shape * np.log(rate)
        logs += 0.5 * np.log(self.pseudo_likes / weight)
        return gammas + float(logs.sum()) - likes.size / 2 * math.log(2 * math.pi)

    def _update(self, likes: Array) -> tuple[Array, Array, Array, Array]:
        """The posterior's weight of the mean, shape, rate and location, ``(d,)`` each.

        Likes that are NaN in a column do not count there.
        """
        has_value = ~np.isnan(likes)
        n = has_value.sum(axis=0)
        mean = np.where(has_value, likes, 0.0).sum(axis=0) / np.maximum(n, 1)
        weight = self.pseudo_likes + n
        spread = (np.where(has_value, likes - mean, 0.0) ** 2).sum(axis=0)
        rate = self.rate + 0.5 * spread + 0.5 * self.pseudo_likes * n / weight * mean**2
        return weight, self.shape + n / 2, rate, n * mean / weight


def split_into_tastes(model: NormalInverseGamma, likes: Array) -> list[NDArray[np.int64]]:
    """Split likes into tastes, the largest first; nearly always there is one.

    The number is chosen by marginal likelihood: the evidence of a partition is that of its parts,
    with the Chinese restaurant process (concentration 1) as the prior over partitions. Parts are
    split in two as long as that gains ``MARGIN``. Deterministic.

    Parameters
    ----------
    likes
        ``(n, d)`` in standard deviations of the columns, NaN where unknown.

    Returns
    -------
    Positions of the likes of each taste.

    References
    ----------
    Aldous (1985), Exchangeability and related topics.
    """
    groups = [np.arange(len(likes))]
    while len(groups) < MAX_TASTES:
        splits = [(_split(model, likes[group]), group) for group in groups]
        gains = [gain for (gain, _), _ in splits]
        best = int(np.argmax(gains))
        if gains[best] < MARGIN:
            break
        (_, first), group = splits[best]
        groups[best : best + 1] = [group[first], group[~first]]
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def _split(model: NormalInverseGamma, likes: Array) -> tuple[float, NDArray[np.bool_]]:
    """Split likes in two by two-means; return the gain in log likelihood and one side's mask."""
    n = len(likes)
    nowhere = np.zeros(n, dtype=bool)
    if n < 2 * MIN_TASTE_SIZE:
        return -math.inf, nowhere
    known = ~np.isnan(likes)
    points = np.where(known, likes, _known_mean(likes, known))
    centred = points - points.mean(axis=0)
    # Start from both ends of the direction in which the likes spread most.
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    first = centred @ direction > 0
    for _ in range(10):
        if min(first.sum(), n - first.sum()) < MIN_TASTE_SIZE:
            return -math.inf, nowhere
        one, two = points[first].mean(axis=0), points[~first].mean(axis=0)
        nearer = ((points - one) ** 2).sum(axis=1) < ((points - two) ** 2).sum(axis=1)
        if (nearer == first).all():
            break
        first = nearer
    if min(first.sum(), n - first.sum()) < MIN_TASTE_SIZE:
        return -math.inf, nowhere
    parted = model.log_evidence(likes[first]) + model.log_evidence(likes[~first])
    sizes = math.lgamma(first.sum()) + math.lgamma(n - first.sum()) - math.lgamma(n)
    return EVIDENCE * (parted - model.log_evidence(likes)) + sizes, first


def _known_mean(likes: Array, known: NDArray[np.bool_]) -> Array:
    """Return the mean of each column's known values, 0 without any, ``(d,)``."""
    return np.where(known, likes, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


class _FastLogDensity:
    """A ``StudentT`` summed over the columns in float32: c + Σ_f p_f · log(1 + (a_f x_f − b_f)²).

    ``scales`` ``(d,)`` are what the columns are divided by before ``density`` applies to them.
    """

    def __init__(self, density: StudentT, scales: Array) -> None:
        width = np.sqrt(density.df * density.squared_scale)
        self.slope = (1 / (scales * width)).astype(np.float32)
        self.shift = (density.location / width).astype(np.float32)
        self.power = (-(density.df + 1) / 2).astype(np.float32)
        self.height = np.float32(density.log_height.sum())

    def evaluate(self, columns: Floats32, buffer: Floats32) -> Floats32:
        """Return the log density ``(m,)`` of ``columns`` ``(d, m)``; overwrite ``buffer``."""
        total = np.full(columns.shape[1], self.height, dtype=np.float32)
        for column, slope, shift, power in zip(
            columns, self.slope, self.shift, self.power, strict=True
        ):
            np.multiply(column, slope, out=buffer)
            np.subtract(buffer, shift, out=buffer)
            np.multiply(buffer, buffer, out=buffer)
            np.add(buffer, np.float32(1), out=buffer)
            np.log(buffer, out=buffer)  # vectorised, which log1p is not
            np.multiply(buffer, power, out=buffer)
            np.add(total, buffer, out=total)
        return total


def log_densities(matrix: NDArray, scales: Array, densities: Sequence[StudentT]) -> Floats32:
    """Compute the log density of every track under each density, in float32.

    A column at a time over blocks that stay in the processor's cache, all densities in one pass.

    Parameters
    ----------
    matrix
        ``(n, d)`` float32.
    scales
        ``(d,)``: what the columns are divided by first.

    Returns
    -------
    ``(densities, n)``, accurate to about 1e-3.
    """
    fast = [_FastLogDensity(density, scales) for density in densities]
    n, d = matrix.shape
    result = np.empty((len(fast), n), dtype=np.float32)
    step = min(max(BLOCK_ELEMENTS // max(d, 1), MIN_BLOCK_ROWS), MAX_BLOCK_ROWS)
    columns = np.empty((d, step), dtype=np.float32)
    buffer = np.empty(step, dtype=np.float32)
    for start in range(0, n, step):
        block = matrix[start : start + step]
        m = len(block)
        columns[:, :m] = block.T
        for number, density in enumerate(fast):
            result[number, start : start + m] = density.evaluate(columns[:, :m], buffer[:m])
    return result


def best_taste(log_density: Floats32, log_shares: Array) -> tuple[Floats32, NDArray[np.int8]]:
    """Return each track's log density under the taste that it fits best, and that taste's number.

    Parameters
    ----------
    log_density
        ``(tastes, n)`` of ``log_densities``; overwritten.
    log_shares
        ``(tastes,)``: logarithm of each taste's share of the likes.
    """
    best = log_density[0]
    best += np.float32(log_shares[0])
    taste = np.zeros(len(best), dtype=np.int8)
    for number in range(1, len(log_density)):
        other = log_density[number]
        other += np.float32(log_shares[number])
        taste[other > best] = number
        np.maximum(best, other, out=best)
    return best, taste
