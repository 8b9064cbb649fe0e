"""Likes, recommendations and playlists of whoever asks."""

from __future__ import annotations

import math

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.listeners import users
from songrec.store.tables import User
from tests.api.conftest import PASSWORD
from tests.planted_run import Planted


def test_likes_are_set_listed_and_taken_back(
    client: FlaskClient, planted: Planted, anna: User, token_of
) -> None:
    header = token_of(anna)
    for number in (1, 2, 3):
        answer = client.put(f"/api/v1/likes/p00000000{number}", json={}, headers=header)
        assert (answer.status_code, answer.json["value"]) == (200, "like")
    answer = client.put("/api/v1/likes/p000000002", json={"value": "dislike"}, headers=header)
    assert answer.json["value"] == "dislike"
    first = client.get("/api/v1/likes?limit=2", headers=header).json
    rest = client.get(f"/api/v1/likes?limit=2&cursor={first['next']}", headers=header).json
    said = [(r["track_id"], r["value"]) for r in first["items"] + rest["items"]]
    assert said == [("p000000002", "dislike"), ("p000000003", "like"), ("p000000001", "like")]
    assert rest["next"] is None
    assert client.delete("/api/v1/likes/p000000003", headers=header).status_code == 204
    assert client.delete("/api/v1/likes/p000000003", headers=header).status_code == 204
    liked = client.get("/api/v1/likes?value=like", headers=header).json["items"]
    assert [r["track_id"] for r in liked] == ["p000000001"]


def test_what_a_browser_likes_without_an_account_is_its_own_here_too(
    client: FlaskClient, planted: Planted
) -> None:
    client.post("/tracks/p000000005/reaction", data={"value": "like"})
    items = client.get("/api/v1/likes").json["items"]
    assert [r["track_id"] for r in items] == ["p000000005"]


TASTES = pytest.mark.parametrize(
    ("liked", "tastes"),
    [
        pytest.param(
            ("p000000001", "p000000002"), ({"p000000001"}, {"p000000002"}), id="two tastes"
        ),
        pytest.param(("p000000001", "p000000114"), ({"p000000001", "p000000114"},), id="one taste"),
    ],
)
"""Songs of two clusters, and one with the song nearest to it: songs are for one taste's likes."""


@TASTES
def test_recommendations_are_for_the_likes_and_add_up(
    client: FlaskClient,
    planted: Planted,
    anna: User,
    token_of,
    liked: tuple[str, ...],
    tastes: tuple[set[str], ...],
) -> None:
    header = token_of(anna)
    nothing = client.get("/api/v1/recommendations", headers=header).json
    assert nothing == {"items": [], "method": None}
    for name in liked:
        client.put(f"/api/v1/likes/{name}", json={}, headers=header)
    mine = client.get("/api/v1/recommendations?n=5&method=distance", headers=header).json
    asked = client.get(
        f"/api/v1/recommendations?n=5&method=distance&like={liked[1]}&like={liked[0]}"
    ).json
    assert [m["track"]["id"] for m in mine["items"]] == [m["track"]["id"] for m in asked["items"]]
    assert mine["method"] == "distance"
    served = [{r["about"] for r in m["reasons"] if r["kind"] == "liked"} for m in mine["items"]]
    assert all(taste in served for taste in tastes)
    assert all(likes in tastes for likes in served)
    for match in mine["items"]:
        assert match["track"]["id"] not in liked
        total = math.fsum(reason["contribution"] for reason in match["reasons"])
        assert math.isclose(total, match["score"], abs_tol=1e-5)


@TASTES
def test_recommendations_say_the_method_and_re_rank(
    client: FlaskClient, planted: Planted, liked: tuple[str, ...], tastes: tuple[set[str], ...]
) -> None:
    address = f"/api/v1/recommendations?n=5&like={liked[0]}&like={liked[1]}"
    best = client.get(address).json
    assert best["method"] == "taste"  # nothing was learnt from playlists here
    for match in best["items"]:
        split = math.fsum(reason["contribution"] for reason in match["per_like"])
        assert math.isclose(split, match["score"], abs_tol=1e-5)
    served = [{r["about"] for r in m["per_like"] if r["kind"] == "liked"} for m in best["items"]]
    assert all(taste in served for taste in tastes)
    assert all(likes in tastes for likes in served)
    moved = client.get(f"{address}&variety=0.5&novelty=1&per_artist=1&surprise=4").json
    kinds = {reason["kind"] for match in moved["items"] for reason in match["reasons"]}
    assert "rerank" in kinds
    assert client.get(f"{address}&variety=0.5&novelty=1&per_artist=1&surprise=4").json == moved
    assert client.get(f"{address}&novelty=2").status_code == 422
    assert client.get(f"{address}&per_artist=-1").status_code == 422


def test_playlists_are_made_filled_and_removed(
    client: FlaskClient, planted: Planted, anna: User, token_of
) -> None:
    header = token_of(anna)
    body = {"name": "Mine", "tracks": ["p000000003", "p000000001", "nothing"]}
    made = client.post("/api/v1/playlists", json=body, headers=header)
    assert made.status_code == 201
    address = made.headers["Location"]
    assert [t["id"] for t in made.json["tracks"]] == ["p000000003", "p000000001"]
    grown = client.post(f"{address}/tracks", json={"tracks": ["p000000007"]}, headers=header)
    assert [t["id"] for t in grown.json["tracks"]][-1] == "p000000007"
    assert client.delete(f"{address}/tracks/p000000003", headers=header).status_code == 204
    shown = client.get(address, headers=header).json
    assert [t["id"] for t in shown["tracks"]] == ["p000000001", "p000000007"]
    (listed,) = client.get("/api/v1/playlists", headers=header).json["items"]
    assert (listed["name"], listed["size"], listed["mine"]) == ("Mine", 2, True)
    assert client.delete(address, headers=header).status_code == 204
    assert client.get(address, headers=header).status_code == 404


def test_somebody_elses_playlist_is_not_there(
    client: FlaskClient, session: Session, anna: User, token_of
) -> None:
    bert = users.create(session, "Bert", PASSWORD)
    made = client.post("/api/v1/playlists", json={"name": "B"}, headers=token_of(bert))
    address, header = made.headers["Location"], token_of(anna)
    assert client.get(address, headers=header).status_code == 404
    assert client.delete(address, headers=header).status_code == 404
    assert client.get("/api/v1/playlists", headers=header).json["items"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("playlists", '{"name": "Mine", "tracks": ["\\ud800"]}'),
        ("rules", '{"kind": "artist", "value": "\\ud800"}'),
    ],
)
def test_half_a_surrogate_pair_is_refused(
    app: Flask, client: FlaskClient, planted: Planted, anna: User, token_of, path: str, body: str
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.post(
        f"/api/v1/{path}", data=body, content_type="application/json", headers=token_of(anna)
    )
    assert answer.status_code == 400
