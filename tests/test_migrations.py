"""The migrations make what the tables say, and can be taken back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect

from songrec import create_app
from songrec.store import tables
from songrec.store.db import Base, db


@pytest.fixture
def bare(tmp_path: Path) -> Flask:
    """An application whose database does not exist yet."""
    return create_app({"INSTANCE": tmp_path, "TESTING": True})


def names(app: Flask) -> set[str]:
    with app.app_context():
        found = set(inspect(db.engine).get_table_names())
        db.engine.dispose()
    return found


def test_migrations_make_every_table_and_can_be_taken_back(bare: Flask) -> None:
    with bare.app_context():
        upgrade()
        check()  # exits when the tables and the migrations differ
    assert set(Base.metadata.tables) <= names(bare)
    assert "track_search" in names(bare)
    with bare.app_context():
        downgrade(revision="base")
    assert names(bare) == {"alembic_version"}
    with bare.app_context():
        upgrade()
    assert set(Base.metadata.tables) <= names(bare)


def test_every_table_is_importable_from_one_place() -> None:
    classes = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert classes == set(tables.__all__)


def test_building_the_application_touches_no_database(tmp_path: Path) -> None:
    create_app({"INSTANCE": tmp_path, "TESTING": True})
    assert {path.name for path in tmp_path.iterdir()} == {"secret_key"}
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    keys = {create_app({"INSTANCE": tmp_path}).secret_key for _ in range(2)}
    assert len(keys) == 1
    assert len(str(keys.pop())) == 64


def test_sqlite_enforces_foreign_keys_and_waits_for_writers(app: Flask) -> None:
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 5000
    assert sqlite3.sqlite_version_info >= (3, 35)


def test_a_tags_tracks_outlive_the_table_being_made_anew(bare: Flask) -> None:
    with bare.app_context():
        upgrade(revision="0005")
        with db.engine.begin() as connection:
            for statement in (
                "INSERT INTO track (id, public_id, source_key, source, fingerprint, song_key,"
                " title, artists, sort_title, sort_artists, created_at, updated_at) VALUES"
                " (1, 'a', 'a', 's', 'f', 1, 't', '', 't', '', '2026-01-01', '2026-01-01')",
                "INSERT INTO tag (id, kind, name) VALUES (7, 'genre', 'rock')",
                "INSERT INTO track_tag (track_id, tag_id) VALUES (1, 7)",
            ):
                connection.exec_driver_sql(statement)
        upgrade()
        with db.engine.begin() as connection:
            rows = connection.exec_driver_sql("SELECT track_id, tag_id FROM track_tag").all()
            assert [tuple(row) for row in rows] == [(1, 7)]
            connection.exec_driver_sql("INSERT INTO tag (kind, name) VALUES ('language', 'welsh')")
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        downgrade(revision="0005")
        with db.engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT name FROM tag").scalars().all() == ["rock"]
            assert connection.exec_driver_sql("SELECT count(*) FROM track_tag").scalar() == 1
        db.engine.dispose()
