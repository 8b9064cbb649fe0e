from __future__ import annotations

import pytest

from songrec.catalogue_files.musical_keys import is_german_key, parse_key, parse_mode
from songrec.core.attributes import key_name


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("8A", (9, 0)),
        ("8B", (0, 1)),
        ("1A", (8, 0)),
        ("12b", (4, 1)),
        ("05A", (0, 0)),
        ("1m", (9, 0)),
        ("1d", (0, 1)),
        ("6m", (8, 0)),
        ("Am", (9, 0)),
        ("A minor", (9, 0)),
        ("A_minor", (9, 0)),
        ("f# maj", (6, 1)),
        ("F sharp minor", (6, 0)),
        ("E-flat major", (3, 1)),
        ("B\u266d min", (10, 0)),
        ("Cb", (11, None)),
        ("CM", (0, None)),
        ("Fis-Moll", (6, 0)),
        ("Es-Dur", (3, 1)),
        ("B-Dur", (10, 1)),
        ("H-Moll", (11, 0)),
        ("As-Dur", (8, 1)),
        ("La mineur", (9, 0)),
        ("Ré", (2, None)),
        ("Sol dièse mineur", (8, 0)),
        ("Si bémol majeur", (10, 1)),
        ("Dó maior", (0, 1)),
        ("Fa♯ menor", (6, 0)),
        ("C♯/D♭", (1, None)),
        ("C#/Db minor", (1, 0)),
        ("8A - Am", (9, 0)),
        ("8A (A minor)", (9, 0)),
        ("H", None),
        ("13A", None),
        ("0A", None),
        ("12", None),
        ("A minor/C major", None),
        ("8A - Bm", None),
        ("loud", None),
        ("", None),
    ],
)
def test_keys_have_many_names(text, key):
    assert parse_key(text) == key


def test_in_german_b_is_b_flat():
    assert is_german_key("H")
    assert is_german_key("Hm")
    assert not is_german_key("B")
    assert parse_key("H", german=True) == (11, None)
    assert parse_key("Bm", german=True) == (10, 0)
    assert parse_key("Bb", german=True) == (10, None)


def test_every_key_comes_back_from_its_name_and_its_neighbours_on_the_wheel_are_fifths():
    for pitch in range(12):
        for mode in (0, 1):
            assert parse_key(key_name(pitch, mode)) == (pitch, mode)
    for letter in "AB":
        wheel = [parse_key(f"{number}{letter}") for number in range(1, 13)]
        assert len(set(wheel)) == 12
        for (one, _), (other, _) in zip(wheel, wheel[1:] + wheel[:1], strict=True):
            assert (other - one) % 12 == 7


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("Major", 1),
        ("min.", 0),
        ("Dur", 1),
        ("moll", 0),
        ("mineur", 0),
        ("maggiore", 1),
        ("m", None),
        ("1", None),
    ],
)
def test_modes_have_names(text, mode):
    assert parse_mode(text) == mode
