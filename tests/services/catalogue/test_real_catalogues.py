from __future__ import annotations

import pytest
from sqlalchemy import func, select

from songrec.services.catalogue.ingest import ingest_file
from songrec.store.tables import (
    Album,
    Lyrics,
    Playlist,
    PlaylistTrack,
    Tag,
    Track,
    TrackAttributes,
)
from tests.catalogue_files.stored import names_of, search_is_intact

pytestmark = pytest.mark.realdata


def count(session, column, *where) -> int:
    return session.scalar(select(func.count(column)).where(*where))


def test_the_tidytuesday_file_gives_its_tracks_and_playlists(session, real_data):
    path = real_data / "catalogues" / "tidytuesday_spotify_songs.csv"
    report = ingest_file(session, path)
    assert (report.dialect, report.scale) == ("spotify-playlists", "unit")
    assert (report.read, report.inserted, report.rejected_count) == (19_567, 17_390, 0)
    assert count(session, Track.id) == count(session, TrackAttributes.track_id) == 17_390
    assert count(session, Playlist.id) == 282
    # 475 rows name a track of a playlist once more, under another subgenre.
    assert count(session, PlaylistTrack.track_id) == 19_092
    assert count(session, Tag.id, Tag.kind == "genre") == 6
    assert count(session, Tag.id, Tag.kind == "subgenre") == 24
    assert count(session, TrackAttributes.track_id, TrackAttributes.variance.is_not(None)) == 0
    search_is_intact(session)
    again = ingest_file(session, path)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 19_567)


def test_the_900k_sample_is_read_without_a_reject(session, real_data):
    path = real_data / "catalogues" / "spotify_900k_sample.csv"
    report = ingest_file(session, path)
    assert (report.dialect, report.scale) == ("spotify-900k", "percent")
    assert (report.read, report.inserted, report.rejected_count) == (520, 479, 0)
    tracks = {
        t.title: t
        for t in session.scalars(select(Track).join(Album).where(Album.title == "Thr!!!er"))
    }
    track = tracks["Even When the Waters Cold"]
    assert (track.artists, track.year, track.duration_ms) == ("!!!", 2013, 227_000)
    assert (track.key, track.mode, track.time_signature) == (2, 0, 4)
    assert names_of(session, track, "genre") == "hip hop"
    assert names_of(session, track, "emotion") == "sadness"
    assert (track.attributes.loudness, track.attributes.energy) == (-6.85, 0.83)
    assert (track.attributes.explicit, track.attributes.popularity) == (0.0, 40.0)
    assert count(session, Lyrics.track_id) == 479
    again = ingest_file(session, path)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 520)
