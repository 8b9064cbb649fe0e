"""The page on which unsure songs of lists are decided."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.store.tables import MatchDecision, Reaction, Track
from songrec.web import match_decisions
from tests.factories import make_track
from tests.web.html import texts


@pytest.fixture
def halo(session: Session) -> Track:
    key = songs.song_key("Beyoncé", "Halo")
    track = make_track(session, "Halo", artists="Beyoncé", song_key=key)
    session.commit()
    return track


def send(client: FlaskClient, text: str):
    data = {"file": (io.BytesIO(text.encode()), "likes.csv")}
    answer = client.post("/me/import", data=data, content_type="multipart/form-data")
    answer.request.close()
    return answer


def test_a_report_leads_to_the_page_where_its_unsure_songs_are_decided(
    client: FlaskClient, session: Session, halo: Track
) -> None:
    report = send(client, "title,artist\nHalo (Live),Beyoncé\n")
    assert "1 unsure match" in texts(report, "h2")
    assert 'href="/me/matches"' in report.text
    page = client.get("/me/matches")
    assert texts(page, "main h1") == ["Which song is it?"]
    assert "72% alike" in page.text
    row = session.query(MatchDecision).one()
    answer = client.post(f"/me/matches/{row.id}", data={"track": halo.public_id})
    assert answer.headers["Location"] == "/me/matches"
    assert session.query(Reaction).one().track_id == halo.id
    page = client.get("/me/matches")
    assert "Nothing to decide" in texts(page, "h2")
    assert texts(page, "#decided + ul button") == ["Undo"]
    client.post(f"/me/matches/{row.id}/undo")
    assert session.query(Reaction).count() == 0
    assert client.get("/me").text.count("/me/matches") == 1


def test_an_artist_at_once_and_pages(
    client: FlaskClient, session: Session, halo: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_decisions, "PER_PAGE", 2)
    send(
        client,
        "title,artist\nHalo (Live),Beyoncé\nHalo (Remix),Beyoncé\nHalo (Demo),Beyoncé\n",
    )
    page = client.get("/me/matches")
    assert "Best match for all 3" in page.text
    assert "Page 1 of 2" in page.text
    assert len(texts(client.get("/me/matches?page=2"), ".match-list h3")) == 1
    for wrong in ("0", "x", "99999999999999999999"):
        assert client.get(f"/me/matches?page={wrong}").status_code == 200
    client.post("/me/matches/artist", data={"artist": "beyonce", "answer": "first"})
    assert session.query(MatchDecision).filter_by(state="matched").count() == 3
    assert texts(client.get("/me/matches"), "#decided + ul button") == ["Undo all 3"]
    client.post(f"/me/matches/{session.query(MatchDecision).first().id}/undo")
    assert session.query(MatchDecision).filter_by(state="open").count() == 3


def test_what_is_not_ones_own_is_not_found(
    client: FlaskClient, session: Session, halo: Track
) -> None:
    assert client.get("/me/matches").status_code == 200
    assert client.post("/me/matches/1", data={"track": "none"}).status_code == 404
    send(client, "title,artist\nHalo (Live),Beyoncé\n")
    row = session.query(MatchDecision).one()
    other = client.application.test_client()
    assert other.post(f"/me/matches/{row.id}", data={"track": "none"}).status_code == 404
    assert client.post(f"/me/matches/{row.id}", data={"track": "no"}).status_code == 404
