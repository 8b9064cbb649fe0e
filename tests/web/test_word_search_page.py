"""The page /words: songs by words, and never a line of their lyrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.services.similarity import word_search
from songrec.store.instance import Instance
from songrec.store.tables import Lyrics, Track
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.html import links, parse, texts


@pytest.fixture
def sung(app: Flask, session: Session) -> list[Track]:
    lines = [
        ("Harbour", "[Chorus]\nLanterns over the harbour tonight\nlanterns drifting home"),
        ("Furnace", "Hammers in the furnace glowing\niron singing all the day"),
        ("Quay", "Harbour lights and lanterns burning\nsailing home across the quay"),
    ]
    tracks = []
    for title, text in lines:
        track = make_track(session, title=title, genres=("folk",))
        session.add(Lyrics(track_id=track.id, text=text))
        tracks.append(track)
    make_track(session, title="Instrumental", genres=("ambient",))
    session.commit()
    word_search.prepare_lyrics(Instance(app.config["INSTANCE"], session))
    return tracks


def test_words_find_songs_and_show_what_matched(client: FlaskClient, sung: list[Track]) -> None:
    page = client.get("/words?q=lantern furnace")
    matches = [text.removesuffix(" Similar lyrics") for text in texts(page, ".reason")]
    by_title = dict(zip(texts(page, "main .title"), matches, strict=True))
    assert by_title["Furnace"] == "Matches: furnace."
    assert "Matches: lanterns." in by_title.values()
    # Nothing of the text but the words that matched.
    assert "drifting" not in page.text
    assert "iron singing" not in page.text


def test_tags_answer_too(client: FlaskClient, sung: list[Track]) -> None:
    page = client.get("/words?q=ambient")
    assert texts(page, "main .title") == ["Instrumental"]
    assert texts(page, ".reason") == ["Matches: ambient."]


def test_from_a_song_to_lyrics_like_it(client: FlaskClient, sung: list[Track]) -> None:
    page = client.get(f"/words?like={sung[0].public_id}")
    assert texts(page, "main h1") == ["Lyrics similar to “Harbour”"]
    assert texts(page, "main .title") == ["Quay", "Furnace"]


def test_a_songs_page_leads_to_lyrics_like_its_own_where_it_has_any(
    client: FlaskClient, session: Session, sung: list[Track]
) -> None:
    silent = session.query(Track).filter_by(title="Instrumental").one()
    for track, has_words in ((sung[0], True), (silent, False)):
        addresses = links(client.get(f"/tracks/{track.public_id}")).values()
        assert (f"/words?like={track.public_id}" in addresses) == has_words
    assert "/words" in links(client.get("/tracks")).values()


def test_a_song_without_lyrics_and_one_there_is_not(
    client: FlaskClient, session: Session, sung: list[Track]
) -> None:
    silent = session.query(Track).filter_by(title="Instrumental").one()
    assert "has no lyrics here" in client.get(f"/words?like={silent.public_id}").text
    assert client.get("/words?like=nobody").status_code == 404


def test_words_that_nothing_answers_and_odd_words(client: FlaskClient, sung: list[Track]) -> None:
    for said in ("zzzz", '"', "* OR NOT (", "a" * 900, "' NEAR/2 \\"):
        answer = client.get("/words", query_string={"q": said})
        assert answer.status_code == 200
        (notice,) = texts(answer, "main .notice")
        assert notice.startswith(f"No results for “{said[:100]}")
        assert texts(answer, "main .title") == []


def test_before_anything_is_prepared_the_page_says_so(client: FlaskClient) -> None:
    page = client.get("/words?q=rain")
    assert texts(page, "main .empty h2") == ["Word search is not ready yet"]


def test_songs_found_by_words_can_be_heard_in_their_order(
    client: FlaskClient, session: Session, sung: list[Track], tmp_path: Path
) -> None:
    assert parse(client.get("/words?q=lantern")).select("[data-play-all]") == []
    harbour, _, quay = sung
    for track in (harbour, quay):
        add_sound(session, track, write_wav(tmp_path / f"{track.id}.wav"))
    session.commit()
    page = client.get("/words?q=lantern")
    (play,) = parse(page).select("[data-play-all]")
    songs = client.get(str(play["data-play-all"])).json
    assert [song["title"] for song in songs] == texts(page, "main .title")
