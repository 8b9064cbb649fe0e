"""Fields that column names mean, in many spellings and languages."""

from __future__ import annotations

import pytest

from songrec.catalogue_files.column_names import parse_column_name

NAMES = {
    "title": (
        "Track Name",
        "track_name",
        "TrackName",
        "trackname",
        "song_title",
        "Title",
        "song",
        "TRACK",
        "Tytuł utworu",
        "Şarkı adı",
        "Название песни",
        "TIT2",
        "Titel",
        "Songtitel",
        "Liedname",
        "Titre",
        "Título",
        "Canción",
        "Название",
        "曲名",
        "歌曲名",
        "タイトル",
        "제목",
        "name",
        "Recording",
        "Track.Name",
        "tracktitle",
    ),
    "artists": (
        "Artist Name(s)",
        "artist(s)_name",
        "artist_s__name",
        "Artist.Name",
        "artists",
        "Wykonawca",
        "Sanatçı",
        "Performed By",
        "Interpetr",
        "Interpret",
        "Künstler",
        "Artiste",
        "Intérprete",
        "performer",
        "Исполнитель",
        "歌手",
        "アーティスト",
        "가수",
        "Track Artist",
        "primary_artist_name",
    ),
    "album": ("Album", "album_name", "Track Album Name", "Album Title", "Альбом", "专辑"),
    "external_id": (
        "id",
        "uri",
        "Track URI",
        "spotify_id",
        "Spotify - id",
        "Spotify Track Id",
        "track_mbid",
        "trackID",
        "song_id",
        "ISRC",
    ),
    "danceability": (
        "danceability_%",
        "Danceability",
        "dnce",
        "Dance",
        "Tanzbarkeit",
        "Dancability",
        "Dance-ability",
    ),
    "loudness": ("Loudness (db)", "Loudness..dB..", "dB", "Loud (Db)", "loudness_db"),
    "tempo": ("bpm", "Tempo", "Beats Per Minute (BPM)", "Beats.Per.Minute", "BPM (beats/min)"),
    "positiveness": ("valence", "Valence.", "val", "Happy", "positiveness", "valence_%"),
    "duration_ms": ("Duration (ms)", "track_duration_ms", "Length ms", "durationMs"),
    "duration": ("Length.", "Länge", "Time", "Track Duration", "Durée", "Length (Duration)"),
    "year": (
        "Album Release Date",
        "released_year",
        "Year",
        "Jahr",
        "Año",
        "Erscheinungsjahr",
        "Data de lançamento",
    ),
    "playlist_id": ("playlist_id", "Playlist URI"),
    "playlist_name": ("playlist_name", "Playlist", "Playlist title"),
    "explicit": ("is_explicit", "Explicit?", "Explicit Track"),
    "popularity": ("Popularity", "track_popularity", "Spotify Popularity", "Pop."),
    "genre": ("top genre", "music_genre", "Genres", "Artist Genres", "genre_top"),
}
NOTHING = (
    "artist_ids",
    "Artist URI(s)",
    "artist_mbid",
    "album_id",
    "Album URI",
    "artist_count",
    "Track #",
    "track_number",
    "Similar Artist 1",
    "video_title",
    "Url_youtube",
    "Added At",
    "added_by",
    "artist_popularity",
    "tempo_confidence",
    "loudness_std",
    "Record Label",
    "album_type",
    "Album Image URL",
    "Track Preview URL",
    "playlist_owner",
    "Unnamed: 0",
    "",
    "Good for Party",
    "price",
    "genre_id",
    "released_month",
    "key_confidence",
)


@pytest.mark.parametrize(
    ("field", "name"), [(field, name) for field, names in NAMES.items() for name in names]
)
def test_a_name_means_its_field_in_any_spelling(field: str, name: str) -> None:
    meanings = parse_column_name(name).meanings
    assert meanings[0].field == field, meanings
    assert meanings[0].strength >= 0.5


@pytest.mark.parametrize("name", NOTHING)
def test_a_name_of_something_else_means_no_field(name: str) -> None:
    assert [m for m in parse_column_name(name).meanings if m.strength >= 0.5] == []


def test_a_fuller_name_is_stronger_than_a_bare_one() -> None:
    strengths = [parse_column_name(n).strength("title") for n in ("song_name", "title", "name")]
    assert strengths == sorted(strengths, reverse=True)
    assert len(set(strengths)) == 3
