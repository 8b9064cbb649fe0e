"""Colour groups: by cluster, by genre or emotion, or by the value of an attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMED_SHOWN = 11
"""Number of names with their own colour; all others share one."""
MOST_BINS = 12
LARGEST = 255
"""Largest group number, so that it fits into a byte; the smallest groups share it."""


@dataclass(frozen=True, eq=False, slots=True)
class Grouping:
    """The group of every song: ``of`` uint8 ``(n,)``, ``labels`` of the groups, their sizes.

    ``kind`` is ``"cluster"``, ``"names"``, ``"flag"`` or ``"amounts"``. ``low``, ``high`` and
    ``bins`` belong to amounts, whose last group has the unknown values.
    """

    kind: str
    labels: tuple[str, ...]
    of: NDArray[np.uint8]
    low: float = 0.0
    high: float = 0.0
    bins: int = 0

    def to_json(self) -> dict[str, Any]:
        """Serialize for the legend."""
        counts = np.bincount(self.of, minlength=len(self.labels))[: len(self.labels)]
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "counts": counts.tolist(),
            "low": self.low,
            "high": self.high,
            "bins": self.bins,
        }


def by_cluster(labels: NDArray[np.int32], clusters: Sequence[tuple[int, str]]) -> Grouping:
    """Group songs by cluster, in the order of ``clusters`` (numbers and names)."""
    numbers = np.array([number for number, _ in clusters], dtype=np.int64)
    order = np.argsort(numbers)
    at = np.searchsorted(numbers[order], labels).clip(0, max(len(numbers) - 1, 0))
    of = order[at] if len(numbers) else np.zeros(len(labels), dtype=np.int64)
    names = tuple(name for _, name in clusters)[: LARGEST + 1]
    return Grouping("cluster", names, np.minimum(of, LARGEST).astype(np.uint8))


def by_name(names: Sequence[str | None]) -> Grouping:
    """Group songs by the most frequent names, then all other names, then unknown ones."""
    bearers: dict[str, int] = {}
    for name in names:
        if name is not None:
            bearers[name] = bearers.get(name, 0) + 1
    ranked = sorted(bearers, key=lambda name: (-bearers[name], name))
    shown = ranked[:NAMED_SHOWN]
    others = len(ranked) - len(shown)
    labels = (*shown, *([f"{others} others"] if others else []), "Unknown")
    code = {name: i for i, name in enumerate(shown)}
    rest, unknown = len(shown), len(labels) - 1
    of = np.fromiter(
        (unknown if name is None else code.get(name, rest) for name in names),
        dtype=np.uint8,
        count=len(names),
    )
    return Grouping("names", labels, of)


def by_flag(values: NDArray[np.float32]) -> Grouping:
    """Group songs by no, yes and unknown."""
    of = np.where(np.isfinite(values), np.nan_to_num(values) > 0.5, 2).astype(np.uint8)
    return Grouping("flag", ("No", "Yes", "Unknown"), of)


def by_amount(values: NDArray[np.float32], low: float, high: float, bins: int) -> Grouping:
    """Group songs by ``bins`` equal intervals from ``low`` to ``high``, then unknown values."""
    share = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    steps = np.floor(np.nan_to_num(share) * bins).clip(0, bins - 1)
    of = np.where(np.isfinite(values), steps, bins).astype(np.uint8)
    return Grouping("amounts", ("",) * bins + ("Unknown",), of, low, high, bins)


def whole_range(low: float, high: float) -> tuple[float, float, int]:
    """Widen a range to whole steps of 1, 2 or 5 times a power of ten, at most twelve of them.

    >>> whole_range(71.3, 176.9)
    (70.0, 180.0, 11)
    >>> whole_range(0.0, 1.0)
    (0.0, 1.0, 10)
    """
    span = high - low
    if not span > 0:
        return low, low + 1.0, 1
    exponent = math.floor(math.log10(span / MOST_BINS))
    while True:
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            # Tolerate rounding errors of limits that are multiples of the step.
            first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
            if last - first <= MOST_BINS:
                digits = max(0, -exponent)
                return round(first * step, digits), round(last * step, digits), last - first
        exponent += 1
