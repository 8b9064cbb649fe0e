"""A catalogue with a run, music servers that have its songs, and people with tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.files import write_json
from songrec.recommend.taste.prior import TastePrior
from songrec.store.listeners import api_tokens, users
from songrec.store.runs import run_folders
from songrec.store.servers import music_servers
from songrec.store.tables import Listener, MusicServer, ServerTrack, Track, TrackArtist, User
from tests.planted_run import Planted

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def catalogue(app: Flask, session: Session, planted: Planted) -> Planted:
    """The planted run, which knows the artists of its songs."""
    folder = run_folders.run_folder(app.config["INSTANCE"], planted.run.public_id)
    query = select(TrackArtist.artist_id).order_by(TrackArtist.track_id)
    np.save(folder / "artists.npy", np.array(session.scalars(query).all(), dtype=np.uint64))
    np.save(folder / "albums.npy", np.zeros(len(planted.track_ids), dtype=np.uint64))
    write_json(folder / "taste.json", TastePrior().to_json())
    return planted


@dataclass(frozen=True)
class Person:
    """An account with its listener and a token."""

    user: User
    listener: Listener
    token: str


@pytest.fixture
def make_person(session: Session) -> Callable[..., Person]:
    """Make a person with a token."""

    def make(name: str, *scopes: str, is_admin: bool = False) -> Person:
        user = users.create(session, name, PASSWORD, is_admin=is_admin)
        listener = users.require_listener(session, user)
        _, token = api_tokens.create(session, user, "plugin", scopes or ("write",))
        session.commit()
        return Person(user, listener, token)

    return make


@pytest.fixture
def anna(make_person: Callable[..., Person]) -> Person:
    """A person."""
    return make_person("Anna")


@pytest.fixture
def make_server(session: Session, catalogue: Planted) -> Callable[..., MusicServer]:
    """Make a server that has songs of the catalogue by ids of its own."""

    def make(
        name: str, id_of: Callable[[int], str], tracks: Any = None, kind: str = "opensubsonic"
    ) -> MusicServer:
        server = music_servers.create(
            session, name, f"http://{name.lower()}.example.org", allows_private=False
        )
        server.kind = kind
        artist_of = dict(session.execute(select(TrackArtist.track_id, TrackArtist.artist_id)).all())
        chosen = catalogue.track_ids.tolist() if tracks is None else tracks
        session.add_all(
            ServerTrack(
                server_id=server.id,
                remote_id=id_of(track_id),
                track_id=track_id,
                remote_artist_id=f"artist-{artist_of[track_id]}",
            )
            for track_id in chosen
        )
        session.commit()
        return server

    return make


@pytest.fixture
def public_id(session: Session) -> Callable[[int], str]:
    """Look up the public id of a track."""
    return lambda track_id: session.get_one(Track, track_id).public_id
