"""What an import stores: nothing twice, nothing lost, and the report says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.services.listeners import import_export
from songrec.services.listeners.import_report import ImportReport
from songrec.store.catalogue import merging, track_aliases
from songrec.store.listeners import (
    listens,
    playlists,
    reactions,
    skips,
    unmatched_imports,
)
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Listen, Listener, PendingLike, Track
from tests.factories import make_track


def add(session: Session, title: str, artists: str = "Anna", **values: object) -> Track:
    key = songs.song_key(artists, title)
    return make_track(session, title, artists=artists, song_key=key, **values)


def add_file(session: Session, track: Track, path: str, root: str = "/music") -> None:
    session.add(
        AudioFile(
            public_id=audio_files.new_public_id(),
            track_id=track.id,
            root=root,
            path=path,
            size=1,
            modified_ns=1,
            state="analysed",
        )
    )
    session.flush()


@pytest.fixture
def listener(session: Session) -> Listener:
    row = Listener(token="me")
    session.add(row)
    session.flush()
    return row


def load(session, listener, text, name="list", **more):
    content = text if isinstance(text, bytes) else text.encode()
    return import_export.import_likes(session, listener, content, file_name=name, **more)


def listen(title, at, artists="Anna"):
    metadata = {"track_name": title, "artist_name": artists}
    return json.dumps({"listened_at": at, "track_metadata": metadata})


def spotify(*plays):
    return json.dumps(
        [
            {
                "ts": ts,
                "ms_played": ms,
                "master_metadata_track_name": title,
                "master_metadata_album_artist_name": "Anna",
            }
            for title, ts, ms in plays
        ]
    )


def test_listens_are_plays_and_nothing_is_liked(session, listener):
    alpha = add(session, "Alpha")
    text = "\n".join([listen("Alpha", 1_700_000_000), listen("Gone", 1_700_000_100)])
    report = load(session, listener, text, "listens.jsonl")
    assert (report.plays, report.likes, report.found) == (2, 0, 1)
    assert reactions.reactions(session, listener) == ([], [])
    rows = {row.title: row for row in listens.of_listener(session, listener)}
    assert rows["Alpha"].track_id == alpha.id
    assert (rows["Gone"].track_id, rows["Gone"].artists) == (None, "Anna")
    again = load(session, listener, text, "listens.jsonl")
    assert (again.plays, again.unchanged["play"]) == (0, 2)
    assert listens.counts(session, listener) == listens.ListenCounts(2, 0, 1)
    # What was missing waits in the history itself, not among the missing likes.
    assert unmatched_imports.count(session, listener) == 0
    late = add(session, "Gone")
    assert import_export.retry_unmatched(session, listener).found == 1
    assert session.query(Listen).filter_by(title="Gone").one().track_id == late.id


def test_short_plays_are_skips_once(session, listener):
    alpha = add(session, "Alpha")
    text = spotify(
        ("Alpha", "2022-01-01T10:00:00Z", 5_000),
        ("Alpha", "2022-01-01T10:00:20Z", 4_000),
        ("Alpha", "2022-01-02T10:00:00Z", 200_000),
        ("Later", "2022-01-03T10:00:00Z", 1_000),
    )
    report = load(session, listener, text)
    assert (report.plays, report.skips) == (1, 3)
    load(session, listener, text)
    (skip,) = skips.of_listener(session, listener)
    assert (skip.track_id, skip.times) == (alpha.id, 2)
    assert skip.last_at == datetime(2022, 1, 1, 10, 0, 20, tzinfo=UTC)
    later = add(session, "Later")
    import_export.retry_unmatched(session, listener)
    assert skips.recent_counts(session, listener) == {alpha.id: 2, later.id: 1}


def test_spotifys_two_exports_tell_of_one_play(session, listener):
    add(session, "Alpha")
    load(session, listener, spotify(("Alpha", "2022-01-01T10:00:42Z", 200_000)))
    basic = [
        {
            "endTime": "2022-01-01 10:00",
            "artistName": "Anna",
            "trackName": "Alpha",
            "msPlayed": 200_000,
        }
    ]
    assert load(session, listener, json.dumps(basic)).plays == 0


def test_two_playlists_of_one_name_stay_two_and_are_found_again(session, listener):
    one, two, three = (add(session, title) for title in ("One", "Two", "Three"))

    def item(title):
        return {"track": {"trackName": title, "artistName": "Anna"}}

    document = {
        "playlists": [
            {"name": "Mix", "items": [item("One"), item("Gone"), item("Two")]},
            {"name": "Mix", "items": [item("Three"), item("Far")]},
        ]
    }
    report = load(session, listener, json.dumps(document))
    assert report.playlists == 2
    assert [(p.name, p.songs, p.missing) for p in report.playlist_reports] == [
        ("Mix", 2, 1),
        ("Mix", 1, 1),
    ]

    def contents():
        return [playlists.tracks(session, p) for p in playlists.owned(session, listener)]

    assert contents() == [[one.id, two.id], [three.id]]
    assert load(session, listener, json.dumps(document)).playlists == 0
    assert contents() == [[one.id, two.id], [three.id]]
    assert unmatched_imports.count(session, listener) == 2
    # The song that was missing goes where it belongs.
    far = add(session, "Far")
    import_export.retry_unmatched(session, listener)
    assert contents() == [[one.id, two.id], [three.id, far.id]]
    exported = json.dumps(import_export.export(session, listener))
    other = Listener(token="other")
    session.add(other)
    session.flush()
    load(session, other, exported)
    mine = [playlists.tracks(session, p) for p in playlists.owned(session, other)]
    assert sorted(mine) == sorted(contents())
    (waiting,) = unmatched_imports.of_listener(session, other)
    owned = {p.id: playlists.tracks(session, p) for p in playlists.owned(session, other)}
    assert owned[waiting.playlist_id] == [one.id, two.id]


def test_a_playlist_of_one_name_and_other_songs_is_another(session, listener):
    one, two = add(session, "One"), add(session, "Two")
    load(session, listener, "#EXTM3U\n#EXTINF:1,Anna - One\na.mp3\n", "Mix.m3u")
    load(session, listener, "#EXTM3U\n#EXTINF:1,Anna - Two\nb.mp3\n", "Mix.m3u")
    grown = "#EXTM3U\n#EXTINF:1,Anna - Two\nb.mp3\n#EXTINF:1,Anna - One\na.mp3\n"
    load(session, listener, grown, "Mix.m3u")
    first, second = playlists.owned(session, listener)
    assert playlists.tracks(session, first) == [one.id, two.id]
    assert playlists.tracks(session, second) == [two.id]


def test_deleting_a_playlist_forgets_what_it_waits_for(session, listener):
    load(session, listener, "#EXTM3U\n#EXTINF:1,Anna - Gone\na.mp3\n", "Mix.m3u")
    (mine,) = playlists.owned(session, listener)
    assert unmatched_imports.count(session, listener) == 1
    playlists.delete(session, mine)
    assert unmatched_imports.count(session, listener) == 0


def test_limits_are_said_and_cost_only_what_is_beyond_them(session, listener, monkeypatch):
    monkeypatch.setattr(playlists, "TRACK_LIMIT", 2)
    monkeypatch.setattr(playlists, "PLAYLIST_LIMIT", 1)
    for number in range(3):
        add(session, f"S{number}")
    rows = "".join(f"S{number},Anna,Long,Playlist\n" for number in range(3))
    text = f"Track name,Artist name,Playlist name,Type\n{rows}S1,Anna,Second,Playlist\n"
    report = load(session, listener, text)
    (mine,) = playlists.owned(session, listener)
    assert len(playlists.tracks(session, mine)) == 2
    assert [sentence.split(" ")[0] for sentence in report.limits] == ["“Long”", "“Second”"]


def test_an_id_that_a_source_numbers_is_believed_only_with_its_names(session, listener):
    wrong = add(session, "Wrong song", "Other", external_id="1")
    right = add(session, "Right song", external_id="5")
    report = load(session, listener, "id,title,artist\n1,Right song,Anna\n5,Right song,Anna\n")
    assert reactions.reactions(session, listener)[0] == [right.id]
    assert {how: len(pairs) for how, pairs in report.matched.items()} == {
        "id": 1,
        "names": 1,
        "guests": 0,
    }
    assert [one.track_title for one in report.contradictions] == ["Wrong song"]
    assert "not believed" in report.contradictions[0].text
    # A list of nothing but ids is believed: there is nothing to compare.
    load(session, listener, "track_id\n1\n")
    assert wrong.id in reactions.reactions(session, listener)[0]


def test_ids_of_recordings_are_believed_and_contradictions_shown(session, listener):
    halo = add(session, "Halo", external_id="spotify:track:" + "a" * 22)
    by_isrc, by_mbid = add(session, "Beta"), add(session, "Gamma", external_id="1")
    mbid = "0f1b3c2d-0000-4000-8000-0123456789ab"
    track_aliases.add(session, {"isrc:GBAAA9000001": by_isrc.id, f"mbid:{mbid}": by_mbid.id})
    text = (
        "title,artist,spotify_id,isrc,recording_mbid\n"
        f"Umbrella,Bert,{'a' * 22},,\n"
        "Beta (Remastered 2011),Anna,,gb-aaa-90-00001,\n"
        f",,,,{mbid}\n"
    )
    report = load(session, listener, text)
    assert set(reactions.reactions(session, listener)[0]) == {halo.id, by_isrc.id, by_mbid.id}
    assert {how: len(pairs) for how, pairs in report.matched.items() if pairs} == {
        "id": 2,
        "isrc": 1,
    }
    (one,) = report.contradictions
    assert (one.track_title, one.is_matched) == ("Halo", True)


def test_of_two_catalogues_that_number_their_songs_the_names_choose(session, listener):
    add(session, "Wrong", "Zed", external_id="2")
    right = add(session, "Right", external_id="2")
    report = load(session, listener, "id,title,artist\n2,right!,ANNA\n")
    assert reactions.reactions(session, listener)[0] == [right.id]
    assert not report.contradictions
    # By the same artist, but another song.
    load(session, listener, "id,title,artist\n2,Something else,Zed\n")
    assert reactions.reactions(session, listener)[0] == [right.id]


def test_paths_match_from_their_end(session, listener):
    one = add(session, "Alpha")
    two = add(session, "Alpha", "Bert")
    three = add(session, "Élan", "Carl")
    add_file(session, one, "/music/Anna/First/01 Alpha.mp3")
    add_file(session, two, "/music/Bert/First/01 Alpha.mp3")
    add_file(session, three, "/music/Carl/E\u0301LAN.mp3")
    report = load(
        session,
        listener,
        "#EXTM3U\n"
        "D:\\Musik\\Bert\\First\\01 Alpha.mp3\n"
        "../anna/first/01 alpha.mp3\n"
        "file:///home/x/Carl/%C3%A9lan.mp3\n"
        "01 Alpha.mp3\n",
        "Mix.m3u8",
    )
    (mine,) = playlists.owned(session, listener)
    assert playlists.tracks(session, mine) == [two.id, one.id, three.id]
    # A name that two files have leads to neither.
    assert [entry.label for entry in report.missing] == ["01 Alpha.mp3"]
    assert len(report.matched["path"]) == 3


def test_a_path_alone_names_its_song(session, listener):
    alpha, beta = add(session, "Alpha", "Anna"), add(session, "Beta", "Bert")
    text = "Anna/First/01 Alpha.mp3\nBert - Beta.flac\nNobody/Nothing/03 Gone.mp3\n"
    report = load(session, listener, text, "Mix.m3u")
    assert [track for _, track in report.matched["names"]] == [alpha.id, beta.id]
    gone = add(session, "Gone", "Nobody")
    import_export.retry_unmatched(session, listener)
    (mine,) = playlists.owned(session, listener)
    assert playlists.tracks(session, mine) == [alpha.id, beta.id, gone.id]


def test_a_song_that_was_merged_is_found_by_its_old_id(session, listener):
    stays = add(session, "Alpha", external_id="a" * 22)
    goes = add(session, "Alpha", external_id="b" * 22)
    merging.merge(session, stays.id, goes.id)
    load(session, listener, f"spotify_id\n{'b' * 22}\n")
    assert reactions.reactions(session, listener)[0] == [stays.id]


def test_plays_follow_their_song_through_merges_and_survive_it(session, listener):
    stays, goes = add(session, "Alpha"), add(session, "Alfa")
    load(session, listener, listen("Alfa", 1_700_000_000))
    merge = merging.merge(session, stays.id, goes.id)
    assert session.query(Listen).one().track_id == stays.id
    merging.undo(session, merge.id)
    session.expire_all()
    assert session.query(Listen).one().track_id == goes.id
    session.delete(session.get(Track, goes.id))
    session.flush()
    session.expire_all()
    assert session.query(Listen).one().track_id is None


def test_plays_come_out_and_go_in_again(session, listener):
    add(session, "Alpha")
    load(
        session,
        listener,
        spotify(("Alpha", "2022-01-01T10:00:42Z", 9_000), ("X", "2022-02-01", 50_000)),
    )
    load(session, listener, listen("Alpha", 1_700_000_000))
    library = (
        "Name\tArtist\tKind\tPlays\tLast Played\tLocation\nAlpha\tAnna\tAAC\t7\t1/2/20, 1:00 PM\t\n"
    )
    load(session, listener, library, "Library.txt")
    first = import_export.export(session, listener)
    assert [(play["title"], play["times"]) for play in first["plays"]] == [
        ("Alpha", 1),
        ("X", 1),
        ("Alpha", 1),
        ("Alpha", 7),
    ]
    other = Listener(token="other")
    session.add(other)
    session.flush()
    assert load(session, other, json.dumps(first)).plays == 9
    second = import_export.export(session, other)
    for part in ("plays", "playlists", "waiting"):
        assert drop_times(second[part]) == drop_times(first[part]), part
    assert [(s["title"], s["times"]) for s in second["skips"]] == [("Alpha", 1)]
    assert load(session, other, json.dumps(first)).plays == 0
    # The services' own files say nothing new either.
    assert load(session, other, library, "Library.txt").plays == 0
    assert load(session, other, spotify(("Alpha", "2022-01-01T10:00:42Z", 9_000))).skips == 0
    more = library.replace("\t7\t", "\t9\t")
    load(session, other, more, "Library.txt")
    assert listens.counts(session, other).plays == 1 + 1 + 9


def drop_times(content):
    if isinstance(content, dict):
        return {k: drop_times(v) for k, v in content.items() if k != "created_at"}
    return [drop_times(one) for one in content] if isinstance(content, list) else content


def test_signing_in_brings_the_history_along(session, listener):
    account = Listener(token="account")
    session.add(account)
    session.flush()
    both = listen("Alpha", 1_700_000_000)
    load(session, account, both)
    load(session, listener, f"{both}\n{listen('Beta', 1_700_000_500)}")
    reactions.merge(session, listener, account)
    assert listens.counts(session, account).plays == 2
    listens.delete_listens(session, account)
    assert listens.counts(session, account).plays == 0


def test_a_like_from_an_older_version_that_waits_by_its_playlists_name_is_found(session, listener):
    session.add(
        PendingLike(
            listener_id=listener.id, kind="playlist", playlist="Mine", title="Alpha", artists="Anna"
        )
    )
    session.flush()
    alpha = add(session, "Alpha")
    import_export.retry_unmatched(session, listener)
    (mine,) = playlists.owned(session, listener)
    assert (mine.name, playlists.tracks(session, mine)) == ("Mine", [alpha.id])


def test_the_report_is_one_json_document(session, listener):
    add(session, "Alpha")
    report = load(session, listener, "title,artist\nAlpha,Anna\nGone,Bert\n,,\nx,\n")
    document = json.loads(json.dumps(report.to_json()))
    assert (document["format"], document["likes"], document["missing"]) == ("CSV", 1, 1)
    assert document["matched"] == {"names": 1}
    assert document["missing_songs"] == ["Bert – Gone"]
    assert document["refused"] == [{"line": 5, "reason": "has no id and no title with an artist"}]
    assert document["notes"][0].startswith("Columns read:")


@pytest.mark.realdata
def test_the_lists_of_the_issue(session, listener, real_data: Path):
    folder = real_data / "faults" / "lists"
    alpha = add(session, "Alpha", external_id="7c7ClnE57SwbizNe24XTXe")
    beta = add(session, "Beta", "Bert")
    add_file(session, beta, "/library/Bert/Al2/02 Beta.mp3")
    for path in sorted(folder.iterdir()):
        report = load(session, listener, path.read_bytes(), path.name)
        assert report.found or report.missing, path.name
    names = {p.name for p in playlists.owned(session, listener)}
    assert names == {"Mine", "playlist", "My mix", "Other mix"}
    assert listens.counts(session, listener).plays == 2
    assert alpha.id in reactions.reactions(session, listener)[0]


def test_numbered_rows_like_by_their_names_and_the_report_shows_what_was_liked(session, listener):
    """The numbers are those of a list's rows; two catalogues have songs under them."""
    for number in range(1, 4):
        add(session, f"Song A{number}", "Artist A", external_id=str(number))
        add(session, f"Song C{number}", "Artist C", external_id=str(number))
    right = [add(session, f"Song B{number}", "Artist B") for number in range(1, 4)]
    own = add(session, "Song D - 2011 Remaster", "Artist D", external_id="4")
    rows = "".join(f"{number},SONG B{number},Artist B\n" for number in range(1, 4))
    report = load(session, listener, f"id,title,artist\n{rows}4,Song D,Artist D\n")
    assert set(reactions.reactions(session, listener)[0]) == {own.id, *(one.id for one in right)}
    assert report.matched_songs("names") == [f"Artist B – Song B{n}" for n in range(1, 4)]
    assert report.matched_songs("id") == [
        "Artist D – Song D - 2011 Remaster (listed as “Artist D – Song D”)"
    ]
    document = report.to_json()
    assert document["matched_songs"] == [
        *report.matched_songs("id"),
        *report.matched_songs("names"),
    ]
    # Nothing but numbers: where two songs have one, nobody can tell.
    report = load(session, listener, "track_id\n1\n4\n")
    assert report.matched["id"][0][1] == own.id
    assert [entry.ids for entry in report.missing] == [("1",)]
    assert "and that of 1 other song in this catalogue" in report.contradictions[0].text


def test_ids_of_recordings_find_the_track_by_any_of_its_keys(session, listener):
    isrc, mbid = "GBAYE0601498", "b1a9c0e8-1f2e-4c3b-9d4a-0123456789ab"
    track = add(session, "Alpha", external_id="5" * 22, source_key=f"spotify:{'5' * 22}")
    track_aliases.add(session, {f"isrc:{isrc}": track.id, f"mbid:{mbid}": track.id})
    for text in ("GB-AYE-06-01498", f"https://musicbrainz.org/recording/{mbid}", "5" * 22):
        report = load(session, listener, f"isrc\n{text}\n")
        assert [track_id for pairs in report.matched.values() for _, track_id in pairs] == [
            track.id
        ]


def test_what_no_database_can_hold_is_stored_without_it(session, listener):
    document = {
        "playlist": {
            "title": "a\0b\ud800",
            "annotation": "c\0d",
            "track": [
                {"title": "e\0f", "creator": "g\ud800", "location": "h\0\udfff.mp3"},
                {"identifier": "i\0j"},
            ],
        }
    }
    load(session, listener, json.dumps(document))
    session.commit()
    session.expire_all()
    assert unmatched_imports.count(session, listener) == 2
    text = json.dumps(import_export.export(session, listener))
    assert load(session, listener, text).playlists == 0


@pytest.fixture
def statements(session: Session) -> Iterator[list[str]]:
    """The statements that the database executes."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield seen
    event.remove(session.get_bind(), "before_cursor_execute", note)


def test_the_number_of_queries_does_not_grow_with_the_list(session, statements):
    for number in range(40):
        add(session, f"Song {number}", f"Singer {number} & Band {number}")
    session.flush()

    def imported(many: int) -> int:
        row = Listener(token=f"of {many}")
        session.add(row)
        session.flush()
        likes = "title,artist\n" + "".join(
            f"Song {n} (feat. X),Singer {n} and Friend {n}\n" for n in range(many)
        )
        plays = [(f"Song {n}", f"2024-01-01T00:{n:02}:00Z", 900) for n in range(many)]
        missing = [(f"Gone {n}", f"2024-01-02T00:{n:02}:00Z", 900) for n in range(many)]
        del statements[:]
        load(session, row, likes)
        load(session, row, spotify(*plays, *missing))
        import_export.retry_unmatched(session, row)
        return len(statements)

    assert imported(4) == imported(40)


def test_skips_of_a_history_are_counted_when_the_song_arrives(session, listener):
    for day in (2, 1):
        text = spotify(("Late", f"2024-01-0{day}T00:00:00Z", 900), ("Late", "2024-02-01", 900))
        load(session, listener, text)
    track = add(session, "Late")
    import_export.retry_unmatched(session, listener)
    (skip,) = skips.of_listener(session, listener)
    assert (skip.track_id, skip.times) == (track.id, 3)
    assert skip.last_at == datetime(2024, 2, 1, tzinfo=UTC)


def test_a_report_has_at_most_500_limits():
    report = ImportReport("CSV", limits=["“A” was not added."] * 600)
    assert len(report.to_json()["notes"]) == 500
    assert len(report.to_result()["details"]["limits"]) == 500
