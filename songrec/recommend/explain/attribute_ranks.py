"""What many tracks look like beside each other, as arrays: values, ranks, what stands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.phrases import MIN_WEIGHT, Trait
from songrec.recommend.space_statistics import statistics_of


@dataclass(frozen=True)
class AttributeTable:
    """Values of some rows and their mid-ranks in the catalogue, both ``(rows, d)``.

    The columns are those of the space. Values are the stored ones where there are such
    (``stored``), else the space's own.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    ranks: NDArray[np.float64]
    stored: frozenset[str]

    @classmethod
    def from_rows(cls, space: Space, rows: NDArray[np.int64]) -> AttributeTable:
        """The sheet of ``rows``."""
        stored = {name: column for column, name in enumerate(space.value_names)}
        values = space.matrix[rows].astype(np.float64)
        known = space.values[rows]
        for column, name in enumerate(space.columns):
            if name in stored:
                values[:, column] = known[:, stored[name]]
        return cls._ranked(space, values)

    def median(self, space: Space) -> AttributeTable:
        """One row: the median of these rows per column, NaN where none of them knows it."""
        known = np.isfinite(self.values).any(axis=0)
        values = np.full((1, len(self.names)), np.nan)
        values[0, known] = np.nanmedian(self.values[:, known], axis=0)
        return AttributeTable._ranked(space, values)

    def compare(self, row: int, other: AttributeTable, other_row: int, column: int) -> Trait:
        """One column of a row beside the same column of another sheet's row."""
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
    """``Trait.weight`` of all pairs of rows and columns, ``(rows, other rows, d)``."""
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
    """Columns of the two traits most worth a word, per pair, ``(…, 2)``; -1 where there is none.

    ``pair_weights`` is what ``trait_weights`` gives, ``(…, d)``.
    """
    telling = mask_explicit(pair_weights, names, -1.0)
    best = np.argsort(-telling, axis=-1, kind="stable")[..., :2]
    worth = np.take_along_axis(telling, best, axis=-1) > MIN_WEIGHT
    return np.where(worth, best, -1)


def mask_explicit(
    figures: NDArray[np.float64], names: tuple[str, ...], value: float
) -> NDArray[np.float64]:
    """A copy with the column ``explicit`` set to ``value``: it says little of how a song sounds."""
    copy = figures.copy()
    if "explicit" in names:
        copy[..., names.index("explicit")] = value
    return copy
