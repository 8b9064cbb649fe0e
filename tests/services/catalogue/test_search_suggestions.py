"""What a search may mean while it is typed: known answers, best known first, one typo forgiven."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.services.catalogue import search_suggestions
from songrec.services.catalogue.search_suggestions import suggest
from songrec.store.tables import Cluster
from tests.factories import make_track
from tests.web.html import links, parse, texts


@pytest.fixture(autouse=True)
def catalogue(session: Session) -> None:
    for title, artist, album, popularity in (
        ("Lithium", "Nirvana", "Nevermind", 70),
        ("Something in the Way", "Nirvana", "Nevermind", 80),
        ("Nirvana", "Sam Smith", "Nirvana EP", 30),
        ("Nirvana Dreams", "Nobody", "Demos", 5),
        ("Lovely Day", "Bill Withers", "Menagerie", 75),
        ("Love", "Lana Del Rey", "Lust for Life", 60),
        ("Lovers Rock", "TV Girl", "French Exit", 85),
        ("Yesterday", "The Beatles", "Help!", 90),
        ("林檎", "椎名林檎", "日出処", 40),
    ):
        make_track(session, title, artists=artist, album=album, popularity=popularity)
    session.commit()


def titles(session: Session, text: str) -> list[str]:
    return [song.title for song in suggest(session, text, None, ()).songs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The title itself, then titles that begin so, then the best known with the word.
        ("nirvana", ["Nirvana", "Nirvana Dreams", "Something in the Way", "Lithium"]),
        ("love", ["Love", "Lovers Rock", "Lovely Day"]),
        ("lo", ["Lovers Rock", "Lovely Day", "Love"]),
        ("w", ["Something in the Way", "Lovely Day"]),
        ("lithium nir", ["Lithium"]),
        ("yester", ["Yesterday"]),
        ("檎", ["林檎"]),
        ("xylophone", []),
    ],
)
def test_songs_come_by_title_then_by_popularity(
    session: Session, text: str, expected: list[str]
) -> None:
    assert titles(session, text) == expected


def test_of_many_titles_the_best_known_come_first(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_suggestions, "GATHERED", 2)
    assert titles(session, "lo") == ["Lovers Rock", "Lovely Day", "Love"]


def test_artists_albums_and_sound_groups_are_found_too(session: Session) -> None:
    groups = [Cluster(number=n, name=name) for n, name in enumerate(("calm folk", "loud rap"))]
    found = suggest(session, "nirvana", None, groups)
    assert [(artist.name, artist.tracks) for artist in found.artists][:1] == [("Nirvana", 2)]
    assert [album.title for album in found.albums] == ["Nirvana EP"]
    assert [artist.name for artist in suggest(session, "beatles", None, ()).artists] == [
        "The Beatles"
    ]
    assert [album.title for album in suggest(session, "never", None, ()).albums] == ["Nevermind"]
    assert [group.name for group in suggest(session, "folk", None, groups).groups] == ["calm folk"]


@pytest.mark.parametrize(
    ("text", "corrected", "first"),
    [
        ("nirvanna", "nirvana", "Nirvana"),
        ("nrivana", "nirvana", "Nirvana"),
        ("mirvana", "nirvana", "Nirvana"),
        ("lithum", "lithium", "Lithium"),
        ("lithium nirvanna", "lithium nirvana", "Lithium"),
        ("yestrday", "yesterday", "Yesterday"),
        ("yestre", "yesterday", "Yesterday"),
        ("nirvana", None, "Nirvana"),
    ],
)
def test_one_typo_is_put_right(
    session: Session, text: str, corrected: str | None, first: str
) -> None:
    found = suggest(session, text, None, ())
    assert (found.corrected, found.songs[0].title) == (corrected, first)


@pytest.mark.parametrize(
    "text", ["xqzw", "abc", "lifh", "!!!", "x" * 99, "nirvanna xqzwv", "%_", "'\""]
)
def test_what_nothing_is_like_finds_nothing(session: Session, text: str) -> None:
    assert suggest(session, text, None, ()).total == 0


def test_the_piece_of_a_page_has_options_that_lead_on(client: FlaskClient) -> None:
    answer = client.get("/search/suggestions?q=nirvanna")
    assert answer.status_code == 200
    page = parse(answer)
    assert page.select_one("html") is None
    options = page.select("[role=listbox] [role=option]")
    assert len({option["id"] for option in options}) == len(options) > 4
    assert texts(answer, ".suggestions-note") == ["No results for “nirvanna”. Showing nirvana ."]
    assert links(answer)["All songs for “nirvana”"] == "/tracks?q=nirvana"
    nothing = client.get("/search/suggestions?q=zzzzzz")
    assert texts(nothing, ".suggestions-note") == ["No results for “zzzzzz”."]
    assert links(nothing, "[role=option]") == {"Songs that sound like “zzzzzz”": "/words?q=zzzzzz"}
    assert client.get("/search/suggestions").text.strip() == ""
