"""Files that share tracks: each adds what it knows and takes nothing away."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from songrec.core.songs import song_key
from songrec.services.catalogue.ingest import ingest_file
from songrec.store.tables import Track
from tests.catalogue_files.samples import write

FEATURES = {
    "danceability": 0.5,
    "energy": 0.5,
    "loudness": -7,
    "speechiness": 0.1,
    "acousticness": 0.1,
    "instrumentalness": 0,
    "liveness": 0.1,
    "valence": 0.5,
    "tempo": 100,
}
NAMES = {"track_id": "abc", "track_name": "Zebra", "artists": "Ada", "album_name": "First"}


@pytest.fixture
def ingest(session, tmp_path):
    def read(**row):
        path = write(tmp_path / "songs.csv", [row], tuple(row))
        report = ingest_file(session, path)
        session.commit()
        session.expire_all()
        return report, session.scalars(select(Track)).one()

    return read


def test_a_file_without_names_leaves_them_as_they_are(ingest):
    ingest(**NAMES, **FEATURES)
    report, track = ingest(id="abc", **{**FEATURES, "energy": 0.9})
    assert report.updated == 1
    assert track.attributes.energy == 0.9
    assert (track.title, track.artists, track.album.title) == ("Zebra", "Ada", "First")
    assert (track.sort_title, track.sort_artists) == ("zebra", "ada")
    assert track.song_key == song_key("Ada", "Zebra")


def test_a_file_of_titles_alone_keeps_the_artists(ingest):
    ingest(**NAMES, **FEATURES)
    _, track = ingest(id="abc", name="Antelope", **FEATURES)
    assert (track.title, track.artists) == ("Antelope", "Ada")
    assert (track.sort_title, track.sort_artists) == ("antelope", "ada")
    assert track.song_key == song_key("Ada", "Antelope")


def test_names_that_come_later_make_the_song_known(ingest):
    _, before = ingest(id="abc", **FEATURES)
    assert before.title == "Untitled"
    _, track = ingest(id="abc", artist="Ada", **FEATURES)
    assert track.song_key != song_key("Ada", "Untitled")
    _, track = ingest(**NAMES, **FEATURES)
    assert (track.title, track.song_key) == ("Zebra", song_key("Ada", "Zebra"))
