"""What apps say they play: plays, skips and what plays now, on a clock that the tests set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.encryption import Cipher
from songrec.services.listeners import playback
from songrec.services.listeners.playback import Device
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.listeners import app_passwords, skips, users
from songrec.store.tables import Listen, Listener, Playback
from tests.factories import make_track
from tests.web.accounts import PASSWORD, quick_hashes

__all__ = ["quick_hashes"]  # a fixture
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def songs(session: Session) -> list[TrackView]:
    """Three songs of 200 seconds, the last of 20."""
    made = [make_track(session, f"Song {n}", duration_ms=200_000) for n in range(3)]
    made.append(make_track(session, "Short", duration_ms=20_000))
    return tracks.tracks_by_id(session, [one.id for one in made])


@pytest.fixture
def device(session: Session) -> Device:
    """Anna's phone."""
    user = users.create(session, "anna", PASSWORD)
    row, _, _ = app_passwords.create(session, user, "Phone", Cipher("a key"))
    return Device(users.require_listener(session, user), row.id, "DSub")


def plays(session: Session, listener: Listener) -> list[tuple[int | None, datetime | None, str]]:
    rows = session.scalars(
        select(Listen).where(Listen.listener_id == listener.id).order_by(Listen.played_at)
    )
    return [(row.track_id, row.played_at, row.source) for row in rows]


def skipped(session: Session, device: Device) -> list[int]:
    return [skip.track_id for skip in skips.of_listener(session, device.listener)]


def test_a_play_is_in_the_history_once(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.submit(session, device, [(songs[0], at(0)), (songs[1], at(200))])
    playback.submit(session, device, [(songs[0], at(0))])  # sent again
    playback.submit(session, device, [(songs[0], at(60))])  # the same play, said at its middle
    playback.submit(session, device, [(songs[0], at(400))])  # on repeat
    assert plays(session, device.listener) == [
        (songs[0].id, at(0), "DSub"),
        (songs[1].id, at(200), "DSub"),
        (songs[0].id, at(400), "DSub"),
    ]


def test_who_keeps_no_history_has_none(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    device.listener.keeps_history = False
    playback.submit(session, device, [(songs[0], at(0))])
    assert plays(session, device.listener) == []


@pytest.mark.parametrize(
    ("seconds", "is_skip"), [(0.2, False), (3, True), (29, True), (31, False), (150, False)]
)
def test_a_song_that_another_follows_soon_was_skipped(
    session: Session, device: Device, songs: list[TrackView], seconds: float, is_skip: bool
) -> None:
    playback.begin(session, device, songs[0], at(0))
    playback.begin(session, device, songs[1], at(seconds))
    assert skipped(session, device) == ([songs[0].id] if is_skip else [])


def test_a_short_song_that_ended_was_not_skipped(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.begin(session, device, songs[3], at(0))
    playback.begin(session, device, songs[1], at(19))
    assert skipped(session, device) == []


def test_a_song_that_was_submitted_was_not_skipped(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.begin(session, device, songs[0], at(0))
    playback.submit(session, device, [(songs[0], at(0))])
    playback.begin(session, device, songs[1], at(5))
    assert skipped(session, device) == []


def test_two_devices_do_not_skip_each_others_songs(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    other = Device(device.listener, device.id, "Another app")
    playback.begin(session, device, songs[0], at(0))
    playback.begin(session, other, songs[1], at(5))
    assert skipped(session, device) == []


def test_reports_count_a_play_at_half_of_the_song(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.report(session, device, songs[0], "starting", 0, at=at(0))
    playback.report(session, device, songs[0], "playing", 0, at=at(2))
    playback.report(session, device, songs[0], "playing", 90_000, at=at(92))
    assert plays(session, device.listener) == []
    playback.report(session, device, songs[0], "playing", 101_000, at=at(103))
    playback.report(session, device, songs[0], "stopped", 200_000, at=at(202))
    playback.submit(session, device, [(songs[0], at(2))])  # some apps do both
    assert plays(session, device.listener) == [(songs[0].id, at(2), "DSub")]


def test_reports_count_a_play_whose_end_nobody_said(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.report(session, device, songs[0], "playing", 0, at=at(0))
    playback.report(session, device, songs[1], "playing", 0, at=at(200))
    assert [one[0] for one in plays(session, device.listener)] == [songs[0].id]
    assert skipped(session, device) == []


def test_reports_know_a_pause_from_a_skip(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.report(session, device, songs[0], "playing", 0, at=at(0))
    playback.report(session, device, songs[0], "paused", 8_000, at=at(8))
    playback.report(session, device, songs[1], "playing", 0, at=at(600))
    assert skipped(session, device) == [songs[0].id]
    playback.report(session, device, songs[1], "stopped", 4_000, at=at(604))
    playback.report(session, device, songs[2], "playing", 0, at=at(4_000))  # much later
    assert skipped(session, device) == [songs[0].id]


def test_what_is_not_to_count_makes_no_play_and_no_skip(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.report(session, device, songs[0], "playing", 0, counts=False, at=at(0))
    playback.report(session, device, songs[0], "playing", 150_000, counts=False, at=at(150))
    playback.report(session, device, songs[1], "playing", 0, counts=False, at=at(151))
    playback.report(session, device, songs[2], "playing", 0, counts=False, at=at(155))
    assert plays(session, device.listener) == []
    assert skipped(session, device) == []


def test_what_plays_now_is_where_the_clock_says(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    playback.report(session, device, songs[0], "playing", 10_000, 2.0, at=at(0))
    (playing,) = playback.now_playing(session, device.listener, at(30))
    assert (playing.track_id, playing.state) == (songs[0].id, "playing")
    assert playing.position_ms == 70_000
    assert playback.now_playing(session, device.listener, at(3_600)) == []
    playback.report(session, device, songs[0], "stopped", 90_000, at=at(40))
    assert playback.now_playing(session, device.listener, at(41)) == []


def test_an_app_that_always_calls_itself_otherwise_fills_no_table(
    session: Session, device: Device, songs: list[TrackView]
) -> None:
    for number in range(playback.MAX_CLIENTS + 5):
        named = replace(device, client=f"app {number}")
        playback.begin(session, named, songs[0], at(number))
    clients = set(session.scalars(select(Playback.client)))
    assert clients == {f"app {number}" for number in range(5, playback.MAX_CLIENTS + 5)}
