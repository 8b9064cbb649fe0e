"""Figures that many pages show and that change only with the catalogue or the published run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from sqlalchemy.orm import Session

from songrec.core.versioned_cache import VersionedCache
from songrec.services.recommendation import mood
from songrec.services.recommendation.mood import MoodChoices
from songrec.store.catalogue import tracks
from songrec.store.runs import runs
from songrec.store.tables import Cluster, Run

T = TypeVar("T")
_cache = VersionedCache(64)


def cached_value(key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
    """Return ``compute()``, computed once per process for as long as ``version`` stays the same."""
    return _cache.get(key, version, compute)


def _database(session: Session) -> str:
    return str(session.get_bind().engine.url)


def track_count(session: Session) -> int:
    """Return the number of tracks in the catalogue."""
    return cached_value(
        ("tracks", _database(session)),
        tracks.version(session),
        lambda: tracks.track_count(session),
    )


def tags(session: Session, kind: str) -> list[tuple[str, int]]:
    """Return the genres or emotions with their numbers of tracks."""
    return cached_value(
        ("tags", kind, _database(session)),
        tracks.version(session),
        lambda: tracks.tags(session, kind),
    )


def mood_choices(session: Session) -> MoodChoices:
    """Return the genres and emotions to choose a mood from."""
    return cached_value(
        ("moods", _database(session)),
        tracks.version(session),
        lambda: mood.mood_choices(session),
    )


def clusters(session: Session, run: Run | None) -> dict[int, Cluster]:
    """Return the clusters of a run by number, largest first; empty without a run."""
    if run is None:
        return {}

    def read() -> dict[int, Cluster]:
        rows = sorted(runs.clusters_of(session, run), key=lambda c: (-c.size, c.number))
        for cluster in rows:
            session.expunge(cluster)  # kept beyond this request, so it must not need its session
        return {cluster.number: cluster for cluster in rows}

    return cached_value(("clusters", _database(session)), run.public_id, read)


def attributes(session: Session) -> frozenset[str]:
    """Return the attributes that any track of the catalogue has a value of."""
    return cached_value(
        ("attributes", _database(session)),
        tracks.version(session),
        lambda: tracks.with_values(session),
    )
