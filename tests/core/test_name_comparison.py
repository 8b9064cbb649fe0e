"""Whether the names that two sources give to one id are the same song's."""

from __future__ import annotations

import pytest

from songrec.core.name_comparison import artist_comparison_key, compare_names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Halo", "Beyoncé"), ("HALO", "BEYONCE")),
        (("Halo - 2011 Remaster", "Beyoncé"), ("Halo", "Beyoncé")),
        (("Crazy in Love (feat. Jay-Z)", "Beyoncé"), ("Crazy In Love", "Beyoncé, JAY Z")),
        (("Under Pressure", "Queen & David Bowie"), ("Under Pressure", "David Bowie; Queen")),
        (("Yesterday", "The Beatles"), ("Yesterday", "Beatles")),
        (("Don’t Stop", "Anna"), ("Dont stop", "Anna")),
        (("Halo", ""), ("Halo", "Beyoncé")),
    ],
)
def test_spellings_of_one_song_agree(one, other):
    compared = compare_names(*one, *other)
    assert compared.agrees
    assert not compared.contradicts
    assert not compared.is_retitled


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Halo", "Beyoncé"), ("Paper Moon", "Ada Fenwick")),
        (("Song A1", "Artist A"), ("Song B1", "Artist B")),
        (("1999", "Prince"), ("2000", "Princess")),
        (("Untitled (How Does It Feel)", "D'Angelo"), ("Africa", "Toto")),
    ],
)
def test_another_title_by_another_artist_is_a_contradiction(one, other):
    for compared in (compare_names(*one, *other), compare_names(*other, *one)):
        assert compared.contradicts
        assert not compared.agrees


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Halo", "Beyoncé"), ("Paper Moon", "Beyoncé")),  # corrected
        (("Halo", "Beyoncé"), ("Halo", "Ada Fenwick")),
        (("Halo (Live in Oslo)", "Beyoncé"), ("Halo", "Ada Fenwick")),
        (("丸の内サディスティック", "椎名林檎"), ("Marunouchi Sadistic", "Sheena Ringo")),
        (("Untitled", "Beyoncé"), ("Paper Moon", "Ada Fenwick")),
        (("Track 7", "Beyoncé"), ("Paper Moon", "Ada Fenwick")),
        (("", ""), ("Paper Moon", "Ada Fenwick")),
        (("?", "?"), ("Paper Moon", "Ada Fenwick")),
        (("Paper Moon", "Various Artists"), ("Halo", "Beyoncé")),
        (("Halo", "!!!"), ("Paper Moon", "!!! (Chk Chk Chk)")),
    ],
)
def test_what_cannot_be_compared_or_differs_by_half_is_no_contradiction(one, other):
    assert not compare_names(*one, *other).contradicts
    assert not compare_names(*other, *one).contradicts


def test_a_new_title_by_the_same_artist_is_told_apart_from_another_song():
    assert compare_names("Halo", "Beyoncé", "Paper Moon", "Beyoncé").is_retitled
    assert compare_names("Halo", "", "Paper Moon", "Beyoncé").is_retitled
    assert not compare_names("Halo", "Ada", "Paper Moon", "Beyoncé").is_retitled


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "beatles"),
        ("AC/DC", "ac dc"),
        ("Beyoncé", "Beyonce"),
        ("Guns N’ Roses", "Guns N' Roses"),
        ("!!!", "! ! !"),
    ],
)
def test_spellings_of_an_artist_have_one_key(one, other):
    assert artist_comparison_key(one) == artist_comparison_key(other) != ""


def test_different_artists_have_different_keys_and_nobody_has_none():
    names = ["The Band", "The The", "Prince", "!!!", "???", "椎名林檎", "Queen"]
    assert len({artist_comparison_key(name) for name in names}) == len(names)
    for nobody in ("", "Various Artists", "unknown artist", "N/A"):
        assert artist_comparison_key(nobody) == ""
