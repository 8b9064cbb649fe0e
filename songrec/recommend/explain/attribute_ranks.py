"""Attribute values of many tracks and their ranks in the catalogue, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.phrases import MIN_WEIGHT, UNMENTIONED, Trait
from songrec.recommend.space_statistics import statistics_of


@dataclass(frozen=True)
class AttributeTable:
    """Values of some rows and their mid-ranks in the catalogue, both ``(rows, d)``.

    The columns are those of the space. Columns in ``stored`` hold the tracks' attribute values,
    the others coordinates in the space.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    ranks: NDArray[np.float64]
    stored: frozenset[str]

    @classmethod
    def from_rows(cls, space: Space, rows: NDArray[np.int64]) -> AttributeTable:
        """Read the values of ``rows`` and rank them."""
        stored = {name: column for column, name in enumerate(space.value_names)}
        values = space.matrix[rows].astype(np.float64)
        stored_values = space.values[rows]
        for column, name in enumerate(space.columns):
            if name in stored:
                values[:, column] = stored_values[:, stored[name]]
        return cls._ranked(space, values)

    def median(self, space: Space) -> AttributeTable:
        """Return one row: the median of each column, NaN where all values are unknown."""
        has_value = np.isfinite(self.values).any(axis=0)
        values = np.full((1, len(self.names)), np.nan)
        values[0, has_value] = np.nanmedian(self.values[:, has_value], axis=0)
        return AttributeTable._ranked(space, values)

    def select(self, rows: Sequence[int]) -> AttributeTable:
        """Return the table of some of its rows."""
        chosen = list(rows)
        return replace(self, values=self.values[chosen], ranks=self.ranks[chosen])

    def compare(self, row: int, other: AttributeTable, other_row: int, column: int) -> Trait:
        """Pair one column of a row with the same column of another table's row."""
        return Trait(
            self.names[column],
            float(self.values[row, column]),
            float(other.values[other_row, column]),
            float(self.ranks[row, column]),
            float(other.ranks[other_row, column]),
            self.names[column] in self.stored,
        )

    @classmethod
    def _ranked(cls, space: Space, values: NDArray[np.float64]) -> AttributeTable:
        spreads = statistics_of(space).distributions
        ranks = np.empty_like(values)
        for column, name in enumerate(space.columns):
            ranks[:, column] = spreads[name].percentile(values[:, column])
        return cls(space.columns, values, ranks, frozenset(space.value_names))


def trait_weights(one: AttributeTable, other: AttributeTable) -> NDArray[np.float64]:
    """Compute ``Trait.weight`` of all pairs of rows, ``(rows, other rows, d)``."""
    pairs = np.empty((len(one.ranks), len(other.ranks), len(one.names)))
    for column, name in enumerate(one.names):
        pairs[..., column] = phrases.trait_weights(
            name,
            one.ranks[:, None, column],
            other.ranks[None, :, column],
            one.values[:, None, column],
            other.values[None, :, column],
            stored=name in one.stored,
        )
    return pairs


def strongest_columns(
    pair_weights: NDArray[np.float64], names: tuple[str, ...]
) -> NDArray[np.int64]:
    """Choose the columns of each pair's two most unusual shared traits.

    Parameters
    ----------
    pair_weights
        Weights by ``trait_weights``, ``(…, d)``.

    Returns
    -------
    Column numbers ``(…, 2)``, the most unusual first; -1 where no trait is worth mentioning.
    """
    weights = mask_unmentioned(pair_weights, names, -1.0)
    best = np.argsort(-weights, axis=-1, kind="stable")[..., :2]
    return np.where(np.take_along_axis(weights, best, axis=-1) > MIN_WEIGHT, best, -1)


def mask_unmentioned(
    figures: NDArray[np.float64], names: tuple[str, ...], value: float
) -> NDArray[np.float64]:
    """Return a copy with the columns of ``phrases.UNMENTIONED`` set to ``value``."""
    copy = figures.copy()
    copy[..., [column for column, name in enumerate(names) if name in UNMENTIONED]] = value
    return copy
