"""Small tables in which what there is to find is known."""

from __future__ import annotations

import numpy as np

from songrec.core.types import FeatureTable, Floats

QUICK = ("ridge", "svm", "kernel_ridge")


def table(values: np.ndarray, prefix: str = "f") -> FeatureTable:
    names = tuple(f"{prefix}{number}" for number in range(values.shape[1]))
    return FeatureTable(np.arange(len(values)), names, values.astype(np.float32))


def planted(n: int = 200, seed: int = 0) -> tuple[FeatureTable, dict[str, Floats]]:
    """Energy is linear in the features, speechiness is not, key and mode are regions of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8))
    noise = rng.normal(size=n)
    targets = {
        "energy": 1 / (1 + np.exp(-(x[:, 0] + 0.5 * x[:, 1]) - 0.1 * noise)),
        "valence": 1 / (1 + np.exp(-x[:, 2])),
        "speechiness": 0.9 * np.exp(-(x[:, 3] ** 2)),
        "loudness": -10 + 3 * x[:, 4] + 0.3 * noise,
        "mode": (x[:, 5] > 0).astype(float),
    }
    return table(x), {name: values.astype(np.float32) for name, values in targets.items()}
