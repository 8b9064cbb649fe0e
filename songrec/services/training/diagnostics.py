"""What a training tells of itself: notes, the reconstruction error, learnt weights by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from songrec.core.types import Clustering, FeatureTable
from songrec.features.attribute_table import AttributeSelection
from songrec.services.training import model_inputs


def notes(choice: AttributeSelection, model: Any) -> list[str]:
    """Features that were left out, latent dimensions that are not used."""
    notes = [
        f"{name} was left out: only {share:.0%} of the tracks have it."
        for name, share in choice.left_out.items()
    ]
    dead = model.metrics_.get("dead_latent_dimensions", 0)
    if dead:
        notes.append(
            f"{dead} of the {model.metrics_['latent_dimensions']} latent dimensions are 0 for "
            "every track; another seed or more latent dimensions may use them."
        )
    of, active = (model.metrics_.get(f"{kind}latent_dimensions") for kind in ("", "active_"))
    if active is not None and active < of:
        notes.append(
            f"{of - active} of the {of} latent dimensions say nothing of any track; with a smaller "
            "beta they may."
        )
    of, used = (model.metrics_.get(f"mixture_components{kind}") for kind in ("", "_used"))
    if used is not None and used < of:
        notes.append(
            f"{of - used} of the mixture's {of} clusters were given up while it learnt; with a "
            "smaller beta more of them stay."
        )
    return notes


def reconstruction_mse(model: Any, table: FeatureTable, needed: Mapping[str, Any]) -> float | None:
    """Mean squared error in standardised units, in slices; None for a model that cannot restore.

    One that restores something else than the table (spectrograms) has measured it by itself.
    """
    if not hasattr(model, "reconstruct") or "spectrograms" in needed:
        return model.metrics_.get("reconstruction_mse")
    total, rows = 0.0, 65_536
    for start in range(0, len(table.values), rows):
        part = replace(
            table,
            track_ids=table.track_ids[start : start + rows],
            values=table.values[start : start + rows],
        )
        restored = model.reconstruct(part, **model_inputs.slice_inputs(needed, start, start + rows))
        total += float(np.square(restored - part.values, dtype=np.float64).sum())
    return total / table.values.size


def with_names(clustering: Clustering, model: Any) -> Clustering:
    """Learnt weights of the latent's columns with the columns' names: ``[[name, weight], …]``.

    A latent whose columns are features has their names (``latent_names_``), any other numbers.
    """
    weights = clustering.details.get("feature_weights")
    if weights is None:
        return clustering
    numbers = [f"latent {number}" for number in range(1, len(weights) + 1)]
    names = getattr(model, "latent_names_", None) or numbers
    named = sorted(zip(names, weights, strict=True), key=lambda pair: -pair[1])
    details = {**clustering.details, "feature_weights": [list(pair) for pair in named]}
    return replace(clustering, details=details)
