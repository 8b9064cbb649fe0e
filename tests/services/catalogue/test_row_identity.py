"""Which track a row is: never told by its place, and an id is compared with the names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from songrec.core.errors import BadInput
from songrec.services.catalogue.ingest import ingest_file
from songrec.store.catalogue import merging, tracks
from songrec.store.tables import (
    Listener,
    Lyrics,
    Playlist,
    PlaylistTrack,
    Reaction,
    Track,
    TrackAlias,
    TrackArtist,
)
from tests.catalogue_files.samples import NAMED, PLAYLIST_COLUMNS, TWELVE, song, spotify, write
from tests.catalogue_files.stored import batches_of, counts

IDS = ("id", "name", "artists", *PLAYLIST_COLUMNS[8:])
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def numbers(*energies: float) -> list[dict]:
    """Rows of numbers that differ in their energy."""
    return [song(Energy=energy) for energy in energies]


def catalogue(*songs: tuple[str, str], first_id: int = 1, **changes) -> list[dict]:
    """Rows with the ids 1, 2, …, and a title and artists each."""
    return [
        spotify(id=at, name=title, artists=artists, tempo=90 + at, **changes)
        for at, (title, artists) in enumerate(songs, first_id)
    ]


def spotify_id(number: int) -> str:
    return f"4{LETTERS[number]}" + "x" * 20


OURS = [("Paper Moon", "Ada"), ("Noon", "Ada feat. Bo"), ("Night", "Bo"), ("Rain", "Cy")]
THEIRS = [("Gold Rush", "Dee"), ("Umbrella", "Ed"), ("Halo", "Flo")]


@pytest.fixture
def listener(session):
    found = Listener(token="me")
    session.add(found)
    session.flush()
    return found


@pytest.fixture
def like(session, listener):
    """Like the track with a title; then ``liked()`` says what is liked."""

    def add(title: str) -> int:
        track = session.scalars(select(Track).where(Track.title == title)).one()
        session.add(Reaction(listener_id=listener.id, track_id=track.id, value=1))
        session.commit()
        return track.id

    return add


def liked(session) -> list[tuple[int, str]]:
    query = select(Track.id, Track.title).join(Reaction, Reaction.track_id == Track.id)
    return [tuple(row) for row in session.execute(query.order_by(Track.id))]


def names(session) -> list[tuple[str, str, str]]:
    session.expire_all()
    query = select(Track.title, Track.artists, Track.source).order_by(Track.id)
    return [tuple(row) for row in session.execute(query)]


class TestRowsWithoutNames:
    """Rows of numbers, or with half a name, are known by their values."""

    def test_a_song_on_top_moves_no_like(self, session, tmp_path, like):
        ingest_file(session, write(tmp_path / "one.csv", numbers(0.1, 0.2, 0.3), TWELVE))
        track_id = like("Track 2")
        later = write(tmp_path / "later.csv", numbers(0.9, 0.1, 0.2, 0.3), TWELVE)
        report = ingest_file(session, later)
        assert counts(report) == (4, 1, 0, 3, 0)
        assert report.identified_by == {"values": 4}
        assert liked(session) == [(track_id, "Track 2")]
        track = session.get_one(Track, track_id)
        assert track.attributes.energy == 0.2
        assert counts(ingest_file(session, later)) == (4, 0, 0, 4, 0)

    def test_a_title_without_an_artist_is_not_a_place_either(self, session, tmp_path, like):
        columns = ("song", *TWELVE)
        rows = [song(song="Alpha", Energy=0.1), song(song="Beta", Energy=0.2)]
        ingest_file(session, write(tmp_path / "one.csv", rows, columns))
        track_id = like("Beta")
        more = [song(song="Newest", Energy=0.9), *rows]
        report = ingest_file(session, write(tmp_path / "two.csv", more, columns))
        assert counts(report) == (3, 1, 0, 2, 0)
        assert liked(session) == [(track_id, "Beta")]

    def test_what_changes_from_day_to_day_updates(self, session, tmp_path, like):
        path = write(tmp_path / "one.csv", numbers(0.1, 0.2), TWELVE)
        ingest_file(session, path)
        track_id = like("Track 2")
        rows = [song(Energy=0.9), *(one | {"Popularity": 77} for one in numbers(0.1, 0.2))]
        assert counts(ingest_file(session, write(path, rows, TWELVE))) == (3, 1, 2, 0, 0)
        assert liked(session) == [(track_id, "Track 2")]
        assert session.get_one(Track, track_id).attributes.popularity == 77
        # Labels are a source's own: there is no second "Track 1".
        assert [title for title, *_ in names(session)] == ["Track 1", "Track 2", "Track 3"]

    def test_equal_rows_stay_so_many_in_any_batches(self, session, tmp_path, monkeypatch):
        path = write(tmp_path / "one.csv", numbers(0.1, 0.1, 0.2, 0.1, 0.2), TWELVE)
        assert counts(ingest_file(session, path)) == (5, 5, 0, 0, 0)
        monkeypatch.setattr("songrec.catalogue_files.reading.TextTable.batches", batches_of(2))
        assert counts(ingest_file(session, path)) == (5, 0, 0, 5, 0)
        other = write(tmp_path / "two.csv", numbers(0.2, 0.1, 0.1, 0.1), TWELVE)
        assert counts(ingest_file(session, other)) == (4, 0, 0, 4, 0)

    def test_rows_of_few_values_are_their_catalogue_s(self, session, tmp_path):
        for name in ("one", "two"):
            path = tmp_path / f"{name}.csv"
            path.write_text("title,tempo\nAlpha,120\nBeta,121\n", encoding="utf-8")
            assert counts(ingest_file(session, path)) == (2, 2, 0, 0, 0)
            assert counts(ingest_file(session, path)) == (2, 0, 0, 2, 0)

    def test_other_values_in_a_file_of_the_same_name_need_a_person(self, session, tmp_path, like):
        path = write(tmp_path / "one.csv", numbers(0.1, 0.2, 0.3), TWELVE)
        ingest_file(session, path)
        track_id = like("Track 1")
        write(path, numbers(0.15, 0.25, 0.35, 0.1), TWELVE)
        with pytest.raises(
            BadInput, match=r"only 1 of 4 are in .* --source one\. Another"
        ) as caught:
            ingest_file(session, path)
        assert "\n" not in str(caught.value)
        assert session.scalar(select(func.count(Track.id))) == 3
        assert ingest_file(session, path, dry_run=True, source="one").inserted == 3
        assert counts(ingest_file(session, path, source="one")) == (4, 3, 0, 1, 0)
        assert liked(session) == [(track_id, "Track 1")]

    def test_a_file_that_grew_needs_nobody(self, session, tmp_path):
        path = write(tmp_path / "one.csv", numbers(0.1, 0.2), TWELVE)
        ingest_file(session, path)
        write(path, numbers(*(at / 10 for at in range(1, 10))), TWELVE)
        assert counts(ingest_file(session, path)) == (9, 7, 0, 2, 0)


class TestOwnIds:
    """Ids such as 1, 2, … name songs only within their catalogue."""

    def test_two_catalogues_with_the_same_ids_stay_two(self, session, tmp_path, like):
        columns = (*IDS, "lyrics", "playlist_name")
        ours = catalogue(*OURS, lyrics="la", playlist_name="Ours")
        first = write(tmp_path / "ours.csv", ours, columns)
        ingest_file(session, first)
        track_id = like("Noon")
        theirs = catalogue(*THEIRS, lyrics="lo", playlist_name="Theirs")
        report = ingest_file(session, write(tmp_path / "theirs.csv", theirs, columns))
        assert counts(report) == (3, 3, 0, 0, 0)
        assert report.identified_by == {"id": 3}
        assert liked(session) == [(track_id, "Noon")]
        assert session.get_one(Lyrics, track_id).text == "la"
        in_playlists = (
            select(Playlist.name, func.count())
            .join(PlaylistTrack, PlaylistTrack.playlist_id == Playlist.id)
            .group_by(Playlist.name)
        )
        assert dict(session.execute(in_playlists).all()) == {"Ours": 4, "Theirs": 3}
        assert counts(ingest_file(session, first)) == (4, 0, 0, 4, 0)

    def test_a_next_export_updates_whatever_it_is_called(self, session, tmp_path, like):
        ingest_file(session, write(tmp_path / "songs.csv", catalogue(*OURS), IDS))
        track_id = like("Noon")
        rows = catalogue(("New", "Zoe"), first_id=9)
        rows += catalogue(*OURS[:3], ("Rain (2011 Remaster)", "CY"), energy=0.9)
        report = ingest_file(session, write(tmp_path / "songs (1).csv", rows, IDS))
        assert counts(report) == (5, 1, 4, 0, 0)
        assert report.source == "songs"
        (note,) = report.notes
        assert note.startswith("4 of 4 songs with the same ids are those of the catalogue 'songs'")
        assert '--source "songs (1)"' in note
        assert liked(session) == [(track_id, "Noon")]
        assert session.get_one(Track, track_id).attributes.energy == 0.9

    def test_another_catalogue_of_the_same_file_name_is_another_one(self, session, tmp_path, like):
        ingest_file(session, write(tmp_path / "tracks.csv", catalogue(*OURS), IDS))
        track_id = like("Noon")
        for expected in ((3, 3, 0, 0, 0), (3, 0, 0, 3, 0)):
            path = write(tmp_path / "tracks.csv", catalogue(*THEIRS), IDS)
            report = ingest_file(session, path)
            assert counts(report) == expected
            assert report.source == "tracks (2)"
            assert report.notes
        assert liked(session) == [(track_id, "Noon")]
        path = write(tmp_path / "tracks.csv", catalogue(*OURS, energy=0.9), IDS)
        assert ingest_file(session, path).updated == 4

    def test_new_titles_of_most_songs_are_another_catalogue(self, session, tmp_path):
        album = [(title, "Ada") for title in ("One", "Two", "Three", "Four")]
        other = [(title, "Ada") for title in ("Red", "Blue", "Green", "Grey")]
        path = tmp_path / "tracks.csv"
        ingest_file(session, write(path, catalogue(*album), IDS))
        assert ingest_file(session, write(path, catalogue(*other), IDS)).source == "tracks (2)"
        corrected = [*album[:3], ("Five", "Ada")]
        report = ingest_file(session, write(path, catalogue(*corrected), IDS))
        assert (report.source, report.updated) == ("tracks", 1)

    def test_a_contradiction_is_shown_and_not_applied(self, session, tmp_path, like):
        path = write(tmp_path / "songs.csv", catalogue(*OURS), IDS)
        ingest_file(session, path)
        track_id = like("Noon")
        changed = [OURS[0], THEIRS[1], ("NIGHT", "Bo"), ("Rain - Live", "Cy")]
        write(path, catalogue(*changed), IDS)
        for dry_run in (True, False):
            report = ingest_file(session, path, dry_run=dry_run, rejects_path=tmp_path / "r.csv")
            assert counts(report) == (4, 0, 2, 1, 1)
            assert report.contradicting == 1
            (reject,) = report.rejected
            assert (reject.row, reject.value) == (3, "2")
            assert reject.reason.startswith(
                "is “Noon” by Ada feat. Bo, here it is “Umbrella” by Ed"
            )
        assert "Umbrella" in (tmp_path / "r.csv").read_text(encoding="utf-8")
        assert liked(session) == [(track_id, "Noon")]
        assert counts(ingest_file(session, path, trust_ids=True)) == (4, 0, 1, 3, 0)
        assert liked(session) == [(track_id, "Umbrella")]

    def test_a_named_catalogue_is_believed_and_its_rows_compared(self, session, tmp_path):
        ingest_file(session, write(tmp_path / "ours.csv", catalogue(*OURS), IDS))
        theirs = write(tmp_path / "theirs.csv", catalogue(*THEIRS), IDS)
        with pytest.raises(BadInput, match="all 3 rows were rejected") as caught:
            ingest_file(session, theirs, source="ours")
        assert "--source OTHER" in str(caught.value)
        ours = write(tmp_path / "ours.csv", catalogue(*OURS), IDS)
        assert ingest_file(session, ours, source="elsewhere").inserted == 4

    def test_ids_without_names_are_compared_by_their_values(self, session, tmp_path):
        columns = ("id", *PLAYLIST_COLUMNS[8:])
        songs = [one | {"id": 7 * one["id"]} for one in catalogue(*OURS)]
        path = write(tmp_path / "songs.csv", songs, columns)
        ingest_file(session, path)
        updated = write(path, [one | {"energy": 0.9} for one in songs], columns)
        assert ingest_file(session, updated).updated == 4
        others = [
            spotify(id=7 * at, **{name: at / 50 for name in PLAYLIST_COLUMNS[8:] if name != "key"})
            | {"loudness": -at, "tempo": 60 + at, "mode": 1}
            for at in range(1, 5)
        ]
        with pytest.raises(BadInput, match=r"other values for 4 of 4.*--source songs") as caught:
            ingest_file(session, write(path, others, columns))
        assert "\n" not in str(caught.value)
        assert ingest_file(session, path, source="others").inserted == 4

    def test_numbers_that_stand_for_several_songs_each_are_no_ids(self, session, tmp_path):
        rows = [
            spotify(id=at % 2, name=title, artists=artists)
            for at, (title, artists) in enumerate([*OURS, *THEIRS])
        ]
        report = ingest_file(session, write(tmp_path / "songs.csv", rows, IDS))
        assert counts(report) == (7, 7, 0, 0, 0)
        assert report.identified_by == {"names": 7}
        assert "several songs each" in report.notes[0]

    def test_an_id_twice_in_a_file_is_compared_too(self, session, tmp_path, monkeypatch):
        rows = catalogue(*OURS) + catalogue(THEIRS[0], ("Noon - Remastered", "Ada"))
        path = write(tmp_path / "songs.csv", rows, IDS)
        report = ingest_file(session, path)
        assert counts(report) == (6, 4, 0, 1, 1)
        assert (report.rejected[0].row, report.rejected[0].value) == (6, "1")
        monkeypatch.setattr("songrec.catalogue_files.reading.TextTable.batches", batches_of(4))
        assert counts(ingest_file(session, path)) == (6, 0, 0, 5, 1)

    @pytest.mark.parametrize("name", ["songs", "songs of today"])
    @pytest.mark.parametrize("first_id", [0, 1])
    def test_ids_that_count_the_rows_are_places(self, session, tmp_path, like, name, first_id):
        songs = catalogue(*OURS, first_id=first_id)
        ingest_file(session, write(tmp_path / "songs.csv", songs, IDS))
        track_id = like("Noon")
        later = [*OURS[:1], ("New", "Zoe"), *OURS[1:]]
        path = write(tmp_path / f"{name}.csv", catalogue(*later, first_id=first_id), IDS)
        for expected in ((5, 1, 4, 0, 0), (5, 0, 0, 5, 0)):
            report = ingest_file(session, path)
            assert counts(report) == expected
            assert (report.source, report.identified_by) == ("songs", {"names": 5})
            assert "songs have another id in the catalogue 'songs'" in report.notes[0]
        assert liked(session) == [(track_id, "Noon")]
        assert len(names(session)) == 5

    @pytest.mark.parametrize("n", [2, 4])
    def test_so_are_those_of_titles_alone(self, session, tmp_path, like, n):
        columns = ("id", "name", *PLAYLIST_COLUMNS[8:])
        path = write(tmp_path / "songs.csv", catalogue(*OURS[:n]), columns)
        ingest_file(session, path)
        track_id = like("Noon")
        later = write(path, catalogue(("New", ""), *OURS[:n]), columns)
        assert counts(ingest_file(session, later))[:2] == (n + 1, 1)
        assert liked(session) == [(track_id, "Noon")]

    def test_and_of_rows_without_names(self, session, tmp_path, like):
        columns = ("id", *PLAYLIST_COLUMNS[8:])
        rows = [spotify(id=at, energy=at / 10) for at in range(1, 4)]
        report = ingest_file(session, write(tmp_path / "songs.csv", rows, columns))
        assert report.identified_by == {"values": 3}
        assert "only count the rows" in report.notes[0]
        track_id = like("Track 2")
        later = [spotify(id=1, energy=0.9), *(one | {"id": one["id"] + 1} for one in rows)]
        report = ingest_file(session, write(tmp_path / "later.csv", later, columns))
        assert counts(report) == (4, 1, 0, 3, 0)
        assert liked(session) == [(track_id, "Track 2")]
        assert session.get_one(Track, track_id).attributes.energy == 0.2

    def test_a_named_catalogue_may_number_anew(self, session, tmp_path, like):
        path = write(tmp_path / "songs.csv", catalogue(*OURS), IDS)
        ingest_file(session, path, source="mine")
        track_id = like("Noon")
        write(path, catalogue(*reversed(OURS)), IDS)
        assert counts(ingest_file(session, path, source="mine")) == (4, 0, 4, 0, 0)
        assert liked(session) == [(track_id, "Noon")]

    def test_playlists_of_two_catalogues_with_the_same_id_stay_two(self, session, tmp_path):
        columns = (*IDS, "playlist_id", "playlist_name")
        ours = catalogue(*OURS, playlist_id="1", playlist_name="Mornings")
        theirs = catalogue(*THEIRS, playlist_id="1", playlist_name="Evenings")
        renamed = catalogue(*OURS, playlist_id="1", playlist_name="Early mornings")
        for name, rows in (("ours", ours), ("theirs", theirs), ("ours", renamed)):
            ingest_file(session, write(tmp_path / f"{name}.csv", rows, columns))
        in_playlists = (
            select(Playlist.name, func.count())
            .join(PlaylistTrack, PlaylistTrack.playlist_id == Playlist.id)
            .group_by(Playlist.name)
        )
        assert dict(session.execute(in_playlists).all()) == {"Mornings": 4, "Evenings": 3}


class TestRecordingIds:
    """Ids of Spotify, MusicBrainz and ISRC are the same everywhere."""

    def test_every_spelling_of_a_spotify_id_is_one(self, session, tmp_path):
        for spelling in (
            "{}",
            "spotify:track:{}",
            "https://open.spotify.com/track/{}?si=1",
        ):
            rows = [
                spotify(id=spelling.format(spotify_id(at)), name=title, artists=artists)
                for at, (title, artists) in enumerate(OURS)
            ]
            ingest_file(session, write(tmp_path / f"{len(spelling)}.csv", rows, IDS))
        stored = session.scalars(select(Track.external_id).order_by(Track.id)).all()
        assert stored == [spotify_id(at) for at in range(4)]

    def test_an_isrc_leads_to_the_track_with_a_spotify_id_and_back(self, session, tmp_path, like):
        isrc = [f"GBAYE06014{at:02d}" for at in range(4)]
        songs = [
            spotify(isrc=isrc[at], spotify_id=spotify_id(at), name=title, artists=artists)
            for at, (title, artists) in enumerate(OURS)
        ]
        codes = ("isrc", "name", "artists", *PLAYLIST_COLUMNS[8:])
        both = ("spotify_id", *codes)
        ingest_file(session, write(tmp_path / "codes.csv", songs[:2], codes))
        track_id = like("Noon")
        report = ingest_file(session, write(tmp_path / "both.csv", songs, both))
        assert (report.inserted, report.updated, report.adopted) == (2, 2, 2)
        assert report.identified_by == {"spotify": 4}
        assert counts(ingest_file(session, tmp_path / "both.csv")) == (4, 0, 0, 4, 0)
        later = write(tmp_path / "later.csv", [one | {"energy": 0.9} for one in songs], codes)
        assert counts(ingest_file(session, later)) == (4, 0, 4, 0, 0)
        assert liked(session) == [(track_id, "Noon")]
        assert tracks.find_track(session, spotify_id(3)).title == "Rain"

    def test_a_recording_on_two_releases_stays_two_tracks(self, session, tmp_path):
        columns = ("spotify_id", "isrc", "name", "artists", *PLAYLIST_COLUMNS[8:])
        rows = [
            spotify(spotify_id=spotify_id(at), isrc="GBAYE0601400", name="Noon", artists="Ada")
            for at in range(2)
        ]
        path = write(tmp_path / "songs.csv", rows, columns)
        assert counts(ingest_file(session, path)) == (2, 2, 0, 0, 0)
        assert counts(ingest_file(session, path)) == (2, 0, 0, 2, 0)

    def test_a_further_id_of_another_song_is_not_followed(self, session, tmp_path):
        columns = ("isrc", "name", "artists", *PLAYLIST_COLUMNS[8:])
        rows = [spotify(isrc="GBAYE0601400", name="Noon", artists="Ada")]
        ingest_file(session, write(tmp_path / "one.csv", rows, columns))
        other = spotify(
            spotify_id=spotify_id(1), isrc="GBAYE0601400", name="Umbrella", artists="Ed"
        )
        report = ingest_file(
            session, write(tmp_path / "two.csv", [other], ("spotify_id", *columns))
        )
        assert (report.inserted, report.adopted) == (1, 0)
        assert [title for title, *_ in names(session)] == ["Noon", "Umbrella"]

    def test_the_same_id_with_other_names_is_shown(self, session, tmp_path):
        rows = [spotify(id=spotify_id(1), name="Noon", artists="Ada")]
        ingest_file(session, write(tmp_path / "one.csv", rows, IDS))
        other = [spotify(id=spotify_id(1), name="Umbrella", artists="Ed"), *catalogue(*OURS)]
        report = ingest_file(session, write(tmp_path / "two.csv", other, IDS))
        assert counts(report) == (5, 4, 0, 0, 1)
        assert "--source" not in report.rejected[0].reason
        assert "--trust-ids" in report.rejected[0].reason


class TestKnownByMore:
    """A track that was known by less keeps its likes when it becomes known by an id."""

    def test_by_names_in_the_same_catalogue(self, session, tmp_path, like):
        path = write(tmp_path / "songs.csv", [song(song="Noon"), song(song="Night")])
        ingest_file(session, path)
        track_id = like("Noon")
        rows = [
            song(song=name, **{"spotify id": spotify_id(at)})
            for at, name in enumerate(("Noon", "Night", "Rain"))
        ]
        report = ingest_file(session, write(path, rows, ("spotify id", *NAMED)))
        assert (report.inserted, report.updated, report.adopted) == (1, 2, 2)
        assert liked(session) == [(track_id, "Noon")]
        assert tracks.find_track(session, spotify_id(0)).id == track_id
        assert counts(ingest_file(session, path)) == (3, 0, 0, 3, 0)
        # And without the ids again.
        report = ingest_file(session, write(path, [song(song="Noon", Energy=0.9)]))
        assert counts(report) == (1, 0, 1, 0, 0)

    def test_an_album_that_is_named_later_makes_no_other_song(self, session, tmp_path, like):
        path = write(tmp_path / "songs.csv", [song(song="Noon")])
        ingest_file(session, path)
        track_id = like("Noon")
        columns = (*NAMED, "album")
        report = ingest_file(session, write(path, [song(song="Noon", album="Days")], columns))
        assert counts(report) == (1, 0, 1, 0, 0)
        assert liked(session) == [(track_id, "Noon")]
        report = ingest_file(session, write(path, [song(song="Noon", album="Best of")], columns))
        assert counts(report) == (1, 1, 0, 0, 0)

    def test_names_of_another_catalogue_are_no_evidence(self, session, tmp_path):
        ingest_file(session, write(tmp_path / "one.csv", [song(song="Noon")]))
        rows = [song(song="Noon", **{"spotify id": spotify_id(0)})]
        report = ingest_file(session, write(tmp_path / "two.csv", rows, ("spotify id", *NAMED)))
        assert (report.inserted, report.adopted) == (1, 0)

    def test_by_values_from_any_file(self, session, tmp_path, like):
        half = ("song", *TWELVE)
        rows = [song(song="Alpha", Energy=0.1), song(song="Beta", Energy=0.2)]
        ingest_file(session, write(tmp_path / "titles.csv", rows, half))
        ingest_file(session, write(tmp_path / "numbers.csv", numbers(0.3, 0.4), TWELVE))
        alpha, third = like("Alpha"), like("Track 1")
        full = [
            song(song=title, Energy=energy, **{"spotify id": spotify_id(at)})
            for at, (title, energy) in enumerate(
                [("New", 0.9), ("Alpha", 0.1), ("Gamma", 0.3), ("Other", 0.2)]
            )
        ]
        path = write(tmp_path / "full.csv", full, ("spotify id", *NAMED))
        assert ingest_file(session, path, dry_run=True).adopted == 2
        report = ingest_file(session, path)
        assert (report.inserted, report.updated, report.adopted) == (2, 2, 2)
        assert liked(session) == [(alpha, "Alpha"), (third, "Gamma")]
        assert counts(ingest_file(session, path)) == (4, 0, 0, 4, 0)

    def test_a_row_without_names_keeps_those_of_another_catalogue(self, session, tmp_path):
        rows = [
            spotify(id=spotify_id(at), name=title, artists=artists)
            for at, (title, artists) in enumerate(OURS)
        ]
        ingest_file(session, write(tmp_path / "songs.csv", rows, IDS))
        before = session.execute(select(Track.song_key, Track.artists).order_by(Track.id)).all()
        credits = select(func.count()).select_from(TrackArtist)
        n_credits = session.scalar(credits)
        nameless = [one | {"name": "", "artists": "", "energy": 0.9} for one in rows]
        other = write(tmp_path / "other.csv", nameless, IDS)
        assert ingest_file(session, other).updated == 4
        assert [title for title, *_ in names(session)] == [title for title, _ in OURS]
        after = session.execute(select(Track.song_key, Track.artists).order_by(Track.id)).all()
        assert (after, session.scalar(credits)) == (before, n_credits)


def test_keys_of_a_merged_track_lead_to_the_survivor_and_back(session, tmp_path):
    rows = [song(song="Noon"), song(song="Noon (Remastered)")]
    path = write(tmp_path / "songs.csv", rows)
    ingest_file(session, path)
    with_ids = [one | {"spotify id": spotify_id(at)} for at, one in enumerate(rows)]
    columns = ("spotify id", *NAMED)
    assert ingest_file(session, write(path, with_ids, columns)).adopted == 2
    first, second = session.scalars(select(Track.id).order_by(Track.id)).all()
    merge = merging.merge(session, first, second)
    session.commit()
    rows = [one | {"genre": "Jazz"} for one in with_ids]
    for _ in range(2):
        report = ingest_file(session, write(path, rows[1:], columns))
        assert counts(report) == (1, 0, 0, 1, 0)
        assert names(session) == [("Noon", "Ada Fenwick", "songs")]
    assert tracks.find_track(session, spotify_id(1)).id == first
    merging.undo(session, merge.id)
    session.commit()
    owners = dict(session.execute(select(TrackAlias.key, TrackAlias.track_id)).all())
    assert owners == {f"spotify:{spotify_id(0)}": first, f"spotify:{spotify_id(1)}": second}


def test_the_report_says_what_identifies_the_rows(app, session, tmp_path):
    rows = [
        *catalogue(*OURS),
        spotify(id=spotify_id(1), name="X", artists="Y"),
        spotify(id="", name="", artists=""),
    ]
    path = write(tmp_path / "songs.csv", rows, IDS)
    result = app.test_cli_runner().invoke(args=["ingest", str(path)])
    assert (
        "Songs are known by Spotify id (1), the catalogue's own id (4), their values"
        in result.output
    )
    result = app.test_cli_runner().invoke(args=["ingest", str(path), "--json", "--dry-run"])
    report = json.loads(result.output)
    assert report["identified_by"] == {"id": 4, "spotify": 1, "values": 1}
    assert (report["contradicting"], report["adopted"], report["notes"]) == (0, 0, [])


@pytest.mark.realdata
def test_the_fault_files_move_and_overwrite_nothing(session, real_data: Path, like):
    folder = real_data / "faults" / "catalogues"
    ingest_file(session, folder / "liked.csv")
    beta = like("Beta")
    assert ingest_file(session, folder / "liked_later.csv").inserted == 1
    ingest_file(session, folder / "fma_like.csv")
    right = like("Right song")
    assert ingest_file(session, folder / "second_catalogue.csv").inserted == 2
    assert ingest_file(session, folder / "fma_like.csv").unchanged == 3
    assert liked(session) == [(beta, "Beta"), (right, "Right song")]
