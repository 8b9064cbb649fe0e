"""Tracks by the identifier that a person types, and titles for the sentences of reasons."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import NameTracks
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.tables import Track

MAX_TITLE_LENGTH = 60
"""Characters of a title within a sentence; longer ones are cut at a word."""


class UnknownTrack(UnknownName):
    """No track has the identifier; the catalogue is too large to list the ones that exist."""

    def __init__(self, identifier: str) -> None:
        # The catalogue's identifiers are not listed: Exception's own message suffices.
        Exception.__init__(
            self,
            f"No track {identifier!r} in the catalogue. Give the public id from the track's "
            "address (/tracks/…) or the catalogue's own id; search for it on the page Songs.",
        )


def resolve_track(session: Session, identifier: str) -> TrackView:
    """Return the track with this public id or catalogue id.

    Raises ``UnknownTrack`` if no track has it, ``BadInput`` if catalogues share the id.
    """
    identifier = identifier.strip()
    track = tracks.find_track(session, identifier)
    if track is None:
        same = tracks.tracks_by_id(session, tracks.with_external_id(session, identifier))
        if same:
            songs = ", ".join(f"{view.public_id} ({_shorten(view.title)})" for view in same[:3])
            more = f" and {len(same) - 3} more" if len(same) > 3 else ""
            raise BadInput(
                f"{len(same)} songs have the id {identifier!r}: {songs}{more}. Give one of these "
                f"public ids, or the catalogue's name before the id (songs:{identifier})."
            )
        raise UnknownTrack(identifier)
    return track


def title_lookup(session: Session) -> NameTracks:
    """Return a callable that maps track ids to titles short enough to quote in a sentence."""

    def look_up(track_ids: list[int]) -> dict[int, str]:
        rows = session.execute(select(Track.id, Track.title).where(Track.id.in_(track_ids)))
        return {track_id: _shorten(title) for track_id, title in rows}

    return look_up


def _shorten(title: str) -> str:
    if len(title) <= MAX_TITLE_LENGTH:
        return title
    cut = title[: MAX_TITLE_LENGTH - 1]
    head, _, tail = cut.rpartition(" ")
    return f"{(head if len(tail) < MAX_TITLE_LENGTH // 2 else cut).rstrip(' ,;:–-')}…"
