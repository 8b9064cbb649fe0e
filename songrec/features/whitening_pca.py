"""Whitened principal components of audio feature sets, for the recommendation space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from songrec.core.types import FeatureTable, Floats
from songrec.features.registry import EXTRACTORS

MAX_COMPONENTS = 8
"""Components per set: as many columns as a catalogue has attributes, so that both count."""


@dataclass(frozen=True)
class Components:
    """Fitted principal components of each set of a standardised table, of unit variance.

    ``columns`` are the table's, ``names`` those of the components (``timbre_1``, …); ``weights``
    float32 ``(columns, names)`` maps a standardised row to them, also that of a new track.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    weights: Floats

    @classmethod
    def fit(cls, table: FeatureTable, *, max_components: int = MAX_COMPONENTS) -> Self:
        """Fit to a table with columns ``set:column``, at most ``max_components`` per set."""
        sets = dict.fromkeys(name.partition(":")[0] for name in table.names)
        blocks, names = [], []
        for name in sets:
            at = [i for i, column in enumerate(table.names) if column.partition(":")[0] == name]
            values = table.values[:, at].astype(np.float64)
            _, scales, vectors = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
            spreads = scales / np.sqrt(len(values))
            n_components = int(
                (spreads[:max_components] > 1e-6 * max(spreads[:1].max(initial=0.0), 1e-9)).sum()
            )
            directions = vectors[:n_components].T
            # The sign of a component is arbitrary: its largest weight is made positive.
            largest = np.abs(directions).argmax(axis=0)
            directions = directions * np.sign(directions[largest, np.arange(n_components)])
            block = np.zeros((len(table.names), n_components))
            block[at] = directions / spreads[:n_components]
            blocks.append(block)
            label = EXTRACTORS.entry(name).component or name
            names += [f"{label}_{number + 1}" for number in range(n_components)]
        weights = np.hstack(blocks) if blocks else np.empty((len(table.names), 0))
        return cls(table.names, tuple(names), weights.astype(np.float32))

    def transform(self, table: FeatureTable) -> Floats:
        """Return the components of standardised rows, float32 ``(n, len(names))``."""
        return table.values @ self.weights

    def save(self, path: Path) -> None:
        """Write ``columns``, ``names`` and ``weights`` as one ``.npz``."""
        np.savez(
            path, columns=np.array(self.columns), names=np.array(self.names), weights=self.weights
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read saved components."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                tuple(map(str, arrays["columns"])),
                tuple(map(str, arrays["names"])),
                arrays["weights"],
            )
