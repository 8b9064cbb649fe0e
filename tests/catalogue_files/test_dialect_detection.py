from __future__ import annotations

import pytest

from songrec.catalogue_files.dialect_detection import detect_dialect, locate_columns
from songrec.catalogue_files.dialects import DIALECTS, PREPROCESS, Dialect
from songrec.core.errors import BadInput, UnknownName
from tests.catalogue_files.samples import TWELVE

NINE = (
    "danceability",
    "energy",
    "loudness",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
)
HEADERS = {
    "preprocess": TWELVE,
    "spotify-900k": (
        "Artist(s)",
        "song",
        "text",
        "Length",
        "emotion",
        "Genre",
        "Album",
        "Release Date",
        "Key",
        "Tempo",
        "Loudness (db)",
        "Time signature",
        "Explicit",
        "Popularity",
        "Energy",
        "Danceability",
        "Positiveness",
        "Speechiness",
        "Liveness",
        "Acousticness",
        "Instrumentalness",
        "Good for Party",
    ),
    "spotify-playlists": (
        "track_id",
        "track_name",
        "track_artist",
        "track_popularity",
        "playlist_name",
        "playlist_id",
        "playlist_genre",
        "playlist_subgenre",
        *NINE,
    ),
    "spotify-tracks": (
        "Unnamed: 0",
        "track_id",
        "artists",
        "album_name",
        "track_name",
        "popularity",
        "duration_ms",
        "explicit",
        *NINE,
        "time_signature",
        "track_genre",
    ),
    "spotify-songs": (
        "id",
        "name",
        "album",
        "album_id",
        "artists",
        "artist_ids",
        "track_number",
        "disc_number",
        "explicit",
        *NINE,
        "duration_ms",
        "time_signature",
        "year",
        "release_date",
    ),
    "spotify-api": ("name", "artist", *NINE),
}
LIGHT = (
    "artist",
    "song",
    "emotion",
    "variance",
    "Genre",
    "Release Date",
    "Key",
    "Tempo",
    "Loudness",
    "Explicit",
    "Popularity",
    "Energy",
    "Danceability",
    "Positiveness",
    "Speechiness",
    "Liveness",
    "Acousticness",
    "Instrumentalness",
)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_file_with_what_a_dialect_requires_is_of_that_dialect(dialect):
    required = [dialect.columns[field][0] for field in dialect.required]
    assert detect_dialect([*required, *dialect.signature]) is dialect


@pytest.mark.parametrize("name", HEADERS)
def test_a_format_is_known_by_its_header_in_any_order(name):
    assert detect_dialect(HEADERS[name]).name == name
    assert detect_dialect(HEADERS[name][::-1]).name == name


def test_the_light_version_of_the_900k_file_has_the_mission_s_columns():
    assert detect_dialect(LIGHT).name == "preprocess"


def test_headers_match_without_case_spaces_and_punctuation():
    odd = [name.upper().replace("LOUDNESS", " Loudness_(dB) ") for name in TWELVE]
    assert detect_dialect(odd) is PREPROCESS


def test_the_first_of_two_columns_of_one_name_is_read():
    assert locate_columns(PREPROCESS, [*TWELVE, "tempo"])["tempo"] == 1


def test_a_missing_column_is_named_with_what_was_found_and_the_nearest():
    header = [name if name != "Danceability" else "Dancability" for name in TWELVE]
    with pytest.raises(BadInput) as error:
        detect_dialect(header)
    message = str(error.value)
    assert "the column 'danceability' (nearest: 'Dancability') is missing" in message
    assert "preprocess" in message
    assert "Instrumentalness" in message
    assert "\n" not in message


def test_an_unknown_header_lists_the_known_formats():
    with pytest.raises(BadInput, match=r"none of the columns fits.*preprocess, spotify-900k"):
        detect_dialect(["id", "price"])


def test_a_wide_unknown_header_gives_a_short_message():
    with pytest.raises(BadInput) as error:
        detect_dialect([f"column {i} {'x' * 300}" for i in range(200)])
    assert len(str(error.value)) < 1500
    assert "180 more" in str(error.value)


def test_a_forced_format_may_lack_its_signature_but_no_column_that_it_needs():
    assert detect_dialect(("track_name", *NINE), "spotify-playlists").name == "spotify-playlists"
    with pytest.raises(BadInput, match="'valence' is missing"):
        detect_dialect(NINE[:7] + NINE[8:], "spotify-api")


def test_a_forced_format_that_does_not_exist_suggests_one():
    with pytest.raises(UnknownName, match="Did you mean 'preprocess'"):
        detect_dialect(TWELVE, "preproces")


def test_a_dialect_with_a_field_that_does_not_exist_is_refused_where_it_is_written():
    with pytest.raises(ValueError, match="unknown fields: tmepo"):
        Dialect("x", "x", columns={"tmepo": ("tempo",)}, required=())
