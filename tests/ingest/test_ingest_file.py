from __future__ import annotations

import csv
import itertools
import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, text

from songrec.core.errors import BadInput, Cancelled
from songrec.ingest.dialects import DIALECTS, Dialect
from songrec.ingest.headers import squash
from songrec.pipeline import ingest as pipeline
from songrec.pipeline.ingest import ingest_file, source_name
from songrec.store.tables import (
    Listener,
    Lyrics,
    Playlist,
    PlaylistTrack,
    Reaction,
    Tag,
    Track,
    TrackAttributes,
    TrackTag,
)
from tests.ingest.samples import NAMED, TWELVE, as_text, song, write


def tracks(session) -> list[Track]:
    session.expire_all()
    return list(session.scalars(select(Track).order_by(Track.id)))


def tags_of(session, track: Track) -> list[tuple[str, str]]:
    query = select(Tag.kind, Tag.name).join(TrackTag, TrackTag.tag_id == Tag.id)
    return sorted(tuple(r) for r in session.execute(query.where(TrackTag.track_id == track.id)))


def counts(report) -> tuple[int, int, int, int, int]:
    return (
        report.read, report.inserted, report.updated, report.unchanged, report.rejected_count,
    )  # fmt: skip


def search_is_intact(session) -> None:
    """SQLite compares the full-text index with the table, and the triggers are there."""
    session.execute(
        text("INSERT INTO track_search(track_search, rank) VALUES('integrity-check', 1)")
    )
    names = set(session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
    assert {"track_search_insert", "track_search_update", "track_search_delete"} <= names


def test_a_song_is_stored_on_the_canonical_scale(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(Tempo="120.5", Explicit="Yes", genre="Folk, Pop")])
    report = ingest_file(session, path)
    assert counts(report) == (1, 1, 0, 0, 0)
    assert (report.dialect, report.scale, report.source) == ("preprocess", "unit", "songs")
    (track,) = tracks(session)
    assert (track.title, track.artists, track.genre) == ("Paper Moon", "Ada Fenwick", "folk, pop")
    assert (track.emotion, track.album, track.year) == ("joy", None, None)
    assert track.attributes.tempo == 120.5
    assert track.attributes.explicit == 1.0
    assert track.attributes.energy == 0.6
    assert track.attributes.loudness == -8.5
    assert re.fullmatch("[a-z2-7]{12}", track.public_id)
    assert tags_of(session, track) == [("emotion", "joy"), ("genre", "folk"), ("genre", "pop")]


def test_a_percent_file_and_a_unit_file_store_the_same_values(session, tmp_path):
    shares = TWELVE[5:]
    percent = [song(song=f"S{i}", **dict.fromkeys(shares, 40 + i)) for i in range(9)]
    report = ingest_file(session, write(tmp_path / "percent.csv", percent))
    assert report.scale == "percent"
    assert [t.attributes.energy for t in tracks(session)] == [(40 + i) / 100 for i in range(9)]
    unit = [song(song=f"S{i}", **dict.fromkeys(shares, (40 + i) / 100)) for i in range(9)]
    again = ingest_file(session, write(tmp_path / "unit.csv", unit))
    assert (again.scale, again.unchanged) == ("unit", 9)


def test_the_scale_can_be_said(session, tmp_path):
    rows = [song(**dict.fromkeys(TWELVE[5:], 1))]
    ingest_file(session, write(tmp_path / "ones.csv", rows), scale="percent")
    assert tracks(session)[0].attributes.energy == 0.01


def test_a_tempo_of_zero_was_not_measured(session, tmp_path):
    ingest_file(session, write(tmp_path / "songs.csv", [song(Tempo=0)]))
    assert tracks(session)[0].attributes.tempo is None


def test_a_file_of_only_the_twelve_names_tracks_by_row(session, tmp_path):
    rows = [song(Energy=0.1), song(Energy=0.1), song(Energy=0.2)]
    path = write(tmp_path / "numbers.csv", rows, TWELVE)
    assert ingest_file(session, path).inserted == 3
    assert [t.title for t in tracks(session)] == ["Track 1", "Track 2", "Track 3"]
    assert len({t.song_key for t in tracks(session)}) == 3
    assert ingest_file(session, path).unchanged == 3


def test_the_same_file_again_changes_nothing(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(7)])
    ingest_file(session, path)
    before = [(t.id, t.public_id, t.updated_at) for t in tracks(session)]
    assert counts(ingest_file(session, path)) == (7, 0, 0, 7, 0)
    assert [(t.id, t.public_id, t.updated_at) for t in tracks(session)] == before


def test_a_changed_row_updates_its_track_and_its_likes_stay(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(album="Blue"), song(song="Other", album="Blue")],
                 (*NAMED, "album"))  # fmt: skip
    ingest_file(session, path)
    track = tracks(session)[0]
    listener = Listener(token="t")
    playlist = Playlist(public_id="p1", name="Mine")
    session.add_all([listener, playlist])
    session.flush()
    session.add(Reaction(listener_id=listener.id, track_id=track.id, value=1))
    session.add(PlaylistTrack(playlist_id=playlist.id, track_id=track.id, position=1))
    session.commit()
    changed = [song(album="Blue", genre="Rock", Energy=0.9), song(song="Other", album="Blue")]
    report = ingest_file(session, write(path, changed, (*NAMED, "album")))
    assert counts(report) == (2, 0, 1, 1, 0)
    same = tracks(session)[0]
    assert (same.id, same.genre, same.attributes.energy) == (track.id, "rock", 0.9)
    assert tags_of(session, same) == [("emotion", "joy"), ("genre", "rock")]
    assert session.scalar(select(Reaction.value)) == 1
    assert session.scalar(select(PlaylistTrack.track_id)) == track.id
    search_is_intact(session)


def test_search_finds_what_was_ingested_and_what_was_changed(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(), song(song="Other")])
    ingest_file(session, path)
    found = text("SELECT count(*) FROM track_search WHERE track_search MATCH :word")
    assert session.scalar(found, {"word": "folk"}) == 2
    write(path, [song(genre="Zydeco"), song(song="Other")])
    ingest_file(session, path)
    assert session.scalar(found, {"word": "zydeco"}) == 1
    assert session.scalar(found, {"word": "folk"}) == 1
    search_is_intact(session)


def test_the_same_song_twice_in_a_file_is_one_track_with_the_first_row_s_values(session, tmp_path):
    rows = [song(Energy=0.1), song(Energy=0.9, genre="Rock, Folk", artist="ADA  FENWICK")]
    path = write(tmp_path / "songs.csv", rows)
    for expected in ((2, 1, 0, 1, 0), (2, 0, 0, 2, 0)):
        assert counts(ingest_file(session, path)) == expected
        (track,) = tracks(session)
        assert track.attributes.energy == 0.1
        assert track.genre == "folk, rock"
        assert tags_of(session, track) == [
            ("emotion", "joy"), ("genre", "folk"), ("genre", "rock"),
        ]  # fmt: skip
    search_is_intact(session)


def test_a_repeat_in_a_later_batch_is_still_a_repeat(session, tmp_path, monkeypatch):
    monkeypatch.setattr("songrec.ingest.reading.TextTable.batches", _batches_of(2))
    rows = [song(genre=f"g{i}", Energy=i / 10) for i in range(7)]
    path = write(tmp_path / "songs.csv", rows)
    for expected in ((7, 1, 0, 6, 0), (7, 0, 0, 7, 0)):
        assert counts(ingest_file(session, path)) == expected
        assert tracks(session)[0].genre == "g0, g1, g2, g3, g4, g5, g6"
    search_is_intact(session)


def _batches_of(size):
    from songrec.ingest.reading import TextTable

    whole = TextTable.batches
    return lambda table: whole(table, size=size)


def test_the_same_song_on_two_albums_shares_its_song_key(session, tmp_path):
    rows = [song(album="First"), song(album="Best of"), song(album="First", artist="Âda Fenwick!")]
    ingest_file(session, write(tmp_path / "songs.csv", rows, (*NAMED, "album")))
    one, two, other = tracks(session)
    assert one.song_key == two.song_key != other.song_key
    assert one.public_id != two.public_id


PLAYLIST_COLUMNS = (
    "track_id", "track_name", "track_artist", "track_popularity", "playlist_name", "playlist_id",
    "playlist_genre", "playlist_subgenre", "danceability", "energy", "key", "loudness", "mode",
    "speechiness", "acousticness", "instrumentalness", "liveness", "valence", "tempo",
)  # fmt: skip


def spotify(**changes):
    return {
        "track_id": "6f807x0ima9a1j3VPbc7VN", "track_name": "Paper Moon", "track_artist": "Ada",
        "track_popularity": 40, "playlist_name": "Mornings", "playlist_id": "p1",
        "playlist_genre": "pop", "playlist_subgenre": "dance pop", "danceability": 0.5,
        "energy": 0.5, "key": 6, "loudness": -5, "mode": 1, "speechiness": 0.1,
        "acousticness": 0.1, "instrumentalness": 0, "liveness": 0.1, "valence": 0.5, "tempo": 99,
        **changes,
    }  # fmt: skip


def test_playlists_of_a_catalogue_are_kept_in_order(session, tmp_path):
    rows = [
        spotify(track_id="b"), spotify(track_id="a"),
        spotify(track_id="a", playlist_id="p2", playlist_name="Nights", playlist_genre="rock"),
        spotify(track_id="a", playlist_subgenre="electropop"),
    ]  # fmt: skip
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
        assert track.genre == "pop, rock"
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
    found = select(Playlist.name, Track.external_id).select_from(Playlist).join(
        PlaylistTrack, PlaylistTrack.playlist_id == Playlist.id
    ).join(Track, Track.id == PlaylistTrack.track_id).order_by(Playlist.id)  # fmt: skip
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
        "track_id", "artists", "album_name", "track_name", "explicit", "danceability", "energy",
        "loudness", "speechiness", "acousticness", "instrumentalness", "liveness", "valence",
        "tempo", "track_genre",
    )  # fmt: skip
    rows = [
        spotify(
            artists="Ada;Bo", explicit="True", track_genre="acoustic", album_name="X", energy=1
        ),
        spotify(artists="Ada;Bo", explicit="True", track_genre="songs", album_name="X", energy=1),
    ]
    report = ingest_file(session, write(tmp_path / "tracks.csv", rows, columns))
    assert (report.dialect, report.inserted, report.updated) == ("spotify-tracks", 0, 1)
    (track,) = tracks(session)
    assert (track.artists, track.genre) == ("Ada, Bo", "acoustic, songs")
    assert (track.attributes.energy, track.attributes.explicit) == (1.0, 1.0)
    assert (track.attributes.popularity, track.key, track.mode) == (40.0, 6, 1)
    assert ("subgenre", "dance pop") in tags_of(session, track)


def test_the_songs_file_gives_artists_as_a_list(session, tmp_path):
    columns = (
        "id", "name", "album", "artists", "artist_ids", "disc_number", "explicit", "danceability",
        "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness",
        "liveness", "valence", "tempo", "duration_ms", "time_signature", "year", "release_date",
    )  # fmt: skip
    row = spotify(id="x", name="Testify", album="L.A.", artists="['Rage', \"It's\"]",
                  explicit="False", duration_ms=210133, time_signature="4.0", year=0,
                  release_date="1999-11-02")  # fmt: skip
    assert (
        ingest_file(session, write(tmp_path / "s.csv", [row], columns)).dialect == "spotify-songs"
    )
    (track,) = tracks(session)
    assert (track.artists, track.year, track.duration_ms) == ("Rage, It's", 1999, 210133)
    assert (track.time_signature, track.attributes.popularity) == (4, None)


def test_lyrics_are_kept_apart_and_follow_their_track(session, tmp_path):
    columns = (*NAMED, "text")
    path = write(tmp_path / "songs.csv", [song(text="la\nla\x0b la")], columns)
    ingest_file(session, path)
    assert session.scalar(select(Lyrics.text)) == "la\nla la"
    ingest_file(session, write(path, [song(text="lo lo")], columns))
    assert list(session.scalars(select(Lyrics.text))) == ["lo lo"]
    ingest_file(session, write(path, [song(text="")], columns))
    assert list(session.scalars(select(Lyrics.text))) == []


@pytest.mark.parametrize(
    ("changes", "column", "value", "reason"),
    [
        ({"Energy": "loud"}, "Energy", "loud", "is not a number"),
        ({"Energy": ""}, "Energy", "", "is empty"),
        ({"Energy": "NaN"}, "Energy", "NaN", "holds no value"),
        ({"Tempo": "inf"}, "Tempo", "inf", "is infinite"),
        ({"Tempo": "301"}, "Tempo", "301", "is outside 0 to 300"),
        ({"Loudness": "-81 dB"}, "Loudness", "-81 dB", "is outside -80 to 20"),
        ({"Popularity": "-1"}, "Popularity", "-1", "is outside 0 to 100"),
        ({"variance": "-0.1"}, "variance", "-0.1", "is outside 0 to 1e+09"),
        ({"Explicit": "2"}, "Explicit", "2", "is neither yes nor no"),
        ({"Energy": "1.5"}, "Energy", "1.5", "is outside 0 to 1 (--scale percent"),
        ({"song": "x" * 501}, "song", "x" * 79 + "…", "is longer than 500 characters"),
        ({"song": "a\x07b"}, "song", "a\\x07b", "holds control characters"),
        ({"genre": "g" * 101}, "genre", "g" * 79 + "…", "has a name longer than 100"),
    ],
)
def test_a_bad_row_is_rejected_with_line_column_value_and_reason(
    session, tmp_path, changes, column, value, reason
):
    rows = [song(), song(**{"song": "Bad", **changes}), song(song="Good")]
    path = write(tmp_path / "songs.csv", rows)
    report = ingest_file(session, path, rejects_path=tmp_path / "rejects" / "r.csv")
    assert counts(report) == (3, 2, 0, 0, 1)
    (reject,) = report.rejected
    assert (reject.row, reject.column, reject.value) == (3, column, value)
    assert reject.reason.startswith(reason)
    with (tmp_path / "rejects" / "r.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["row", "column", "value", "reason"]
    assert (row[0], row[1], row[3]) == ("3", column, reject.reason)


def test_a_share_a_rounding_error_above_one_is_one(session, tmp_path):
    ingest_file(session, write(tmp_path / "songs.csv", [song(Energy="1.0000000000000002")]))
    assert tracks(session)[0].attributes.energy == 1.0


def test_a_formula_is_text_in_the_catalogue_and_inert_in_the_rejects(session, tmp_path):
    formula = '=HYPERLINK("http://example.org","x")'
    rows = [song(song=formula), song(song="Bad", Tempo="=1+1")]
    rejects = tmp_path / "r.csv"
    ingest_file(session, write(tmp_path / "songs.csv", rows), rejects_path=rejects)
    assert tracks(session)[0].title == formula
    with rejects.open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["value"] == "'=1+1"


def test_when_every_row_is_rejected_the_ingest_failed(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(Energy="x"), song(Tempo="y")])
    with pytest.raises(BadInput, match=r"all 2 rows were rejected. The first: row 2: Energy 'x'"):
        ingest_file(session, path, rejects_path=tmp_path / "r.csv")
    assert tracks(session) == []
    assert (tmp_path / "r.csv").exists()


def test_the_report_holds_the_first_rejects_and_the_file_all(session, tmp_path):
    rows = [song(), *(song(song=f"S{i}", Energy="x") for i in range(150))]
    report = ingest_file(session, write(tmp_path / "songs.csv", rows), rejects_path=tmp_path / "r")
    said = report.to_json()
    assert len(said["rejected"]) == 100
    assert said["rejected_count"] == 150
    assert said["rejected"][0] == {
        "row": 3, "column": "Energy", "value": "x", "reason": "is not a number",
    }  # fmt: skip
    assert len((tmp_path / "r").read_text(encoding="utf-8").splitlines()) == 151


def test_no_rejects_no_file(session, tmp_path):
    report = ingest_file(
        session, write(tmp_path / "songs.csv", [song()]), rejects_path=tmp_path / "r.csv"
    )
    assert report.rejects_path is None
    assert not (tmp_path / "r.csv").exists()


def test_a_dry_run_says_the_same_and_writes_nothing(session, tmp_path):
    path = write(
        tmp_path / "songs.csv", [song(), song(song="B"), song(), song(song="C", Tempo="x")]
    )
    assert counts(ingest_file(session, path, dry_run=True)) == (4, 2, 0, 1, 1)
    assert tracks(session) == []
    assert counts(ingest_file(session, path)) == (4, 2, 0, 1, 1)
    write(path, [song(Energy=0.1), song(song="B"), song(song="D")])
    assert counts(ingest_file(session, path, dry_run=True)) == (3, 1, 1, 1, 0)
    assert len(tracks(session)) == 2


def test_decimal_commas_are_read_in_semicolon_files(session, tmp_path):
    cells = {name: str(song()[name]).replace(".", ",") for name in TWELVE}
    path = tmp_path / "songs.csv"
    path.write_text(as_text([song(**cells)], delimiter=";"), encoding="utf-8")
    ingest_file(session, path)
    assert tracks(session)[0].attributes.loudness == -8.5


def test_a_file_of_two_hundred_columns_works_if_it_has_the_needed_ones(session, tmp_path):
    columns = (*(f"extra {i}" for i in range(188)), *TWELVE)
    assert ingest_file(session, write(tmp_path / "wide.csv", [song()], columns)).inserted == 1


def test_parquet_gives_what_csv_gives(session, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [song(song=f"S{i}", Explicit=bool(i % 2), genre=["Folk", "Pop"]) for i in range(5)]
    rows.append(song(song="Bad", Explicit=False, Energy=None, genre=[]))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "songs.parquet")
    report = ingest_file(session, tmp_path / "songs.parquet")
    assert counts(report) == (6, 5, 0, 0, 1)
    assert (report.rejected[0].row, report.rejected[0].column) == (6, "Energy")
    texts = [song(song=f"S{i}", Explicit=i % 2, genre="Folk,Pop") for i in range(5)]
    assert ingest_file(session, write(tmp_path / "songs.csv", texts)).unchanged == 5


def test_header_only_says_so(session, tmp_path):
    with pytest.raises(BadInput, match="a header and no rows"):
        ingest_file(session, write(tmp_path / "songs.csv", []))


def test_a_new_dialect_is_one_declaration(session, tmp_path, monkeypatch):
    brainz = Dialect(
        name="brainz",
        label="a catalogue of our own",
        columns={"title": ("recording",), "artists": ("credit",), "energy": ("power",)},
        required=("title", "artists", "energy"),
        converters={"energy": lambda cell: {"low": 0.2, "high": 0.8}.get(cell)},
    )
    monkeypatch.setattr(pipeline, "DIALECTS", (*DIALECTS, brainz))
    path = tmp_path / "ours.csv"
    path.write_text("recording,credit,power\nOne,Ada,high\nTwo,Bo,none\n", encoding="utf-8")
    report = ingest_file(session, path)
    assert (report.dialect, report.inserted) == ("brainz", 1)
    assert report.rejected[0].reason == "holds no value"
    (track,) = tracks(session)
    assert (track.title, track.attributes.energy, track.attributes.tempo) == ("One", 0.8, None)


def test_progress_goes_from_nothing_to_all(session, tmp_path, monkeypatch):
    monkeypatch.setattr("songrec.ingest.reading.TextTable.batches", _batches_of(3))
    seen = []
    path = write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(8)])
    ingest_file(session, path, on_progress=lambda f, m, d=None: seen.append((f, m, d["read"])))
    assert [read for _, _, read in seen] == [3, 6, 8]
    assert seen[-1][:2] == (1.0, "8 rows read")
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(seen))


def test_a_cancelled_ingest_keeps_what_was_committed_and_can_be_run_again(
    session, tmp_path, monkeypatch
):
    monkeypatch.setattr("songrec.ingest.reading.TextTable.batches", _batches_of(2))
    path = write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(6)])

    def stop(fraction, message, details=None):
        if details["read"] >= 4:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        ingest_file(session, path, on_progress=stop)
    assert len(tracks(session)) == 4
    assert counts(ingest_file(session, path)) == (6, 2, 0, 4, 0)
    search_is_intact(session)
    assert session.scalar(text("PRAGMA cache_size")) == -32000


def test_an_error_half_way_leaves_triggers_and_index_as_they_were(session, tmp_path, monkeypatch):
    from songrec.store.links import Links

    def fail(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(Links, "enlist", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        ingest_file(session, write(tmp_path / "songs.csv", [song()]))
    assert tracks(session) == []
    search_is_intact(session)


def test_sources_are_named_after_their_files():
    assert source_name(Path("/a/songs.csv.gz")) == "songs"
    assert source_name(Path("My.Songs.PARQUET")) == "My.Songs"
    assert source_name(Path(".csv")) == ".csv"


def test_every_field_of_every_dialect_is_documented():
    page = Path(__file__).parents[2].joinpath("docs", "data-formats.md").read_text(encoding="utf-8")
    squashed = squash(page)
    for dialect in DIALECTS:
        assert f"`{dialect.name}`" in page
        for spellings in dialect.columns.values():
            assert all(squash(spelling) in squashed for spelling in spellings)


def test_attributes_and_tracks_come_in_pairs(session, tmp_path):
    ingest_file(session, write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(5)]))
    query = select(Track.id).join(TrackAttributes, TrackAttributes.track_id == Track.id)
    assert len(list(session.scalars(query))) == 5


def test_nothing_is_locked_while_progress_is_told(session, tmp_path, app):
    """A worker writes the progress into the same database, through a connection of its own."""

    def tell(fraction, message, details=None):
        with sqlite3.connect(app.config["INSTANCE"] / "songrec.db", timeout=0) as other:
            other.execute("INSERT INTO tag (kind, name) VALUES ('tag', ?)", (message,))
        other.close()

    report = ingest_file(session, write(tmp_path / "songs.csv", [song()]), on_progress=tell)
    assert report.inserted == 1
    assert session.scalar(select(Tag.name).where(Tag.kind == "tag")) == "1 rows read"
