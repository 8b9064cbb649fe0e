"""Availability of model inputs in the catalogue, without reading them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.store.tables import (
    AudioFile,
    FeatureVector,
    Lyrics,
    Tag,
    TrackAttributes,
    TrackTag,
)


def version(session: Session) -> str:
    """Return a string that changes with every extracted vector, by an index look-up."""
    return str(session.scalar(select(func.max(FeatureVector.id))))


def tracks_with_set(session: Session, name: str, limit: int) -> int:
    """Count the tracks with a feature set, up to ``limit``."""
    query = (
        select(AudioFile.track_id)
        .join(FeatureVector, FeatureVector.content_hash == AudioFile.content_hash)
        .where(AudioFile.track_id.is_not(None), FeatureVector.feature_set == name)
        .distinct()
        .limit(limit)
    )
    return len(session.scalars(query).all())


def best_attribute_share(session: Session) -> float:
    """Return the largest share of tracks with a value of one attribute; 0 without tracks."""
    columns = [func.count(getattr(TrackAttributes, name)) for name in ATTRIBUTE_NAMES]
    total, *counts = session.execute(select(func.count(), *columns)).one()
    return max(counts) / total if total else 0.0


def tag_kinds(session: Session, kinds: Iterable[str]) -> set[str]:
    """Return the tag kinds among ``kinds`` that occur."""
    existing = set()
    for kind in kinds:
        query = select(TrackTag.track_id).join(Tag, Tag.id == TrackTag.tag_id)
        if session.scalar(query.where(Tag.kind == kind).limit(1)) is not None:
            existing.add(kind)
    return existing


def has_lyrics(session: Session) -> bool:
    """Return whether any track has lyrics."""
    return session.scalar(select(Lyrics.track_id).limit(1)) is not None
