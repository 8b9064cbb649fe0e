"""Who may ask what at the addresses of AudioMuse-AI's plugins."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.encryption import instance_cipher
from songrec.store.listeners import app_passwords
from songrec.store.tables import Playlist
from songrec.web.api import authentication
from tests.audiomuse.conftest import PASSWORD, Person
from tests.planted_run import Planted

# View and method: the address, and the status for nobody in particular where the catalogue is open.
TABLE: dict[tuple[str, str], tuple[str, int]] = {
    ("similar_tracks", "GET"): ("/api/similar_tracks?item_id={track}", 200),
    ("find_path", "GET"): ("/api/find_path", 400),
    ("max_distance", "GET"): ("/api/max_distance?item_id={track}", 200),
    ("track", "GET"): ("/api/track?item_id={track}", 200),
    ("search_tracks", "GET"): ("/api/search_tracks?search_query=song", 200),
    ("similar_artists", "GET"): ("/api/similar_artists?artist=artist%201", 200),
    ("search_artists", "GET"): ("/api/search_artists?query=artist", 200),
    ("artist_tracks", "GET"): ("/api/artist_tracks?artist=artist%201", 200),
    ("alchemy", "POST"): ("/api/alchemy", 400),
    ("sonic_fingerprint", "GET"): ("/api/sonic_fingerprint/generate", 401),
    ("sonic_fingerprint", "POST"): ("/api/sonic_fingerprint/generate", 401),
    ("clap_search", "POST"): ("/api/clap/search", 400),
    ("lyrics_search", "POST"): ("/api/lyrics/search/text", 400),
    ("sem_grove", "POST"): ("/api/sem_grove/search", 400),
    ("chat_playlist", "POST"): ("/chat/api/chatPlaylist", 400),
    ("create_chat_playlist", "POST"): ("/chat/api/create_playlist", 401),
    ("playlist_list", "GET"): ("/api/playlists", 200),
    ("create_playlist", "POST"): ("/api/create_playlist", 401),
    ("health", "GET"): ("/api/health", 200),
    ("config", "GET"): ("/api/config", 200),
    ("active_tasks", "GET"): ("/api/active_tasks", 200),
    ("last_task", "GET"): ("/api/last_task", 200),
    ("task_status", "GET"): ("/api/status/none", 404),
    ("summary", "GET"): ("/api/dashboard/summary", 200),
    ("clap_warmup", "POST"): ("/api/clap/warmup", 200),
    ("top_queries", "GET"): ("/api/clap/top_queries", 200),
    ("radios", "GET"): ("/api/radios", 200),
    ("run_radios", "POST"): ("/api/radios/run", 401),
    ("start_analysis", "POST"): ("/api/analysis/start", 501),
    ("start_clustering", "POST"): ("/api/clustering/start", 501),
    ("cancel", "POST"): ("/api/cancel/none", 501),
    ("cancel_all", "POST"): ("/api/cancel_all/main", 501),
}


@pytest.fixture
def addresses(catalogue: Planted, public_id) -> dict[tuple[str, str], str]:
    """The table's addresses with a song in them."""
    track = public_id(int(catalogue.track_ids[0]))
    return {row: address.format(track=track) for row, (address, _) in TABLE.items()}


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


def test_every_address_has_a_row_and_lies_at_both_places(app: Flask) -> None:
    for name in ("audiomuse", "audiomuse_key"):
        found = {
            (rule.endpoint.partition(".")[2], method)
            for rule in app.url_map.iter_rules()
            if rule.endpoint.partition(".")[0] == name
            for method in set(rule.methods or ()) - {"HEAD", "OPTIONS"}
        }
        assert found == set(TABLE)


def test_an_open_catalogue_answers_everybody_what_is_nobodys(
    client: FlaskClient, addresses: dict[tuple[str, str], str]
) -> None:
    for row, address in addresses.items():
        answer = client.open(address, method=row[1])
        assert answer.status_code == TABLE[row][1], (row, answer.text)
        if answer.status_code != 200:
            assert list(answer.json) == ["error"]
            assert answer.json["error"]


def test_a_browsers_cookie_is_not_read(
    client: FlaskClient, anna: Person, addresses: dict[tuple[str, str], str]
) -> None:
    assert client.post("/sign-in", data={"name": "Anna", "password": PASSWORD}).status_code == 303
    assert client.get("/api/sonic_fingerprint/generate").status_code == 401
    assert client.post("/api/create_playlist", json={}).status_code == 401


def test_a_token_that_reads_creates_no_playlist(
    client: FlaskClient, make_person: Any, catalogue: Planted, session: Session, public_id
) -> None:
    reader = make_person("Reader", "read")
    songs = [public_id(int(one)) for one in catalogue.track_ids[:2]]
    made = {"playlist_name": "Mine", "track_ids": songs}
    answer = client.post("/api/create_playlist", json=made, headers=bearer(reader))
    assert (answer.status_code, session.query(Playlist).count()) == (403, 0)
    blend = {"items": [{"id": songs[0], "op": "ADD"}], "n": 3}
    answer = client.post("/api/alchemy", json=blend, headers=bearer(reader))
    assert len(answer.json["results"]) == 3


def test_the_key_of_an_app_opens_what_a_token_opens_until_it_is_revoked(
    client: FlaskClient, app: Flask, session: Session, anna: Person
) -> None:
    cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
    row, _, key = app_passwords.create(session, anna.user, "Ampache", cipher)
    session.commit()
    fingerprint = f"/audiomuse/{key}/api/sonic_fingerprint/generate"
    assert client.get(fingerprint).status_code == 200
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/playlists", headers=headers).status_code == 200
    assert row.last_client == "AudioMuse-AI plugin"
    app_passwords.revoke(session, anna.user, row.id)
    session.commit()
    assert client.get(fingerprint).status_code == 401


def test_keys_are_guessed_in_vain(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = type(authentication.REFUSED)(3, 5, namespace="guesses")
    monkeypatch.setattr(authentication, "REFUSED", limit)
    client.application.config["RATELIMIT_ENABLED"] = True
    statuses = [client.get("/audiomuse/wrong/api/config").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


class TestAccountsOnly:
    """Where the catalogue is for accounts, so is everything here but the sign of life."""

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"CATALOGUE": "accounts", "LISTENING": "accounts"}

    def test_without_a_token_nothing_is_answered(
        self, client: FlaskClient, addresses: dict[tuple[str, str], str]
    ) -> None:
        for row, address in addresses.items():
            answer = client.open(address, method=row[1])
            assert answer.status_code == (200 if row[0] == "health" else 401), row
            if row[0] != "health":
                assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
                assert "token" in answer.json["error"]

    def test_with_a_token_all_is_answered_in_either_place(
        self, client: FlaskClient, anna: Person, addresses: dict[tuple[str, str], str]
    ) -> None:
        for row, address in addresses.items():
            status = TABLE[row][1]
            if status == 401:
                status = {"run_radios": 404}.get(row[0], 400 if "create" in row[0] else 200)
            for where, headers in (
                (address, bearer(anna)),
                (f"/audiomuse/{anna.token}{address}", {}),
            ):
                answer = client.open(where, method=row[1], headers=headers)
                assert answer.status_code == status, row
