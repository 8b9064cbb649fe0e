"""The written rules: what of a name counts, what does not, and which lengths are one song's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.core.artist_credits import Evidence, parse_credits
from songrec.core.title_normalization import (
    SongName,
    match_key,
    parse_song_name,
    same_length,
    same_names,
)

KNOWN = Evidence(dict.fromkeys(("a", "b", "drake", "wizkid", "kyla"), 1))


def parse(artists: str, title: str) -> SongName | None:
    return parse_song_name([credit.name for credit in parse_credits(artists, KNOWN)], title)


def key(artists: str, title: str) -> int | None:
    return match_key([credit.name for credit in parse_credits(artists, KNOWN)], title)


SAME = [
    # Remasters, however they are written.
    (("Queen", "Bohemian Rhapsody"), ("Queen", "Bohemian Rhapsody - Remastered 2011")),
    (("Queen", "Bohemian Rhapsody"), ("Queen", "Bohemian Rhapsody (2011 Remaster)")),
    (("Van Halen", "Jump - Remastered Version"), ("Van Halen", "Jump [2004 Digital Remaster]")),
    (("A", "Song - 2009 Remastered Version"), ("A", "Song")),
    (("A", "Canción - Remasterizado 2012"), ("A", "Canción")),
    # The same recording, sold differently.
    (("The Beatles", "Help!"), ("Beatles", "Help! - Mono")),
    (("A", "Song (Stereo Version)"), ("A", "Song (Mono Version / Remastered)")),
    (("A", "Song (Deluxe Edition)"), ("A", "Song")),
    (("A", "Song - Bonus Track"), ("A", "Song")),
    (("A", "Song (Explicit)"), ("A", "Song (Clean Version)")),
    (("A", "Song - Explicit Album Version"), ("A", "Song - Album Version")),
    (("A", "Song - Original Mix"), ("A", "Song")),
    (("A", 'Song - From "The Film"'), ("A", "Song")),
    (("A", "Song (From the Motion Picture The Film)"), ("A", "Song")),
    # Guests, in the title, among the artists, or nowhere.
    (("Drake", "One Dance (feat. Wizkid & Kyla)"), ("Drake, Wizkid, Kyla", "One Dance")),
    (("Drake", "One Dance (feat. Wizkid & Kyla)"), ("Drake", "One Dance")),
    (("Coolio", "Gangsta's Paradise feat. L.V."), ("Coolio", "Gangsta’s Paradise")),
    (("A ft. B", "Song"), ("A & B", "Song (with B)")),
    # Case, accents, punctuation, spacing.
    (("BEYONCÉ", "Déjà Vu"), ("Beyonce", "deja vu")),
    (("AC/DC", "T.N.T."), ("Ac/Dc", "t n t")),
    (("A", "Rock & Roll"), ("A", "Rock and Roll")),
    (("A", "Don't   Stop!"), ("A", "Dont Stop")),
    (("A", "Song, Pt. 2"), ("A", "Song (Part 2)")),
    (("宇多田ヒカル", "初恋"), ("宇多田ヒカル", "初恋 (Remastered)")),
    # Kept versions are the same among themselves.
    (("A", "Song - Live"), ("A", "Song (Live)")),
    (("A", "Song (Live) [2010 Remaster]"), ("A", "Song - Live")),
]

DIFFERENT = [
    (("A", "Song"), ("B", "Song")),
    (("A", "Song"), ("A", "Song - Live")),
    (("A", "Song - Live at Wembley"), ("A", "Song - Live in Paris")),
    (("A", "Song"), ("A", "Song (B Remix)")),
    (("A", "Song (B Remix)"), ("A", "Song (C Remix)")),
    (("A", "Song"), ("A", "Song - Acoustic")),
    (("A", "Song"), ("A", "Song - Instrumental")),
    (("A", "Song"), ("A", "Song (Karaoke Version)")),
    (("A", "Song"), ("A", "Song - Demo")),
    (("A", "Song"), ("A", "Song - Radio Edit")),
    (("A", "Song"), ("A", "Song - Single Version")),
    (("A", "Song - Extended Mix"), ("A", "Song - Original Mix")),
    (("A", "Song"), ("A", "Song (A's Version)")),
    (("A", "Song"), ("A", "Song - Re-Recorded")),
    (("A", "Song"), ("A", "Song - 2011 Mix")),
    (("A", "Song"), ("A", "Song (Sped Up)")),
    (("A", "Song, Pt. 1"), ("A", "Song, Pt. 2")),
    (("A", "Song (feat. B)"), ("A", "Song (feat. C)")),
    (("A", "1999"), ("A", "1989")),
    (("A", "The Original"), ("A", "Original")),
    (("A", "Six Ft Under"), ("A", "Six")),
    (("AC/DC", "Song"), ("AC", "Song")),
    (("Simon & Garfunkel", "Song"), ("Simon", "Song")),
    (("Lil Nas X", "Song"), ("Lil Nas", "Song")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_song_in_other_words(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert key(*one) == key(*other) is not None
    assert same_names(parse(*one), parse(*other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_recording_is_another_song(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not same_names(parse(*one), parse(*other))


@pytest.mark.parametrize(
    "name",
    [
        ("", "Song"),
        ("A", ""),
        ("A", "Untitled"),
        ("A", "Intro"),
        ("A", "Track 01"),
        ("A", "Interlude (Remastered)"),
        ("?", "Song"),
    ],
)
def test_a_name_that_names_no_song_is_like_no_other(name: tuple[str, str]) -> None:
    assert key(*name) is None
    assert not same_names(parse(*name), parse(*name))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (200_000, 203_900, True),
        (200_000, 204_200, False),
        (30_000, 32_900, True),
        (30_000, 33_100, False),
        (None, 1, True),
        (None, None, True),
    ],
)
def test_lengths_may_differ_by_two_percent_or_three_seconds(
    one: int | None, other: int | None, same: bool
) -> None:
    assert same_length(one, other) is same
    assert same_length(other, one) is same


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_name_has_a_key_or_none_and_is_like_itself(artists: str, title: str) -> None:
    name = parse(artists, title)
    assert (key(artists, title) is None) == (name is None)
    assert same_names(name, name) == (name is not None)
    if name is not None:
        assert name.title
        assert -(2**63) <= key(artists, title) < 2**63
