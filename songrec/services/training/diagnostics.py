"""Diagnostics of a training run: warnings, reconstruction error and feature weights by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from songrec.core.types import Clustering, FeatureTable
from songrec.features.attribute_table import AttributeSelection
from songrec.services.training import model_inputs

ROWS_PER_SLICE = 65_536


def describe_warnings(choice: AttributeSelection, model: Any) -> list[str]:
    """Describe features that were left out, and latent dimensions and clusters without use."""
    warnings = [
        f"{name} was left out: only {share:.0%} of the tracks have it."
        for name, share in choice.left_out.items()
    ]
    metrics = model.metrics_
    dimensions = metrics.get("latent_dimensions")
    constant = metrics.get("dead_latent_dimensions", 0)
    if constant:
        warnings.append(
            f"{constant} of the {dimensions} latent dimensions are 0 for every track; another seed "
            "or more latent dimensions may use them."
        )
    active = metrics.get("active_latent_dimensions")
    if active is not None and active < dimensions:
        warnings.append(
            f"{dimensions - active} of the {dimensions} latent dimensions are the same for every "
            "track; a smaller beta may use them."
        )
    components, used = (metrics.get(f"mixture_components{kind}") for kind in ("", "_used"))
    if used is not None and used < components:
        warnings.append(
            f"{components - used} of the mixture's {components} clusters became empty during "
            "training; a smaller beta keeps more of them."
        )
    return warnings


def reconstruction_mse(model: Any, table: FeatureTable, inputs: Mapping[str, Any]) -> float | None:
    """Compute the mean squared reconstruction error in standardised units.

    None for a model without ``reconstruct``. A model that reconstructs something other than the
    table (spectrograms) measures its error itself.
    """
    if not hasattr(model, "reconstruct") or "spectrograms" in inputs:
        return model.metrics_.get("reconstruction_mse")
    total = 0.0
    for start in range(0, len(table.values), ROWS_PER_SLICE):
        stop = start + ROWS_PER_SLICE
        part = replace(
            table, track_ids=table.track_ids[start:stop], values=table.values[start:stop]
        )
        restored = model.reconstruct(part, **model_inputs.slice_inputs(inputs, start, stop))
        total += float(np.square(restored - part.values, dtype=np.float64).sum())
    return total / table.values.size


def with_named_weights(clustering: Clustering, model: Any) -> Clustering:
    """Return ``clustering`` with its feature weights as ``[[name, weight], …]``, largest first.

    Names are the model's ``latent_names_`` where its latent consists of features, else numbers.
    """
    weights = clustering.details.get("feature_weights")
    if weights is None:
        return clustering
    numbered = [f"latent {number}" for number in range(1, len(weights) + 1)]
    names = getattr(model, "latent_names_", None) or numbered
    named = sorted(zip(names, weights, strict=True), key=lambda pair: -pair[1])
    details = {**clustering.details, "feature_weights": [list(pair) for pair in named]}
    return replace(clustering, details=details)
