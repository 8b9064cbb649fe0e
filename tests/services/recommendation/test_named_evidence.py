"""Reasons that rest on an artist or on playlists say which artist and how many playlists."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from songrec.core.types import Match, Reason
from songrec.recommend.explain import contributions
from songrec.services.recommendation.recommend import name_evidence
from songrec.store.tables import Listener, Playlist, PlaylistTrack, Track
from tests.factories import make_track


@pytest.fixture
def songs(session: Session) -> list[Track]:
    return [make_track(session, f"Song {i}", artists=f"Artist {i}") for i in range(3)]


def put_together(
    session: Session, songs: list[Track], times: int, owner: Listener | None = None
) -> None:
    for _ in range(times):
        playlist = Playlist(
            public_id=secrets.token_hex(8),
            listener_id=owner.id if owner else None,
            name="List",
            description="",
        )
        session.add(playlist)
        session.flush()
        session.add_all(
            PlaylistTrack(playlist_id=playlist.id, track_id=song.id, position=at)
            for at, song in enumerate(songs)
        )
    session.flush()


def match(song: Track, about: str, like: Track, contribution: float = 1.0) -> Match:
    reason = Reason("prior", "As before", contribution, about, {"likes": [like.id]})
    return Match(song.id, contribution, (reason, Reason("feature", "Calm", 0.0, "energy")))


def texts(session: Session, found: Match) -> list[str]:
    (named,) = name_evidence(session, [found])
    assert named.score == found.score
    assert [r.contribution for r in named.reasons] == [r.contribution for r in found.reasons]
    return [reason.text for reason in named.reasons]


def test_the_artist_is_named(session: Session, songs: list[Track]) -> None:
    assert texts(session, match(songs[0], "artist", songs[1])) == ["More by Artist 0", "Calm"]


@pytest.mark.parametrize(("times", "says"), [(1, "In 1 playlist"), (6, "In 6 playlists")])
def test_playlists_of_the_catalogue_are_counted(
    session: Session, songs: list[Track], times: int, says: str
) -> None:
    put_together(session, songs[:2], times)
    put_together(session, [songs[0], songs[2]], 2 if times > 2 else 0)
    found = texts(session, match(songs[0], "playlists", songs[1]))
    assert found == [f"{says} with “Song 1”", "Calm"]


def test_playlists_of_listeners_are_nobody_elses_business(
    session: Session, songs: list[Track]
) -> None:
    listener = Listener(token="t" * 43)
    session.add(listener)
    session.flush()
    put_together(session, songs[:2], 3, listener)
    assert texts(session, match(songs[0], "playlists", songs[1])) == ["As before", "Calm"]


def test_what_speaks_against_a_song_stays_as_it_is(session: Session, songs: list[Track]) -> None:
    put_together(session, songs[:2], 3)
    for about in ("artist", "playlists"):
        assert texts(session, match(songs[0], about, songs[1], -1.0)) == ["As before", "Calm"]


def test_playlists_with_the_artist_are_counted_for_the_like_that_shares_most(
    session: Session, songs: list[Track]
) -> None:
    put_together(session, songs[:2], 2)
    put_together(session, [songs[0], songs[2]], 5)
    found = Match(
        songs[0].id,
        3.0,
        (
            Reason("prior", "The artist is often in playlists with …", 2.5, "artist_playlists"),
            Reason("feature", "Calm", 0.5, "energy", {"beside": "your likes", "word": ""}),
        ),
        tuple(Reason("liked", "Close", 1.5, song.id) for song in songs[1:]),
    )
    (named,) = name_evidence(session, [found])
    assert contributions.main_reason(named.reasons) == "In 5 playlists with “Song 2”"
    assert contributions.named_like(named.reasons) == songs[2].id
    assert [r.text for r in named.reasons] == [r.text for r in found.reasons]
    weaker = replace(found, reasons=(replace(found.reasons[0], contribution=0.1), found.reasons[1]))
    assert name_evidence(session, [weaker]) == [weaker]
