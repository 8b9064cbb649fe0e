"""Songs, clusters, runs and health as JSON."""

from __future__ import annotations

import math

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.version import VERSION
from songrec.store.tables import Track
from tests.factories import make_track
from tests.planted_run import Planted


def test_health_answers_at_both_addresses(client: FlaskClient, planted: Planted) -> None:
    for address in ("/health", "/api/v1/health"):
        assert client.get(address).json == {
            "status": "ok",
            "version": VERSION,
            "tracks": 240,
            "run_id": planted.run.public_id,
            "worker": False,
        }


def test_pages_by_cursor_give_every_song_once_in_order(get, planted: Planted, session: Session):
    make_track(session, "Élan")
    make_track(session, "Song 1")  # a title that another song has too
    session.commit()
    ids, cursor = [], None
    while True:
        part = get(f"/tracks?limit=50{f'&cursor={cursor}' if cursor else ''}")
        assert len(part["items"]) <= 50
        ids += [track["id"] for track in part["items"]]
        cursor = part["next"]
        if cursor is None:
            break
    expected = session.scalars(select(Track.public_id).order_by(Track.sort_title, Track.id))
    assert ids == list(expected)


def test_a_song_removed_between_pages_shifts_nothing(get, planted: Planted, session: Session):
    first = get("/tracks?limit=3")
    second = get(f"/tracks?limit=3&cursor={first['next']}")
    gone = session.scalar(select(Track).where(Track.public_id == first["items"][1]["id"]))
    session.delete(gone)
    session.commit()
    assert get(f"/tracks?limit=3&cursor={first['next']}") == second


def test_songs_are_searched_and_filtered(get, planted: Planted) -> None:
    label = int(planted.labels[0])
    found = get(f"/tracks?cluster={label}&limit=200")["items"]
    assert {track["cluster"] for track in found} == {label}
    assert len(found) == int((planted.labels == label).sum())
    fast = get("/tracks?tempo_min=120&limit=200")["items"]
    assert fast
    assert all(track["attributes"]["tempo"] >= 120 for track in fast)
    assert [t["title"] for t in get("/tracks?q=song%20240&limit=1")["items"]] == ["Song 240"]


def test_a_song_is_found_by_public_id_and_by_the_catalogues_own(get, session: Session) -> None:
    track = make_track(session, "Own", external_id="spotify:1", key=6, mode=0)
    session.commit()
    one = get(f"/tracks/{track.public_id}")
    assert one == get("/tracks/spotify:1")
    assert (one["id"], one["key_name"], one["audio"]) == (track.public_id, "F♯ minor", None)


def test_similar_songs_come_with_reasons_that_add_up(get, planted: Planted) -> None:
    found = get("/tracks/p000000001/similar?n=5")["items"]
    assert len(found) == 5
    assert "p000000001" not in {match["track"]["id"] for match in found}
    assert [m["score"] for m in found] == sorted((m["score"] for m in found), reverse=True)
    for match in found:
        total = math.fsum(reason["contribution"] for reason in match["reasons"])
        assert math.isclose(total, match["score"], abs_tol=1e-5)


def test_clusters_are_listed_and_shown(get, client: FlaskClient, planted: Planted) -> None:
    listed = get("/clusters")
    assert listed["run_id"] == planted.run.public_id
    sizes = [cluster["size"] for cluster in listed["items"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == 240
    number = listed["items"][0]["number"]
    assert get(f"/clusters/{number}") == listed["items"][0]
    assert len(listed["items"][0]["typical"]) == 10
    assert client.get("/api/v1/clusters/99").status_code == 404


def test_runs_say_which_one_is_shown(get, planted: Planted) -> None:
    (run,) = get("/runs")["items"]
    assert run == get(f"/runs/{run['id']}")
    assert (run["published"], run["tracks"], run["clusters"]) == (True, 240, 4)


def test_without_a_run_similar_says_what_to_do(client: FlaskClient, session: Session) -> None:
    track = make_track(session)
    session.commit()
    answer = client.get(f"/api/v1/tracks/{track.public_id}/similar")
    assert answer.status_code == 503
    assert "flask train" in answer.json["detail"]


def test_similar_songs_by_weighed_features_and_by_the_latent(get, planted: Planted) -> None:
    address = "/tracks/p000000001/similar?n=5"
    for how in ("&by=features&mood=0&harmony=3", "&by=latent"):
        found = get(address + how)["items"]
        assert len(found) == 5
        for match in found:
            total = math.fsum(reason["contribution"] for reason in match["reasons"])
            assert math.isclose(total, match["score"], abs_tol=1e-5)
    without_mood = get(address + "&by=features&mood=0")["items"][0]["reasons"]
    parts = {reason["about"]: reason["contribution"] for reason in without_mood}
    assert parts["energy"] == parts["positiveness"] == 0


def test_a_songs_page_weighs_as_its_sliders_say(client: FlaskClient, planted: Planted) -> None:
    page = client.get("/tracks/p000000001?mood=0&rhythm=3&harmony=x").text
    assert 'name="rhythm" min="0" max="3" step="0.25" value="3.0"' in page
    assert "Reset" in page
    assert "Reset" not in client.get("/tracks/p000000001").text
