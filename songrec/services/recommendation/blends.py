"""Blends: songs in the direction of some songs and away from others."""

from __future__ import annotations

from collections.abc import Sequence

from songrec.recommend.lists import blends
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.instance import Instance
from songrec.store.runs.spaces import published_space


def blend(
    instance: Instance, plus: Sequence[int], minus: Sequence[int], n: int
) -> list[RankedTrack]:
    """Return the ``n`` songs nearest in direction to Σ ``plus`` − Σ ``minus`` (track ids)."""
    matches = blends.blend(
        published_space(instance), plus, minus, n, title_lookup(instance.session)
    )
    return attach_tracks(instance.session, matches, blends.describe_match)
