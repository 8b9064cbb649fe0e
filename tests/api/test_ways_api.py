"""Stations, paths, blends, skips and weights through the programming interface."""

from __future__ import annotations

import math

import pytest

from songrec.store.tables import Reaction, Skip, Track
from tests.sounding import add_sound, write_wav


@pytest.fixture
def name(session, planted):
    """Row number to public id."""
    return lambda row: session.get(Track, int(planted.track_ids[row])).public_id


def ids(answer):
    return [item["track"]["id"] for item in answer["items"]]


def adds_up(item):
    total = math.fsum(reason["contribution"] for reason in item["reasons"])
    return item["score"] == pytest.approx(total, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("song", None),
        ("artist", "artist 7"),
        ("cluster", "1"),
        ("mood", "folk,joy"),
        ("mood", "calm"),
    ],
)
def test_a_station_goes_on_by_its_cursor_and_repeats_nothing(get, name, kind, of):
    of, heard, cursor = of or name(0), [], None
    while True:
        query = {"of": of, "n": 100, **({"cursor": cursor} if cursor else {})}
        part = get(f"/stations/{kind}", query_string=query)
        assert all(adds_up(item) and item["why"] for item in part["items"])
        heard += ids(part)
        cursor = part["next"]
        if cursor is None:
            break
    assert len(heard) == len(set(heard))
    # A mood is answered by the songs that are tagged with it.
    assert len(heard) == 240 if kind != "mood" else 0 < len(heard) < 240
    assert part["title"]


def test_stations_of_nothing_are_not_found_and_of_nobody_s_likes_not_ready(client, planted):
    for address in ("year?of=1999", "song?of=none", "mood?of=blue"):
        answer = client.get(f"/api/v1/stations/{address}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert client.get("/api/v1/stations/likes").status_code == 503
    assert client.get("/api/v1/stations/song?of=x&cursor=x").status_code == 422


def test_only_songs_with_sound_are_audible(get, name, session, planted, tmp_path):
    address = f"/stations/song?of={name(0)}&audible=true"
    assert ids(get(address)) == []  # not even the song that it is around
    track = session.get(Track, int(planted.track_ids[5]))
    add_sound(session, track, write_wav(tmp_path / "a.wav", 0.05))
    session.commit()
    assert ids(get(address)) == [name(5)]


def test_a_path_has_its_steps(get, name):
    found = get(f"/tracks/{name(0)}/path/{name(1)}?between=5")
    assert (ids(found)[0], ids(found)[-1], len(ids(found))) == (name(0), name(1), 7)
    assert len(found["lengths"]) == 6
    assert found["unevenness"] >= 0
    assert all(adds_up(item) for item in found["items"])


def test_a_blend_says_what_each_of_its_songs_adds_or_takes_away(get, name, client):
    found = get(f"/blend?add={name(0)}&add={name(1)}&subtract={name(2)}&n=5")
    assert len(found["items"]) == 5
    for item in found["items"]:
        assert adds_up(item)
        assert {"feature", "subtracted"} <= {reason["kind"] for reason in item["reasons"]}
        assert adds_up({**item, "reasons": item["per_like"]})
        roles = {reason["about"]: reason["kind"] for reason in item["per_like"]}
        assert roles == {name(0): "added", name(1): "added", name(2): "subtracted"}
    # Beyond eight songs that are taken out, the others share a reason, in the same words.
    away = "".join(f"&subtract={name(row)}" for row in range(2, 14))
    for item in get(f"/blend?add={name(0)}{away}&n=3")["items"]:
        said = [reason["text"] for reason in item["per_like"]]
        assert "The other 4 songs you took out, together" in said
        assert not [text for text in said if "dislike" in text]
    assert client.get("/api/v1/blend").status_code == 422
    assert client.get("/api/v1/blend?add=none").status_code == 404
    same = client.get(f"/api/v1/blend?add={name(0)}&subtract={name(0)}")
    assert same.status_code == 400
    assert "cancel" in same.json["detail"]


def test_rows_have_songs_because_of_each_like_and_none_twice(client, session, anna, token_of, name):
    headers = token_of(anna)
    address = "/api/v1/recommendations/rows?rows=4&n=5"
    assert client.get(address, headers=headers).json == {"rows": [], "method": None}
    for row in (0, 1, 2):
        client.put(f"/api/v1/likes/{name(row)}", headers=headers)
    answer = client.get(address, headers=headers).json
    titles = ["Song 3", "Song 2", "Song 1"]
    assert [row["title"] for row in answer["rows"]] == [f"Because you like “{t}”" for t in titles]
    assert [row["likes"] for row in answer["rows"]] == [[name(2)], [name(1)], [name(0)]]
    assert answer["method"] == "taste"
    shown = [one for row in answer["rows"] for one in ids(row)]
    assert len(shown) == len(set(shown)) == 15
    assert all(adds_up(item) for row in answer["rows"] for item in row["items"])
    shared = client.get("/api/v1/recommendations/rows?rows=1", headers=headers).json["rows"]
    assert [row["title"] for row in shared] == ["Because you like “Song 3”, “Song 2” and 1 more"]


def test_skips_are_noted_listed_and_forgotten(client, session, anna, token_of, name):
    headers = token_of(anna)
    for times in (1, 2):
        noted = client.put(f"/api/v1/skips/{name(3)}", json={"after": 4.5}, headers=headers)
        assert (noted.status_code, noted.json["times"]) == (200, times)
    late = client.put(f"/api/v1/skips/{name(3)}", json={"after": 31}, headers=headers)
    assert late.status_code == 422
    listed = client.get("/api/v1/skips", headers=headers).json["items"]
    assert [(one["track_id"], one["times"]) for one in listed] == [(name(3), 2)]
    assert session.query(Reaction).count() == 0
    assert client.delete(f"/api/v1/skips/{name(3)}", headers=headers).status_code == 204
    assert session.query(Skip).count() == 0


def test_a_like_may_weigh_more(client, anna, token_of, name):
    headers = token_of(anna)
    said = client.put(f"/api/v1/likes/{name(3)}", json={"weight": 3}, headers=headers)
    assert said.json["weight"] == 3
    assert client.put(f"/api/v1/likes/{name(3)}", headers=headers).json["weight"] == 3
    refused = client.put(f"/api/v1/likes/{name(3)}", json={"weight": 4}, headers=headers)
    assert refused.status_code == 422
    found = client.get("/api/v1/recommendations", headers=headers).json["items"]
    texts = [reason["text"] for item in found for reason in item["reasons"]]
    assert any("counts three times" in text for text in texts)
    assert all(adds_up(item) for item in found)
