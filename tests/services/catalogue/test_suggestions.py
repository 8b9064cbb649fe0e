"""A misspelt search leads to the artist or title that was meant."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.services.catalogue.suggestions import did_you_mean
from songrec.store.tables import Artist
from tests.factories import make_track
from tests.web.html import links, texts


@pytest.fixture(autouse=True)
def names(session: Session) -> None:
    for number, name in enumerate(("Nirvana", "Nina Simone", "Beyoncé")):
        session.add(Artist(public_id=f"a{number}", key=name.lower().replace("é", "e"), name=name))
    make_track(session, title="Smells Like Teen Spirit")
    session.commit()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("nirvanna", "Nirvana"),
        ("Nina Simon", "Nina Simone"),
        ("beyonse", "Beyoncé"),
        ("smels like teen spirit", "Smells Like Teen Spirit"),
        ("mells lyke", "smells like"),
        ("nirvana", None),
        ("nir", None),
        ("xylophone quartet", None),
        ("%___", None),
    ],
)
def test_the_name_spelt_most_alike_is_suggested(
    session: Session, text: str, meant: str | None
) -> None:
    assert did_you_mean(session, text) == meant


def test_a_search_without_results_offers_it(client: FlaskClient) -> None:
    page = client.get("/tracks?q=nirvanna").text
    assert texts(page, ".empty h2") == ["No results for “nirvanna”"]
    assert texts(page, ".empty p") == ["Did you mean Nirvana ?"]
    assert links(page, ".empty p a") == {"Nirvana": "/tracks?q=Nirvana"}
    # What is no name may describe a sound.
    assert links(page, ".empty .actions a") == {
        "Search by words": "/words?q=nirvanna",
        "Show all songs": "/tracks",
    }
