"""What apps play next: the engine of the pages, only what can be played, the listener's rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from songrec.store.listeners import recommendation_rules, users
from songrec.store.tables import Track, User
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav
from tests.web.subsonic.conftest import Device, Library


def titles(songs: list[dict[str, Any]]) -> list[str]:
    return [song["title"] for song in songs]


@pytest.fixture
def playable(planted: Planted, session: Session, phone: Device, tmp_path: Path) -> list[Track]:
    """All songs of a published run but the last, with sound."""
    path = write_wav(tmp_path / "a.wav", seconds=0.2)
    tracks = session.query(Track).order_by(Track.id).all()
    for number, track in enumerate(tracks[:-1]):
        copy = tmp_path / f"{number}.wav"
        copy.write_bytes(path.read_bytes())
        add_sound(session, track, copy)
    session.commit()
    return tracks


def test_similar_songs_are_those_of_the_page_that_can_be_played(
    playable: list[Track], phone: Device
) -> None:
    seed, silent = playable[0], playable[-1]
    for endpoint in ("getSimilarSongs", "getSimilarSongs2"):
        songs = phone.get(endpoint, id=seed.public_id, count=8)["song"]
        assert len(songs) == 8
        ids = [song["id"] for song in songs]
        assert len(set(ids)) == 8
        assert seed.public_id not in ids
    everything = phone.get("getSimilarSongs2", id=seed.public_id, count=500)["song"]
    assert silent.public_id not in {song["id"] for song in everything}
    assert phone.get("getSimilarSongs2", id=seed.public_id, count=8)["song"] == songs


def test_what_a_listener_dislikes_or_rules_out_does_not_come(
    session: Session, playable: list[Track], phone: Device, device_of: Callable[..., Device]
) -> None:
    other = device_of("Bert")
    seed = playable[0].public_id
    best, second, *_ = phone.get("getSimilarSongs2", id=seed, count=5)["song"]
    phone.answer("setRating", id=best["id"], rating=1)
    user = session.query(User).filter(User.name == "Anna").one()
    listener = users.require_listener(session, user)
    artist = second["artistId"].removeprefix("ar-")
    rule = recommendation_rules.find_target(session, "artist", artist)
    recommendation_rules.add(session, listener, rule)
    session.commit()
    mine = phone.get("getSimilarSongs2", id=seed, count=500)["song"]
    assert best["id"] not in {song["id"] for song in mine}
    assert second["artistId"] not in {song["artistId"] for song in mine}
    theirs = other.get("getSimilarSongs2", id=seed, count=5)["song"]
    assert [song["id"] for song in theirs[:2]] == [best["id"], second["id"]]
    some = phone.get("getRandomSongs", size=500)["song"]
    assert best["id"] not in {song["id"] for song in some}


def test_artists_have_a_radio_of_their_own(playable: list[Track], phone: Device) -> None:
    song = phone.get("getSong", id=playable[0].public_id)
    radio = phone.get("getSimilarSongs2", id=song["artistId"], count=10)["song"]
    assert 0 < len(radio) <= 10
    assert len({one["id"] for one in radio}) == len(radio)
    assert phone.code("getSimilarSongs2", id="ar-nobody") == 70
    assert phone.code("getSimilarSongs", id="nothing") == 70
    assert phone.code("getSimilarSongs2") == 10


def test_sonic_matches_fall_and_paths_have_both_ends(playable: list[Track], phone: Device) -> None:
    start, end = playable[0].public_id, playable[5].public_id
    matches = phone.get("getSonicSimilarTracks", id=start, count=6)
    scores = [one["similarity"] for one in matches]
    assert len(matches) == 6
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    path = phone.get("findSonicPath", startSongId=start, endSongId=end, count=5)
    assert [path[0]["entry"]["id"], path[-1]["entry"]["id"]] == [start, end]
    assert len(path) <= 5
    assert path[0]["similarity"] == 1.0
    assert phone.code("findSonicPath", startSongId=start) == 10
    assert phone.code("findSonicPath", startSongId=start, endSongId=end, count=1) == 0
    assert phone.code("getSonicSimilarTracks", id="nothing") == 70


def test_without_a_run_and_without_analysis_nothing_is_similar(
    small: Library, phone: Device
) -> None:
    for id_ in (small.song("Loose"), small.albums["Wish"], small.artists["Björk"]):
        assert phone.get("getSimilarSongs2", id=id_)["song"] == []
    assert phone.get("getSonicSimilarTracks", id=small.song("Loose")) == []
    ends = {"startSongId": small.song("Loose"), "endSongId": small.song("Lullaby")}
    assert phone.code("findSonicPath", **ends) == 0


def test_an_artists_best_known_come_first(small: Library, phone: Device) -> None:
    expected = ["Friday I'm in Love", "Lullaby", "Plainsong"]
    assert titles(phone.get("getTopSongs", artist="The Cure")["song"]) == expected
    assert titles(phone.get("getTopSongs", id=small.artists["The Cure"])["song"]) == expected
    assert titles(phone.get("getTopSongs", artist="The Cure", count=1)["song"]) == expected[:1]
    assert phone.get("getTopSongs", artist="Nobody")["song"] == []
    assert phone.code("getTopSongs") == 10
    assert phone.code("getTopSongs", id="ar-nobody") == 70


def test_random_songs_keep_to_genre_and_years(small: Library, phone: Device) -> None:
    assert len(phone.get("getRandomSongs", size=500)["song"]) == 6
    assert len(phone.get("getRandomSongs", size=2)["song"]) == 2
    some = phone.get("getRandomSongs", genre="Rock", fromYear=1990, size=10)["song"]
    assert titles(some) == ["Friday I'm in Love"]
    some = phone.get("getRandomSongs", toYear=1989, size=10)["song"]
    assert set(titles(some)) == {"Plainsong", "Lullaby"}
    assert phone.get("getRandomSongs", genre="polka")["song"] == []
