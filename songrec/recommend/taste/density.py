"""One taste as a density over the space, and how many tastes some likes are.

Each column of the likes is taken as normal with unknown mean and variance, whose prior
(``taste_prior.ColumnPrior``) is normal-inverse-gamma: so a few likes move mean and variance only so
far, many likes say nearly all, and what is predicted of the next song is Student's t (Murphy,
"Conjugate Bayesian analysis of the Gaussian distribution", 2007, sections 3 and 8).
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

SMALLEST = 3
"""A taste of its own needs so many likes."""
MOST = 4
"""More tastes at once are not told apart."""
EVIDENCE = 0.5
"""Columns hang together, so their evidence for another taste does not all count."""
NEAR = 0.5
"""Beside one song is closer to it than songs of one taste are to each other (a variance)."""
MARGIN = 1.0
"""Another taste is taken when that makes the likes e times likelier."""


@dataclass(frozen=True)
class StudentT:
    """Student's t for each column: degrees of freedom, location and squared scale, ``(d,)``."""

    freedom: Array
    location: Array
    square: Array

    def log(self, points: NDArray) -> NDArray:
        """The logarithm of the density ``(n, d)``, less what is the same for all of them."""
        z = (points - self.location.astype(points.dtype)) ** 2
        z /= (self.freedom * self.square).astype(points.dtype)
        z += 1
        np.log(z, out=z)  # vectorised, which log1p is not
        z *= (-(self.freedom + 1) / 2).astype(points.dtype)
        z += self.constant.astype(points.dtype)
        return z

    @cached_property
    def constant(self) -> Array:
        """The logarithm of the density's height."""
        half = self.freedom / 2
        gammas = [math.lgamma(h + 0.5) - math.lgamma(h) for h in half.tolist()]
        return np.array(gammas) - 0.5 * np.log(self.freedom * np.pi * self.square)


class NormalInverseGamma:
    """The prior of all columns, and what likes make of it."""

    def __init__(self, columns: Sequence[ColumnPrior]) -> None:
        self.shape = np.array([column.shape for column in columns])
        within = np.array([column.within for column in columns])
        self.rate = within * (self.shape - 1)
        self.pull = within / np.array([column.between for column in columns])
        """How many likes at the catalogue's mean the prior is worth."""

    @cached_property
    def before(self) -> StudentT:
        """What is predicted with nothing liked."""
        square = self.rate * (self.pull + 1) / (self.shape * self.pull)
        return StudentT(2 * self.shape, np.zeros(len(square)), square)

    def after(self, likes: Array) -> StudentT:
        """What is predicted after ``likes`` ``(n, d)``."""
        pull, shape, rate, location = self._updated(likes)
        return StudentT(2 * shape, location, rate * (pull + 1) / (shape * pull))

    def beside(self, point: Array) -> StudentT:
        """What lies beside one song, ``NEAR`` as wide as a taste usually is."""
        within = self.rate / (self.shape - 1)
        return StudentT(2 * self.shape + 1, point, NEAR * within)

    def evidence(self, likes: Array) -> float:
        """The logarithm of how likely these likes are as one taste, over all columns."""
        pull, shape, rate, _ = self._updated(likes)
        gammas = sum(
            math.lgamma(after) - math.lgamma(before)
            for after, before in zip(shape.tolist(), self.shape.tolist(), strict=True)
        )
        logs = self.shape * np.log(self.rate) - shape * np.log(rate)
        logs += 0.5 * np.log(self.pull / pull)
        return gammas + float(logs.sum()) - likes.size / 2 * math.log(2 * math.pi)

    def _updated(self, likes: Array) -> tuple[Array, Array, Array, Array]:
        n = len(likes)
        mean = likes.mean(axis=0)
        pull = self.pull + n
        spread = ((likes - mean) ** 2).sum(axis=0)
        rate = self.rate + 0.5 * spread + 0.5 * self.pull * n / pull * mean**2
        return pull, self.shape + n / 2, rate, n * mean / pull


def split_into_tastes(belief: NormalInverseGamma, likes: Array) -> list[NDArray[np.int64]]:
    """The likes ``(n, d)`` parted into tastes, the largest first; nearly always it is one.

    The number is chosen by marginal likelihood: a partition's evidence is that of its parts, with
    the Chinese restaurant process over partitions (concentration 1; Aldous 1985). Parts are split
    in two as long as that gains ``MARGIN``. Deterministic.
    """
    groups = [np.arange(len(likes))]
    while len(groups) < MOST:
        tried = [(_split(belief, likes[group]), group) for group in groups]
        gains = [gain for (gain, _), _ in tried]
        best = int(np.argmax(gains))
        if gains[best] < MARGIN:
            break
        (_, first), group = tried[best]
        groups[best : best + 1] = [group[first], group[~first]]
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def _split(belief: NormalInverseGamma, likes: Array) -> tuple[float, NDArray[np.bool_]]:
    """The best parting in two that is found, and how much likelier it makes these likes."""
    n = len(likes)
    nowhere = np.zeros(n, dtype=bool)
    if n < 2 * SMALLEST:
        return -math.inf, nowhere
    centred = likes - likes.mean(axis=0)
    # Two-means from both ends of the direction in which the likes spread most.
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    first = centred @ direction > 0
    for _ in range(10):
        if min(first.sum(), n - first.sum()) < SMALLEST:
            return -math.inf, nowhere
        one, two = likes[first].mean(axis=0), likes[~first].mean(axis=0)
        nearer = ((likes - one) ** 2).sum(axis=1) < ((likes - two) ** 2).sum(axis=1)
        if (nearer == first).all():
            break
        first = nearer
    if min(first.sum(), n - first.sum()) < SMALLEST:
        return -math.inf, nowhere
    parted = belief.evidence(likes[first]) + belief.evidence(likes[~first])
    sizes = math.lgamma(first.sum()) + math.lgamma(n - first.sum()) - math.lgamma(n)
    return EVIDENCE * (parted - belief.evidence(likes)) + sizes, first
