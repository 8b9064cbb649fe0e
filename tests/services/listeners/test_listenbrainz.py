"""Exchange with ListenBrainz: against a server on loopback, resumable, each play once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from songrec.core import polite_session, songs
from songrec.core.encryption import Cipher
from songrec.core.errors import BadInput, NotReady
from songrec.services.listeners import import_export, listenbrainz
from songrec.services.listeners.listenbrainz_client import TokenRefused, normalise_api_url
from songrec.store.catalogue import tracks
from songrec.store.db import now
from songrec.store.listeners import listens, reactions
from songrec.store.tables import Listen, ListenBrainzAccount, Listener, Track, TrackAlias
from tests.factories import make_track
from tests.services.listeners import listenbrainz_server
from tests.services.listeners.listenbrainz_server import TOKEN, ListenBrainzServer

CIPHER = Cipher("a key")
MBID = "0f6b1d36-9d0a-4f3a-8f7a-0123456789ab"


@pytest.fixture
def server() -> Iterator[ListenBrainzServer]:
    with listenbrainz_server.running(page=3) as found:
        yield found


@pytest.fixture
def listener(session: Session) -> Listener:
    found = Listener(token="me")
    session.add(found)
    session.commit()
    return found


@pytest.fixture
def account(
    session: Session, listener: Listener, server: ListenBrainzServer
) -> ListenBrainzAccount:
    found = listenbrainz.connect(session, listener, CIPHER, TOKEN, server.url, may_be_private=True)
    session.commit()
    return found


@pytest.fixture
def halo(session: Session) -> Track:
    key = songs.song_key("Beyoncé", "Halo")
    track = make_track(session, "Halo", artists="Beyoncé", song_key=key, duration_ms=261_000)
    session.commit()
    return track


def hear(session: Session, listener: Listener, track: Track, at: datetime) -> None:
    (view,) = tracks.tracks_by_id(session, [track.id])
    assert listens.record_play(session, listener, view, at)
    session.commit()


def server_play(track: Track, at: datetime) -> dict[str, object]:
    names = {"external_id": "", "title": track.title, "artists": track.artists, "album": ""}
    play = {"track_id": track.id, "played_at": at, "times": 2, "ms_played": None, "is_skip": False}
    return {"key": "server:abc:1:2", "source": "Attic", **names, **play}


def test_a_token_is_checked_and_stored_encrypted(
    session: Session, listener: Listener, server: ListenBrainzServer, account: ListenBrainzAccount
) -> None:
    assert account.username == "ann lee"
    assert TOKEN not in account.secret
    assert CIPHER.decrypt(account.secret) == TOKEN
    assert (account.reads_plays, account.sends_plays) == (True, False)
    with pytest.raises(TokenRefused, match="does not know this token"):
        listenbrainz.connect(session, listener, CIPHER, "wrong", server.url, may_be_private=True)
    for text in ("", "two\nlines", "x" * 201):
        with pytest.raises(BadInput):
            listenbrainz.connect(session, listener, CIPHER, text, server.url, may_be_private=True)


def test_only_admins_name_addresses_of_this_machine() -> None:
    assert normalise_api_url("", may_be_private=False) == "https://api.listenbrainz.org"
    for address in ("http://127.0.0.1:80", "https://192.168.1.5", "http://example.org"):
        with pytest.raises(BadInput):
            normalise_api_url(address, may_be_private=False)
    assert normalise_api_url("http://127.0.0.1:80", may_be_private=True) == "http://127.0.0.1"


def test_all_listens_come_in_page_by_page_and_then_only_new_ones(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    day = 86_400
    for number in range(1, 9):
        server.add_listen(1_600_000_000 + number * 30 * day, "Beyonce", "Halo")
    # Three within one second, where a page ends.
    for title in ("A", "B", "C"):
        server.add_listen(1_600_000_000, "Nobody", title)
    report = listenbrainz.exchange(session, account, CIPHER)
    assert (report.plays, report.is_complete) == (11, True)
    assert listens.counts(session, listener).plays == 11
    assert listens.recent_tracks(session, listener, 5) == [halo.id]
    server.asked.clear()
    server.add_listen(1_600_000_000 + 300 * day, "Nobody", "D")
    report = listenbrainz.exchange(session, account, CIPHER)
    assert report.plays == 1
    assert sum("/listens" in one for one in server.asked) == 1
    # An app hands in a listen of last week.
    server.add_listen(1_600_000_000 + 294 * day, "Nobody", "E")
    assert listenbrainz.exchange(session, account, CIPHER).plays == 1


def test_what_breaks_off_goes_on(
    session: Session, listener: Listener, server: ListenBrainzServer, account: ListenBrainzAccount
) -> None:
    for number in range(9):
        server.add_listen(1_600_000_000 + number, "Nobody", f"Song {number}")
    server.failures = [0, 503]
    with pytest.raises(NotReady, match="answers 503"):
        listenbrainz.exchange(session, account, CIPHER)
    assert listens.counts(session, listener).plays == 3
    assert "answers 503" in (account.error or "")
    assert not listenbrainz.is_due(account, now(), timedelta(hours=1))
    assert listenbrainz.is_due(account, now() + timedelta(minutes=6), timedelta(hours=1))
    server.asked.clear()
    report = listenbrainz.exchange(session, account, CIPHER)
    assert "max_ts=1600000007" in server.asked[0]
    assert report.plays == 6
    assert account.error is None
    assert not listenbrainz.is_due(account, now(), timedelta(hours=1))


def test_the_rate_limit_is_kept_to(
    session: Session,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(polite_session.time, "sleep", waits.append)
    server.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-In": "7"}
    server.failures = [429]
    listenbrainz.exchange(session, account, CIPHER)
    assert waits[0] == 0
    assert all(6 < wait <= 7 for wait in waits[1:])
    assert len(waits) > 2
    server.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-In": "9999"}
    waits.clear()
    listenbrainz.exchange(session, account, CIPHER)
    assert max(waits) <= 60


def test_feedback_becomes_likes_and_never_overrules_what_was_said_here(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    other = make_track(
        session, "Hello", artists="Beyoncé", song_key=songs.song_key("Beyoncé", "Hello")
    )
    reactions.react(session, listener, other.id, reactions.DISLIKE)
    server.add_feedback(1_700_000_000, "Beyoncé", "Halo", 1)
    server.add_feedback(1_700_000_001, "Beyoncé", "Hello", 1)
    server.add_feedback(1_700_000_002, "Beyoncé", "Halo (Live)", -1)
    report = listenbrainz.exchange(session, account, CIPHER)
    assert (report.likes, report.dislikes, report.unsure) == (1, 0, 1)
    assert reactions.values(session, listener) == {halo.id: 1, other.id: -1}
    assert listenbrainz.exchange(session, account, CIPHER).likes == 0


def test_plays_are_sent_once_from_when_it_was_switched_on(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    session.add(TrackAlias(key=f"mbid:{MBID}", track_id=halo.id))
    before = now() - timedelta(days=2)
    hear(session, listener, halo, before)
    server.add_listen(1_700_000_000, "Beyoncé", "Halo")
    listenbrainz.exchange(session, account, CIPHER)
    assert server.submitted == []
    listenbrainz.switch(
        account, reads_plays=True, reads_feedback=True, sends_plays=True, sends_feedback=False
    )
    account.sends_since = now() - timedelta(hours=1)
    # What is imported, or counted by a music server, was not heard here.
    lately = now() - timedelta(minutes=10)
    history = f"title,artist,played_at\nHalo,Beyoncé,{lately.isoformat()}\n"
    import_export.import_likes(session, listener, history.encode(), file_name="x.csv")
    listens.record(session, listener, [server_play(halo, lately)])
    hear(session, listener, halo, at := now())
    report = listenbrainz.exchange(session, account, CIPHER)
    assert report.sent_plays == 1
    (sent,) = server.submitted
    assert sent["listened_at"] == round(at.timestamp())
    assert sent["track_metadata"]["track_name"] == "Halo"
    more = sent["track_metadata"]["additional_info"]
    assert (more["recording_mbid"], more["duration_ms"]) == (MBID, 261_000)
    assert more["submission_client"] == "songrec"
    assert listenbrainz.exchange(session, account, CIPHER).sent_plays == 0
    # Read back, it is the same play.
    server.listens.append(sent)
    assert listenbrainz.exchange(session, account, CIPHER).plays == 0
    assert listenbrainz.send_plays(session, account, CIPHER, before).sent_plays == 1
    assert listens.counts(session, listener).plays == 6


def test_plays_are_sent_though_nothing_can_be_read(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    listenbrainz.switch(
        account, reads_plays=True, reads_feedback=True, sends_plays=True, sends_feedback=False
    )
    hear(session, listener, halo, now())
    server.failures = [0, 404]
    with pytest.raises(NotReady, match="has no such endpoint"):
        listenbrainz.exchange(session, account, CIPHER)
    assert len(server.submitted) == 1


def test_refused_plays_do_not_hold_back_the_others(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
) -> None:
    listenbrainz.switch(
        account, reads_plays=False, reads_feedback=False, sends_plays=True, sends_feedback=False
    )
    start = now()
    for number in range(7):
        name = "Bad" if number == 4 else f"Song {number}"
        track = make_track(session, name, song_key=songs.song_key("X", name), artists="X")
        hear(session, listener, track, start + timedelta(seconds=number))
    server.refuses = "Bad"
    report = listenbrainz.send_plays(session, account, CIPHER)
    # What has not been heard yet by the clock waits.
    assert report.sent_plays + report.refused <= 7
    session.query(Listen).update({"played_at": start})
    report_again = listenbrainz.send_plays(session, account, CIPHER)
    assert report.sent_plays + report_again.sent_plays == 6
    assert report.refused + report_again.refused == 1
    assert session.query(Listen).filter(Listen.sent_at.is_(None)).count() == 0


def test_a_token_that_expired_is_said_in_one_line_and_nothing_is_lost(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    listenbrainz.switch(
        account, reads_plays=True, reads_feedback=True, sends_plays=True, sends_feedback=False
    )
    hear(session, listener, halo, now())
    server.is_revoked = True
    with pytest.raises(TokenRefused) as error:
        listenbrainz.exchange(session, account, CIPHER)
    assert "enter a new one" in str(error.value)
    assert TOKEN not in str(error.value)
    server.is_revoked = False
    assert listenbrainz.exchange(session, account, CIPHER).sent_plays == 1
    with pytest.raises(NotReady, match="another key"):
        listenbrainz.exchange(session, account, Cipher("another key"))


def test_likes_go_out_by_their_musicbrainz_id_when_asked_for(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    loved = make_track(session, "Known", artists="Low", song_key=1)
    unknown = make_track(session, "Unknown", artists="Low", song_key=2)
    session.add(TrackAlias(key=f"mbid:{MBID}", track_id=loved.id))
    reactions.react(session, listener, unknown.id, reactions.LIKE)
    session.commit()
    listenbrainz.switch(
        account, reads_plays=True, reads_feedback=True, sends_plays=False, sends_feedback=True
    )
    server.recordings = {("Beyoncé", "Halo"): "looked-up"}
    server.add_feedback(1_700_000_000, "Low", "Known", 1)  # it came from there
    reactions.react(session, listener, halo.id, reactions.LIKE)
    reactions.react(session, listener, unknown.id, reactions.DISLIKE)
    report = listenbrainz.exchange(session, account, CIPHER)
    assert server.given == [("looked-up", 1)]
    assert (report.sent_reactions, report.unknown) == (1, 1)
    listenbrainz.exchange(session, account, CIPHER)
    assert len(server.given) == 1


def test_likes_go_to_another_user_from_the_sign_in_on(
    session: Session,
    listener: Listener,
    server: ListenBrainzServer,
    account: ListenBrainzAccount,
    halo: Track,
) -> None:
    earlier = make_track(session, "Earlier", artists="Low", song_key=1)
    server.recordings = {("Beyoncé", "Halo"): "later", ("Low", "Earlier"): "earlier"}
    listenbrainz.switch(
        account, reads_plays=False, reads_feedback=False, sends_plays=False, sends_feedback=True
    )
    account.username = "somebody else"
    reactions.react(session, listener, earlier.id, reactions.LIKE)
    session.commit()
    listenbrainz.connect(session, listener, CIPHER, TOKEN, server.url, may_be_private=True)
    reactions.react(session, listener, halo.id, reactions.LIKE)
    session.commit()
    listenbrainz.exchange(session, account, CIPHER)
    assert server.given == [("later", 1)]


def test_times_of_day_are_in_utc(
    session: Session, listener: Listener, server: ListenBrainzServer, account: ListenBrainzAccount
) -> None:
    server.add_listen(1_700_000_000, "Nobody", "Song")
    listenbrainz.exchange(session, account, CIPHER)
    assert session.query(Listen).one().played_at == datetime.fromtimestamp(1_700_000_000, UTC)
