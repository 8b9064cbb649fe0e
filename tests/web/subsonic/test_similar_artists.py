"""Artists that sound like one, as apps show them beside it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.listeners import recommendation_rules, users
from songrec.store.tables import Artist, Track
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav
from tests.web.subsonic.conftest import Device
from tests.web.test_artist_pages import planted

__all__ = ["planted"]  # a fixture: a run that knows its artists


def test_similar_artists_can_be_played_and_keep_to_the_rules(
    phone: Device, session: Session, planted: Planted, tmp_path: Path
) -> None:
    sound = write_wav(tmp_path / "music" / "sound.wav", seconds=0.2)
    for number, track in enumerate(session.query(Track).order_by(Track.id), 1):
        add_sound(session, track, sound, part=number, start_s=0.0, end_s=0.2)
    session.commit()
    public_id = session.scalar(select(Artist.public_id).where(Artist.name == "Artist 3"))
    named = {"id": f"ar-{public_id}", "count": 5}
    similar = phone.get("getArtistInfo2", **named)["similarArtist"]
    assert len(similar) == 5
    assert "Artist 3" not in [one["name"] for one in similar]
    assert all(one["albumCount"] == 1 for one in similar)
    names = [one["name"] for one in phone.get("getArtistInfo", **named)["similarArtist"]]
    assert names == [one["name"] for one in similar]
    album = phone.get("getArtist", id=named["id"])["album"][0]
    song = phone.get("getAlbum", id=album["id"])["song"][0]
    of_song = phone.get("getArtistInfo2", id=song["id"], count=5)["similarArtist"]
    assert names == [one["name"] for one in of_song]
    listener = users.require_listener(session, users.get(session, "Anna"))
    excluded = similar[0]["id"].removeprefix("ar-")
    target = recommendation_rules.find_target(session, "artist", excluded)
    recommendation_rules.add(session, listener, target)
    session.commit()
    after = phone.get("getArtistInfo2", **named)["similarArtist"]
    assert names[0] not in [one["name"] for one in after]
