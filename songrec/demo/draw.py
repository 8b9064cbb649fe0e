"""Random draws that give the same bytes on every Python: only ``random.random`` is relied on."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Seeded draws. Python promises the sequence of ``random()`` alone, so all come from it."""

    def __init__(self, seed: int) -> None:
        # Made-up songs, not secrets.
        self._random = random.Random(seed).random  # noqa: S311

    def share(self) -> float:
        """A number from 0 to 1."""
        return self._random()

    def below(self, count: int) -> int:
        """A whole number from 0 to ``count - 1``."""
        return int(self._random() * count)

    def pick(self, options: Sequence[T]) -> T:
        """One of ``options``."""
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of ``options``, as likely as its weight says."""
        point = self._random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            point -= weight
            if point < 0:
                return option
        return options[-1]

    def normal(self) -> float:
        """A standard normal number (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self._random()))
        return radius * math.cos(2.0 * math.pi * self._random())

    def normals(self, count: int) -> list[float]:
        """``count`` independent standard normal numbers."""
        return [self.normal() for _ in range(count)]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """``values`` in a random order (Fisher and Yates)."""
        out = list(values)
        for i in range(len(out) - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out


def normal_share(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def cholesky(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Lower triangular L with L·Lᵀ = ``matrix`` (symmetric, positive definite)."""
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    return lower


def at_quantile(share: float, levels: Sequence[float], values: Sequence[float]) -> float:
    """The value at ``share`` of a distribution known by a few quantiles.

    Straight between the quantiles, but in the two outermost stretches bent towards the inside:
    extremes are rarer than a straight line from the 95th percentile to the maximum would have it.
    """
    last = len(levels) - 2
    at = next((i for i in range(last + 1) if share <= levels[i + 1]), last)
    t = (share - levels[at]) / (levels[at + 1] - levels[at])
    if at == 0:
        t = 1.0 - (1.0 - t) ** 4
    elif at == last:
        t = t**4
    return values[at] + (values[at + 1] - values[at]) * t
