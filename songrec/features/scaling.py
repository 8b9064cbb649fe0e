"""Median imputation and standardisation, in numpy, so that placing a new track needs no sklearn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.numerics import ROUNDING
from songrec.core.types import FeatureTable


@dataclass(frozen=True)
class Scaler:
    """What was learnt from the tracks of one run; each array float64 ``(columns,)``.

    ``median`` stands in for unknown values; ``mean`` and ``scale`` (the population's standard
    deviation, 1 for a constant column) are those of sklearn's ``StandardScaler`` after imputation.
    A column that differs by no more than single precision rounds is constant here, too.
    """

    columns: tuple[str, ...]
    median: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, table: FeatureTable) -> Self:
        """Learn from ``table``; a column of nothing but NaN raises ``BadInput``."""
        if not len(table.track_ids):
            raise BadInput("There are no tracks to learn from: ingest a catalogue first.")
        known = ~np.isnan(table.values)
        for name, any_known in zip(table.names, known.any(axis=0), strict=True):
            if not any_known:
                raise BadInput(f"No track has a value for {name!r}: leave it out of the features.")
        median = np.nanmedian(table.values, axis=0).astype(np.float64)
        mean, scale = np.empty_like(median), np.empty_like(median)
        for column in range(len(table.names)):  # one at a time: a float64 copy of all is large
            values = np.where(
                known[:, column], table.values[:, column].astype(np.float64), median[column]
            )
            mean[column] = values.mean()
            variance = values.var()
            # The bound on rounding below which sklearn, too, calls a column constant.
            tiny = np.finfo(np.float64).eps
            bound = len(values) * tiny * variance + (len(values) * mean[column] * tiny) ** 2
            rounding = (ROUNDING * np.abs(values).max()) ** 2
            scale[column] = 1.0 if variance <= max(bound, rounding) else np.sqrt(variance)
        return cls(table.names, median, mean, scale)

    def transform(self, table: FeatureTable) -> FeatureTable:
        """The table imputed and standardised, float32; its columns must be the scaler's."""
        if table.names != self.columns:
            raise BadInput(
                f"The features are {', '.join(table.names)}; this run was trained on "
                f"{', '.join(self.columns)}."
            )
        values = np.empty(table.values.shape, dtype=np.float32)
        for column in range(len(self.columns)):
            raw = table.values[:, column].astype(np.float64)
            raw[np.isnan(raw)] = self.median[column]
            values[:, column] = (raw - self.mean[column]) / self.scale[column]
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
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                tuple(str(name) for name in arrays["columns"]),
                arrays["median"],
                arrays["mean"],
                arrays["scale"],
            )
