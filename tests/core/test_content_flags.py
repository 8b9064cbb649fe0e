"""Seasonal songs and spoken word are told by their names, and by little else."""

from __future__ import annotations

import pytest

from songrec.core.content_flags import SEASONAL, SPOKEN_WORD, content_flags, is_spoken_genre


@pytest.mark.parametrize(
    "title",
    [
        "Last Christmas",
        "All I Want for Christmas Is You",
        "Wonderful Christmastime",
        "Merry Xmas Everybody",
        "Santa Claus Is Comin’ to Town",
        "O Holy Night (Live)",
        "Petit papa Noël",
        "Stille Nacht, heilige Nacht",
        "Weihnachtslied",
        "Feliz Navidad",
        "Noche de Paz",
        "Feliz Natal",
        "Bianco Natale",
        "Joulupukki",
        "クリスマス・イブ",
        "Рождество",
        "Happy New Year",
        "Monster Mash",
    ],
)
def test_seasonal_songs_are_told_by_their_titles(title):
    assert content_flags(title) == SEASONAL


@pytest.mark.parametrize(
    "title",
    [
        "Santa Monica Dream",
        "Santa Fe",
        "Winter",
        "November Rain",
        "Holiday",
        "Snow (Hey Oh)",
        "Jul",
        "Natalie",
        "Hallowed Be Thy Name",
        "Carol",
        "Silent All These Years",
        "Skyfall",
        "Interviewed",
        "",
    ],
)
def test_other_songs_are_not(title):
    assert content_flags(title) == 0


def test_an_album_tells_of_its_songs():
    assert content_flags("My Favorite Things", "A Christmas Gift for You") == SEASONAL
    assert content_flags("Sleep", "The Holiday Collection") == SEASONAL
    assert content_flags("Holiday", "American Idiot") == 0


@pytest.mark.parametrize(
    ("title", "speechiness", "flags"),
    [
        ("Anything", 0.67, SPOKEN_WORD),
        ("Anything", 0.66, 0),
        ("Anything", float("nan"), 0),
        ("Kapitel 12: Die Burg", None, SPOKEN_WORD),
        ("Chapter 24", 0.04, 0),
        ("Torture (Skit)", 0.5, SPOKEN_WORD),
        ("Interview", 0.05, 0),
        ("Rubber Band Man + Buster Skit", 0.4, 0),
        ("Interview", None, SPOKEN_WORD),
    ],
)
def test_spoken_word_is_told_by_its_speech_and_by_titles(title, speechiness, flags):
    assert content_flags(title, speechiness=speechiness) == flags


def test_spoken_genres():
    assert all(map(is_spoken_genre, ("Hörbuch", "Spoken Word")))
    assert not any(map(is_spoken_genre, ("Speech Rock", "hip hop")))
    assert content_flags("Any", speechiness=0.1, spoken_genre=True) == SPOKEN_WORD
