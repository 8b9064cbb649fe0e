"""Artists and albums as JSON."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.catalogue import artists
from tests.factories import make_track


@pytest.fixture
def duo(session: Session) -> str:
    make_track(session, "Both", artists="Queen feat. David Bowie", album="Two", year=1982)
    session.commit()
    return artists.find_artist(session, "Queen").public_id


def test_an_artist_has_albums_and_songs(get, duo: str) -> None:
    artist = get(f"/artists/{duo}")
    assert (artist["name"], artist["tracks"], artist["similar"]) == ("Queen", 1, [])
    (album,) = artist["albums"]
    assert (album["title"], album["artist_id"], album["year"]) == ("Two", duo, 1982)
    assert get(f"/albums/{album['id']}") == album
    (track,) = get(f"/artists/{duo}/tracks")["items"]
    assert get(f"/albums/{album['id']}/tracks")["items"] == [track]
    assert track["album_id"] == album["id"]
    assert [(one["name"], one["role"]) for one in track["credits"]] == [
        ("Queen", "main"),
        ("David Bowie", "featured"),
    ]
    assert "".join(one["name"] + one["joiner"] for one in track["credits"]) == track["artists"]


@pytest.mark.parametrize("place", ["artists/no", "artists/no/tracks", "albums/no"])
def test_what_is_not_there_is_not_found(client: FlaskClient, place: str) -> None:
    assert client.get(f"/api/v1/{place}").status_code == 404
