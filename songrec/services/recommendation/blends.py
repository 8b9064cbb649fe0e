"""Blends: songs in the direction of some songs and away from others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from songrec.recommend.lists import blends
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.runs.spaces import published_space


def blend(
    session: Session, instance: Path, plus: Sequence[int], minus: Sequence[int], n: int
) -> list[RankedTrack]:
    """Return the ``n`` songs nearest in direction to Σ ``plus`` − Σ ``minus`` (track ids)."""
    matches = blends.blend(
        published_space(session, instance), plus, minus, n, title_lookup(session)
    )
    return attach_tracks(session, matches, blends.describe_match)
