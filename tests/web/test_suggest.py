"""Suggestions of songs and artists while one types, and where they lead."""

from __future__ import annotations

import pytest

from tests.factories import make_track
from tests.planted_run import plant
from tests.web.html import links, parse, texts


@pytest.fixture
def nirvana(session):
    tracks = [
        make_track(session, "Polly", artists="Nirvana", album="Nevermind", year=1991),
        make_track(session, "Polly", artists="Nirvana", album="Incesticide", year=1992),
        make_track(session, "Poly", artists="Someone", popularity=1.0),
    ]
    session.commit()
    return tracks


def test_songs_are_told_apart_by_album_and_year(client, nirvana):
    items = client.get("/suggest?q=polly").json["items"]
    assert [(one["kind"], one["title"], one["detail"]) for one in items] == [
        ("song", "Polly", "Nirvana · Nevermind · 1991"),
        ("song", "Polly", "Nirvana · Incesticide · 1992"),
    ]
    assert [one["id"] for one in items] == [track.public_id for track in nirvana[:2]]


def test_an_artist_comes_before_the_songs(client, nirvana):
    found = client.get("/suggest?q=nirv").json
    assert (found["items"][0]["kind"], found["items"][0]["title"]) == ("artist", "Nirvana")
    assert found["corrected"] is None


def test_a_typo_is_understood_and_said(client, nirvana):
    found = client.get("/suggest?q=nirvanna").json
    assert found["corrected"] == "nirvana"
    assert found["items"][0]["title"] == "Nirvana"
    assert client.get("/suggest?q=zzzzzz").json == {"items": [], "corrected": None}
    assert client.get("/suggest?q=").json == {"items": [], "corrected": None}


@pytest.fixture
def planted(session, instance):
    found = plant(session, instance, 80)
    session.commit()
    return found


def test_a_choice_leads_to_its_radio(client, planted):
    answer = client.get("/stations?song=p0000001")
    assert (answer.status_code, answer.location) == (302, "/stations/song?of=p0000001")
    assert client.get("/stations?artist=abc").location == "/stations/artist?of=abc"


def test_pages_offer_an_example_and_a_surprise(client, planted):
    examples = links(client.get("/stations"), ".examples a")
    assert len(examples) == 3
    assert client.get("/stations?surprise=1").location.startswith("/stations/song?of=p")
    (example,) = links(client.get("/path"), ".examples a").values()
    page = client.get(example)
    assert len(texts(page, ".song-list .title")) == 10
    surprise = client.get("/path?surprise=1").location
    assert len(texts(client.get(surprise), ".song-list .title")) == 10
    assert len(links(client.get("/blend"), ".examples .chip")) == 1
    blend = client.get(client.get("/blend?surprise=1").location)
    assert len(parse(blend).select(".terms li")) == 2


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("/stations?q=Artst+3", "/stations?q=Artist+3"),
        ("/path?from=Artst+3&to=", "/path?from=Artist+3&to=&steps=8"),
        ("/blend?and=Artst+3", "/blend?and=Artist+3"),
    ],
)
def test_a_search_without_results_offers_what_was_meant(client, planted, address, meant):
    page = client.get(address)
    (notice,) = parse(page).select("main .notice")
    assert "No results for “Artst 3”. Did you mean Artist 3 ?" in " ".join(
        notice.get_text(" ").split()
    )
    assert notice.a["href"] == meant
    assert client.get(meant).status_code == 200
