"""Songs and artists are found in each spelling, by the same searches in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import downgrade, upgrade
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core.artist_credits import artist_key
from songrec.store.catalogue import artists, keyset_pagination, merging, tracks
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.db import db
from songrec.store.tables import Track
from tests.catalogue_files.stored import search_is_intact
from tests.factories import make_track
from tests.postgresql import Server
from tests.search_spellings import DIFFERENT, SAME
from tests.web.html import texts

NAMES = tuple(dict.fromkeys((*SAME, *DIFFERENT)))
HOSTILE = (
    '"',
    "' OR 1=1 --",
    "a* OR b",
    "NEAR(a b, 2)",
    "terms:x",
    "a:*",
    "\\",
    "<->",
    "a & !b | (c",
    "\0",
    "\ud800",
    "%",
    "東" * 10_000,
    "a/" * 5_000,
    "word " * 2_000,
)


def titles_of(session: Session, words: str) -> set[str]:
    """The titles that a search finds, by page and by cursor."""
    query = TrackQuery(text=words, per_page=500)
    titles = {view.title for view in tracks.search(session, query).tracks}
    by_cursor = keyset_pagination.tracks(session, query, limit=500).items
    assert {view.title for view in by_cursor} == titles
    return titles


def add_names(session: Session) -> None:
    """Add a song of each title, and for each name a song of its artist, on an album, in a genre."""
    for name in NAMES:
        make_track(session, name, artists="Nobody", album=f"{name} live")
        make_track(session, "By", artists=name)
        make_track(session, "In", artists="Nobody", genres=(name.lower(),))
    make_track(session, "Scattered Ac", artists="Nobody", album="Dc")


@pytest.fixture(scope="module")
def by_database(
    postgresql_server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Flask]]:
    """The same songs in SQLite and in PostgreSQL."""
    with postgresql_server.database(by_bytes=True) as url:
        yield from apps_with_names(url, tmp_path_factory.mktemp("spellings"))


def apps_with_names(server_url: str, folder: Path) -> Iterator[dict[str, Flask]]:
    apps = {
        "sqlite": create_app({"INSTANCE": folder / "s", "TESTING": True}),
        "postgresql": create_app(
            {"INSTANCE": folder / "p", "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
        ),
    }
    for app in apps.values():
        with app.app_context():
            upgrade()
            add_names(db.session)
            db.session.commit()
    yield apps
    for app in apps.values():
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.mark.postgresql
def test_both_databases_answer_alike(by_database: dict[str, Flask]) -> None:
    answers = {}
    searches = [*NAMES, *(one for many in (*SAME.values(), *DIFFERENT.values()) for one in many)]
    for name, app in by_database.items():
        with app.app_context():
            answers[name] = {
                words: (
                    [view.id for view in page.tracks],
                    page.total,
                    [one.name for one in artists.search(db.session, words)],
                )
                for words in (*searches, *HOSTILE)
                for page in [tracks.search(db.session, TrackQuery(text=words, per_page=500))]
            }
    assert answers["sqlite"] == answers["postgresql"]
    for name, many in SAME.items():
        for words in (name, *many):
            _, total, names = answers["sqlite"][words]
            assert total >= 3, words  # the title, the artist's song, the genre's
            assert artist_key(name) in map(artist_key, names), words


def test_songs_are_found_in_each_spelling(session: Session) -> None:
    add_names(session)
    for name, searches in SAME.items():
        missed = [words for words in (name, *searches) if name not in titles_of(session, words)]
        assert missed == [], name
    for name, searches in DIFFERENT.items():
        assert [words for words in searches if name in titles_of(session, words)] == [], name


def test_parts_of_a_word_may_be_in_different_places(session: Session) -> None:
    make_track(session, "Scattered Ac", album="Dc")
    assert titles_of(session, "ac/dc") == {"Scattered Ac"}


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_searches_find_nothing_and_harm_nothing(session: Session, words: str) -> None:
    make_track(session, "Quiet", artists="Nobody")
    assert titles_of(session, words) == set()
    assert artists.search(session, words) == []
    assert session.query(Track).count() == 1


def test_the_index_follows_names_albums_genres_and_merges(session: Session) -> None:
    kept = make_track(session, "Straße", genres=("krautrock",))
    gone = make_track(session, "Straße!", artists="Beyoncé")
    kept.title, kept.artists = "Gasse", "Jay-Z"
    session.flush()
    assert titles_of(session, "strasse") == {"Straße!"}
    assert titles_of(session, "jayz") == titles_of(session, "kraut") == {"Gasse"}
    row = merging.merge(session, kept.id, gone.id)
    assert titles_of(session, "beyonce") == set()
    merging.undo(session, row.id)
    assert titles_of(session, "beyonce strasse") == {"Straße!"}
    search_is_intact(session)


def test_an_artist_is_reached_by_any_spelling(client: FlaskClient, session: Session) -> None:
    for title in ("One", "Two"):
        make_track(session, title, artists="A$AP Rocky")
    make_track(session, "Three", artists="Asap Ferg")
    make_track(session, "Back in Black", artists="AC/DC")
    session.commit()
    page = client.get("/artists/acdc", follow_redirects=True)
    assert texts(page.text, "h1") == ["AC/DC"]
    assert client.get("/artists/acd").status_code == 404
    items = client.get("/api/v1/artists", query_string={"q": "asap"}).json["items"]
    assert [(one["name"], one["tracks"]) for one in items] == [("A$AP Rocky", 2), ("Asap Ferg", 1)]
    assert client.get(items[0]["address"]).status_code == 200
    exact = client.get("/api/v1/artists", query_string={"q": "asap ferg"}).json["items"]
    assert [one["name"] for one in exact] == ["Asap Ferg"]


@pytest.mark.parametrize("words", ["林檎", "ﾘﾝｺﾞ", "acdc", "dont"])
def test_pages_suggestions_and_api_find_the_same(
    client: FlaskClient, session: Session, words: str
) -> None:
    named = {"林檎": "椎名林檎", "ﾘﾝｺﾞ": "リンゴ", "acdc": "AC/DC", "dont": "Don’t Stop"}
    for title in named.values():
        make_track(session, title)
    make_track(session, "Other")
    session.commit()
    page = client.get("/tracks", query_string={"q": words}).text
    assert texts(page, "main a.title") == [named[words]]
    items = client.get("/api/v1/tracks", query_string={"q": words}).json["items"]
    assert [one["title"] for one in items] == [named[words]]
    assert [view.title for view in tracks.suggest(session, words, 5)] == [named[words]]


def rows(app: Flask) -> list[str]:
    """The titles that an upgraded catalogue finds."""
    words = ("林檎", "strasse", "jayz", "acdc")
    return [
        view.title
        for one in words
        for view in tracks.search(db.session, TrackQuery(text=one)).tracks
    ]


def old_catalogue_is_indexed(app: Flask) -> None:
    """Upgrade a catalogue of the revision before, search it, and take the upgrade back."""
    with app.app_context():
        upgrade(revision="0010")
        with db.engine.begin() as connection:
            for statement in (
                "INSERT INTO album (id, public_id, title) VALUES (1, 'al', 'Jay-Z live')",
                "INSERT INTO tag (id, kind, name) VALUES (1, 'genre', 'ac/dc')",
                *(
                    "INSERT INTO track (id, public_id, source_key, source, fingerprint, song_key,"
                    " title, artists, sort_title, sort_artists, created_at, updated_at, album_id)"
                    f" VALUES ({number}, '{number}', '{number}', 's', 'f', 1, '{title}', '{by}',"
                    f" 't', '', '2026-01-01', '2026-01-01', {album})"
                    for number, title, by, album in (
                        (1, "a", "椎名林檎", "NULL"),
                        (2, "Straße", "", "NULL"),
                        (3, "c", "", 1),
                        (4, "d", "", "NULL"),
                    )
                ),
                "INSERT INTO track_tag (track_id, tag_id) VALUES (4, 1)",
            ):
                connection.exec_driver_sql(statement)
        upgrade()
        assert rows(app) == ["a", "Straße", "c", "d"]
        db.session.remove()
        downgrade(revision="0010")
        upgrade()
        assert rows(app) == ["a", "Straße", "c", "d"]
        db.session.remove()
        db.engine.dispose()


def test_an_old_catalogue_is_indexed_by_the_upgrade(tmp_path: Path) -> None:
    old_catalogue_is_indexed(create_app({"INSTANCE": tmp_path, "TESTING": True}))


@pytest.mark.postgresql
def test_an_old_catalogue_is_indexed_by_the_upgrade_on_postgresql(
    server_url: str,
    tmp_path: Path,
) -> None:
    config = {"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    old_catalogue_is_indexed(create_app(config))
