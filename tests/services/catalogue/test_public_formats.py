"""Public data sets and exports, by their real headers and made-up rows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.services.catalogue.ingest import IngestReport, ingest_file
from songrec.store.tables import Playlist, PlaylistTrack, Track
from tests.catalogue_files.stored import names_of, tracks

ID, OTHER_ID = "5aQ7xY2kLm9Tz0RbV3cN1d", "0hG4jK8wErT6yUiO2pAs3f"
FEATURES = (
    "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,"
    "valence,tempo"
)
VALUES = "0.51,0.62,2,-7.25,1,0.04,0.31,0.002,0.11,0.45,118.5"
EXPORTIFY = (
    "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,Explicit,"
    "Added By,Added At,Genres,Record Label,Danceability,Energy,Key,Loudness,Mode,Speechiness,"
    "Acousticness,Instrumentalness,Liveness,Valence,Tempo,Time Signature"
)
EXPORTIFY_2021 = (
    "Spotify ID,Artist IDs,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),"
    "Popularity,Added By,Added At,Genres,Danceability,Energy,Key,Loudness,Mode,Speechiness,"
    "Acousticness,Instrumentalness,Liveness,Valence,Tempo,Time Signature"
)
EXPORTIFY_2019 = (
    "Spotify URI,Track Name,Album Name,Duration (ms),Popularity,Release Date,Artist Name(s),"
    "Added By,Added At,Genres"
)
EXPORTIFY_APP = (
    "Track URI,Track Name,Artist URI(s),Artist Name(s),Album URI,Album Name,Album Artist URI(s),"
    "Album Artist Name(s),Album Release Date,Album Image URL,Disc Number,Track Number,"
    "Track Duration (ms),Track Preview URL,Explicit,Popularity,ISRC,Added By,Added At"
)


def ingest(session: Session, folder: Path, header: str, *rows: str) -> IngestReport:
    path = folder / "songs.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return ingest_file(session, path)


def row(header: str, **cells: Any) -> str:
    """A line with these cells, by the names of the header in lower case with underscores."""
    names = next(csv.reader([header]))
    keys = ["".join(c if c.isalnum() else "_" for c in name.lower()).strip("_") for name in names]
    unknown = set(cells) - set(keys)
    assert not unknown, (unknown, keys)
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([cells.get(key, "") for key in keys])
    return out.getvalue()


FEATURE_CELLS = dict(
    zip(FEATURES.split(","), [float(v) for v in VALUES.split(",")], strict=True)
) | {"key": 2, "mode": 1}


@pytest.mark.parametrize(
    ("header", "id_column", "artists", "features"),
    [
        (EXPORTIFY, "track_uri", "Ada Fenwick;Bo Lund", True),
        (EXPORTIFY_2021, "spotify_id", "Ada Fenwick,Bo Lund", True),
        (EXPORTIFY_2019, "spotify_uri", "Ada Fenwick,Bo Lund", False),
        (EXPORTIFY_APP, "track_uri", "Ada Fenwick, Bo Lund", False),
    ],
    ids=["now", "2021", "2019", "app"],
)
def test_exportify(session, tmp_path, header, id_column, artists, features):
    uri = ID if id_column == "spotify_id" else f"spotify:track:{ID}"
    dated = "album_release_date" if header == EXPORTIFY_APP else "release_date"
    length = "track_duration__ms" if header == EXPORTIFY_APP else "duration__ms"
    cells = {
        id_column: uri, "track_name": "Noon", "artist_name_s": artists, "album_name": "Days, One",
        dated: "2019-05-03", length: 201000, "popularity": 44,
        "added_at": "2021-01-01T00:00:00Z",
    }  # fmt: skip
    bare = {id_column: OTHER_ID, "track_name": "Bare", "artist_name_s": "Cleo", "added_at": "x"}
    report = ingest(
        session,
        tmp_path,
        header,
        row(header, **cells, **(FEATURE_CELLS if features else {})),
        row(header, **bare),
    )
    assert (report.dialect, report.inserted, report.rejected_count) == ("exportify", 2, 0)
    assert report.columns.warnings == ()
    noon, other = tracks(session)
    assert (noon.title, noon.artists, noon.album.title) == (
        "Noon",
        "Ada Fenwick, Bo Lund",
        "Days, One",
    )
    assert noon.source_key == f"spotify:{ID}"
    assert (noon.year, noon.duration_ms, noon.attributes.popularity) == (2019, 201000, 44.0)
    assert noon.attributes.energy == (0.62 if features else None)
    assert (other.title, other.attributes.energy) == ("Bare", None)


def test_the_hit_predictor(session, tmp_path):
    header = f"track,artist,uri,{FEATURES},duration_ms,time_signature,chorus_hit,sections,target"
    report = ingest(
        session, tmp_path, header, f"Noon,Ada,spotify:track:{ID},{VALUES},188493,4,41.18,10,1"
    )
    assert report.dialect == "hit-predictor"
    (track,) = tracks(session)
    assert (track.title, track.artists, track.source_key) == ("Noon", "Ada", f"spotify:{ID}")
    assert [column.header for column in report.columns.passed_over] == [
        "chorus_hit",
        "sections",
        "target",
    ]


def test_the_title_of_genres_v2_is_a_playlist(session, tmp_path):
    header = (
        f"{FEATURES},type,id,uri,track_href,analysis_url,duration_ms,time_signature,genre,song_name,"
        "Unnamed: 0,title"
    )

    def line(track_id: str, rest: str) -> str:
        return f"{VALUES},audio_features,{track_id},spotify:track:{track_id},h,h,124539,4,{rest}"

    report = ingest(
        session,
        tmp_path,
        header,
        line(ID, "Dark Trap,Noon,,"),
        line(OTHER_ID, "hardstyle,,0.0,Loud Evening"),
    )
    assert report.dialect == "genres-v2"
    one, two = tracks(session)
    assert (one.title, one.external_id, names_of(session, one, "genre")) == (
        "Noon",
        ID,
        "dark trap",
    )
    assert (two.title, two.external_id) == ("Untitled", OTHER_ID)
    lists = session.execute(select(Playlist.name, PlaylistTrack.track_id).join(PlaylistTrack)).all()
    assert lists == [("Loud Evening", two.id)]


def test_the_title_of_spotify_and_youtube_is_a_video(session, tmp_path):
    header = (
        ",Artist,Url_spotify,Track,Album,Album_type,Uri,Danceability,Energy,Key,Loudness,"
        "Speechiness,Acousticness,Instrumentalness,Liveness,Valence,Tempo,Duration_ms,Url_youtube,"
        "Title,Channel,Views,Likes,Comments,Description,Licensed,official_video,Stream"
    )
    report = ingest(
        session,
        tmp_path,
        header,
        f"0,Ada,https://open.spotify.com/artist/{OTHER_ID},Noon,Days,album,spotify:track:{ID},"
        "0.51,0.62,2,-7.25,0.04,0.31,0.002,0.11,0.45,118.5,222640.0,https://youtu.be/x,"
        "Ada - Noon (Official Video),Ada,693555221,6220896,169907,Words,True,True,1040234854",
    )
    assert report.dialect == "spotify-youtube"
    (track,) = tracks(session)
    assert (track.title, track.artists, track.album.title) == ("Noon", "Ada", "Days")
    assert (track.source_key, track.duration_ms) == (f"spotify:{ID}", 222640)


def test_the_most_streamed_songs_of_2023(session, tmp_path):
    header = (
        "track_name,artist(s)_name,artist_count,released_year,released_month,released_day,"
        "in_spotify_playlists,in_spotify_charts,streams,in_apple_playlists,in_apple_charts,"
        "in_deezer_playlists,in_deezer_charts,in_shazam_charts,bpm,key,mode,danceability_%,"
        "valence_%,energy_%,acousticness_%,instrumentalness_%,liveness_%,speechiness_%"
    )
    report = ingest(
        session,
        tmp_path,
        header,
        '"Noon","Ada Fenwick, Bo Lund",2,2023,7,14,553,147,141381703,43,263,45,10,826,125,B,Major,'
        "80,89,83,31,0,8,4",
    )
    assert (report.dialect, report.scale) == ("most-streamed", "percent")
    (track,) = tracks(session)
    assert (track.title, track.artists, track.year) == ("Noon", "Ada Fenwick, Bo Lund", 2023)
    assert (track.attributes.energy, track.attributes.tempo) == (0.83, 125.0)
    assert (track.key, track.mode, track.attributes.loudness) == (11, 1, None)


def test_the_160_000_songs(session, tmp_path):
    header = (
        "valence,year,acousticness,artists,danceability,duration_ms,energy,explicit,id,"
        "instrumentalness,key,liveness,loudness,mode,name,popularity,release_date,speechiness,tempo"
    )
    report = ingest(
        session,
        tmp_path,
        header,
        f"""0.45,1921,0.98,"['Ada', ""Bo's Band""]",0.28,831667,0.2,0,{ID},0.9,10,0.67,-20.1,1,"""
        "Noon,4,1921-05-01,0.04,80.9",
    )
    assert report.dialect == "spotify-160k"
    (track,) = tracks(session)
    assert (track.title, track.artists, track.year) == ("Noon", "Ada, Bo's Band", 1921)
    assert (track.external_id, track.attributes.popularity) == (ID, 4.0)


def test_the_114_000_songs(session, tmp_path):
    header = (
        f",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,{FEATURES},"
        "time_signature,track_genre"
    )
    report = ingest(
        session, tmp_path, header, f"0,{ID},Ada;Bo & Cleo,Days,Noon,73,230666,False,{VALUES},4,folk"
    )
    assert report.dialect == "spotify-tracks"
    (track,) = tracks(session)
    assert (track.title, track.artists, track.album.title) == ("Noon", "Ada, Bo & Cleo", "Days")
    assert (track.external_id, names_of(session, track, "genre")) == (ID, "folk")


def test_the_1_200_000_songs(session, tmp_path):
    header = (
        "id,name,album,album_id,artists,artist_ids,track_number,disc_number,explicit,"
        f"{FEATURES},duration_ms,time_signature,year,release_date"
    )
    report = ingest(
        session,
        tmp_path,
        header,
        f"""{ID},Noon,Days,{OTHER_ID},"['Ada']","['{OTHER_ID}']",1,1,False,{VALUES},210133,4.0,"""
        "1999,1999-11-02",
    )
    assert report.dialect == "spotify-songs"
    (track,) = tracks(session)
    assert (track.title, track.artists, track.external_id) == ("Noon", "Ada", ID)


def test_the_900_000_songs(session, tmp_path):
    header = (
        "Artist(s),song,text,Length,emotion,Genre,Album,Release Date,Key,Tempo,Loudness (db),"
        "Time signature,Explicit,Popularity,Energy,Danceability,Positiveness,Speechiness,Liveness,"
        "Acousticness,Instrumentalness,Good for Party,Similar Artist 1,Similar Song 1,"
        "Similarity Score 1"
    )
    report = ingest(
        session,
        tmp_path,
        header,
        '"Ada,Bo",Noon,la la,03:47,joy,"folk,pop",Days,29th April 2013,D min,105,-6.85db,4/4,No,40,'
        "83,71,87,4,16,11,0,0,Cleo,Iron Gate,0.98",
    )
    assert (report.dialect, report.scale) == ("spotify-900k", "percent")
    (track,) = tracks(session)
    assert (track.title, track.artists, track.year) == ("Noon", "Ada, Bo", 2013)
    assert not {"Similar Artist 1", "Similar Song 1"} & {c.header for c in report.columns.mapped}


# Headers that no format is declared for.


def test_a_chart_in_shorthand(session, tmp_path):
    header = "title,artist,top genre,year,bpm,nrgy,dnce,dB,live,val,dur,acous,spch,pop"
    report = ingest(
        session,
        tmp_path,
        header,
        "Noon,Ada,neo mellow,2010,97,89,67,-4,8,80,217,19,4,83",
        "Iron Gate,Bo,dance pop,2010,87,93,75,-5,52,64,263,24,23,82",
    )
    assert (report.dialect, report.scale) == ("by-columns", "percent")
    noon, _ = tracks(session)
    assert (noon.title, noon.artists, noon.year) == ("Noon", "Ada", 2010)
    values = noon.attributes
    assert (values.tempo, values.energy, values.danceability, values.loudness) == (
        97,
        0.89,
        0.67,
        -4,
    )
    assert (values.liveness, values.positiveness, values.popularity) == (0.08, 0.8, 83)
    assert names_of(session, noon, "genre") == "neo mellow"
    assert report.columns.unknown_attributes == ["variance", "explicit", "instrumentalness"]


def test_names_as_r_writes_them(session, tmp_path):
    header = (
        '"","Track.Name","Artist.Name","Genre","Beats.Per.Minute","Energy","Danceability",'
        '"Loudness..dB..","Liveness","Valence.","Length.","Acousticness..","Speechiness.","Popularity"'
    )
    report = ingest(
        session,
        tmp_path,
        header,
        '"1","Noon","Ada","folk",117,55,76,-6,8,75,191,4,3,79',
        '"2","Iron Gate","Bo","pop",105,81,79,-4,8,61,302,8,9,92',
    )
    assert report.dialect == "by-columns"
    noon, _ = tracks(session)
    assert (noon.title, noon.artists, noon.attributes.loudness) == ("Noon", "Ada", -6)
    assert noon.attributes.positiveness == 0.75
    assert noon.external_id is None


def test_a_german_table(session, tmp_path):
    report = ingest(
        session,
        tmp_path,
        "Titel;Künstler;Album;Jahr;Tempo;Energie;Tanzbarkeit;Lautstärke",
        "Mittag;Ada;Tage;1999;117,5;0,55;0,76;-6,5",
        "Abend;Bo;Tage;1999;97;0,15;0,36;-9,5",
    )
    assert report.dialect == "by-columns"
    noon, _ = tracks(session)
    assert (noon.title, noon.artists, noon.album.title, noon.year) == (
        "Mittag",
        "Ada",
        "Tage",
        1999,
    )
    assert (noon.attributes.tempo, noon.attributes.energy) == (117.5, 0.55)
    assert (noon.attributes.danceability, noon.attributes.loudness) == (0.76, -6.5)


def test_a_playlist_analysis_with_spotify_ids_and_local_numbers(session, tmp_path):
    header = (
        "#,Song,Artist,Popularity,BPM,Genres,Parent Genres,Album,Album Date,Time,Dance,Energy,"
        "Acoustic,Instrumental,Happy,Speech,Live,Loud (Db),Key,Time Signature,Added At,"
        "Spotify Track Id,Album Label,Camelot,ISRC"
    )
    report = ingest(
        session,
        tmp_path,
        header,
        f"1,Noon,Ada,44,118,folk,Folk,Days,2019-05-03,03:21,51,62,31,0,45,4,11,-7,D Major,4,"
        f"2021-01-01,{ID},Label,10B,GBAYE0601498",
        f"2,Dusk,Bo,54,98,folk,Folk,Days,2019-05-03,02:21,41,52,21,0,25,3,12,-9,E Minor,4,"
        f"2021-01-01,{OTHER_ID},Label,9A,GBAYE0601499",
    )
    assert (report.dialect, report.scale) == ("by-columns", "percent")
    noon, _ = tracks(session)
    assert (noon.title, noon.artists, noon.external_id) == ("Noon", "Ada", ID)
    assert (noon.year, noon.duration_ms, noon.key, noon.mode) == (2019, 201000, 2, 1)
    assert (noon.attributes.positiveness, noon.attributes.acousticness) == (0.45, 0.31)


def test_features_in_another_order_of_words(session, tmp_path):
    """Spotify's columns with names for title, artists and id that no format lists."""
    report = ingest(
        session,
        tmp_path,
        f"name_of_song,performed by artist,link,{FEATURES}",
        f"Noon,Ada;Bo,https://open.spotify.com/track/{ID}?si=1,{VALUES}",
        f"Dusk,Cleo,https://open.spotify.com/track/{OTHER_ID},{VALUES}",
    )
    noon, _ = tracks(session)
    assert (noon.title, noon.artists) == ("Noon", "Ada, Bo")
    assert noon.source_key == f"spotify:{ID}"
    evidence = {column.field: column.evidence for column in report.columns.mapped}
    assert (evidence["energy"], evidence["title"]) == ("format", "name")


def test_a_table_of_artists_is_no_catalogue(session, tmp_path):
    from songrec.core.errors import BadInput

    with pytest.raises(BadInput, match="not a known catalogue format"):
        ingest(session, tmp_path, "id,name,url", "1,Ada,https://example.org/ada")
    assert session.scalar(select(Track.id)) is None


def test_genres_v2_without_the_columns_that_mark_it(session, tmp_path):
    report = ingest(
        session,
        tmp_path,
        f"title,{FEATURES},id,genre,song_name",
        f",{VALUES},{ID},Dark Trap,Noon",
        f"Loud Evening,{VALUES},{OTHER_ID},hardstyle,",
    )
    assert report.dialect == "spotify-api"
    assert [track.title for track in tracks(session)] == ["Noon", "Untitled"]
    (column,) = [c for c in report.columns.mapped if c.field == "title"]
    assert (column.header, column.note) == ("song_name", "rather than 'title'")


@pytest.mark.parametrize("channel", ["Channel", "Uploader"])
def test_a_video_s_title_without_the_columns_that_mark_it(session, tmp_path, channel):
    ingest(
        session,
        tmp_path,
        f"Title,{channel},Artist,Track,Uri,{FEATURES}",
        f"Ada - Noon (Official Video),Ada VEVO,Ada,Noon,spotify:track:{ID},{VALUES}",
        f"Dusk [Lyrics],Bo VEVO,Bo,Dusk,spotify:track:{OTHER_ID},{VALUES}",
    )
    assert [track.title for track in tracks(session)] == ["Noon", "Dusk"]


# Files of another form.


def test_fma_s_tracks_have_three_header_rows(session, tmp_path):
    report = ingest(
        session,
        tmp_path,
        ",album,album,album,artist,artist,set,set,track,track,track,track,track,track",
        ",date_released,id,title,id,name,split,subset,date_recorded,duration,genre_top,genres,"
        "interest,title",
        "track_id,,,,,,,,,,,,,",
        '2,2009-01-05 00:00:00,1,"Days, One",1,Ada,training,small,2008-11-26 00:00:00,168,Folk,'
        "[21],4656,Noon",
        "3,,1,Days,1,Bo,training,medium,,237,,[21],1470,Dusk",
    )
    assert (report.dialect, report.inserted, report.rejected_count) == ("fma-tracks", 2, 0)
    noon, _ = tracks(session)
    assert (noon.title, noon.artists, noon.external_id) == ("Noon", "Ada", "2")
    assert (noon.album.title, noon.year, noon.duration_ms) == ("Days, One", 2009, 168_000)
    assert names_of(session, noon, "genre") == "folk"


def test_fma_s_echonest_table_is_recognised_without_a_format(session, tmp_path):
    report = ingest(
        session,
        tmp_path,
        ",echonest,echonest,echonest,echonest,echonest,echonest",
        ",audio_features,audio_features,audio_features,metadata,metadata,ranks",
        ",acousticness,energy,tempo,artist_latitude,artist_name,artist_discovery_rank",
        "track_id,,,,,,",
        "2,0.41,0.63,165.9,32.6,Ada,",
        "3,0.37,0.46,126.9,32.6,Bo,",
    )
    assert (report.dialect, report.inserted) == ("by-columns", 2)
    one, _ = tracks(session)
    assert (one.external_id, one.artists) == ("2", "Ada")
    assert (one.attributes.acousticness, one.attributes.tempo) == (0.41, 165.9)


def mpd_track(position: int, track_id: str, title: str, artist: str) -> dict[str, Any]:
    return {
        "pos": position,
        "artist_name": artist,
        "track_uri": f"spotify:track:{track_id}",
        "artist_uri": f"spotify:artist:{OTHER_ID}",
        "track_name": title,
        "album_uri": f"spotify:album:{OTHER_ID}",
        "duration_ms": 201000,
        "album_name": "Days",
    }


def test_the_playlists_of_a_slice_of_the_million_become_playlists(session, tmp_path):
    header = f"track,artist,uri,{FEATURES},duration_ms,time_signature,chorus_hit,sections,target"
    ingest(session, tmp_path, header, f"Noon,Ada,spotify:track:{ID},{VALUES},188493,4,41.18,10,1")
    slice_ = tmp_path / "mpd.slice.0-999.json"
    about = {"collaborative": "false", "modified_at": 1493424000, "num_tracks": 2}
    playlists = [
        {
            "name": "Mornings",
            "pid": 0,
            **about,
            "tracks": [mpd_track(0, OTHER_ID, "Dusk", "Bo"), mpd_track(1, ID, "Noon", "Ada")],
        },
        {"name": "Mornings", "pid": 1, **about, "tracks": [mpd_track(0, ID, "Noon", "Ada")]},
    ]
    document = {"info": {"slice": "0-999", "version": "v1"}, "playlists": playlists}
    slice_.write_text(json.dumps(document, indent=4), encoding="utf-8")
    report = ingest_file(session, slice_)
    assert (report.dialect, report.source) == ("mpd", "mpd.slice.0-999")
    assert (report.read, report.inserted, report.rejected_count) == (3, 1, 0)
    noon, dusk = tracks(session)
    assert (noon.title, noon.attributes.energy) == ("Noon", 0.62)
    assert (dusk.title, dusk.artists, dusk.duration_ms) == ("Dusk", "Bo", 201_000)
    members = select(Playlist.external_id, Playlist.name, PlaylistTrack.track_id).join(
        PlaylistTrack
    )
    assert session.execute(members.order_by(Playlist.id, PlaylistTrack.position)).all() == [
        ("mpd:0", "Mornings", dusk.id),
        ("mpd:0", "Mornings", noon.id),
        ("mpd:1", "Mornings", noon.id),
    ]
    again = ingest_file(session, slice_)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 3)


def test_songs_as_an_interface_gives_them(session, tmp_path):
    """Lines of JSON with nested objects, as of Spotify's API."""
    path = tmp_path / "songs.jsonl"
    song = {
        "track": {
            "id": ID,
            "name": "Noon",
            "artists": [{"name": "Ada", "id": OTHER_ID}, {"name": "Bo & Cleo", "id": OTHER_ID}],
            "album": {"id": OTHER_ID, "name": "Days", "release_date": "2019-05-03"},
            "duration_ms": 201000,
            "explicit": False,
        },
        "audio_features": FEATURE_CELLS,
    }
    path.write_text("\n".join([json.dumps(song)] * 2), encoding="utf-8")
    report = ingest_file(session, path)
    assert (report.inserted, report.unchanged) == (1, 1)
    (track,) = tracks(session)
    assert (track.title, track.artists, track.external_id) == ("Noon", "Ada, Bo & Cleo", ID)
    assert (track.album.title, track.year, track.duration_ms) == ("Days", 2019, 201_000)
    assert (track.attributes.energy, track.attributes.explicit) == (0.62, 0.0)


def test_a_table_of_names_alone_comes_in_with_a_warning(session, tmp_path):
    report = ingest(session, tmp_path, "Song;Artist;Link", "Noon;Ada;x", "Dusk;Bo;y")
    assert (report.dialect, report.inserted) == ("by-columns", 2)
    (warning,) = report.columns.warnings
    assert "nothing says how they sound" in warning.text
