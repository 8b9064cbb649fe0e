"""How far each kind of map keeps neighbours, and what it costs.

The six principal components of the catalogue's recommendation space, drawn by each projection, with
the trustworthiness that a run reports and processor seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.studies.playlists import FILE
from benchmarks.tables import table
from songrec.core.types import FeatureTable, Floats
from songrec.projection import PROJECTIONS
from songrec.projection.metrics import trustworthiness
from songrec.representation import REPRESENTATIONS
from songrec.services.evaluation.playlist_catalogue import read_playlists
from songrec.services.evaluation.playlist_tasks import recommendation_space

NEEDS = (FILE,)
MAPS = ("pca", "umap", "tsne")


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table: a row for each projection."""
    space = recommendation_space(read_playlists([data / FILE]))
    features = FeatureTable(space.track_ids, space.columns, space.matrix)
    model = REPRESENTATIONS.create("pca", latent=6)
    model.fit(features, seed=seed)
    return measured(model.transform(features), seed)


def measured(latent: Floats, seed: int = 0, maps: Sequence[str] = MAPS) -> list[str]:
    """Build the table for any latent ``(n, d)``."""
    rows = []
    for name in maps:
        begin = time.process_time()
        projection = PROJECTIONS.create(name)
        projection.fit(latent, seed=seed)
        coordinates = projection.project(latent)
        seconds = time.process_time() - begin
        trust = trustworthiness(latent, coordinates, seed=seed)
        rows.append((f"`{name}`", f"{trust['trustworthiness']:.3f}", f"{seconds:.1f}"))
    return [f"{len(latent):,} songs:", "", *table(("map", "trustworthiness", "processor s"), rows)]
