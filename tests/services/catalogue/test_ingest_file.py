"""Songs of a catalogue file as they are stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from songrec.catalogue_files.dialect_detection import normalize
from songrec.catalogue_files.dialects import DIALECTS, Dialect
from songrec.core.errors import BadInput
from songrec.services.catalogue import ingest as pipeline
from songrec.services.catalogue.ingest import ingest_file, source_name
from songrec.store.catalogue import tracks as track_search
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.tables import (
    Listener,
    Lyrics,
    Playlist,
    PlaylistTrack,
    Reaction,
    Track,
    TrackAttributes,
)
from tests.catalogue_files.samples import NAMED, TWELVE, as_text, song, write
from tests.catalogue_files.stored import (
    batches_of,
    counts,
    names_of,
    search_is_intact,
    tags_of,
    tracks,
)


def test_a_song_is_stored_on_the_canonical_scale(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(Tempo="120.5", Explicit="Yes", genre="Folk, Pop")])
    report = ingest_file(session, path)
    assert counts(report) == (1, 1, 0, 0, 0)
    assert (report.dialect, report.scale, report.source) == ("preprocess", "unit", "songs")
    (track,) = tracks(session)
    assert (track.title, track.artists, names_of(session, track, "genre")) == (
        "Paper Moon",
        "Ada Fenwick",
        "folk, pop",
    )
    assert (names_of(session, track, "emotion"), track.album, track.year) == ("joy", None, None)
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
    path = write(
        tmp_path / "songs.csv",
        [song(album="Blue"), song(song="Other", album="Blue")],
        (*NAMED, "album"),
    )
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
    assert (same.id, names_of(session, same, "genre"), same.attributes.energy) == (
        track.id,
        "rock",
        0.9,
    )
    assert tags_of(session, same) == [("emotion", "joy"), ("genre", "rock")]
    assert session.scalar(select(Reaction.value)) == 1
    assert session.scalar(select(PlaylistTrack.track_id)) == track.id
    search_is_intact(session)


def test_search_finds_what_was_ingested_and_what_was_changed(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(), song(song="Other")])
    ingest_file(session, path)

    def found(word: str) -> int:
        return len(track_search.search(session, TrackQuery(text=word)).tracks)

    assert found("folk") == 2
    write(path, [song(genre="Zydeco"), song(song="Other")])
    ingest_file(session, path)
    assert found("zydeco") == 1
    assert found("folk") == 1
    search_is_intact(session)


def test_the_same_song_twice_in_a_file_is_one_track_with_the_first_row_s_values(session, tmp_path):
    rows = [song(Energy=0.1), song(Energy=0.9, genre="Rock, Folk", artist="ADA  FENWICK")]
    path = write(tmp_path / "songs.csv", rows)
    for expected in ((2, 1, 0, 1, 0), (2, 0, 0, 2, 0)):
        assert counts(ingest_file(session, path)) == expected
        (track,) = tracks(session)
        assert track.attributes.energy == 0.1
        assert names_of(session, track, "genre") == "folk, rock"
        assert tags_of(session, track) == [
            ("emotion", "joy"),
            ("genre", "folk"),
            ("genre", "rock"),
        ]
    search_is_intact(session)


def test_a_repeat_in_a_later_batch_is_still_a_repeat(session, tmp_path, monkeypatch):
    monkeypatch.setattr("songrec.catalogue_files.reading.TextTable.batches", batches_of(2))
    rows = [song(genre=f"g{i}", Energy=i / 10) for i in range(7)]
    path = write(tmp_path / "songs.csv", rows)
    for expected in ((7, 1, 0, 6, 0), (7, 0, 0, 7, 0)):
        assert counts(ingest_file(session, path)) == expected
        assert names_of(session, tracks(session)[0], "genre") == "g0, g1, g2, g3, g4, g5, g6"
    search_is_intact(session)


def test_the_same_song_on_two_albums_shares_its_song_key(session, tmp_path):
    rows = [song(album="First"), song(album="Best of"), song(album="First", artist="Âda Fenwick!")]
    ingest_file(session, write(tmp_path / "songs.csv", rows, (*NAMED, "album")))
    one, two, other = tracks(session)
    assert one.song_key == two.song_key != other.song_key
    assert one.public_id != two.public_id


def test_lyrics_are_kept_apart_and_follow_their_track(session, tmp_path):
    columns = (*NAMED, "text")
    path = write(tmp_path / "songs.csv", [song(text="la\nla\x0b la")], columns)
    ingest_file(session, path)
    assert session.scalar(select(Lyrics.text)) == "la\nla la"
    ingest_file(session, write(path, [song(text="lo lo")], columns))
    assert list(session.scalars(select(Lyrics.text))) == ["lo lo"]
    ingest_file(session, write(path, [song(text="")], columns))
    assert list(session.scalars(select(Lyrics.text))) == []


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


def test_sources_are_named_after_their_files():
    assert source_name(Path("/a/songs.csv.gz")) == "songs"
    assert source_name(Path("My.Songs.PARQUET")) == "My.Songs"
    assert source_name(Path(".csv")) == ".csv"


def test_every_field_of_every_dialect_is_documented():
    page = Path(__file__).parents[3].joinpath("docs", "data-formats.md").read_text(encoding="utf-8")
    squashed = normalize(page)
    for dialect in DIALECTS:
        assert f"`{dialect.name}`" in page
        for spellings in dialect.columns.values():
            assert all(normalize(spelling) in squashed for spelling in spellings)


def test_attributes_and_tracks_come_in_pairs(session, tmp_path):
    ingest_file(session, write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(5)]))
    query = select(Track.id).join(TrackAttributes, TrackAttributes.track_id == Track.id)
    assert len(list(session.scalars(query))) == 5
