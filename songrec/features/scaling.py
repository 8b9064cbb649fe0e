"""Median imputation and standardisation of feature tables.

In numpy, since the web process scales uploads and does not import scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.standardization import BLOCK, ColumnMoments
from songrec.core.types import FeatureTable


@dataclass(frozen=True)
class Scaler:
    """Fitted imputation and standardisation of one run.

    Parameters
    ----------
    columns
        Names of the columns, in order.
    median
        float64 ``(columns,)``, replaces unknown values.
    mean, scale
        float64 ``(columns,)``, mean and population standard deviation after imputation, as those
        of scikit-learn's ``StandardScaler``. The scale of a constant column is 1; a column that
        only varies by rounding in single precision is constant.
    """

    columns: tuple[str, ...]
    median: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, table: FeatureTable) -> Self:
        """Fit to ``table``; ``BadInput`` for an empty table or a column without any value."""
        if not len(table.track_ids):
            raise BadInput(
                "The feature table has no tracks: ingest a catalogue first (flask ingest PATH)."
            )
        has_value = ~np.isnan(table.values)
        for name, has_values in zip(table.names, has_value.any(axis=0), strict=True):
            if not has_values:
                raise BadInput(f"No track has a value for {name!r}: leave it out of the features.")
        median = np.nanmedian(table.values, axis=0).astype(np.float64)
        moments = ColumnMoments(len(table.names))
        for start in range(0, len(table.values), BLOCK):  # a float64 copy of all would be large
            block = slice(start, start + BLOCK)
            moments.add(np.where(has_value[block], table.values[block], median))
        return cls(table.names, median, moments.mean, moments.scale())

    def transform(self, table: FeatureTable) -> FeatureTable:
        """Return the table imputed and standardised, float32; ``BadInput`` for other columns."""
        if table.names != self.columns:
            raise BadInput(
                f"The features are {', '.join(table.names)}; this run was trained on "
                f"{', '.join(self.columns)}."
            )
        values = np.empty(table.values.shape, dtype=np.float32)
        for start in range(0, len(values), BLOCK):
            block = slice(start, start + BLOCK)
            raw = table.values[block].astype(np.float64)
            imputed = np.where(np.isnan(raw), self.median, raw)
            values[block] = (imputed - self.mean) / self.scale
        return replace(table, values=values)

    def save(self, path: Path) -> None:
        """Write ``columns``, ``median``, ``mean`` and ``scale`` as one ``.npz``."""
        np.savez(
            path,
            columns=np.array(self.columns),
            median=self.median,
            mean=self.mean,
            scale=self.scale,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved scaler."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                tuple(str(name) for name in arrays["columns"]),
                arrays["median"],
                arrays["mean"],
                arrays["scale"],
            )
