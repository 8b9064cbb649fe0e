"""What a plugin would never send is refused in one line, and nothing is created by it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.tables import Playlist
from tests.audiomuse.conftest import Person
from tests.planted_run import Planted


@pytest.fixture
def headers(anna: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {anna.token}"}


@pytest.mark.parametrize("n", ["-5", "0", "99999999999999999999", "many", "1.5", "", "²"])
def test_a_number_that_is_none_is_as_good_as_possible(
    client: FlaskClient, catalogue: Planted, headers: dict[str, str], public_id, n: str
) -> None:
    item = public_id(int(catalogue.track_ids[0]))
    answer = client.get(f"/api/similar_tracks?item_id={item}&n={quote(n)}", headers=headers)
    assert answer.status_code == 200
    assert 1 <= len(answer.json) <= 240
    path = f"/api/find_path?start_song_id={item}&end_song_id=p000000002&max_steps={quote(n)}"
    assert 2 <= len(client.get(path, headers=headers).json["path"]) <= 52
    search = f"/api/search_tracks?search_query=song&start={quote(n)}&end={quote(n)}"
    assert client.get(search, headers=headers).status_code == 200


@pytest.mark.parametrize("item", ["", " ", "\0", "a\0b", "x" * 5000, "🎵", "' or 1=1 --", "%"])
def test_an_id_that_is_none_is_not_found(
    client: FlaskClient, catalogue: Planted, headers: dict[str, str], make_server, item: str
) -> None:
    make_server("Navidrome", str)
    for path in ("similar_tracks", "max_distance", "track"):
        answer = client.get(f"/api/{path}?item_id={quote(item)}", headers=headers)
        assert answer.status_code in (400, 404), path
        assert list(answer.json) == ["error"]
        assert len(answer.json["error"]) < 300
    answer = client.get(f"/api/similar_artists?artist={quote(item)}", headers=headers)
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        "text",
        7,
        {},
        {"items": "song"},
        {"items": 7},
        {"items": {"id": "p000000001"}},
        {"items": [7, None, "x", []]},
        {"items": [{"id": "p000000001", "op": "MULTIPLY"}]},
        {"items": [{"id": "p000000001", "op": "SUBTRACT"}]},
        {"items": [{"id": {"a": 1}, "op": "ADD"}]},
        {"items": [{"id": "p000000001", "op": 5}]},
        {"items": [{"id": "1", "op": "ADD", "type": "anchor"}]},
        {"items": [{"id": "happy", "op": "ADD", "type": "mood"}]},
    ],
)
def test_a_blend_of_nothing_is_refused(
    client: FlaskClient, catalogue: Planted, headers: dict[str, str], sent: Any
) -> None:
    answer = client.post("/api/alchemy", json=sent, headers=headers)
    assert (answer.status_code, list(answer.json)) == (400, ["error"])


@pytest.mark.parametrize("path", ["/api/clap/search", "/api/lyrics/search/text"])
@pytest.mark.parametrize("sent", [None, [], {}, {"query": ""}, {"query": 1.5}, {"query": ["a"]}])
def test_a_search_for_nothing_is_refused(
    client: FlaskClient, catalogue: Planted, headers: dict[str, str], path: str, sent: Any
) -> None:
    answer = client.post(path, json=sent, headers=headers)
    assert (answer.status_code, list(answer.json)) == (400, ["error"])


def test_a_body_that_cannot_be_read_creates_nothing(
    client: FlaskClient, catalogue: Planted, headers: dict[str, str], session: Session
) -> None:
    deep = "[" * 100_000
    long = '{"playlist_name": "A", "track_ids": ["' + "x" * 2_000_000 + '"]}'
    for data, statuses in ((deep, {400}), (long, {413}), ("{", {400}), (b"\xff", {400})):
        answer = client.post(
            "/api/create_playlist", data=data, headers=headers, content_type="application/json"
        )
        assert answer.status_code in statuses
        assert list(answer.json) == ["error"]
    halves = {"playlist_name": "\ud800", "track_ids": ["p000000001", "\udfff"]}
    answer = client.post("/api/create_playlist", json=halves, headers=headers)
    assert (answer.status_code, list(answer.json)) == (400, ["error"])
    many = {"playlist_name": "A", "track_ids": [f"p{i:09d}" for i in range(5_000)]}
    answer = client.post("/api/create_playlist", json=many, headers=headers)
    assert answer.status_code == 400
    assert session.query(Playlist).count() == 0
