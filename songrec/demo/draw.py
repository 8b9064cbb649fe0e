"""Random draws that are identical on every Python version, built on ``random.random`` only."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Seeded random draws; Python guarantees the sequence of ``random()`` alone."""

    def __init__(self, seed: int) -> None:
        # Made-up songs, not secrets.
        self._random = random.Random(seed).random  # noqa: S311

    def share(self) -> float:
        """Draw a number from 0 to 1."""
        return self._random()

    def below(self, count: int) -> int:
        """Draw an integer from 0 to ``count - 1``."""
        return int(self._random() * count)

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of ``options``."""
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """Draw one of ``options`` with probability proportional to its weight."""
        point = self._random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            point -= weight
            if point < 0:
                return option
        return options[-1]

    def normal(self) -> float:
        """Draw a standard normal number (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self._random()))
        return radius * math.cos(2.0 * math.pi * self._random())

    def normals(self, count: int) -> list[float]:
        """Draw ``count`` independent standard normal numbers."""
        return [self.normal() for _ in range(count)]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return ``values`` in random order (Fisher and Yates)."""
        out = list(values)
        for i in range(len(out) - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out


def normal_share(z: float) -> float:
    """Return the standard normal distribution function at ``z``."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def cholesky(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the lower triangular L with L·Lᵀ = ``matrix`` (symmetric, positive definite)."""
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    return lower


def at_quantile(share: float, levels: Sequence[float], values: Sequence[float]) -> float:
    """Interpolate the quantile ``share`` of a distribution given by a few quantiles.

    Linear between the quantiles, except in the two outermost intervals, which bend inwards:
    extremes are rarer than a line from the 95th percentile to the maximum suggests.
    """
    last = len(levels) - 2
    at = next((i for i in range(last + 1) if share <= levels[i + 1]), last)
    t = (share - levels[at]) / (levels[at + 1] - levels[at])
    if at == 0:
        t = 1.0 - (1.0 - t) ** 4
    elif at == last:
        t = t**4
    return values[at] + (values[at + 1] - values[at]) * t
