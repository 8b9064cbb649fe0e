"""The home page as a browser gets it: what plays, songs to like first, rows, sound groups."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from songrec.store.catalogue import merging
from songrec.store.tables import Listener, Track, User
from tests.factories import make_track
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav
from tests.web.accounts import anna, quick_hashes, sign_in
from tests.web.html import links, parse, texts

__all__ = ["anna", "quick_hashes"]  # fixtures


@pytest.fixture
def planted_options() -> dict[str, int]:
    return {"n": 60}


@pytest.fixture
def sound(session: Session, planted: Planted, tmp_path: Path) -> list[Track]:
    """Every second song can be heard."""
    path = write_wav(tmp_path / "sound.wav", 0.1)
    tracks = [session.get_one(Track, one) for one in planted.track_ids[::2].tolist()]
    for number, track in enumerate(tracks):
        add_sound(session, track, path, part=number + 1, content_hash=f"{number:064}")
    session.commit()
    return tracks


def like(client: FlaskClient, n: int) -> None:
    """Press the first ``n`` hearts of the page."""
    hearts = parse(client.get("/")).select("[data-starters] button.i-heart")[:n]
    for heart in hearts:
        answer = client.post(str(heart["formaction"]), data={"value": "like", "next": "/"})
        assert (answer.status_code, answer.location) == (303, "/")


def test_an_empty_catalogue_says_how_to_fill_it(client: FlaskClient, anna: User) -> None:
    page = client.get("/")
    assert texts(page, "main .empty h2") == ["The catalogue is empty"]
    commands = texts(page, "main .empty code")
    assert commands == ["flask ingest data/preprocess.csv", "flask train"]
    assert "/admin" not in str(links(page, "main .empty a").values())


def test_buttons_of_the_admin_are_for_admins(
    client: FlaskClient, session: Session, anna: User
) -> None:
    anna.is_admin = True
    session.commit()
    sign_in(client)
    assert links(client.get("/"), "main .empty a") == {"Upload a catalogue": "/admin"}
    make_track(session)
    session.commit()
    assert links(client.get("/"), "main .empty a")["Train"] == "/admin"


def test_before_the_first_training_home_says_how_to_train(
    client: FlaskClient, session: Session
) -> None:
    for _ in range(6):
        make_track(session)
    session.commit()
    page = client.get("/")
    assert texts(page, "main .empty h2") == ["No sound groups yet"]
    assert texts(page, "main .empty p")[0].startswith(
        "The catalogue has 6 songs, but songrec has not been trained on them yet."
    )
    assert links(page, "main .empty a") == {"Browse songs": "/tracks"}


def test_a_fresh_visitor_can_play_and_like(client: FlaskClient, sound: list[Track]) -> None:
    page = parse(client.get("/"))
    button = page.select_one("a.play-large")
    assert button["href"] == "/stations/all"
    assert button["data-play-all"] == "/stations/all/queue"
    songs = client.get(button["data-play-all"]).json["songs"]
    assert {song["id"] for song in songs} <= {track.public_id for track in sound}
    tiles = page.select("[data-starters] .tile")
    assert len(tiles) == 12
    assert all(tile.select_one("[data-play]") for tile in tiles)
    assert texts(str(page), "[data-starters] h2") == ["Tap three you love"]
    assert page.select("[data-home-rows] section") == []


def test_a_form_alone_likes_and_leads_to_recommendations(
    client: FlaskClient, planted: Planted
) -> None:
    like(client, 1)
    page = parse(client.get("/"))
    assert page.select_one("[data-home-count]").text == "1"
    assert page.select_one("[data-starters] .i-heart")["aria-pressed"] == "true"
    assert links(str(page), "[data-starters] a.button-primary") == {
        "See recommendations": "/recommendations"
    }


def test_three_likes_turn_the_page_into_rows(client: FlaskClient, planted: Planted) -> None:
    like(client, 3)
    page = parse(client.get("/"))
    assert page.select("[data-starters]") == []
    titles = [title for title in texts(str(page), "[data-home-rows] h2") if "Because" in title]
    assert len(titles) == 3
    because = page.select("[data-row=because] .tile")
    assert len(because) == 18
    reasons = [reason.text for tile in because for reason in tile.select(".reason")]
    assert len(reasons) >= 9  # "sounds like" would say nothing below the row's title
    assert all(reasons)
    assert len(page.select("[data-row=liked] .i-heart[aria-pressed=true]")) == 3


def test_others_are_offered_and_odd_numbers_are_no_error(
    client: FlaskClient, planted: Planted
) -> None:
    first, second = (texts(client.get(f"/?others={n}"), "[data-starters] .title") for n in (0, 1))
    assert not set(first) & set(second)
    assert links(client.get("/"), "[data-starters] .actions a")["Show others"] == "/?others=1"
    for odd in ("-1", "x", "9" * 30):
        assert client.get(f"/?others={odd}").status_code == 200


def test_sound_groups_have_covers_and_three_songs(client: FlaskClient, sound: list[Track]) -> None:
    cards = parse(client.get("/")).select(".card-cluster")
    assert len(cards) == 4
    for card in cards:
        assert len(card.select(".group-cover img")) == 4
        assert len(card.select(".songs a")) <= 3
        (play,) = card.select("[data-play-all]")
        assert client.get(play["data-play-all"]).json


def test_nothing_on_the_page_stands_there_twice(client: FlaskClient, sound: list[Track]) -> None:
    like(client, 3)
    page = parse(client.get("/"))
    songs = [a["href"] for a in page.select(".tile .title, .card-cluster .songs a")]
    assert len(songs) == len(set(songs)) > 20


def test_looking_makes_no_listener(client: FlaskClient, session: Session, planted: Planted) -> None:
    client.get("/")
    assert session.scalars(select(Listener)).all() == []


class TestWithoutSound:
    """Nothing offers to play; each song links to where it can be heard."""

    def elsewhere(self, client: FlaskClient) -> list[str]:
        page = parse(client.get("/"))
        assert page.select("[data-play], [data-play-all]") == []
        addresses = []
        for link in page.select(".tile a.i-out"):
            assert link["target"] == "_blank"
            answer = client.get(link["href"])
            assert answer.status_code == 302
            assert answer.headers["Referrer-Policy"] == "same-origin"
            addresses.append(answer.location)
        return addresses

    def test_a_spotify_id_leads_to_the_song(
        self, client: FlaskClient, session: Session, planted: Planted
    ) -> None:
        session.execute(update(Track).values(external_id="spotify:track:4uLU6hMCjMI75M1A2tKUQC"))
        session.commit()
        assert set(self.elsewhere(client)) == {
            "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"
        }

    def test_names_lead_to_a_search(self, client: FlaskClient, planted: Planted) -> None:
        addresses = self.elsewhere(client)
        assert len(addresses) == 12
        for address in addresses:
            parts = urlsplit(address)
            assert (parts.scheme, parts.netloc) == ("https", "www.youtube.com")
            (words,) = parse_qs(parts.query)["search_query"]
            assert words.startswith("Artist ")

    def test_a_setting_turns_links_off(
        self, app: Flask, client: FlaskClient, planted: Planted
    ) -> None:
        (link, *_) = parse(client.get("/")).select(".tile a.i-out")
        app.config["LINKS_OUT"] = False
        assert self.elsewhere(client) == []
        assert client.get(link["href"]).status_code == 404

    def test_the_address_of_a_merged_song_leads_to_the_one_that_remains(
        self, client: FlaskClient, session: Session, planted: Planted
    ) -> None:
        first, second = session.scalars(select(Track).order_by(Track.id).limit(2)).all()
        addresses = [f"/tracks/{track.public_id}/elsewhere" for track in (first, second)]
        merging.merge(session, first.id, second.id)
        session.commit()
        locations = [client.get(address).location for address in addresses]
        assert locations[0] == locations[1]
        assert "Artist" in locations[0]
