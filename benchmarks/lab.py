"""Every representation of vectors, and a large catalogue through a whole pipeline of them.

python -m benchmarks.lab                      28,000 × 12 through each representation
python -m benchmarks.lab --huge               1.2 million × 12: autoencoder + minibatch_kmeans + pca
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import numpy as np

from benchmarks.training import COLUMNS, correlated_mixture
from songrec.clustering import CLUSTERINGS
from songrec.core.types import FeatureTable
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS

FROM_VECTORS = frozenset({"labels"})


def table_of(rows: int) -> FeatureTable:
    """Standardised rows of five groups."""
    values = correlated_mixture(rows)
    return FeatureTable(np.arange(rows), tuple(f"f{at}" for at in range(COLUMNS)), values)


def representations(rows: int) -> dict[str, dict[str, float]]:
    """Seconds of ``fit`` with default parameters and of ``transform``, by name."""
    from songrec.core.backend import tf

    tf.constant(0.0).numpy()
    table = table_of(rows)
    besides = {"labels": [f"label {row % 5}" for row in range(rows)]}
    found = {}
    for entry in REPRESENTATIONS:
        if not set(entry.needs) <= FROM_VECTORS:
            continue
        needed = {name: besides[name] for name in entry.needs}
        model = REPRESENTATIONS.create(entry.name)
        started = time.perf_counter()
        model.fit(table, seed=0, **needed)
        fitted = time.perf_counter()
        model.transform(table, **needed)
        found[entry.name] = {
            "fit_seconds": round(fitted - started, 2),
            "transform_seconds": round(time.perf_counter() - fitted, 3),
        }
    return found


def pipeline(rows: int) -> dict[str, Any]:
    """Seconds a stage of autoencoder, minibatch_kmeans and pca with default parameters."""
    table = table_of(rows)
    seconds = {}
    started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = round(time.perf_counter() - started, 1)
        started = time.perf_counter()

    model = REPRESENTATIONS.create("autoencoder").fit(table, seed=0)
    latent = model.transform(table)
    lap("autoencoder")
    CLUSTERINGS.create("minibatch_kmeans").fit(latent, seed=0)
    lap("minibatch_kmeans")
    PROJECTIONS.create("pca").fit(latent, seed=0).project(latent)
    lap("pca")
    return {**seconds, "total": round(sum(seconds.values()), 1)}


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--huge", action="store_true", help="the pipeline on 1.2 million rows")
    arguments = parser.parse_args()
    rows = arguments.rows or (1_200_000 if arguments.huge else 28_000)
    result: dict[str, Any] = {"rows": rows}
    result["pipeline" if arguments.huge else "representations"] = (
        pipeline(rows) if arguments.huge else representations(rows)
    )
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
