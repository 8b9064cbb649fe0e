"""The same ingest on a real PostgreSQL server, whose tables come from the same migrations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask_migrate import upgrade
from sqlalchemy import func, select

from songrec import create_app
from songrec.services.catalogue.ingest import ingest_file
from songrec.store.db import db
from songrec.store.tables import Playlist, PlaylistTrack, Track
from tests.catalogue_files.samples import PLAYLIST_COLUMNS, song, spotify, write
from tests.catalogue_files.stored import names_of

pytestmark = pytest.mark.postgresql


def test_a_catalogue_is_ingested_updated_and_left_alone_on_postgresql(server_url, tmp_path):
    app = create_app(
        {"INSTANCE": tmp_path / "i", "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    with app.app_context():
        upgrade()
        path = write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(3)])
        assert ingest_file(db.session, path, dry_run=True).inserted == 3
        assert ingest_file(db.session, path).inserted == 3
        assert ingest_file(db.session, path).unchanged == 3
        write(path, [song(song="S0", genre="Rock, Soul", Energy=0.9), song(song="S1")])
        report = ingest_file(db.session, path)
        assert (report.updated, report.unchanged) == (1, 1)
        track = db.session.scalar(select(Track).where(Track.title == "S0"))
        assert track is not None
        assert (names_of(db.session, track, "genre"), track.attributes.energy) == (
            "rock, soul",
            0.9,
        )
        assert track.created_at < track.updated_at
        rows = [spotify(track_id="a"), spotify(track_id="b"), spotify(track_id="a")]
        lists = write(tmp_path / "lists.csv", rows, PLAYLIST_COLUMNS)
        assert ingest_file(db.session, lists).inserted == 2
        assert ingest_file(db.session, lists).unchanged == 3
        assert db.session.scalar(select(func.count(Playlist.id))) == 1
        assert db.session.scalar(select(func.count(PlaylistTrack.track_id))) == 2
        db.session.remove()
        db.engine.dispose()


def test_imports_at_once_meet_each_other_s_rows(server_url, tmp_path):
    app = create_app(
        {"INSTANCE": tmp_path / "i", "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    rows = [song(song=f"At once {i}", artist=f"Band {i % 7}", genre="Rock") for i in range(300)]
    paths = [write(tmp_path / f"{number}.csv", rows[:: 1 - 2 * number]) for number in range(2)]

    def run(path):
        with app.app_context():
            try:
                return ingest_file(db.session, path, source="at once")
            finally:
                db.session.remove()

    with app.app_context():
        upgrade()
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(run, paths))
        assert sorted(report.inserted + report.unchanged for report in reports) == [300, 300]
        assert sum(report.inserted for report in reports) == 300
        titles = select(func.count(Track.id)).where(Track.title.startswith("At once"))
        assert db.session.scalar(titles) == 300
        db.session.remove()
        db.engine.dispose()
