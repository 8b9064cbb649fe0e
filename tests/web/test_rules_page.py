"""The page of what is left out of recommendations, and its door in the API."""

from __future__ import annotations

from songrec.store.tables import RecommendationRule, Track
from tests.web.html import links, texts


def test_a_rule_is_made_on_a_song_page_and_undone_where_it_happened(client, session, planted):
    track = session.get(Track, int(planted.track_ids[0]))
    page = client.get(f"/tracks/{track.public_id}")
    assert any(track.artists in text for text in texts(page, "main details button"))
    artist = next(a for a in links(page).values() if a.startswith("/artists/")).rsplit("/", 1)[1]
    answer = client.post("/rules", data={"kind": "artist", "value": artist})
    assert answer.status_code == 303
    shown = client.get(answer.headers["Location"])
    assert texts(shown, ".notice-good span") == [f"{track.artists} is not recommended from now on."]
    assert texts(shown, ".notice-good button") == ["Undo"]
    rule = session.query(RecommendationRule).one()
    assert client.post(f"/rules/{rule.id}/remove").status_code == 303
    assert session.query(RecommendationRule).count() == 0
    assert "Nothing yet" in client.get("/rules").text


def test_what_is_left_out_for_all_can_be_allowed(client, session, planted):
    assert texts(client.get("/rules"), ".song-list .quiet") == ["left out", "left out"]
    client.post("/rules", data={"kind": "allowed", "value": "seasonal"})
    assert texts(client.get("/rules"), ".song-list .quiet") == ["recommended", "left out"]
    assert (
        client.post("/rules", data={"kind": "artist", "value": "nobody at all"}).status_code == 400
    )


def test_a_stranger_removes_no_rule(client, session, planted):
    client.post("/rules", data={"kind": "genre", "value": "rap"})
    rule = session.query(RecommendationRule).one()
    assert client.application.test_client().post(f"/rules/{rule.id}/remove").status_code == 404
