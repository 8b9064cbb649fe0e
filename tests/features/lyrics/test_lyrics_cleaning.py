"""What is not sung is taken out of lyrics, and nothing else; made-up words throughout."""

from __future__ import annotations

import pytest

from songrec.features.lyrics.cleaning import clean
from songrec.features.lyrics.language import language_of

SUNG = "Lanterns over the harbour\nGulls above the quay"


@pytest.mark.parametrize(
    "around",
    [
        "[Verse 1]\n{}",
        "{}\n[Chorus: Somebody & Others]",
        "{}\n(Chorus)",
        "{}\n(Repeat Chorus x2)",
        "Chorus:\n{}",
        "VERSE 2\n{}",
        "{} x2",
        "{}\n(x3)",
        "{}Embed",
        "{}12Embed",
        "7 ContributorsTranslationsDeutschHarbour Lyrics{}",
        "1 ContributorHarbour Lyrics\n{}",
        "{}\nYou might also like",
        "Harbour Lyrics\n{}",
        "Written by: A. Body\n{}",
        "{}\nProduced by A. Body",
        "[00:12.50]{}",
        "<br>{}",
        "{}\nhttps://example.org/lyrics",
        "\ufeff{}\u200b",
        "{}\r\n\r\n",
        "{}\nSee Somebody LiveGet tickets as low as $45",
    ],
)
def test_what_is_not_sung_is_taken_out(around: str) -> None:
    assert clean(around.format(SUNG)) == SUNG


def test_what_is_sung_stays() -> None:
    for line in (
        "I wrote a verse and a chorus for you",
        "Embedded in the sand, a bridge of stone",
        "Call me at 555 or x-ray my heart",
        "Read more books, he said (and smiled)",
        "Live at 8, the tickets are gone",
        "Ça va, ma chérie? Żółta łódź – 夜の雨",
    ):
        assert clean(line) == line


def test_entities_and_composed_letters_are_one_way_of_writing() -> None:
    assert clean("rock &amp; roll cafe\u0301 blues") == "rock & roll café blues"


@pytest.mark.parametrize("nothing", [None, "", "  \n ", "Instrumental", "[Instrumental]", "la la"])
def test_a_remark_is_no_lyrics(nothing: str | None) -> None:
    assert clean(nothing) is None


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("the lanterns are burning tonight and I am waiting at the harbour for you", "english"),
        ("die Laternen brennen heute Nacht und ich warte am Hafen auf dich", "german"),
        ("las linternas arden esta noche y yo te espero en el puerto", "spanish"),
        ("les lanternes brûlent cette nuit et je t'attends sur le port", "french"),
        ("фонари горят этой ночью и я жду тебя в гавани", "russian"),
        ("今夜は灯りがともり、港で君を待っている", "japanese"),
    ],
)
def test_languages_are_told(line: str, language: str) -> None:
    assert language_of(line) == language


def test_a_language_that_is_not_sure_is_left_open() -> None:
    assert language_of(None) is None
    assert language_of("hey") is None
    assert language_of("la la la la na na na na hey hey hey hey la la la na na na") is None
