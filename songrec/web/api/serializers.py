"""Serialization of the store's views for the schemas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for

from songrec.core.attributes import key_name
from songrec.services.similarity.ranked_tracks import RankedTrack, serialize_ranked
from songrec.services.training.run_names import run_name
from songrec.store.catalogue.artists import AlbumView
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Job, Run
from songrec.web import player


def tracks(views: Sequence[TrackView]) -> list[dict[str, Any]]:
    """Serialize tracks for ``TrackSchema``, in order."""
    playable = audio_files.for_tracks(db.session, [view.id for view in views])
    return [_track(view, playable.get(view.id)) for view in views]


def _track(view: TrackView, audio: AudioFile | None) -> dict[str, Any]:
    return {
        "id": view.public_id,
        "external_id": view.external_id,
        "title": view.title,
        "artists": view.artists,
        "credits": [
            {"id": one.public_id, "name": one.name, "role": one.role, "joiner": one.joiner}
            for one in view.credits
        ],
        "album": view.album,
        "album_id": view.album_id,
        "genre": view.genre,
        "emotion": view.emotion,
        "year": view.year,
        "duration_ms": view.duration_ms,
        "key": view.key,
        "mode": view.mode,
        "key_name": key_name(view.key, view.mode),
        "attributes": view.attributes,
        "cluster": view.label,
        "confidence": view.confidence,
        "x": view.x,
        "y": view.y,
        "audio": player.addresses(audio) if audio else None,
        "address": url_for("pages.track", public_id=view.public_id),
    }


def album(view: AlbumView) -> dict[str, Any]:
    """Serialize an album for ``AlbumSchema``."""
    return {
        "id": view.public_id,
        "title": view.title,
        "artist": view.artist,
        "artist_id": view.artist_id,
        "year": view.year,
        "tracks": view.tracks,
        "address": url_for("pages.album", public_id=view.public_id),
    }


def matches(ranked: Sequence[RankedTrack]) -> dict[str, Any]:
    """Serialize ranked tracks for ``MatchesSchema``."""
    views = tracks([one.track for one in ranked])
    items = serialize_ranked(db.session, ranked)
    return {"items": [{**item, "track": view} for item, view in zip(items, views, strict=True)]}


def run(row: Run, published: Run | None) -> dict[str, Any]:
    """Serialize a run for ``RunSchema``."""
    return {
        "id": row.public_id,
        "name": run_name(row),
        "created_at": row.created_at,
        "published": published is not None and published.id == row.id,
        "feature_set": row.feature_set,
        "representation": row.representation,
        "clustering": row.clustering,
        "projection": row.projection,
        "seed": row.seed,
        "tracks": row.track_count,
        "clusters": row.cluster_count,
        "parameters": row.parameters,
        "metrics": row.metrics,
        "seconds": row.seconds,
    }


def job(row: Job) -> dict[str, Any]:
    """Serialize a job for ``JobSchema``."""
    return {
        "id": row.public_id,
        "kind": row.kind,
        "state": row.state,
        "progress": row.progress,
        "message": row.message,
        "error": row.error,
        "result": row.result,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "address": url_for("api.job", job_id=row.public_id),
    }
