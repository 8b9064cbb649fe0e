"""Names are found in every spelling that people type, and by nothing that they do not have."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from songrec.core.search_terms import (
    MAX_TERM,
    MAX_WORDS,
    meets,
    parse_search,
    search_terms,
    spelling_key,
)
from tests.search_spellings import DIFFERENT, SAME


def finds(search: str, name: str) -> bool:
    words = parse_search(search)
    return bool(words) and meets(words, search_terms(name))


@pytest.mark.parametrize(("name", "searches"), SAME.items())
def test_a_name_is_found_in_each_of_its_spellings(name: str, searches: tuple[str, ...]) -> None:
    assert [search for search in (name, *searches) if not finds(search, name)] == []


@pytest.mark.parametrize(("name", "searches"), DIFFERENT.items())
def test_other_names_are_not_found(name: str, searches: tuple[str, ...]) -> None:
    assert [search for search in searches if finds(search, name)] == []


@given(st.text(max_size=60))
def test_every_name_with_a_word_is_found_by_itself(name: str) -> None:
    words = parse_search(name)
    assert meets(words, search_terms(name))
    for form in ("NFC", "NFD"):
        assert parse_search(unicodedata.normalize(form, name)) == parse_search(
            unicodedata.normalize("NFD" if form == "NFC" else "NFC", name)
        )


@given(st.text(alphabet="椎名林檎東京事変カナかな한국노래사랑", min_size=1, max_size=30), st.data())
def test_every_part_of_a_name_without_spaces_finds_it(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 1))
    stop = data.draw(st.integers(start + 1, len(name)))
    assert finds(name[start:stop], name)


@example("0+&")
@example("& and +")
@given(st.text(max_size=300))
def test_terms_are_letters_and_digits_of_bounded_length(name: str) -> None:
    for term in search_terms(name).split(" ") if search_terms(name) else ():
        assert 0 < len(term) <= MAX_TERM
        assert not any(c.isspace() or (c.isascii() and not c.isalnum()) for c in term)


@pytest.mark.parametrize(
    "search",
    ["a" * 10_000, "a/" * 5_000, "東" * 10_000, "a b " * 2_500, "&" * 10_000, "'\"*()^:" * 1_400],
)
def test_a_search_of_ten_thousand_characters_stays_small(search: str) -> None:
    words = parse_search(search)
    assert len(words) <= MAX_WORDS
    assert sum(len(way) for word in words for way in word.alternatives) < 400


def test_signs_alone_are_no_words() -> None:
    for search in ("", "  ", "!!!", "&", "+", "$$$", "÷", "❤️", "'", "\0"):
        assert parse_search(search) == []


def test_the_last_word_alone_is_a_beginning() -> None:
    assert finds("quiet ri", "Quiet Riot")
    assert not finds("qui riot", "Quiet Riot")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AC/DC", "acdc"),
        ("Simon & Garfunkel", "simon and garfunkel"),
        ("Guns N’ Roses", "guns and roses"),
        ("A$AP Rocky", "asap rocky"),
        ("Straße", "STRASSE"),
        ("椎名 林檎", "椎名林檎"),
    ],
)
def test_usual_spellings_share_a_key(one: str, other: str) -> None:
    assert spelling_key(one) == spelling_key(other) != ""
