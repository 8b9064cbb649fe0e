"""What can be played, held in memory: counts, orders and searches on known answers."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from songrec.store.catalogue.playable_library import (
    PlayableLibrary,
    playable_library,
    sort_name,
    tracks_of_genre,
    tracks_with_words,
)
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


def test_a_library_counts_sorts_and_finds(session: Session, tmp_path: Path) -> None:
    songs = {}
    for number, (title, artist, album, genre, popularity) in enumerate(
        (
            ("One", "The Beatles", "Help", "rock", 10.0),
            ("Two", "The Beatles", "Help", "rock", 30.0),
            ("Three", "Abba", "Arrival", "pop", 20.0),
            ("Four", "Abba", None, "pop", 40.0),
            ("Silent", "Abba", "Arrival", "pop", 90.0),
        ),
        1,
    ):
        track = make_track(
            session,
            title,
            artists=artist,
            album=album,
            genres=(genre,),
            popularity=popularity,
            duration_ms=number * 1000,
        )
        songs[title] = track.id
        if title != "Silent":
            add_sound(session, track, write_wav(tmp_path / f"{number}.wav", seconds=0.1))
    session.commit()
    library = playable_library(session)
    assert library is playable_library(session)
    assert library.track_ids.tolist() == [songs[one] for one in ("One", "Two", "Three", "Four")]
    titles = [library.albums[row].title for row in library.by_title.tolist()]
    assert titles == ["Arrival", "Help", "Songs without an album"]
    arrival = library.albums[int(library.by_title[0])]
    assert (arrival.songs, arrival.duration_s, library.album_genres(arrival)) == (1, 3, ["pop"])
    assert [artist.name for artist in library.artists] == ["Abba", "The Beatles"]
    assert [letter for letter, _ in library.artists_by_letter()] == ["A", "B"]
    assert [(one.name, one.songs, one.albums) for one in library.genres] == [
        ("pop", 2, 2),
        ("rock", 2, 1),
    ]
    everything = list(songs.values())
    best = library.best_known_first(everything).tolist()
    assert best == [songs[one] for one in ("Four", "Two", "Three", "One")]
    assert library.seconds_of(everything) == 10
    rows = library.search_albums("abba").tolist()
    assert [library.albums[row].title for row in rows] == ["Arrival", "Songs without an album"]
    (place,) = library.search_artists("beatles").tolist()
    assert library.artists[place].songs == 2
    assert tracks_of_genre(session, "Rock").tolist() == [songs["One"], songs["Two"]]
    assert sorted(tracks_with_words(session, "the beat")) == [songs["One"], songs["Two"]]
    assert tracks_with_words(session, "nothing").tolist() == []


def test_an_empty_library_answers(session: Session) -> None:
    library = PlayableLibrary(session)
    assert library.albums == library.artists == library.genres == []
    for rows in (library.by_title, library.by_artist, library.newest, library.years):
        assert rows.tolist() == []
    assert library.search_albums("a").tolist() == library.search_artists("a").tolist() == []
    assert library.playable([1, 2]).tolist() == library.best_known_first([1]).tolist() == []
    assert library.seconds_of([1]) == 0


def test_names_are_sorted_without_their_article() -> None:
    assert sort_name("The Cure") == "cure"
    assert sort_name("The The") == "the"
    assert sort_name("The") == "the"
    assert sort_name("Theatre") == "theatre"
    assert sort_name("Élan") == "elan"
