"""Whether the library has an uploaded song already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.songs import song_key
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import Track

MAX_TRACKS = 5


@dataclass(frozen=True)
class LibraryMatch:
    """Tracks of the library that an uploaded song is; ``same_file``: with the very same file."""

    tracks: list[TrackView]
    same_file: bool


def library_match(session: Session, result: Mapping[str, Any]) -> LibraryMatch | None:
    """Return the library's tracks with the content, else the names, of an analysed upload."""
    files = audio_files.with_content(session, result["hash"])
    ids = [file.track_id for file in files if file.state == "analysed" and file.track_id]
    same_file = bool(ids)
    if not ids and result["artists"] and result["title"]:
        key = song_key(result["artists"], result["title"])
        query = select(Track.id).where(Track.song_key == key).order_by(Track.id).limit(MAX_TRACKS)
        ids = list(session.scalars(query))
    views = tracks.tracks_by_id(session, ids[:MAX_TRACKS], runs.published(session))
    return LibraryMatch(views, same_file) if views else None
