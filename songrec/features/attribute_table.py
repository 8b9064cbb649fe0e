"""The feature set ``attributes``: those of the twelve that nearly all tracks have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable, Floats, Ints

# An attribute that fewer tracks have is left out: imputing more would invent what is learnt.
COVERAGE = 0.95


@dataclass(frozen=True)
class AttributeSelection:
    """The columns used, and those left out with the share of tracks that have them."""

    used: tuple[str, ...]
    left_out: dict[str, float]


def attributes_table(
    track_ids: Ints, values: Floats, names: tuple[str, ...], *, coverage: float = COVERAGE
) -> tuple[FeatureTable, AttributeSelection]:
    """The attributes that at least ``coverage`` of the tracks have, NaN where unknown.

    ``values`` is float32 ``(n, len(names))``. Raises ``NotReady`` without tracks and ``BadInput``
    where no attribute is known well enough.
    """
    if not len(track_ids):
        raise NotReady("The catalogue is empty: ingest one first (flask ingest PATH).")
    shares = 1.0 - np.isnan(values).mean(axis=0)
    covered = [column for column, share in enumerate(shares) if share >= coverage]
    left_out = {
        name: round(float(share), 4)
        for name, share in zip(names, shares, strict=True)
        if share < coverage
    }
    if not covered:
        raise BadInput(
            f"Every attribute is missing from more than {1 - coverage:.0%} of the tracks, so there "
            "is nothing to train on: ingest a catalogue with attributes."
        )
    used = tuple(names[column] for column in covered)
    table = FeatureTable(track_ids, used, np.ascontiguousarray(values[:, covered]))
    return table, AttributeSelection(used, left_out)
