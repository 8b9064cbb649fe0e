"""The number of clusters of a training that names none: fewer in a small library.

References
----------
Mardia, Kent and Bibby (1979), Multivariate Analysis, section 13.2.2: k ≈ √(n / 2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from songrec.core.registry import Entry

PARAMETER = "n_clusters"
FEWEST = 2


def default_n_clusters(entry: Entry, tracks: int) -> int:
    """Return √(tracks / 2), from ``FEWEST`` to the default of the algorithm."""
    return max(FEWEST, min(entry.parameter(PARAMETER).default, round(math.sqrt(tracks / 2))))


def n_clusters_by_size(entry: Entry, parameters: Mapping[str, Any], tracks: int) -> bool:
    """Return whether a run's number of clusters is the default for its number of tracks."""
    number = parameters.get(PARAMETER)
    return number is not None and number == default_n_clusters(entry, tracks)


def is_by_size(entry: Entry, parameters: Mapping[str, Any] | None) -> bool:
    """Return whether an algorithm has a number of clusters that ``parameters`` do not set."""
    if not entry.has_parameter(PARAMETER):
        return False
    return PARAMETER not in entry.with_current_names(parameters or {})


def with_n_clusters(
    entry: Entry, parameters: Mapping[str, Any] | None, tracks: int
) -> dict[str, Any]:
    """Return ``parameters``, with the default number of clusters if they do not set it."""
    if is_by_size(entry, parameters):
        return {**(parameters or {}), PARAMETER: default_n_clusters(entry, tracks)}
    return dict(parameters or {})
