"""A plugin's requests about a real music server: supysonic, scanned by songrec."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.services.servers import connection
from songrec.services.servers.connection import SignIn
from songrec.services.servers.scan import scan_server
from songrec.store.instance import current_instance
from songrec.store.listeners import playlists
from songrec.store.tables import Playlist
from tests.audiomuse.conftest import Person
from tests.audiomuse.plugins import Jellyfin, Lyrion
from tests.servers.supysonic_server import PASSWORD, Supysonic, supysonic_server, write_song

TITLES = ("Dawn", "Noon", "Rain")


@pytest.fixture(scope="module")
def supysonic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supysonic]:
    """A running supysonic with three songs."""
    folder = tmp_path_factory.mktemp("supysonic")
    for number, title in enumerate(TITLES, 1):
        path: Path = folder / "music" / "Ada" / f"{number:02} {title}.flac"
        write_song(path, title=title, artist="Ada", album="Hours", track=number, hz=200.0 * number)
    with supysonic_server(folder) as running:
        yield running


@pytest.fixture
def scanned(app, session: Session, anna: Person, supysonic: Supysonic) -> dict[str, str]:
    """The server's ids by title, after Anna connected it and songrec scanned it."""
    instance = current_instance()
    sign_in = SignIn(supysonic.listener, PASSWORD)
    server, _ = connection.add_server(
        instance, supysonic.url, name="Home", listener=anna.listener, sign_in=sign_in
    )
    session.commit()
    scan_server(instance, server)
    songs = supysonic.client(supysonic.listener).songs(0, 10)
    return {song.title: song.id for song in songs}


def test_songs_are_searched_and_found_by_the_servers_ids(
    client: FlaskClient, anna: Person, scanned: dict[str, str]
) -> None:
    rows = Lyrion(client, anna.token).search_tracks("Ada")
    assert {row["title"]: row["item_id"] for row in rows} == scanned
    assert {row["album"] for row in rows} == {"Hours"}
    headers = {"Authorization": f"Bearer {anna.token}"}
    answer = client.get(f"/api/track?item_id={scanned['Rain']}", headers=headers)
    assert answer.json == {
        "item_id": scanned["Rain"],
        "title": "Rain",
        "author": "Ada",
        "album": "Hours",
        "album_artist": "Ada",
    }
    artists = client.get("/api/search_artists?query=ada", headers=headers).json
    assert [(one["artist"], one["track_count"]) for one in artists] == [("Ada", 3)]
    by_id = client.get(f"/api/artist_tracks?artist_id={artists[0]['artist_id']}", headers=headers)
    assert [row["title"] for row in by_id.json] == sorted(TITLES)


def test_a_playlist_is_created_on_the_server_of_whom_it_is_for(
    client: FlaskClient,
    anna: Person,
    make_person,
    scanned: dict[str, str],
    supysonic: Supysonic,
    session: Session,
) -> None:
    made = {"playlist_name": "From a plugin", "track_ids": [scanned["Rain"], scanned["Dawn"], "x"]}
    plugin = Jellyfin(client, anna.token)
    status, answer = plugin.passed_through("POST", "/api/create_playlist", made)
    assert (status, answer["mapped"], answer["skipped"]) == (201, 2, 1)
    there = supysonic.client(supysonic.listener).playlist(answer["playlist_id"])
    assert (there.name, [song.title for song in there.songs]) == (
        "From a plugin",
        ["Rain", "Dawn"],
    )
    assert session.query(Playlist).count() == 0
    # Ben has no account there: his playlist stays here.
    ben = make_person("Ben")
    plugin = Jellyfin(client, ben.token)
    status, answer = plugin.passed_through("POST", "/api/create_playlist", made)
    assert (status, answer["mapped"]) == (201, 2)
    (own,) = playlists.owned(session, ben.listener)
    assert (own.public_id, own.name) == (answer["playlist_id"], "From a plugin")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"playlist_name": ""}, 400),
        ({"playlist_name": ["a"]}, 400),
        ({"track_ids": []}, 400),
        ({"track_ids": "x"}, 400),
        ({"track_ids": ["x"]}, 400),
        ({"track_ids": [{"item_id": None}, 7, None]}, 400),
    ],
)
def test_what_is_no_playlist_creates_none(
    client: FlaskClient, anna: Person, scanned: dict[str, str], changes: dict, status: int
) -> None:
    made = {"playlist_name": "A", "track_ids": [scanned["Rain"]], **changes}
    answer = Jellyfin(client, anna.token).passed_through("POST", "/api/create_playlist", made)
    assert (answer[0], list(answer[1])) == (status, ["error"])


def test_without_a_run_the_plugin_hears_that_songrec_is_not_ready(
    client: FlaskClient, anna: Person, scanned: dict[str, str]
) -> None:
    path = f"/api/similar_tracks?item_id={scanned['Rain']}&n=3"
    status, answer = Jellyfin(client, anna.token).passed_through("GET", path)
    assert status == 503
    assert "flask train" in answer["error"]
