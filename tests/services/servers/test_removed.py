"""Servers and accounts that are removed while songrec exchanges with them: one line says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from songrec.core.types import no_progress
from songrec.jobs import server_tasks
from songrec.services.servers import connection, mix_writing
from songrec.services.servers.analyze import analyze_server
from songrec.services.servers.connection import Removed, SignIn
from songrec.services.servers.scan import scan_server
from songrec.services.servers.sync import sync_account, sync_server
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import Instance, current_instance
from songrec.store.listeners import mixes, reactions, users
from songrec.store.servers import music_servers
from songrec.store.tables import Listener, MusicServer, ServerAccount, ServerTrack, Track
from tests.servers.made_server import PASSWORD, MadeServer, made_song
from tests.servers.supysonic_server import write_song
from tests.services.servers.conftest import Connect

LATER = "2026-05-01T00:00:00Z"
SERVER = "Attic was removed meanwhile; what was read of it until then stays."
ACCOUNT = "The account 'admin' on Attic was disconnected meanwhile."

Elsewhere = Callable[[Callable[[], object]], Callable[[], None]]


@pytest.fixture
def elsewhere(app: Flask) -> Elsewhere:
    """Wraps a change so that it is committed on a connection of its own, by another thread."""

    def wrap(change: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with app.app_context():
                change()
                db.session.commit()

        return run

    return wrap


def remove_server() -> None:
    """Remove the one server."""
    connection.remove_server(current_instance(), db.session.scalars(select(MusicServer)).one())


def disconnect() -> None:
    """Remove the account that was connected first."""
    account = db.session.scalars(select(ServerAccount).order_by(ServerAccount.id).limit(1)).one()
    music_servers.disconnect(db.session, account)


def delete_listener() -> None:
    """Delete the one listener, with whatever is theirs."""
    db.session.delete(db.session.scalars(select(Listener)).one())


@pytest.mark.parametrize("endpoint", ["ping", "getScanStatus", "search3"])
def test_a_scan_of_a_removed_server_ends_with_one_line(
    here: Instance, connect: Connect, made: MadeServer, elsewhere: Elsewhere, endpoint: str
) -> None:
    server, _ = connect(made.url)
    made.meanwhile[endpoint] = elsewhere(remove_server)
    with pytest.raises(Removed) as error:
        scan_server(here, server)
    assert str(error.value) == SERVER
    assert db.session.scalars(select(ServerTrack)).all() == []


@pytest.mark.usefixtures("here")
def test_the_job_of_a_removed_server_queues_nothing_more(
    connect: Connect, made: MadeServer, elsewhere: Elsewhere
) -> None:
    server, _ = connect(made.url)
    job = jobs.create(db.session, "server-scan", {"server": server.public_id})
    db.session.commit()
    made.meanwhile["search3"] = elsewhere(remove_server)
    with pytest.raises(Removed):
        server_tasks.scan(db.session, job, no_progress)
    assert db.session.scalars(select(jobs.Job.kind)).all() == ["server-scan"]


def test_songs_that_were_read_before_the_removal_stay(
    here: Instance, connect: Connect, made: MadeServer, elsewhere: Elsewhere
) -> None:
    made.count, made.song = 700, made_song
    server, _ = connect(made.url)

    def after_the_first_page() -> None:
        made.meanwhile["search3"] = elsewhere(remove_server)

    made.meanwhile["search3"] = after_the_first_page
    with pytest.raises(Removed):
        scan_server(here, server)
    assert len(db.session.scalars(select(Track.id)).all()) == 500


@pytest.mark.parametrize("endpoint", ["ping", "getStarred2", "search3", "getPlaylists", "star"])
@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(remove_server, SERVER, id="server"),
        pytest.param(disconnect, ACCOUNT, id="account"),
        pytest.param(delete_listener, ACCOUNT, id="listener"),
    ],
)
def test_an_exchange_with_what_is_removed_ends_with_one_line(
    here: Instance,
    connect: Connect,
    made: MadeServer,
    elsewhere: Elsewhere,
    endpoint: str,
    change: Callable[[], object],
    line: str,
) -> None:
    server, account = connect(made.url, sends_likes=True)
    scan_server(here, server)
    made.stars["s3"] = LATER
    liked = db.session.scalars(select(ServerTrack.track_id).filter_by(remote_id="s5")).one()
    listener = db.session.get_one(Listener, account.listener_id)
    reactions.react(db.session, listener, liked, reactions.LIKE)
    db.session.commit()
    made.meanwhile[endpoint] = elsewhere(change)
    with pytest.raises(Removed) as error:
        sync_account(here, account)
    assert str(error.value) == line
    assert made.meanwhile == {}


def test_a_server_that_refuses_an_account_which_is_removed_has_no_error_to_store(
    here: Instance, connect: Connect, made: MadeServer, elsewhere: Elsewhere
) -> None:
    _, account = connect(made.url)
    made.refuses["ping"] = 40
    made.meanwhile["ping"] = elsewhere(disconnect)
    with pytest.raises(Removed) as error:
        sync_account(here, account)
    assert str(error.value) == ACCOUNT


def test_the_other_accounts_are_exchanged_with(
    here: Instance, connect: Connect, made: MadeServer, elsewhere: Elsewhere
) -> None:
    server, _ = connect(made.url)
    other = users.create_listener(db.session, users.random_token())
    connection.connect_account(here, server, other, SignIn("bo", PASSWORD))
    db.session.commit()
    made.meanwhile["getPlaylists"] = elsewhere(disconnect)
    first, second = sync_server(here, server)
    assert first == {"username": "admin", "error": ACCOUNT}
    assert (second["username"], "error" in second) == ("bo", False)


def test_an_account_that_is_removed_before_its_turn_is_passed_over(
    here: Instance, connect: Connect, made: MadeServer, elsewhere: Elsewhere
) -> None:
    def remove_the_last() -> None:
        last = select(ServerAccount).order_by(ServerAccount.id.desc()).limit(1)
        music_servers.disconnect(db.session, db.session.scalars(last).one())

    server, _ = connect(made.url)
    other = users.create_listener(db.session, users.random_token())
    connection.connect_account(here, server, other, SignIn("bo", PASSWORD))
    db.session.commit()
    made.meanwhile["getPlaylists"] = elsewhere(remove_the_last)
    first, second = sync_server(here, server)
    assert (first["username"], "error" in first) == ("admin", False)
    assert second["error"] == "The account 'bo' on Attic was disconnected meanwhile."


def test_an_analysis_of_a_removed_server_ends_with_one_line(
    here: Instance, connect: Connect, made: MadeServer, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    sound = write_song(tmp_path / "song.flac", title="Song 0", artist="Artist 0")
    made.sound = sound.read_bytes()
    server, _ = connect(made.url)
    scan_server(here, server)
    made.meanwhile["stream"] = elsewhere(remove_server)
    with pytest.raises(Removed) as error:
        analyze_server(here, server)
    assert str(error.value) == SERVER


@pytest.mark.parametrize("endpoint", ["getPlaylists", "createPlaylist"])
@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(remove_server, SERVER, id="server"),
        pytest.param(disconnect, ACCOUNT, id="account"),
    ],
)
def test_mixes_that_cannot_be_written_any_more_are_reported(
    here: Instance,
    connect: Connect,
    made: MadeServer,
    elsewhere: Elsewhere,
    endpoint: str,
    change: Callable[[], object],
    line: str,
) -> None:
    at = datetime(2027, 3, 1, 5, 0, tzinfo=UTC)
    server, account = connect(made.url)
    scan_server(here, server)
    listener = db.session.get_one(Listener, account.listener_id)
    mix = mixes.create(db.session, listener, mixes.RADIO, "Quiet songs", settings={"renamed": True})
    chosen = db.session.scalars(select(Track).order_by(Track.id).limit(3)).all()
    songs = [(track.id, "Calm") for track in chosen]
    mixes.replace(db.session, mix, songs, name=mix.name, comment="Calm.", at=at)
    db.session.commit()
    made.meanwhile[endpoint] = elsewhere(change)
    (report,) = mix_writing.write_mixes(here, listener, at)
    assert (report.server, report.error) == ("Attic", line)
