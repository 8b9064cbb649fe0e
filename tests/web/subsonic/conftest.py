"""A small library that can be played, two accounts, and apps that call ``/rest`` as they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.encryption import instance_cipher
from songrec.store.listeners import app_passwords, users
from songrec.store.tables import Album, Artist, Track, User
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.accounts import PASSWORD, quick_hashes

__all__ = ["quick_hashes"]  # a fixture
NAMESPACE = "{http://subsonic.org/restapi}"


@dataclass
class Device:
    """An app on somebody's phone, with what it signs in by."""

    client: FlaskClient
    name: str
    password: str
    api_key: str

    def answer(self, endpoint: str, **params: Any) -> dict[str, Any]:
        """Return what an endpoint answers in JSON, its errors too."""
        response = self.client.get(f"/rest/{endpoint}", query_string=self.params(params))
        assert response.mimetype == "application/json", response.text
        answer: dict[str, Any] = response.json["subsonic-response"]  # type: ignore[index]
        return answer

    def get(self, endpoint: str, **params: Any) -> Any:
        """Return the content of a success: the one field beside the head."""
        answer = self.answer(endpoint, **params)
        assert answer["status"] == "ok", answer
        head = {"status", "version", "type", "serverVersion", "openSubsonic"}
        (content,) = (value for name, value in answer.items() if name not in head)
        return content

    def code(self, endpoint: str, **params: Any) -> int:
        """Return the code of an error."""
        answer = self.answer(endpoint, **params)
        assert answer["status"] == "failed", answer
        return int(answer["error"]["code"])

    def xml(self, endpoint: str, **params: Any) -> ElementTree.Element:
        """Return what an endpoint answers in XML."""
        response = self.client.get(f"/rest/{endpoint}", query_string=self.params(params, "xml"))
        return ElementTree.fromstring(response.data)

    def params(self, params: dict[str, Any], format: str = "json") -> dict[str, Any]:
        """Return ``params`` with those that every request has."""
        return {"apiKey": self.api_key, "v": "1.16.1", "c": "a test", "f": format, **params}


@dataclass
class Library:
    """Songs by title, and their albums and artists by name."""

    tracks: dict[str, Track]
    albums: dict[str, str]
    artists: dict[str, str]

    def song(self, title: str) -> str:
        """Return the id that apps know a song by."""
        return self.tracks[title].public_id


SONGS: tuple[tuple[str, str, str | None, int | None, tuple[str, ...], float], ...] = (
    ("Plainsong", "The Cure", "Disintegration", 1989, ("rock", "gothic"), 60.0),
    ("Lullaby", "The Cure", "Disintegration", 1989, ("rock",), 80.0),
    ("Friday I'm in Love", "The Cure", "Wish", 1992, ("rock",), 90.0),
    ("Human Behaviour", "Björk", "Debut", 1993, ("pop",), 70.0),
    ('A <b>&"quoted" \x01title', "Élan Vital", "Zebra", None, (), 10.0),
    ("Loose", "Nina", None, 2001, ("pop",), 20.0),
)


@pytest.fixture
def small(app: Flask, session: Session, tmp_path: Path) -> Library:
    """Six songs with sound by four artists, one without an album, and one that has no file."""
    folder = tmp_path / "music"
    tracks = {}
    for number, (title, artists, album, year, genres, popularity) in enumerate(SONGS, 1):
        track = make_track(
            session,
            title,
            artists=artists,
            album=album,
            year=year,
            genres=genres,
            popularity=popularity,
            duration_ms=number * 60_000,
        )
        add_sound(
            session,
            track,
            write_wav(folder / f"{number}.wav", seconds=0.2, hertz=200.0 * number),
            info={"container": "wav", "track_number": number},
        )
        tracks[title] = track
    tracks["Unheard"] = make_track(session, "Unheard", artists="The Cure", album="Disintegration")
    session.commit()
    albums = {title: f"al-{id_}" for title, id_ in session.execute(_ALBUMS)}
    artists_ = {name: f"ar-{id_}" for name, id_ in session.execute(_ARTISTS)}
    return Library(tracks, albums, artists_)


_ALBUMS = select(Album.title, Album.public_id)
_ARTISTS = select(Artist.name, Artist.public_id)


@pytest.fixture
def device_of(app: Flask, session: Session) -> Callable[..., Device]:
    """Makes accounts, each with an app on a phone."""

    def make(name: str, *, is_admin: bool = False) -> Device:
        user: User | None = users.find(session, name)
        user = user or users.create(session, name, PASSWORD, is_admin=is_admin)
        cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
        _, password, api_key = app_passwords.create(session, user, "Phone", cipher)
        session.commit()
        return Device(app.test_client(), user.name, password, api_key)

    return make


@pytest.fixture
def phone(device_of: Callable[..., Device]) -> Device:
    """Anna's phone."""
    return device_of("Anna")
