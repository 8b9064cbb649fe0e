"""Registries of the training stages, for forms and commands.

Light: a registry lists names, labels and parameters without importing the algorithms.
"""

from __future__ import annotations

from songrec.clustering import CLUSTERINGS, clusters_by_model
from songrec.core.registry import Registry
from songrec.projection import MAPS, PROJECTIONS
from songrec.representation import REPRESENTATIONS

__all__ = [
    "CLUSTERINGS",
    "MAPS",
    "PROJECTIONS",
    "REGISTRIES",
    "REPRESENTATIONS",
    "STAGES",
    "clusters_by_model",
]

STAGES: tuple[tuple[str, str, Registry], ...] = (
    ("representation", "Representation", REPRESENTATIONS),
    ("clustering", "Clustering", CLUSTERINGS),
    ("projection", "Map", PROJECTIONS),
)
"""Name, label and registry of each stage, in order."""

REGISTRIES: dict[str, Registry] = {name: registry for name, _, registry in STAGES}
"""The registry of each stage by its name."""
