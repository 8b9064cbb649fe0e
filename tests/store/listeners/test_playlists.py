"""Rows of playlists that two requests change at the same moment."""

from __future__ import annotations

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from songrec.store.listeners import playlists, users
from songrec.store.tables import Playlist, PlaylistTrack
from tests.factories import make_track


def test_a_song_that_two_requests_add_is_there_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = users.create_listener(session, "a browser")
    one, two = (make_track(session, title).id for title in ("One", "Two"))
    playlist = playlists.create(session, listener, "Mine")
    session.commit()
    tracks = playlists.tracks

    def read_before_the_other_wrote(session: Session, playlist: Playlist) -> list[int]:
        found = tracks(session, playlist)
        row = {"playlist_id": playlist.id, "track_id": one, "position": 0}
        session.execute(insert(PlaylistTrack).values(**row))
        return found

    monkeypatch.setattr(playlists, "tracks", read_before_the_other_wrote)
    playlists.add(session, playlist, [one, two])
    session.commit()
    assert tracks(session, playlist) == [one, two]
