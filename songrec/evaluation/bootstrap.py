"""Bootstrap intervals: percentiles of a statistic over resamples of independent units.

References
----------
Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints

RESAMPLES = 1000
LEVEL = 0.95


def resamples(units: int, seed: int) -> Ints:
    """Draw ``RESAMPLES`` resamples of ``units`` numbers, ``(RESAMPLES, units)``."""
    return np.random.default_rng(seed).integers(0, units, (RESAMPLES, units))


def quantiles(statistic: Callable[[Ints], float], draws: Ints) -> tuple[float, float, float]:
    """Return the lower end, the median and the upper end of a statistic over resamples."""
    samples = np.array([statistic(at) for at in draws])
    tail = (1 - LEVEL) / 2
    low, middle, high = np.nanquantile(samples, [tail, 0.5, 1 - tail])
    return float(low), float(middle), float(high)


def interval(statistic: Callable[[Ints], float], draws: Ints) -> list[float]:
    """Return the percentile interval of a statistic, rounded."""
    low, _, high = quantiles(statistic, draws)
    return [round(low, 4), round(high, 4)]


def finite_mean(values: NDArray[np.float64]) -> float:
    """Return the mean of the values that are not NaN; NaN without any."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
