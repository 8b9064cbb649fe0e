"""A full instance of schema revision 0028, the last before music servers, keeps every row.

It is the instance of version 0.1 (``tests/fixtures/instance_0_1.tar.gz``) at that revision, with
rows in the tables that version 0.1 did not have; on PostgreSQL a copy of all its rows.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import check, upgrade
from sqlalchemy import Engine, MetaData, Table, create_engine, func, insert, select, text

from songrec import create_app
from songrec.services.recommendation.for_listener import ListenerFeedback, recommend_for_listener
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import playlists, ratings, reactions
from songrec.store.runs import runs
from songrec.store.tables import Listener, Playlist, Reaction
from tests.postgresql import Server

FIXTURE = Path(__file__).parent / "fixtures" / "instance_0_1.tar.gz"
REVISION = "0028"
AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
LATER = AT.replace(year=2030)
# Full-text indexes and what is made again or of the moment only.
_LEFT_OUT = ("track_search", "words_search", "rate_limit", "worker", "match_key", "alembic")

ADDED: dict[str, list[dict[str, Any]]] = {
    "affinity_source": [{"id": 1, "name": "a.csv", "kind": "counts", "created_at": AT}],
    "named_artist": [{"id": 1, "key": "queen", "name": "Queen", "musicbrainz_id": None}],
    "removed_track": [{"track_id": 3, "removed_at": AT}],
    "artist_affinity": [{"source_id": 1, "group_number": 4, "artist_id": 1, "weight": 2.5}],
    "invitation": [
        {"id": 1, "secret_hash": "a" * 64, "note": "Bo", "creator_id": 1, "user_id": 2,
         "created_at": AT, "expires_at": LATER, "used_at": AT}
    ],
    "security_event": [
        {"id": 1, "at": AT, "kind": "sign-in", "user_id": 1, "actor_id": None,
         "address": "192.0.2.0/24", "request_id": None, "detail": ""}
    ],
    "user_session": [
        {"id": 1, "token_hash": "b" * 64, "user_id": 1, "device": "Firefox", "address": "192.0.2.1",
         "created_at": AT, "last_seen_at": AT, "expires_at": LATER}
    ],
    "recommendation_rule": [
        {"id": 1, "listener_id": 1, "kind": "artist", "value": "queen", "label": "Queen",
         "created_at": AT}
    ],
    "listen": [
        {"id": number, "listener_id": 1, "track_id": number or None, "key": f"k{number}",
         "played_at": AT, "times": number, "ms_played": 2**31 - 1, "is_skip": number == 2,
         "source": "spotify", "external_id": "", "title": "Ünïcode “♫”", "artists": "A, B",
         "album": "", "created_at": AT}
        for number in (1, 2)
    ],
    "track_alias": [{"id": 1, "key": "isrc:GBAYE0601498", "track_id": 5}],
}  # fmt: skip
"""Rows of tables that are newer than version 0.1."""


def app_of(folder: Path, url: str | None = None) -> Flask:
    """Return the application on an instance."""
    database = {"SQLALCHEMY_DATABASE_URI": url} if url else {}
    return create_app({"INSTANCE": folder, "TESTING": True, **database})


def tables_of(engine: Engine) -> list[Table]:
    """Return the tables with rows of people, what others refer to first."""
    metadata = MetaData()
    metadata.reflect(engine)
    return [one for one in metadata.sorted_tables if not one.name.startswith(_LEFT_OUT)]


def rows_of(engine: Engine, columns: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    """Return the rows of all tables as text, of the given columns where they are given."""
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for table in tables_of(engine):
            if columns is not None and table.name not in columns:
                continue
            names = columns[table.name] if columns else table.columns.keys()
            chosen = select(*(table.c[name] for name in names if table.c[name].computed is None))
            found[table.name] = sorted(
                json.dumps(dict(row), default=str, sort_keys=True)
                for row in connection.execute(chosen).mappings()
            )
    return found


def add_rows(engine: Engine) -> None:
    """Insert ``ADDED``; no table is empty then."""
    with engine.begin() as connection:
        for table in tables_of(engine):
            for row in ADDED.get(table.name, ()):
                connection.execute(insert(table), row)
            assert connection.scalar(select(func.count()).select_from(table)), table.name


def copy_rows(source: Engine, target: Engine) -> None:
    """Copy all rows into a database of the same revision, and set its sequences."""
    into = {table.name: table for table in tables_of(target)}
    with source.connect() as reading, target.begin() as writing:
        writing.execute(text("SET TIME ZONE 'UTC'"))
        for table in tables_of(source):
            columns = into[table.name].columns
            names = [column.name for column in columns if column.computed is None]
            rows = reading.execute(select(*(table.c[name] for name in names))).mappings()
            writing.execute(insert(into[table.name]), [dict(row) for row in rows])
            if "id" in columns and columns["id"].server_default is not None:
                sequence = f"pg_get_serial_sequence('\"{table.name}\"', 'id')"
                writing.execute(
                    text(f'SELECT setval({sequence}, (SELECT max(id) FROM "{table.name}"))')
                )


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of an instance of revision 0028 on SQLite."""
    folder = tmp_path / "instance"
    folder.mkdir()
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder, filter="data")
    with app_of(folder).app_context():
        upgrade(revision=REVISION)
        add_rows(db.engine)
        db.engine.dispose()
    return folder


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def instance(request: pytest.FixtureRequest, old: Path) -> Iterator[Flask]:
    """The application on that instance, on SQLite or on PostgreSQL."""
    if request.param == "sqlite":
        yield app_of(old)
        return
    server: Server = request.getfixturevalue("postgresql_server")
    source = create_engine(f"sqlite:///{old / 'songrec.db'}")
    with server.database() as url:
        app = app_of(old, url)
        with app.app_context():
            upgrade(revision=REVISION)
            copy_rows(source, db.engine)
            assert db.session.scalar(text("SELECT count(*) FROM track")) == 163
            db.session.remove()
        source.dispose()
        yield app


def test_every_row_comes_through_and_the_instance_answers(instance: Flask) -> None:
    with instance.app_context():
        before = rows_of(db.engine)
        columns = {
            table.name: [column.name for column in table.columns] for table in tables_of(db.engine)
        }
        published = db.session.scalar(
            text("SELECT run.public_id FROM run JOIN publication ON run.id = run_id")
        )
        db.session.remove()
        upgrade()
        check()  # the schema is that of the models
        assert rows_of(db.engine, columns) == before

        session, here = db.session, current_instance()
        run = runs.published(session)
        assert run is not None
        assert (run.public_id, len(before["run"])) == (published, 2)
        n_reactions = 0
        for listener in session.scalars(select(Listener)):
            values = reactions.values(session, listener)
            n_reactions += len(values)
            feedback = ListenerFeedback.load(session, listener)
            assert sorted(feedback.likes) == sorted(
                track_id for track_id, value in values.items() if value == reactions.LIKE
            )
            songs = recommend_for_listener(here, feedback, n=5)
            assert len(songs) == 5
            assert values.keys().isdisjoint(song.track.id for song in songs)
        assert n_reactions == len(before["reaction"]) == 31
        owned = select(Playlist).where(Playlist.listener_id.is_not(None)).order_by(Playlist.id)
        playlist = session.scalars(owned.limit(1)).one()
        tracks = playlists.tracks(session, playlist)
        assert len(before["playlist_track"]) == 512

        # What came since works on old rows: a rating, and new rows after the old ones.
        listener = session.get_one(Listener, playlist.listener_id)
        ratings.rate(session, listener, tracks[0], 5)
        playlists.create(session, listener, "After the upgrade", track_ids=tracks[:2])
        session.commit()
        reacted = session.get_one(Reaction, (listener.id, tracks[0]))
        assert reacted.value == reactions.LIKE
        db.session.remove()
        db.engine.dispose()
