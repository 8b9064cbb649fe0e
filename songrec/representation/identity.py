"""The standardised features themselves as the latent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.types import FeatureTable, Floats, Progress, no_progress


class Identity:
    """The baseline without a model: the latent is the table."""

    def __init__(self) -> None:
        self.history_: list[dict[str, Any]] = []
        self.metrics_: dict[str, Any] = {}

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Store the number of columns and their names; ``seed`` changes nothing."""
        self.width_ = len(table.names)
        self.latent_names_ = table.names
        self.metrics_ = {"latent_dimensions": self.width_}
        return self

    def transform(self, table: FeatureTable) -> Floats:
        """Return the values, float32 ``(n, columns)``."""
        return np.array(table.values, dtype=np.float32)

    def reconstruct(self, table: FeatureTable) -> Floats:
        """Return the values again: nothing was lost."""
        return self.transform(table)

    def save(self, folder: Path) -> None:
        """Write ``model.json``."""
        (folder / "model.json").write_text(json.dumps({"width": self.width_}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        model = cls()
        model.width_ = json.loads((folder / "model.json").read_text())["width"]
        model.metrics_ = {"latent_dimensions": model.width_}
        return model
