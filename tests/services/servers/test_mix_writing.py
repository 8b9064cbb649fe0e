"""Mixes written into a real server: created once, replaced in place, removals learnt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.encryption import instance_cipher
from songrec.core.errors import NotReady
from songrec.core.types import no_progress
from songrec.jobs import mixes as mix_job
from songrec.jobs import schedule
from songrec.services.servers import mix_writing, sync
from songrec.services.servers.client import RemotePlaylist, ServerClient
from songrec.store.catalogue import tracks
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.listeners import mixes, reactions, users
from songrec.store.servers import music_servers, written_playlists
from songrec.store.tables import Job, Listener, Mix, MusicServer, ServerAccount, ServerTrack
from tests.factories import make_track
from tests.planted_run import Planted
from tests.servers.locks import nothing_locked
from tests.servers.supysonic_server import PASSWORD, Supysonic, supysonic_server, write_song

AT = datetime(2027, 3, 1, 5, 0, tzinfo=UTC)
N_SONGS = 8


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supysonic]:
    folder = tmp_path_factory.mktemp("supysonic")
    (folder / "music").mkdir()
    for number in range(N_SONGS):
        path = folder / "music" / f"{number}.flac"
        write_song(path, title=f"Song {number}", artist=f"Artist {number}", album=f"Album {number}")
    with supysonic_server(folder) as server:
        yield server


@pytest.fixture
def server(running: Supysonic) -> Supysonic:
    client = running.client("listener")
    for playlist in client.playlists():
        client.delete_playlist(playlist.id)
    return running


@pytest.fixture
def place(app: Flask, session: Session) -> Instance:
    return Instance(app.config["INSTANCE"], session)


@pytest.fixture
def listener(session: Session) -> Listener:
    return users.create_listener(session, "one")


@pytest.fixture
def connected(session: Session, server: Supysonic) -> MusicServer:
    """The server with its songs as tracks, and one track that it lacks."""
    row = music_servers.create(session, "Home", server.url, allows_private=True)
    for song in server.client().songs(0, 50):
        track = make_track(session, song.title, artists=song.artist_line)
        session.add(ServerTrack(server_id=row.id, remote_id=song.id, track_id=track.id))
    make_track(session, "Missing there")
    session.commit()
    return row


@pytest.fixture
def account(
    app: Flask, session: Session, connected: MusicServer, listener: Listener
) -> ServerAccount:
    cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
    return music_servers.connect(
        session,
        connected,
        listener,
        username="listener",
        secret=PASSWORD,
        secret_kind="password",
        cipher=cipher,
    )


@pytest.fixture
def client(server: Supysonic) -> ServerClient:
    """The person's own app."""
    return server.client("listener")


def track_of(session: Session, title: str) -> int:
    (track,) = [one for one in tracks.tracks_by_id(session, range(1, 99)) if one.title == title]
    return track.id


def mix_of(session: Session, listener: Listener, *titles: str, name: str = "Quiet songs") -> Mix:
    mix = mixes.create(session, listener, mixes.RADIO, name, settings={"renamed": True})
    fill(session, mix, *titles)
    return mix


def fill(session: Session, mix: Mix, *titles: str, at: datetime = AT) -> None:
    songs = [(track_of(session, title), f"Calm, like {title}") for title in titles]
    mixes.replace(session, mix, songs, name=mix.name, comment="Calm and acoustic.", at=at)
    session.commit()


def write(place: Instance, listener: Listener, at: datetime = AT) -> dict[str, Any]:
    with nothing_locked(place.session):
        (report,) = mix_writing.write_mixes(place, listener, at)
    return report.to_json()


def the_only(client: ServerClient) -> RemotePlaylist:
    (playlist,) = client.playlists()
    return client.playlist(playlist.id)


def titles(playlist: RemotePlaylist) -> list[str]:
    return [song.title for song in playlist.songs]


def test_a_mix_is_a_playlist_with_its_reason_and_in_its_order(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    mix_of(session, listener, "Song 3", "Missing there", "Song 1", "Song 2")
    report = write(place, listener)
    assert (report["written"], report["missing"], report["error"]) == (1, 1, None)
    playlist = the_only(client)
    assert (playlist.name, playlist.comment) == ("Quiet songs", "Calm and acoustic.")
    assert titles(playlist) == ["Song 3", "Song 1", "Song 2"]


def test_it_is_replaced_in_place_and_only_where_something_changed(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    mix = mix_of(session, listener, "Song 1", "Song 2")
    write(place, listener)
    before = the_only(client)
    assert write(place, listener)["unchanged"] == 1
    assert the_only(client) == before
    fill(session, mix, "Song 5", "Song 2", "Song 4")
    assert write(place, listener)["written"] == 1
    after = the_only(client)
    assert after.id == before.id
    assert titles(after) == ["Song 5", "Song 2", "Song 4"]


def test_playlists_of_the_person_with_the_same_name_stay_untouched(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    songs = {song.title: song.id for song in client.songs(0, 50)}
    own = client.write_playlist("Quiet songs", [songs["Song 7"]], comment="mine")
    mix = mix_of(session, listener, "Song 1")
    for _ in range(2):
        write(place, listener)
        fill(session, mix, "Song 2", "Song 3")
    untouched = client.playlist(own)
    assert (untouched.name, untouched.comment, titles(untouched)) == (
        "Quiet songs",
        "mine",
        ["Song 7"],
    )
    assert len(client.playlists()) == 2


def test_an_id_that_means_a_playlist_of_the_person_now_is_left_alone(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    mix_of(session, listener, "Song 1")
    write(place, listener)
    (row,) = written_playlists.of_account(session, account)
    songs = {song.title: song.id for song in client.songs(0, 50)}
    own = client.write_playlist("Party", [songs["Song 7"]])
    row.remote_id = own
    session.commit()
    write(place, listener)
    assert titles(client.playlist(own)) == ["Song 7"]


def test_a_playlist_that_was_deleted_there_is_made_anew_while_the_mix_is_on(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    mix = mix_of(session, listener, "Song 1")
    write(place, listener)
    client.delete_playlist(the_only(client).id)
    write(place, listener)
    assert titles(the_only(client)) == ["Song 1"]
    mixes.remove(session, mix)
    assert write(place, listener)["deleted"] == 1
    assert client.playlists() == []


def test_a_name_given_there_stays(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    mix = mix_of(session, listener, "Song 1")
    write(place, listener)
    client.call("updatePlaylist", playlistId=the_only(client).id, name="For the kitchen")
    fill(session, mix, "Song 2")
    write(place, listener)
    playlist = the_only(client)
    assert (playlist.name, titles(playlist)) == ("For the kitchen", ["Song 2"])


def test_a_song_taken_out_there_counts_as_not_for_me_until_that_is_undone(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    account.learns_removals = True
    mix_of(session, listener, "Song 1", "Song 2", "Song 3")
    liked = track_of(session, "Song 3")
    reactions.react(session, listener, liked, reactions.LIKE)
    write(place, listener)
    client.call("updatePlaylist", playlistId=the_only(client).id, songIndexToRemove=[0, 2])
    report = write(place, listener, AT + timedelta(days=1))
    removed = track_of(session, "Song 1")
    assert report["removed"] == 1
    assert reactions.values(session, listener) == {
        removed: reactions.DISLIKE,
        liked: reactions.LIKE,
    }
    (removal,) = written_playlists.last_report(account)["removals"]
    assert removal["mix"] == "Quiet songs"
    mix_writing.undo_removal(session, account, removal["track"])
    assert reactions.values(session, listener) == {liked: reactions.LIKE}
    assert written_playlists.last_report(account)["removals"] == []
    assert write(place, listener)["removed"] == 0


def test_removals_mean_nothing_unless_that_is_switched_on_or_where_the_file_is_gone(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    mix_of(session, listener, "Song 1", "Song 2")
    write(place, listener)
    client.call("updatePlaylist", playlistId=the_only(client).id, songIndexToRemove=0)
    assert write(place, listener)["removed"] == 0
    account.learns_removals = True
    (row,) = written_playlists.of_account(session, account)
    gone = ServerTrack(
        server_id=account.server_id, remote_id="gone", track_id=track_of(session, "Song 5")
    )
    session.add(gone)
    row.written = ["gone", *row.written[1:]]
    session.commit()
    assert write(place, listener)["removed"] == 0
    assert reactions.values(session, listener) == {}


def test_a_server_that_is_away_is_one_line_and_the_next_time_goes_on(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
    connected: MusicServer,
) -> None:
    address, connected.url = connected.url, "http://127.0.0.1:9"
    mix_of(session, listener, "Song 1")
    report = write(place, listener)
    assert report["written"] == 0
    assert "Home" in report["error"] or "127.0.0.1" in report["error"]
    assert account.error == report["error"]
    assert PASSWORD not in str(report)
    connected.url = address
    session.commit()
    assert written_playlists.waiting(session, AT + timedelta(minutes=10)) == []
    assert written_playlists.waiting(session, AT + timedelta(hours=2)) == [listener.id]
    assert write(place, listener, AT + timedelta(hours=2))["error"] is None
    assert account.error is None
    assert written_playlists.waiting(session, AT + timedelta(hours=9)) == []
    assert len(client.playlists()) == 1


def test_stars_in_the_persons_app_come_back_as_mixes_with_their_reason(
    session: Session,
    place: Instance,
    listener: Listener,
    planted: Planted,
    connected: MusicServer,
    account: ServerAccount,
    client: ServerClient,
) -> None:
    central = planted.track_ids[planted.labels == 0][:N_SONGS].tolist()
    links = session.scalars(select(ServerTrack).order_by(ServerTrack.id)).all()
    for link, track_id in zip(links, central, strict=True):
        link.track_id = track_id
    session.commit()
    starred = [link.remote_id for link in links[:5]]
    client.star(starred)
    sync.sync_account(place, account)
    assert set(reactions.reactions(session, listener)[0]) == set(central[:5])
    (due,) = [one for one in schedule.due(session, now()) if one.kind == "mixes"]
    mix_job.run(session, Job(kind="mixes", parameters=due.parameters), no_progress)
    mix = next(one for one in client.playlists() if one.name.startswith("Because you like"))
    playlist = client.playlist(mix.id)
    assert playlist.comment.startswith("Songs like “Song ")
    assert {song.id for song in playlist.songs} <= {link.remote_id for link in links[5:]}
    # What songrec wrote is no list of the person's at the next exchange.
    assert sync.sync_account(place, account).playlists == 0
    client.unstar(starred)


def test_what_a_server_drops_of_name_comment_and_songs_is_no_change(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kept(playlist: RemotePlaylist) -> RemotePlaylist:
        songs = playlist.songs[:2]
        return replace(playlist, name=playlist.name[:5], comment="", songs=songs)

    whole = ServerClient.playlist
    monkeypatch.setattr(ServerClient, "playlist", lambda self, id_: kept(whole(self, id_)))
    account.learns_removals = True
    mix = mix_of(session, listener, "Song 1", "Song 2", "Song 3")
    assert write(place, listener)["written"] == 1
    again = write(place, listener)
    assert (again["written"], again["unchanged"], again["removed"]) == (0, 1, 0)
    mixes.change(mix, name="Other songs")
    assert write(place, listener)["written"] == 1
    monkeypatch.undo()
    assert the_only(client).name == "Other songs"


class Refuses:
    """Lets a client's requests to one endpoint fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
        self._monkeypatch = monkeypatch
        whole = ServerClient.call

        def call(client: ServerClient, called: str, **parameters: Any) -> dict[str, Any]:
            if called == endpoint:
                raise NotReady(f"Home did not answer {called}.")
            return whole(client, called, **parameters)

        monkeypatch.setattr(ServerClient, "call", call)

    def no_more(self) -> None:
        self._monkeypatch.undo()


def test_a_server_that_fails_after_a_playlist_exists_gets_no_second_one(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The playlist that was begun is known, and is completed the next time."""
    mix_of(session, listener, "Song 1", "Song 2")
    failing = Refuses(monkeypatch, "updatePlaylist")
    for hour in range(3):
        assert write(place, listener, AT + timedelta(hours=hour))["error"] is not None
    assert len(client.playlists()) == 1
    # A person's exchange takes it for no list of theirs meanwhile.
    assert sync.sync_account(place, account).playlists == 0
    failing.no_more()
    assert write(place, listener, AT + timedelta(hours=4))["written"] == 1
    playlist = the_only(client)
    assert (playlist.name, playlist.comment) == ("Quiet songs", "Calm and acoustic.")
    assert titles(playlist) == ["Song 1", "Song 2"]


@pytest.mark.parametrize("endpoint", ["updatePlaylist", "createPlaylist"])
def test_songs_that_an_interrupted_writing_replaced_are_no_removals(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str,
) -> None:
    """Only a song that the person took out counts, and the playlist stays the same one."""
    account.learns_removals = True
    mix = mix_of(session, listener, "Song 1", "Song 2", "Song 3")
    write(place, listener)
    before = the_only(client).id
    mixes.change(mix, name="Other songs")
    fill(session, mix, "Song 4", "Song 5", "Song 6")
    failing = Refuses(monkeypatch, endpoint)
    assert write(place, listener)["error"] is not None
    failing.no_more()
    fill(session, mix, "Song 6", "Song 7")
    again = write(place, listener, AT + timedelta(hours=1))
    assert (again["written"], again["removed"]) == (1, 0)
    assert reactions.values(session, listener) == {}
    playlist = the_only(client)
    assert (playlist.id, playlist.name) == (before, "Other songs")
    assert titles(playlist) == ["Song 6", "Song 7"]
    client.call("updatePlaylist", playlistId=before, songIndexToRemove=0)
    assert write(place, listener, AT + timedelta(hours=2))["removed"] == 1


def test_a_mix_that_is_as_before_is_written_after_an_interrupted_writing(
    session: Session,
    place: Instance,
    listener: Listener,
    account: ServerAccount,
    client: ServerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was sent last is not known then."""
    mix = mix_of(session, listener, "Song 1", "Song 2")
    write(place, listener)
    fill(session, mix, "Song 3")
    failing = Refuses(monkeypatch, "updatePlaylist")
    write(place, listener)
    failing.no_more()
    fill(session, mix, "Song 1", "Song 2")
    write(place, listener, AT + timedelta(hours=1))
    assert titles(the_only(client)) == ["Song 1", "Song 2"]
