"""Catalogue files that say which playlists a song is in, and files about the same songs."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from songrec.services.catalogue.ingest import ingest_file
from songrec.store.tables import (
    Playlist,
    PlaylistTrack,
    Track,
)
from tests.catalogue_files.samples import PLAYLIST_COLUMNS, spotify, write
from tests.catalogue_files.stored import counts, names_of, tags_of, tracks


def test_playlists_of_a_catalogue_are_kept_in_order(session, tmp_path):
    rows = [
        spotify(track_id="b"),
        spotify(track_id="a"),
        spotify(track_id="a", playlist_id="p2", playlist_name="Nights", playlist_genre="rock"),
        spotify(track_id="a", playlist_subgenre="electropop"),
    ]
    path = write(tmp_path / "lists.csv", rows, PLAYLIST_COLUMNS)
    for expected in ((4, 2, 0, 2, 0), (4, 0, 0, 4, 0)):
        assert counts(ingest_file(session, path)) == expected
        lists = session.execute(
            select(Playlist.name, Track.external_id)
            .join(PlaylistTrack, PlaylistTrack.playlist_id == Playlist.id)
            .join(Track, Track.id == PlaylistTrack.track_id)
            .order_by(Playlist.id, PlaylistTrack.position)
        )
        assert [tuple(r) for r in lists] == [("Mornings", "b"), ("Mornings", "a"), ("Nights", "a")]
        track = tracks(session)[1]
        assert names_of(session, track, "genre") == "pop, rock"
        assert ("subgenre", "electropop") in tags_of(session, track)
    assert (track.key, track.mode, track.attributes.variance) == (6, 1, None)


@pytest.mark.parametrize(
    ("renamed", "dropped", "names"),
    [
        ({"playlist_name": "Playlist"}, "playlist_id", ["Mornings", "Nights"]),
        ({}, "playlist_name", ["Playlist", "Playlist"]),
        ({"valence": "positiveness", "track_artist": "artist"}, "", ["Mornings", "Nights"]),
    ],
)
def test_playlists_are_kept_in_any_format_by_id_or_by_name(
    session, tmp_path, renamed, dropped, names
):
    rows = [spotify(track_id="a"), spotify(track_id="b", playlist_id="p2", playlist_name="Nights")]
    kept = [name for name in PLAYLIST_COLUMNS if name != dropped]
    told = [{renamed.get(name, name): row.get(name) for name in kept} for row in rows]
    path = write(tmp_path / "lists.csv", told, [renamed.get(name, name) for name in kept])
    assert counts(ingest_file(session, path))[:2] == (2, 2)
    found = (
        select(Playlist.name, Track.external_id)
        .select_from(Playlist)
        .join(PlaylistTrack, PlaylistTrack.playlist_id == Playlist.id)
        .join(Track, Track.id == PlaylistTrack.track_id)
        .order_by(Playlist.id)
    )
    assert session.execute(found).all() == [(names[0], "a"), (names[1], "b")]


def test_a_missing_name_in_a_playlist_file_is_untitled(session, tmp_path):
    rows = [spotify(track_name="NA", track_artist="NA")]
    ingest_file(session, write(tmp_path / "lists.csv", rows, PLAYLIST_COLUMNS))
    assert [(t.title, t.artists) for t in tracks(session)] == [("Untitled", "")]


def test_two_files_about_spotify_s_tracks_share_them_and_keep_each_other_s_columns(
    session, tmp_path
):
    ingest_file(session, write(tmp_path / "lists.csv", [spotify()], PLAYLIST_COLUMNS))
    columns = (
        "track_id",
        "artists",
        "album_name",
        "track_name",
        "explicit",
        "danceability",
        "energy",
        "loudness",
        "speechiness",
        "acousticness",
        "instrumentalness",
        "liveness",
        "valence",
        "tempo",
        "track_genre",
    )
    rows = [
        spotify(
            artists="Ada;Bo", explicit="True", track_genre="acoustic", album_name="X", energy=1
        ),
        spotify(artists="Ada;Bo", explicit="True", track_genre="songs", album_name="X", energy=1),
    ]
    report = ingest_file(session, write(tmp_path / "tracks.csv", rows, columns))
    assert (report.dialect, report.inserted, report.updated) == ("spotify-tracks", 0, 1)
    (track,) = tracks(session)
    assert track.artists == "Ada, Bo"
    assert names_of(session, track, "genre") == "acoustic, songs"
    assert (track.attributes.energy, track.attributes.explicit) == (1.0, 1.0)
    assert (track.attributes.popularity, track.key, track.mode) == (40.0, 6, 1)
    assert ("subgenre", "dance pop") in tags_of(session, track)


def test_the_songs_file_gives_artists_as_a_list(session, tmp_path):
    columns = (
        "id",
        "name",
        "album",
        "artists",
        "artist_ids",
        "disc_number",
        "explicit",
        "danceability",
        "energy",
        "key",
        "loudness",
        "mode",
        "speechiness",
        "acousticness",
        "instrumentalness",
        "liveness",
        "valence",
        "tempo",
        "duration_ms",
        "time_signature",
        "year",
        "release_date",
    )
    row = spotify(
        id="x",
        name="Testify",
        album="L.A.",
        artists="['Rage', \"It's\"]",
        explicit="False",
        duration_ms=210133,
        time_signature="4.0",
        year=0,
        release_date="1999-11-02",
    )
    assert (
        ingest_file(session, write(tmp_path / "s.csv", [row], columns)).dialect == "spotify-songs"
    )
    (track,) = tracks(session)
    assert (track.artists, track.year, track.duration_ms) == ("Rage, It's", 1999, 210133)
    assert (track.time_signature, track.attributes.popularity) == (4, None)
