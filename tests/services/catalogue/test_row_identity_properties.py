"""However a catalogue is exported again, every track stays the song that it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from songrec import create_app
from songrec.core.errors import BadInput
from songrec.services.catalogue.ingest import IngestReport, ingest_file
from songrec.store.db import db
from songrec.store.tables import Track
from tests.catalogue_files.samples import PLAYLIST_COLUMNS, spotify, write

NAMES = ("Paper Moon", "Noon", "Night", "Rain", "Gold Rush", "Halo", "Umbrella", "Snow")
KEPT = ("none", "titles", "names", "own", "spotify", "places", "places without names")
"""What an export says of its songs besides their values."""
COLUMNS = ("id", "name", "artists", *PLAYLIST_COLUMNS[8:])


@pytest.fixture(scope="module")
def catalogue_app(tmp_path_factory, instances):
    folder = tmp_path_factory.mktemp("identity")
    url = instances.create(folder)
    app = create_app({"INSTANCE": folder, "SQLALCHEMY_DATABASE_URI": url, "TESTING": True})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    instances.drop(url)


def rows_of(songs: list[int], says: str, popularity: int) -> list[dict]:
    """Rows for songs 0 to 7, each with a tempo and an energy of its own."""
    rows = []
    for place, number in enumerate(songs, 1):
        own = {"own": f"x{number}", "spotify": f"{number}" * 22}.get(says)
        is_named = says in ("names", "own", "spotify", "places")
        row = spotify(
            id=place if says.startswith("places") else own or "",
            name=NAMES[number] if is_named or says == "titles" else "",
            artists=f"Artist {'ABCDEFGH'[number]}" if is_named else "",
            tempo=90 + number,
            energy=(number + 1) / 10,
            loudness=-1 - number,
        )
        rows.append({**row, "popularity": popularity})
    return rows


def ingest_or_answer(path: Path, stored: int) -> tuple[IngestReport, str | None]:
    """Import a file; where the import asks which catalogue it is, say so and import it again."""
    try:
        return ingest_file(db.session, path), None
    except BadInput as error:
        question = str(error)
    assert "--source songs" in question
    assert db.session.scalar(select(func.count(Track.id))) == stored
    return ingest_file(db.session, path, source="songs"), "songs"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    says=st.sampled_from(KEPT),
    first=st.lists(st.integers(0, 7), min_size=2, max_size=6, unique=True),
    data=st.data(),
    name=st.sampled_from(("songs", "songs of today")),
)
def test_every_track_stays_the_song_that_it_was(
    says: str, first: list[int], data: st.DataObject, name: str, catalogue_app: Flask
):
    for table in ("track", "tag", "playlist"):
        db.session.execute(text(f"DELETE FROM {table}"))
    db.session.commit()
    folder: Path = catalogue_app.config["INSTANCE"]
    columns = (*COLUMNS, "popularity")
    ingest_file(db.session, write(folder / "songs.csv", rows_of(first, says, 40), columns))
    tempo = {track.id: track.attributes.tempo for track in db.session.scalars(select(Track))}
    assert len(tempo) == len(first)
    gone = data.draw(st.sets(st.sampled_from(first), max_size=len(first) - 1), label="gone")
    new = data.draw(st.sets(st.integers(0, 7), max_size=3), label="new") - set(first)
    later = data.draw(st.permutations([*(set(first) - gone), *new]), label="later")
    path = write(folder / f"{name}.csv", rows_of(list(later), says, 50), columns)
    report, source = ingest_or_answer(path, len(first))
    db.session.expire_all()
    tracks = {track.id: track for track in db.session.scalars(select(Track))}
    assert {i: tracks[i].attributes.tempo for i in tempo} == tempo
    for track in tracks.values():
        number = int(track.attributes.tempo) - 90
        assert track.attributes.energy == (number + 1) / 10
        if says not in ("none", "places without names"):
            assert track.title == NAMES[number]
    # A new song at the place of one that is gone, where most others kept theirs, is shown.
    assert report.inserted + report.updated + report.contradicting == len(later)
    assert says == "places" or not report.contradicting
    again = ingest_file(db.session, path, source=source)
    assert again.unchanged == len(later) - report.contradicting
