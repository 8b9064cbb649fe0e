"""The recommendation space: every column a standard normal score, so that distances compare.

Attributes are skewed (instrumentalness is 0 for most songs, tempo is not); on raw or standardised
values the odd outlier rules every distance. A rank-based inverse normal transformation (Blom
1958; van der Waerden 1952) keeps only the order: a column's value is the normal quantile of the
share of tracks below it, ties sharing their middle.

Written here, with the normal quantile, and not taken from scikit-learn's ``QuantileTransformer``:
that interpolates between a fixed number of quantiles, treats ties differently, and the web process,
which places uploads in the space, does not import scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats
from songrec.features.attribute_table import COVERAGE

# Popularity and whether the lyrics are explicit say nothing about how a song sounds.
NOT_SOUND = frozenset({"popularity", "explicit"})


@dataclass(frozen=True)
class NormalSpace:
    """A space of normal scores, unknown values at 0, the middle.

    ``matrix`` is float32 ``(n, len(columns))``.
    """

    matrix: Floats
    columns: tuple[str, ...]

    def with_columns(self, values: Floats, names: tuple[str, ...]) -> NormalSpace:
        """Return the space with further columns ``values`` float32 ``(n, len(names))``."""
        return NormalSpace(np.hstack([self.matrix, values]), (*self.columns, *names))


def normal_space(
    values: Floats,
    names: tuple[str, ...],
    extras: dict[str, Floats] | None = None,
    *,
    coverage: float = COVERAGE,
) -> NormalSpace:
    """Build the space over the attributes ``names`` and ``extras`` (such as duration and year).

    A column that fewer than ``coverage`` of the tracks have, or that is constant, is left out;
    constant ones stay where there is nothing else (a single track, the same track again and again).
    """
    columns = {name: values[:, at] for at, name in enumerate(names) if name not in NOT_SOUND}
    columns.update(extras or {})
    scored = {
        name: normal_scores(column)
        for name, column in columns.items()
        if len(column) and 1.0 - np.isnan(column).mean() >= coverage
    }
    varying = {name: scores for name, scores in scored.items() if scores.any()} or scored
    matrix = np.zeros((len(values), len(varying)), dtype=np.float32)
    for at, scores in enumerate(varying.values()):
        matrix[:, at] = scores
    return NormalSpace(matrix, tuple(varying))


def normal_scores(column: Floats) -> Floats:
    """Return the normal quantile of each mid-rank share, float32 ``(n,)``; NaN becomes 0."""
    scores = np.zeros(len(column), dtype=np.float32)
    present = ~np.isnan(column)
    if present.any():
        scores[present] = normal_quantile(mid_ranks(column[present])).astype(np.float32)
    return scores


def mid_ranks(column: Floats) -> NDArray[np.float64]:
    """Return the share of values below each, ties counting half: strictly between 0 and 1."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    return ((below + counts / 2) / len(column))[inverse]


def normal_quantile(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the standard normal's quantile function for shares strictly between 0 and 1.

    Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
    Statistics 37 (1988), routine PPND16: relative accuracy about 1e-16.
    """
    share = np.asarray(share, dtype=np.float64)
    centred = share - 0.5
    result = np.empty_like(share)
    middle = np.abs(centred) <= 0.425
    r = 0.180625 - centred[middle] ** 2
    result[middle] = centred[middle] * _rational(r, _MIDDLE)
    tail = ~middle
    r = np.sqrt(-np.log(np.minimum(share[tail], 1.0 - share[tail])))
    near = r <= 5.0
    value = np.where(near, _rational(r - 1.6, _NEAR), _rational(r - 5.0, _FAR))
    result[tail] = np.sign(centred[tail]) * value
    return result


def _rational(
    x: NDArray[np.float64], polynomials: tuple[tuple[float, ...], tuple[float, ...]]
) -> NDArray[np.float64]:
    above, below = polynomials
    return np.polyval(above[::-1], x) / np.polyval(below[::-1], x)


# Coefficients in rising powers, as published.
_MIDDLE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
_NEAR = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
_FAR = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)
