"""The migrations make what the tables say, and can be taken back."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect, text

from songrec import create_app
from songrec.services.catalogue.ingest import ingest_file
from songrec.store import new_database, tables
from songrec.store.catalogue import tracks
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.db import Base, db
from tests.catalogue_files.samples import PLAIN, TWELVE, song, write
from tests.factories import make_track


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


@pytest.mark.sqlite
def test_a_new_database_is_what_the_migrations_make(bare: Flask, tmp_path: Path) -> None:
    with bare.app_context():
        assert new_database.create_tables(db.engine)
        assert not new_database.create_tables(db.engine)
        revision = new_database.current_revision(db.engine)
        db.engine.dispose()
    other = create_app({"INSTANCE": tmp_path / "other", "TESTING": True})
    with other.app_context():
        upgrade(revision=revision)
        db.engine.dispose()

    migrated, made = (
        schema_and_rows(folder / "songrec.db") for folder in (tmp_path / "other", tmp_path)
    )
    assert made == migrated, "outdated: python -m songrec.store.new_database writes it anew"


@pytest.mark.sqlite
def test_of_two_processes_one_makes_the_tables(
    bare: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = new_database.SNAPSHOT.read_text(encoding="utf-8")

    class AsAnotherProcessComesFirst:
        def read_text(self, encoding: str) -> str:
            with contextlib.closing(sqlite3.connect(tmp_path / "songrec.db")) as connection:
                connection.executescript(snapshot)
            return snapshot

    monkeypatch.setattr(new_database, "SNAPSHOT", AsAnotherProcessComesFirst())
    with bare.app_context():
        assert not new_database.create_tables(db.engine)
        assert new_database.current_revision(db.engine) == new_database.newest_revision()
        db.engine.dispose()


def schema_and_rows(database: Path) -> dict[str, list[str]]:
    """The statements that make a database, its columns in order, and all rows.

    Tables that SQLite cannot alter are made anew, with their constraints in any order.
    """
    connection = sqlite3.connect(database)
    parts = new_database.describe(connection).split(";\n")
    found = {"statements": sorted(str(sorted(re.split(r",?\s*\n\s*", part))) for part in parts)}
    for _, name, kind, *_ in connection.execute("PRAGMA table_list").fetchall():
        if kind == "table" and not name.startswith("sqlite_"):
            rows = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
            rows += connection.execute(f"SELECT * FROM {name}").fetchall()
            found[name] = [str(row) for row in rows]
    connection.close()
    return found


def test_the_newest_revision_is_alembics() -> None:
    scripts = ScriptDirectory(str(new_database.MIGRATIONS))
    assert new_database.newest_revision() == scripts.get_current_head()


def test_every_table_is_importable_from_one_place() -> None:
    classes = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert classes == {name for name in tables.__all__ if not name.isupper()}


def test_building_the_application_touches_no_database(tmp_path: Path) -> None:
    create_app({"INSTANCE": tmp_path, "TESTING": True})
    assert {path.name for path in tmp_path.iterdir()} == {"secret_key"}
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    keys = {create_app({"INSTANCE": tmp_path}).secret_key for _ in range(2)}
    assert len(keys) == 1
    assert len(str(keys.pop())) == 64


@pytest.mark.sqlite
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


OLD_TRACKS = (
    ("a", "Queen", "Hot Space", "rock", "joy"),
    ("b", "David Bowie", None, None, None),
    ("c", "Queen & David Bowie", "Hot Space", "rock, pop", "joy"),
    ("d", "Earth, Wind & Fire feat. Queen", None, None, None),
    ("e", "10,000 Maniacs", None, None, None),
    ("f", "10, 000 Maniacs", None, None, None),
    ("g", "", "Nobody's", None, None),
)
CREDITS = [
    ("a", 0, "Queen", "main", ""),
    ("b", 0, "David Bowie", "main", ""),
    ("c", 0, "Queen", "main", " & "),
    ("c", 1, "David Bowie", "main", ""),
    ("d", 0, "Earth, Wind & Fire", "main", " feat. "),
    ("d", 1, "Queen", "featured", ""),
    ("e", 0, "10,000 Maniacs", "main", ""),
    ("f", 0, "10,000 Maniacs", "main", ""),
]


def upgrade_with_artists(app: Flask) -> None:
    """Upgrade a database with joined artist lines, look at it, and take the upgrade back."""
    with app.app_context():
        upgrade(revision="0008")
        with db.engine.begin() as connection:
            for number, (key, line, album, genre, emotion) in enumerate(OLD_TRACKS, 1):
                connection.execute(
                    text(
                        "INSERT INTO track (id, public_id, source_key, source, fingerprint,"
                        " song_key, title, artists, sort_title, sort_artists, album, genre,"
                        " emotion, created_at, updated_at) VALUES (:id, :key, :key, 's', 'f', :id,"
                        " :title, :line, 't', '', :album, :genre, :emotion, '2026-01-01',"
                        " '2026-01-01')"
                    ),
                    {
                        "id": number,
                        "key": key,
                        "title": f"Song {key}",
                        "line": line,
                        "album": album,
                        "genre": genre,
                        "emotion": emotion,
                    },
                )
        upgrade()
        with db.engine.begin() as connection:
            credits = connection.execute(
                text(
                    "SELECT track.public_id, position, artist.name, role, joiner FROM track_artist"
                    " JOIN track ON track.id = track_id JOIN artist ON artist.id = artist_id"
                    " ORDER BY track.id, position"
                )
            )
            assert [tuple(row) for row in credits] == CREDITS
            albums = connection.execute(
                text(
                    "SELECT album.title, artist.name, count(*) FROM track"
                    " JOIN album ON album.id = album_id"
                    " LEFT JOIN artist ON artist.id = album.artist_id"
                    " GROUP BY album.title, artist.name ORDER BY 1"
                )
            )
            assert [tuple(row) for row in albums] == [
                ("Hot Space", "Queen", 2),
                ("Nobody's", None, 1),
            ]
            lines = connection.execute(text("SELECT DISTINCT artists FROM track")).scalars()
            assert "10, 000 Maniacs" not in lines.all()
        for words, keys in (("maniacs", "ef"), ("hot space", "ac"), ("pop queen", "c")):
            page = tracks.search(db.session, TrackQuery(text=words))
            assert "".join(view.public_id for view in page.tracks) == keys
        added = make_track(db.session, "Late", id=99, artists="Queen, New", album="New one")
        assert added.album.artist_id is not None
        db.session.rollback()
        db.session.remove()
        downgrade(revision="0008")
        with db.engine.begin() as connection:
            rows = connection.execute(text("SELECT public_id, album, genre, emotion FROM track"))
            found = {row[0]: tuple(row[1:]) for row in rows}
            assert found == {key: tuple(rest) for key, _, *rest in OLD_TRACKS}
        upgrade()
        db.engine.dispose()


def test_joined_artists_become_entities_and_joined_columns_come_back(bare: Flask) -> None:
    upgrade_with_artists(bare)


@pytest.mark.postgresql
def test_joined_artists_become_entities_on_postgresql(
    server_url: str,
    tmp_path: Path,
) -> None:
    config = {"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    upgrade_with_artists(create_app(config))


OLD_KEYS = (
    # key, external id, source, title, artists, energy
    ("row:liked:1", None, "liked", "Alpha", "", 0.1),
    ("row:numbers:1", None, "numbers", "Track 1", "", 0.2),
    ("row:numbers:2", None, "numbers", "Track 2", "", 0.3),
    ("row:numbers:3", None, "numbers", "Track 3", "", 0.2),
    ("spotify:7", "7", "fma", "Noon", "Ada", 0.4),
    (f"spotify:{'4' * 22}", "4" * 22, "fma", "Night", "Ada", 0.5),
    ("id:codes:GBAYE0601498", "GBAYE0601498", "codes", "Rain", "Bo", 0.6),
    ("id:more:GBAYE0601498", "GBAYE0601498", "more", "Rain", "Bo", 0.6),
    ("id:fma:8", "8", "fma", "Snow", "Bo", 0.7),
    ("song:0", None, "fma", "Sun", "Bo", 0.8),
)


def upgrade_with_old_keys(app: Flask, folder: Path) -> None:
    """Upgrade tracks that were known by a place or as Spotify's, and import their files again."""
    with app.app_context():
        upgrade(revision="0012")
        with db.engine.begin() as connection:
            for number, (key, external_id, source, title, line, energy) in enumerate(OLD_KEYS, 1):
                connection.execute(
                    text(
                        "INSERT INTO track (id, public_id, source_key, external_id, source,"
                        " fingerprint, song_key, title, artists, sort_title, sort_artists,"
                        " created_at, updated_at) VALUES"
                        " (:id, :public, :key, :external_id, :source, 'f', :id, :title, :line,"
                        " 'track', '', '2026-01-01', '2026-01-01')"
                    ),
                    {
                        "id": number,
                        "public": f"old{number}",
                        "key": key,
                        "external_id": external_id,
                        "source": source,
                        "title": title,
                        "line": line,
                    },
                )
                values = [PLAIN[name] for name in TWELVE] + [number]
                values[TWELVE.index("Energy")] = energy
                columns = ", ".join(name.lower() for name in TWELVE)
                marks = ", ".join(f":v{at}" for at in range(len(values)))
                connection.execute(
                    text(f"INSERT INTO track_attributes ({columns}, track_id) VALUES ({marks})"),
                    {f"v{at}": value for at, value in enumerate(values)},
                )
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT setval('track_id_seq', 100)"))
        upgrade()
        aliases = dict(db.session.execute(text("SELECT track_id, key FROM track_alias")).all())
        assert set(aliases) == {1, 2, 3, 4, 5, 7}
        assert (aliases[5], aliases[7]) == ("id:fma:7", "isrc:GBAYE0601498")
        assert aliases[4] == f"{aliases[2]}:2"
        rows = [song(Energy=e, Popularity=p) for p, e in enumerate((0.9, 0.2, 0.3, 0.2), 1)]
        report = ingest_file(db.session, write(folder / "one on top.csv", rows, TWELVE))
        assert (report.inserted, report.updated) == (1, 3)
        popularity = db.session.execute(
            text(
                "SELECT popularity FROM track_attributes WHERE track_id IN (2, 3, 4)"
                " ORDER BY track_id"
            )
        )
        assert popularity.scalars().all() == [2, 3, 4]
        path = folder / "fma.csv"
        path.write_text("id,title,artist,energy\n7,Noon,Ada,1\n8,Snow,Bo,1\n", encoding="utf-8")
        assert ingest_file(db.session, path).updated == 2
        db.session.remove()
        downgrade(revision="0012")
        upgrade()
        db.engine.dispose()


def test_places_and_other_ids_become_keys_that_last(bare: Flask, tmp_path: Path) -> None:
    upgrade_with_old_keys(bare, tmp_path)


@pytest.mark.postgresql
def test_places_and_other_ids_become_keys_that_last_on_postgresql(
    server_url: str,
    tmp_path: Path,
) -> None:
    config = {"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    app = create_app(config)
    with app.app_context():
        upgrade()
        downgrade(revision="base")
    upgrade_with_old_keys(app, tmp_path)
