"""What the columns of a table are, by their names and their cells."""

from __future__ import annotations

from songrec.catalogue_files.column_recognition import ColumnMapping, recognise_columns

IDS = [f"{n:x}aB3dE5gH7jK9mN1pQ2rS4"[:21] + str(n) for n in range(6)]
TITLES = ["Morning Walk", "Blue Harbour", "Noon", "The Long Way", "Iron Gate", "Seven Lamps"]
ARTISTS = ["Ada Fenwick", "Bo Lund", "Ada Fenwick", "Cleo Marsh", "Dan Ox", "Bo Lund"]


def recognise(**columns: list) -> ColumnMapping:
    """The mapping of a table that is given by its columns; ``__`` in a name is a space."""
    header = [name.replace("__", " ") for name in columns]
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return recognise_columns(header, rows)


def taken(mapping: ColumnMapping) -> dict[str, str]:
    return {column.field: column.header for column in mapping.mapped}


def note(mapping: ColumnMapping, header: str) -> str:
    return next(column.note for column in mapping.passed_over if column.header == header)


def test_an_address_of_an_artist_is_no_id_of_a_track():
    mapping = recognise(
        Artist=ARTISTS,
        Url_spotify=[f"https://open.spotify.com/artist/{i}" for i in IDS],
        Track=TITLES,
        Uri=[f"spotify:track:{i}" for i in IDS],
    )
    assert taken(mapping) == {"title": "Track", "artists": "Artist", "external_id": "Uri"}
    assert note(mapping, "Url_spotify") == "Spotify addresses of artists"
    assert mapping.warnings == ()


def test_spotify_ids_are_taken_under_any_name_and_the_report_says_so():
    for cells in (IDS, [f"https://open.spotify.com/intl-de/track/{i}?si=x" for i in IDS]):
        mapping = recognise(Stück=TITLES, Wer=ARTISTS, Verweis=cells)
        (column,) = [c for c in mapping.mapped if c.field == "external_id"]
        assert (column.header, column.evidence) == ("Verweis", "content")
        assert "Spotify" in column.note


def test_a_column_of_artists_under_another_name_is_warned_of():
    mapping = recognise(title=TITLES, author=ARTISTS)
    (warning,) = mapping.warnings
    assert "no column was read as the artists, but 'author' may" in warning.text
    assert "Ada Fenwick" in warning.text
    assert warning.choice == "artists=author"


def test_artists_in_the_titles_are_warned_of():
    both = [f"{artist} - {title}" for artist, title in zip(ARTISTS, TITLES, strict=True)]
    (warning,) = recognise(track=both, bpm=[90, 91, 92, 93, 94, 95]).warnings
    assert "the title 'track' seems to hold them too: “Ada Fenwick - Morning Walk”" in warning.text
    assert recognise(track=TITLES, bpm=[90, 91, 92, 93, 94, 95]).warnings == ()


def test_ids_of_recordings_that_were_not_taken_are_warned_of():
    codes = [f"GBAYE06{n:05}" for n in range(6)]
    mapping = recognise(song=TITLES, artist=ARTISTS, catalogue_code=codes)
    (warning,) = mapping.warnings
    assert "no column was read as the id, but 'catalogue_code' may hold it" in warning.text
    assert warning.choice == "external_id=catalogue_code"


def test_the_widest_tables_are_judged_by_fewer_rows():
    header = ["song", *(f"x{n}" for n in range(4_000))]
    rows = [["Noon", *["0.5"] * 4_000] for _ in range(400)]
    assert recognise_columns(header, rows).places == {"title": 0}


def test_a_column_of_titles_under_another_name_is_warned_of():
    mapping = recognise(artist=ARTISTS, video_title=TITLES)
    assert "title" not in taken(mapping)
    (warning,) = mapping.warnings
    assert warning.choice == "title=video_title"


def test_the_title_of_a_video_is_not_the_title_of_the_song():
    videos = [f"{a} - {t} (Official Video)" for a, t in zip(ARTISTS, TITLES, strict=True)]
    for name in ("Title", "Video name", "song_name"):
        mapping = recognise(artist=ARTISTS, name=TITLES, **{name: videos})
        assert taken(mapping)["title"] == "name"


def test_a_title_that_names_few_playlists_gives_way_to_the_songs():
    songs = [f"Song {n}" for n in range(120)]
    lists = [f"List {n % 3}" for n in range(120)]
    assert taken(recognise(title=lists, name=songs))["title"] == "name"


def test_numbers_of_tracks_are_no_titles():
    mapping = recognise(Track=[1, 2, 3, 4, 5, 6], Name=TITLES, Artist=ARTISTS)
    assert taken(mapping) == {"title": "Name", "artists": "Artist"}
    assert recognise(Track=["3", "1", "2"], x=["a", "b", "c"]).places == {}


def test_songs_that_are_called_by_numbers_keep_their_titles():
    assert taken(recognise(title=["1989", "7", "22"], artist=["A", "B", "C"]))["title"] == "title"


def test_half_empty_titles_are_warned_of_where_another_column_could_fill_them():
    mapping = recognise(
        song_name=["", "", "", "", "Iron Gate", ""], title=["A", "B", "C", "D", "", "E"]
    )
    assert taken(mapping)["title"] == "song_name"
    assert "empty in 83%" in mapping.warnings[0].text
    assert mapping.warnings[0].choice == "title=title"


def test_spotify_ids_beat_the_numbers_of_the_file():
    mapping = recognise(id=[1, 2, 3, 4, 5, 6], spotify_id=IDS, name=TITLES, artist=ARTISTS)
    assert taken(mapping)["external_id"] == "spotify_id"
    assert mapping.id_columns == (1, 0)


def test_flags_called_pop_and_live_are_no_attributes():
    flags = [0, 1] * 10
    names = [f"S{n}" for n in range(20)]
    assert taken(recognise(song=names, pop=flags, live=flags)) == {"title": "song"}
    varied = list(range(20))
    assert taken(recognise(song=names, pop=varied, live=varied)) == {
        "title": "song", "popularity": "pop", "liveness": "live",
    }  # fmt: skip


def test_loudness_from_0_to_1_is_no_loudness_in_decibels():
    mapping = recognise(song=TITLES, loudness=[0.1, 0.5, 0.7, 0.2, 0.3, 1.0])
    assert "loudness" not in taken(mapping)
    assert "named like the loudness" in note(mapping, "loudness")


def test_a_release_is_a_date_or_an_album_by_its_cells():
    assert taken(recognise(song=TITLES, Release=["2001-05-01"] * 3 + ["1999"] * 3)) == {
        "title": "song", "year": "Release",
    }  # fmt: skip
    assert taken(recognise(song=TITLES, Release=ARTISTS))["album"] == "Release"


def test_every_column_is_either_mapped_or_passed_over():
    mapping = recognise(song=TITLES, x=ARTISTS, y=IDS, song__2=TITLES)
    columns = [*mapping.mapped, *mapping.passed_over]
    assert sorted(column.at for column in columns) == [0, 1, 2, 3]


def test_a_second_column_of_one_name_is_passed_over():
    mapping = recognise_columns(["song", "song"], [["a", "b"], ["c", "d"]])
    assert mapping.places == {"title": 0}
    assert mapping.passed_over[0].note == "a second column of this name"


def test_a_header_without_rows_is_read_by_its_names():
    assert recognise_columns(["artist", "song"], []).places == {"title": 1, "artists": 0}
