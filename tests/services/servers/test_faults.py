"""Faults of music servers: each is one line that says what to do, and nothing is lost."""

from __future__ import annotations

import ipaddress
import ssl
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from songrec.core import outgoing
from songrec.core.errors import NotReady
from songrec.services.servers import connection
from songrec.services.servers.client import ServerClient
from songrec.services.servers.pages import read_pages
from songrec.services.servers.scan import scan_server
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.tables import MusicServer, ServerAccount, ServerTrack
from tests.servers.made_server import PASSWORD, MadeServer, made_server, made_song
from tests.services.servers.conftest import Connect


def client_of(made: MadeServer, **fields: object) -> ServerClient:
    """Return a client of a made server."""
    options = {"username": "admin", "secret": PASSWORD, "allows_private": True, **fields}
    return ServerClient("Attic", made.url, **options)  # type: ignore[arg-type]


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a context with a certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    """Nothing is sent, so no password goes to whoever answers."""
    with (
        made_server(context=self_signed(tmp_path)) as made,
        pytest.raises(NotReady, match="certificate that is not valid"),
    ):
        client_of(made).info()
    assert made.requests == []


def test_an_address_without_its_path_says_what_is_missing(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    """The part before /rest is the address; with /rest it is understood as well."""
    made.path = "/audio"
    with pytest.raises(NotReady, match="the part before /rest, with its path"):
        connect(made.url)
    db.session.rollback()
    server, _ = connect(f"{made.url}/audio/rest/")
    assert server.url == f"{made.url}/audio"


def test_redirects_elsewhere_are_not_followed(made: MadeServer) -> None:
    """The line says what to enter instead."""
    with made_server() as other:
        made.redirect = f"{other.url}/rest/ping"
        with pytest.raises(NotReady, match="redirect to another server"):
            client_of(made).info()
        assert other.requests == []


def test_a_server_that_is_too_slow_is_given_up(
    made: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan is not held up for ever."""
    monkeypatch.setattr(outgoing, "READ_S", 0.05)
    made.delay_s = 0.5
    with pytest.raises(NotReady, match="does not answer in time"):
        client_of(made).info()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Sign in</html>", "not JSON"),
        (b'{"hello": 1}', "not of a music server"),
        (b"[" * 100_000, "not JSON"),
        (b'{"subsonic-response": {"status": "failed"}}', "refuses ping"),
        (b'{"subsonic-response": {"status": "ok", "searchResult3"', "not JSON"),
    ],
    ids=["page", "other program", "nested", "failure", "broken off"],
)
def test_other_answers_are_one_line(made: MadeServer, content: bytes, words: str) -> None:
    """Pages of proxies, other programs, answers that break off."""
    made.answers["ping"] = content
    with pytest.raises(NotReady, match=words) as error:
        client_of(made).info()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (40, "refuses the name or the password of 'admin'"),
        (42, "does not take this kind of sign-in"),
        (43, "contradictory"),
        (44, "invalid or expired"),
        (50, "does not allow 'admin'"),
        (60, "trial period is over"),
        (70, "no longer has"),
        (0, "refuses ping: no"),
    ],
)
def test_every_error_of_the_protocol_says_what_to_do(
    made: MadeServer, code: int, words: str
) -> None:
    """The server is named, and no password."""
    made.refuses["*"] = code
    with pytest.raises(NotReady, match=words) as error:
        client_of(made).info()
    assert str(error.value).startswith("Attic ")
    assert PASSWORD not in str(error.value)


def test_an_api_key_is_sent_alone(made: MadeServer) -> None:
    """Name and password beside it would be a contradiction."""
    client_of(made, username="", secret="key-of-ann", secret_kind="api_key").info()
    assert made.parameters[0]["apiKey"] == ["key-of-ann"]
    assert not {"u", "p", "t", "s"} & made.parameters[0].keys()


def test_passwords_go_as_digests_where_the_server_checks_them(made: MadeServer) -> None:
    """With a salt of their own each time."""
    client = client_of(made)
    client.call("ping")
    client.call("ping")
    assert all("p" not in form for form in made.parameters)
    assert made.parameters[0]["s"] != made.parameters[1]["s"]


def test_a_password_is_not_sent_for_another_parameter_that_is_missing(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    """A server that has checked a digest never gets the password; it wants a word to search."""
    server, _ = connect(made.url)
    made.refuses["search3"] = 10
    assert scan_server(here, server).present == 12
    assert made.requests.count("search3") == 1
    assert all("p" not in form for form in made.parameters)


def test_an_album_that_was_removed_since_it_was_listed_has_no_songs(
    here: Instance, connect: Connect
) -> None:
    """The scan goes on with the next one."""

    class Busy(MadeServer):
        def answer(self, endpoint: str, form: dict[str, list[str]]) -> dict[str, object]:
            if endpoint == "getAlbum" and form["id"] == ["a0"]:
                return {"status": "failed", "error": {"code": 70, "message": "no"}}
            return super().answer(endpoint, form)

    songs = [made_song(at) for at in range(12)]
    with made_server(Busy(songs=songs, answers={"search3": {}})) as made:
        server, _ = connect(made.url)
        assert scan_server(here, server).present == 2


def test_a_playlist_is_replaced_by_its_id_alone(made: MadeServer) -> None:
    """The protocol has a name for a new one or the id of another; some servers refuse both."""
    client_of(made).write_playlist("Daily mix", ["s1"], comment="calm", playlist_id="p1")
    assert made.requests == ["createPlaylist", "updatePlaylist"]
    replaced, named = made.parameters
    assert (replaced["playlistId"], replaced["songId"]) == (["p1"], ["s1"])
    assert "name" not in replaced
    assert (named["name"], named["comment"]) == (["Daily mix"], ["calm"])


def test_a_hundred_thousand_songs_are_read_a_page_at_a_time() -> None:
    """What was read is forgotten before the next page."""

    class Pages(ServerClient):
        def songs(self, offset: int, count: int, query: str = "") -> list[object]:  # type: ignore[override]
            from songrec.services.servers.client import read_song

            stop = min(offset + count, 100_000)
            return [read_song(made_song(at)) for at in range(offset, stop)]

    client = Pages("Attic", "http://127.0.0.1", username="a", secret="b")
    tracemalloc.start()
    try:
        total = sum(len(page.songs) for page in read_pages(client))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 100_000
    assert peak < 16 * 2**20


def test_a_person_who_was_removed_leaves_the_server_to_the_others(
    here: Instance, connect: Connect, made: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another account reads it; the first one's line says what is wrong, its client is closed."""
    from songrec.services.servers.connection import SignIn
    from songrec.store.listeners import users

    server, account = connect(made.url)
    other = users.create_listener(db.session, users.random_token())
    connection.connect_account(here, server, other, SignIn("bo", PASSWORD))
    db.session.commit()
    made.refuses_names = {"admin"}
    closed: list[str] = []
    close = ServerClient.close
    monkeypatch.setattr(
        ServerClient, "close", lambda self: (closed.append(self.username), close(self))
    )
    assert scan_server(here, server).present == 12
    assert closed == ["admin", "bo"]
    assert "refuses the name" in str(db.session.get_one(ServerAccount, account.id).error)
    assert db.session.get_one(MusicServer, server.id).error is None


def test_a_server_that_says_that_nothing_changed_is_not_read_again(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    """Unless somebody insists."""
    made.last_scan = "2026-05-01T00:00:00Z"
    server, _ = connect(made.url)
    scan_server(here, server)
    made.requests.clear()
    assert scan_server(here, server).is_unchanged
    assert "search3" not in made.requests
    assert not scan_server(here, server, force=True).is_unchanged
    made.last_scan = "2026-05-02T00:00:00Z"
    assert not scan_server(here, server).is_unchanged


def test_ids_that_mean_other_songs_now_are_told_apart(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    """A server that numbers its songs anew from one gives every id to another song."""
    server, _ = connect(made.url)
    scan_server(here, server)
    before = {row.title: row.track_id for row in db.session.scalars(select(ServerTrack))}
    ids = [song["id"] for song in made.songs]
    for song, id_ in zip(made.songs, ids[1:] + ids[:1], strict=True):
        song["id"] = id_
    report = scan_server(here, server)
    db.session.expire_all()
    rows = {row.title: row for row in db.session.scalars(select(ServerTrack))}
    assert (report.renumbered, report.new, report.gone) == (12, 0, 0)
    assert {title: row.track_id for title, row in rows.items()} == before
    assert {song["title"]: song["id"] for song in made.songs} == {
        title: row.remote_id for title, row in rows.items()
    }


def test_songs_of_one_name_and_other_lengths_are_two(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    """Two interludes of an album, or a live version without the word."""
    made.songs[1] = {**made.songs[0], "id": "again", "duration": 400, "path": "b.flac"}
    server, _ = connect(made.url)
    report = scan_server(here, server)
    assert (report.present, report.new_tracks) == (12, 12)
    assert scan_server(here, server).changed == 0


def test_one_recording_on_two_albums_is_one_track(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    """By its MusicBrainz id."""
    recording = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
    made.songs[0]["musicBrainzId"] = recording
    made.songs[11] = {**made.songs[0], "id": "s11", "album": "Best of", "path": "c.flac"}
    server, _ = connect(made.url)
    assert scan_server(here, server).new_tracks == 11
    rows = db.session.scalars(select(ServerTrack).where(ServerTrack.musicbrainz_id == recording))
    assert len({row.track_id for row in rows}) == 1
