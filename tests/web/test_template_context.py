"""What every page shares: the header that says where one is, errors, titles within sentences."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup
from sqlalchemy.orm import Session

from songrec.services.catalogue.track_lookup import MAX_TITLE_LENGTH, title_lookup
from songrec.web.template_context import isolate_titles
from tests.factories import make_track


def current(client: FlaskClient, address: str) -> list[tuple[str, str]]:
    """The header's links that are marked, each with how."""
    body = client.get(address).get_data(as_text=True)
    header = re.search(r'<nav class="site-nav".*?</nav>', body, re.S)
    assert header is not None
    return re.findall(r'aria-current="(\w+)">.*?<span>([^<]+)</span>', header[0])


@pytest.mark.parametrize(
    ("address", "marked"),
    [
        ("/tracks", [("page", "Browse")]),
        ("/words", [("true", "Browse")]),
        ("/mood", [("true", "Browse")]),
        ("/path", [("true", "Radio")]),
        ("/recommendations", [("true", "Home")]),
        ("/likes", []),
        ("/account-of-nobody", []),
    ],
)
def test_the_header_marks_the_page_or_the_part_it_belongs_to(
    client: FlaskClient, session: Session, address: str, marked: list[tuple[str, str]]
) -> None:
    assert current(client, address) == marked


def test_a_page_that_is_not_there_offers_a_search(client: FlaskClient, session: Session) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert '<form class="search-field home-search" action="/tracks"' in answer.get_data(
        as_text=True
    )


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Short", "Short"),
        ("x" * 60, "x" * 60),
        ("Winding " * 12, f"{'Winding ' * 6}Winding…"),
        ("x" * 61, f"{'x' * 59}…"),
    ],
)
def test_a_long_title_is_cut_within_a_sentence(session: Session, title: str, told: str) -> None:
    track = make_track(session, title)
    assert title_lookup(session)([track.id]) == {track.id: told}
    assert len(told) <= MAX_TITLE_LENGTH


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Calm, like “Juicy”", "Calm, like “Juicy”"),
        ("Calm, like “<b>”", "Calm, like “<b>”"),
        ("Calm, like “نجوم…”", "Calm, like “<bdi>نجوم…</bdi>”"),
        ("“שמש” & “<b>”", "“<bdi>שמש</bdi>” &amp; “<bdi>&lt;b&gt;</bdi>”"),
    ],
    ids=["left-to-right", "left-to-right-unsafe", "arabic", "hebrew-unsafe"],
)
def test_titles_from_right_to_left_keep_their_direction_to_themselves(
    sentence: str, shown: str
) -> None:
    marked = isolate_titles(sentence)
    assert str(marked) == shown
    assert isinstance(marked, Markup) == ("<bdi>" in shown)  # what is no markup is escaped later


def test_pages_are_sent_without_the_indentation_of_their_templates(client: FlaskClient) -> None:
    assert not re.search(r"^[ \t]", client.get("/tracks").text, re.MULTILINE)


def test_a_field_of_several_lines_keeps_its_text(app: Flask) -> None:
    template = app.jinja_env.from_string("<textarea>{{ text }}</textarea>\n  <p>a  b</p>")
    assert template.render(text="one\n  two") == "<textarea>one\n  two</textarea>\n<p>a  b</p>"
