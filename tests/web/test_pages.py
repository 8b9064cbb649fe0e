"""The pages of the catalogue as a browser gets them: clusters, songs, one song."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.tables import Run, Track
from tests.factories import make_track
from tests.recommend.planted import publish_run
from tests.web.html import parse, texts


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return html.unescape(answer.get_data(as_text=True))


def titles(body: str) -> list[str]:
    return re.findall(r'class="title" href="[^"]*">([^<]*)<', body)


@pytest.fixture
def tracks(session: Session) -> list[Track]:
    """Six songs, calm and loud ones alternating."""
    found = [
        make_track(
            session,
            f"Song {n}",
            artists="The Band",
            energy=0.1 + 0.02 * n if n % 2 else 0.9 - 0.02 * n,
            tempo=80.0 + 10 * n,
            genres=("folk",) if n % 2 else ("metal",),
        )
        for n in range(6)
    ]
    session.commit()
    return found


@pytest.fixture
def run(session: Session, instance: Path, tracks: list[Track]) -> Run:
    """The published run over them."""
    found = publish_run(session, instance)
    session.commit()
    return found


@pytest.mark.parametrize("songs", [3, 60], ids=["one page", "two pages"])
def test_results_of_a_search_say_how_long_they_last_together(
    client: FlaskClient, session: Session, songs: int
) -> None:
    for number in range(songs):
        make_track(session, f"Rain {number}", duration_ms=80_000)
    make_track(session, "Sun", duration_ms=80_000)
    session.commit()
    length = "4 min" if songs == 3 else "1 h 20 min"
    assert texts(client.get("/tracks?q=rain"), "#found") == [f"{songs} songs · {length}"]
    assert texts(client.get("/tracks?q=snow"), "#found") == ["0 songs"]


def test_an_empty_catalogue_says_how_to_fill_it(client: FlaskClient) -> None:
    body = page(client, "/tracks")
    assert texts(body, "main .empty h2") == ["The catalogue is empty"]


def test_before_the_first_training_songs_are_there(
    client: FlaskClient, tracks: list[Track]
) -> None:
    assert texts(page(client, f"/tracks/{tracks[3].public_id}"), "main h1") == ["Song 3"]
    page(client, "/clusters/0", 404)


def test_a_cluster_page_lists_its_songs_only(client: FlaskClient, run: Run) -> None:
    body = page(client, "/clusters/1")
    assert set(titles(body)) == {"Song 1", "Song 3", "Song 5"}
    assert titles(page(client, "/clusters/1?sort=tempo&order=down"))[0] == "Song 5"
    assert titles(page(client, "/clusters/1?q=nothing")) == []


def test_an_unknown_cluster_is_a_page_that_says_so(client: FlaskClient, run: Run) -> None:
    for number in (77, -1):
        body = page(client, f"/clusters/{number}", 404)
        assert texts(body, "main .lead") == [f"There is no sound group {number}."]


def test_songs_are_narrowed_by_the_address_alone(client: FlaskClient, run: Run) -> None:
    assert sorted(titles(page(client, "/tracks?genre=folk"))) == ["Song 1", "Song 3", "Song 5"]
    assert sorted(titles(page(client, "/tracks?tempo_min=100&tempo_max=115"))) == [
        "Song 2",
        "Song 3",
    ]
    assert sorted(titles(page(client, "/tracks?cluster=1&tempo_min=100"))) == ["Song 3", "Song 5"]
    assert sorted(titles(page(client, "/tracks?q=song+4"))) == ["Song 4"]


def test_empty_fields_of_the_form_do_not_stay_in_the_address(client: FlaskClient, run: Run) -> None:
    answer = client.get("/tracks?q=&genre=folk&emotion=&tempo_min=&sort=title")
    assert answer.status_code == 302
    assert answer.location == "/tracks?genre=folk&sort=title"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/tracks?energy_min=loud", "Energy from: “loud” is not a number."),
        ("/tracks?energy_max=nan", "Energy to: “nan” is not a number."),
        ("/tracks?sort=colour", "Cannot sort by “colour”"),
        ("/tracks?page=two", "“two” is not a page number."),
        ("/tracks?cluster=blue", "“blue” is not a sound group number."),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_the_list_still_shown(
    client: FlaskClient, run: Run, address: str, words: str
) -> None:
    body = page(client, address)
    (notice,) = texts(body, "main .notice-bad")
    assert notice.startswith(words)
    assert len(titles(body)) == 6


def test_ranges_the_wrong_way_round_are_turned(client: FlaskClient, run: Run) -> None:
    assert sorted(titles(page(client, "/tracks?tempo_min=115&tempo_max=100"))) == [
        "Song 2",
        "Song 3",
    ]


def test_a_song_page_says_how_it_sounds_and_what_sounds_like_it(
    client: FlaskClient, run: Run, tracks: list[Track]
) -> None:
    body = page(client, f"/tracks/{tracks[1].public_id}")
    assert "Similar songs" in texts(body, "main h2")
    assert "90 BPM" in texts(body, "main td, main dd, main .value")
    similar = titles(body)
    assert set(similar) == {f"Song {n}" for n in (0, 2, 3, 4, 5)}
    assert similar[0] == "Song 3", "the nearest in energy and tempo comes first"
    assert len(parse(body).select("svg .here")) == 1, "its place on the small map"


def test_the_catalogues_own_id_leads_to_the_songs_address(
    client: FlaskClient, session: Session
) -> None:
    track = make_track(session, external_id="6f807x0ima9a1j3VPbc7VN")
    session.commit()
    answer = client.get("/tracks/6f807x0ima9a1j3VPbc7VN")
    assert (answer.status_code, answer.location) == (302, f"/tracks/{track.public_id}")


def test_a_song_added_after_the_training_says_that_it_has_no_place_yet(
    client: FlaskClient, run: Run, session: Session
) -> None:
    late = make_track(session, "Late")
    session.commit()
    body = page(client, f"/tracks/{late.public_id}")
    notes = texts(body, "main p.quiet")
    assert [note for note in notes if note.startswith("This song is new: the next training")]
    assert "Similar songs" not in texts(body, "main h2")
    assert sorted(titles(page(client, "/tracks?q=late"))) == ["Late"]


def test_titles_are_text_never_markup(client: FlaskClient, session: Session) -> None:
    track = make_track(session, '<script>alert("x")</script>', artists="<b>Bold</b>")
    session.commit()
    for address in ("/tracks", f"/tracks/{track.public_id}"):
        raw = client.get(address).get_data(as_text=True)
        assert [one for one in parse(raw).select("script") if "alert" in one.text] == []
        assert parse(raw).select("main b") == []
        assert '<script>alert("x")</script>' in texts(raw, "main h1, main .title")
        assert "<b>Bold</b>" in texts(raw, "main a")


def test_pages_carry_no_inline_script_style_or_handler(
    client: FlaskClient, run: Run, tracks: list[Track]
) -> None:
    for address in ("/", "/clusters/0", "/tracks", f"/tracks/{tracks[0].public_id}"):
        raw = client.get(address).get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", raw), address


def test_the_theme_cookie_is_honoured_and_nothing_else(app: Flask) -> None:
    for value, shown in (("dark", True), ("light", True), ('"><script>', False)):
        client = app.test_client()
        client.set_cookie("theme", value)
        theme = parse(client.get("/")).html.get("data-bs-theme")
        assert theme == (value if shown else None)
