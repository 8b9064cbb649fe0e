"""Further keys, contradictions and merges on a real PostgreSQL server."""

from __future__ import annotations

import pytest
from flask_migrate import upgrade
from sqlalchemy import select

from songrec import create_app
from songrec.services.catalogue.ingest import ingest_file
from songrec.store.catalogue import merging, tracks
from songrec.store.db import db
from songrec.store.tables import Track
from tests.catalogue_files.samples import NAMED, PLAYLIST_COLUMNS, TWELVE, song, spotify, write
from tests.catalogue_files.stored import counts

pytestmark = pytest.mark.postgresql


def test_rows_are_identified_on_postgresql(server_url, tmp_path):
    app = create_app(
        {"INSTANCE": tmp_path / "i", "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    columns = ("id", "name", "artists", *PLAYLIST_COLUMNS[8:])
    with app.app_context():
        upgrade()
        # By values, and then by an id.
        numbers = [song(Energy=energy) for energy in (0.1, 0.2)]
        ingest_file(db.session, write(tmp_path / "numbers.csv", numbers, TWELVE))
        more = [song(Energy=0.9), *numbers]
        assert counts(ingest_file(db.session, write(tmp_path / "b.csv", more, TWELVE)))[1:4] == (
            1,
            0,
            2,
        )
        named = [
            one | {"song": f"S{at}", "spotify id": f"{at}" * 22} for at, one in enumerate(numbers)
        ]
        path = write(tmp_path / "named.csv", named, ("spotify id", *NAMED))
        assert ingest_file(db.session, path).adopted == 2
        assert ingest_file(db.session, path).unchanged == 2
        # By the ids of two catalogues.
        ours = [spotify(id=at, name=f"Ours {at}", artists="Ada") for at in (7, 9, 8)]
        theirs = [spotify(id=at, name=f"Theirs {at}", artists="Bo") for at in (7, 9)]
        ingest_file(db.session, write(tmp_path / "ours.csv", ours, columns))
        path = write(tmp_path / "ours.csv", theirs, columns)
        report = ingest_file(db.session, path)
        assert (report.inserted, report.source) == (2, "ours (2)")
        path = write(tmp_path / "ours.csv", [theirs[0], *ours[1:]], columns)
        report = ingest_file(db.session, path)
        assert (report.unchanged, report.contradicting) == (2, 1)
        # And of a merged track.
        ids = db.session.scalars(select(Track.id).where(Track.title.in_(("S0", "S1")))).all()
        merging.merge(db.session, *ids)
        db.session.commit()
        changed = [one | {"genre": "Jazz"} for one in named]
        path = write(tmp_path / "named.csv", changed, ("spotify id", *NAMED))
        report = ingest_file(db.session, path)
        assert (report.updated, report.unchanged) == (1, 1)
        assert tracks.find_track(db.session, "1" * 22).id == ids[0]
        db.session.remove()
        db.engine.dispose()
