"""Credits: lists are believed, texts are split on evidence only, the line is as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.core.artist_credits import (
    EVERY_NAME,
    ArtistField,
    Credit,
    Evidence,
    artist_key,
    candidate_names,
    collect_evidence,
    display_line,
    join_names,
    parse_credits,
)

WHOLE = [
    "10,000 Maniacs",
    "Tyler, The Creator",
    "Earth, Wind & Fire",
    "Crosby, Stills, Nash & Young",
    "Emerson, Lake & Palmer",
    "Blood, Sweat & Tears",
    "Simon & Garfunkel",
    "AC/DC",
    "Lil Nas X",
    "Mumford & Sons",
    "Sly & The Family Stone",
    "Florence + The Machine",
    "Nick Cave & The Bad Seeds",
    "The Mamas & The Papas",
    "Salt-N-Pepa",
    "Fingertips, Inc.",
    "P!nk",
    "+44",
    "!!!",
]
TOGETHER = [
    ("Brian Eno & David Byrne", ["Brian Eno", "David Byrne"]),
    ("Queen & David Bowie", ["Queen", "David Bowie"]),
    ("Jay-Z / Linkin Park", ["Jay-Z", "Linkin Park"]),
    ("Kygo, Selena Gomez", ["Kygo", "Selena Gomez"]),
    ("Lil Nas X & Cardi B", ["Lil Nas X", "Cardi B"]),
    ("Lil Nas X, Billy Ray Cyrus", ["Lil Nas X", "Billy Ray Cyrus"]),
    ("Queen/David Bowie", ["Queen", "David Bowie"]),
    ("Earth, Wind & Fire, The Emotions", ["Earth, Wind & Fire", "The Emotions"]),
]
EXPLICIT = [
    ("Beyoncé feat. JAY-Z", [("Beyoncé", "main"), ("JAY-Z", "featured")]),
    ("A ft. B", [("A", "main"), ("B", "featured")]),
    ("A (feat. B)", [("A", "main"), ("B", "featured")]),
    ("A featuring B", [("A", "main"), ("B", "featured")]),
    ("Queen with David Bowie", [("Queen", "main"), ("David Bowie", "featured")]),
    ("Kygo x Selena Gomez", [("Kygo", "main"), ("Selena Gomez", "main")]),
    ("Jay-Z vs. Linkin Park", [("Jay-Z", "main"), ("Linkin Park", "main")]),
    ("Lil Nas X x Jack Harlow", [("Lil Nas X", "main"), ("Jack Harlow", "main")]),
    ("Lil Nas X feat. Cardi B", [("Lil Nas X", "main"), ("Cardi B", "featured")]),
    ("Malcolm X", [("Malcolm X", "main")]),
    ("X Ambassadors", [("X Ambassadors", "main")]),
    ("With", [("With", "main")]),
    ("Six Ft Under", [("Six Ft Under", "main")]),
]


def counted(*names: str, **times: int) -> Evidence:
    """Evidence of a catalogue with one track by each of ``names``."""
    return Evidence(dict.fromkeys(map(artist_key, names), 1) | times)


def names_of(text: str | ArtistField, evidence: Evidence) -> list[str]:
    return [credit.name for credit in parse_credits(text, evidence)]


@pytest.mark.parametrize("text", [*WHOLE, *(text for text, _ in TOGETHER)])
def test_without_evidence_a_text_is_one_artist(text: str) -> None:
    assert parse_credits(text) == [Credit(text)]


@pytest.mark.parametrize("text", WHOLE)
def test_one_part_that_stands_alone_is_no_evidence(text: str) -> None:
    first, *_ = parse_credits(text, EVERY_NAME)
    assert names_of(text, counted(first.name)) == [text]


@pytest.mark.parametrize(("text", "parts"), TOGETHER)
def test_parts_that_are_all_artists_of_their_own_split_a_text(text: str, parts: list[str]) -> None:
    assert names_of(text, counted(*parts)) == parts
    for missing in parts:
        assert names_of(text, counted(*(part for part in parts if part != missing))) == [text]


@pytest.mark.parametrize("text", [text for text, _ in TOGETHER])
def test_the_whole_name_wins_where_it_stands_alone(text: str) -> None:
    parts = {artist_key(name) for name in candidate_names(text)} - {artist_key(text)}
    few = dict.fromkeys(parts, 1)
    assert names_of(text, Evidence(few, frozenset({artist_key(text)}))) == [text]
    assert names_of(text, Evidence(few | {artist_key(text): 11})) == [text]
    assert names_of(text, Evidence(few | {artist_key(text): 10})) != [text]


def test_a_name_with_the_is_split_on_evidence_for_both_parts_only() -> None:
    assert names_of("Tyler, The Creator", counted("Tyler")) == ["Tyler, The Creator"]
    rare = {"tyler": 3, "the creator": 1, "tyler, the creator": 60}
    assert names_of("Tyler, The Creator", Evidence(rare)) == ["Tyler, The Creator"]


def test_the_longest_names_win() -> None:
    known = counted("Earth", "Wind", "Fire", "Earth, Wind & Fire", "The Emotions")
    parts = ["Earth, Wind & Fire", "The Emotions"]
    assert names_of("Earth, Wind & Fire, The Emotions", known) == parts


@pytest.mark.parametrize(("text", "credits"), EXPLICIT)
def test_explicit_forms_need_no_evidence(text: str, credits: list[tuple[str, str]]) -> None:
    found = parse_credits(text)
    assert [(credit.name, credit.role) for credit in found] == credits
    assert display_line(found) == text


def test_a_band_with_an_explicit_word_in_its_name_stays_one() -> None:
    often = Evidence({"sleeping with sirens": 20})
    assert names_of("Sleeping with Sirens", often) == ["Sleeping with Sirens"]
    assert names_of("Sleeping with Sirens feat. B", often) == ["Sleeping with Sirens", "B"]


def test_guests_are_split_like_other_texts() -> None:
    found = parse_credits("Drake (feat. Wizkid & Kyla)", counted("Wizkid", "Kyla"))
    assert [(c.name, c.role) for c in found[1:]] == [("Wizkid", "featured"), ("Kyla", "featured")]
    assert display_line(found) == "Drake (feat. Wizkid & Kyla)"


@pytest.mark.parametrize("text", [*WHOLE, "A feat. B", "A & B"])
def test_a_list_stays_a_list(text: str) -> None:
    source = ArtistField((text, "Queen"), is_list=True)
    known = counted(*candidate_names(text))
    assert names_of(source, known) == [text, "Queen"]
    assert display_line(parse_credits(source)) == f"{text}, Queen"


def test_ids_name_the_artists_of_a_list() -> None:
    source = ArtistField(("Queen", "David Bowie"), True, ("id-q", "id-b"))
    assert [c.musicbrainz_id for c in parse_credits(source)] == ["id-q", "id-b"]
    short = ArtistField(("Queen", "David Bowie"), True, ("id-q",))
    assert [c.musicbrainz_id for c in parse_credits(short)] == [None, None]


def test_evidence_of_a_catalogue_outside_the_database() -> None:
    fields = [
        ArtistField.from_text("Kygo"),
        ArtistField.from_text("Selena Gomez feat. Rema"),
        ArtistField(("Earth, Wind & Fire",), True),
        ArtistField.from_text(""),
    ]
    found = collect_evidence(fields)
    assert names_of("Kygo & Rema", found) == ["Kygo", "Rema"]
    assert found.confirmed == {"earth, wind & fire"}


def test_spellings_share_a_key() -> None:
    assert artist_key("BEYONCÉ") == artist_key("beyonce")
    assert artist_key("Guns N’ Roses") == artist_key("Guns N' Roses")
    assert len({artist_key(name) for name in WHOLE}) == len(WHOLE)


def test_names_are_joined_as_people_write_them() -> None:
    assert display_line(join_names(["A", "B"], ["C"])) == "A, B feat. C"
    assert display_line(join_names([])) == ""


def test_a_long_cast_is_cut_at_a_name() -> None:
    line = display_line(join_names([f"Singer {i}" for i in range(99)]))
    assert len(line) <= 500
    assert line.endswith("…")
    assert line.rstrip("…").split(", ")[-1].startswith("Singer ")
    assert display_line([Credit("x" * 600)]) == "x" * 499 + "…"


PIECES = [
    "ab",
    "é",
    "10",
    ",",
    "000",
    " ",
    "&",
    "x",
    "X",
    "with",
    "feat.",
    "(ft. ",
    ")",
    "/",
    ";",
    "!",
]
NAMES = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


@given(NAMES, st.sets(NAMES, max_size=3))
def test_a_line_composed_of_credits_is_the_text(text: str, known: set[str]) -> None:
    plain = " ".join(text.split())
    for evidence in (Evidence(), counted(*known), EVERY_NAME):
        found = parse_credits(text, evidence)
        assert all(credit.name.strip() for credit in found)
        assert bool(found) == bool(plain)
        if evidence is not EVERY_NAME:
            assert display_line(found) == plain


@given(NAMES)
def test_every_name_that_a_text_is_split_into_was_a_candidate(text: str) -> None:
    plain = " ".join(text.split())
    candidates = {artist_key(name) for name in candidate_names(plain)}
    if len(parse_credits(plain)) == 1:
        known = Evidence(dict.fromkeys(candidates, 1))
        assert {credit.key for credit in parse_credits(plain, known)} <= candidates


@given(st.lists(NAMES, max_size=6))
def test_a_list_is_parsed_into_its_names(names: list[str]) -> None:
    cleaned = list(dict.fromkeys(n for name in names if (n := " ".join(name.split()))))
    found = parse_credits(ArtistField(tuple(names), is_list=True), EVERY_NAME)
    assert [credit.name for credit in found] == cleaned
