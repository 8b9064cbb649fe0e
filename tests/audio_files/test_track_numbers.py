"""Track numbers leave a file's name on evidence; numbers that belong to the name stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.audio_files.path_labels import PathLabels, counted_paths, labels_of
from songrec.audio_files.track_numbers import counted_names, without_track_number


def titles(*names: str) -> list[str]:
    """The names of one folder without their track numbers."""
    counted = counted_names(names)
    return [without_track_number(name, is_counted=name in counted) for name in names]


BANDS = (
    "3 Doors Down - Kryptonite",
    "50 Cent - In Da Club",
    "21 Pilots",
    "99 Luftballons",
    "7 Rings",
    "112 - Cupid",
    "1979",
    "10,000 Maniacs - Trouble Me",
    "2 Unlimited - No Limit",
    "4 Non Blondes - What's Up",
    "16 Tons",
    "7.5 Hours",
    "9-11 Attack",
    "1-800-273-8255",
    "24-7 Spyz - Stuff",
    "007 - Theme",
    "A1 - Take On Me",
    "D12 - Purple Pills",
    "2-Step",
)


@pytest.mark.parametrize("name", BANDS)
def test_a_number_of_the_name_stays_in_a_file_alone(name: str) -> None:
    assert titles(name) == [name]


def test_numbers_of_names_stay_in_a_folder_that_is_not_counted() -> None:
    assert titles(*BANDS) == list(BANDS)
    assert titles("3 Doors Down - Loser", "3 Doors Down - Kryptonite", "4 Strings - Take Me") == [
        "3 Doors Down - Loser",
        "3 Doors Down - Kryptonite",
        "4 Strings - Take Me",
    ]
    assert titles("112 - Cupid", "112 - Peaches", "311 - Amber", "702 - Steelo") == [
        "112 - Cupid",
        "112 - Peaches",
        "311 - Amber",
        "702 - Steelo",
    ]


def test_numbers_of_names_stay_beside_counted_files() -> None:
    album = [f"{number:02} Song {number}" for number in range(1, 13)]
    assert titles(*album, "7 Rings", "50 Cent - In Da Club")[-2:] == [
        "7 Rings",
        "50 Cent - In Da Club",
    ]
    assert titles("01 - One", "02 - 99 Luftballons") == ["One", "99 Luftballons"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["01 - Title"], ["Title"]),
        (["03. Third", "07. Seventh", "12. Twelfth"], ["Third", "Seventh", "Twelfth"]),
        (["1 One", "2 Two"], ["One", "Two"]),
        (["1. One", "2. Two", "Bonus"], ["One", "Two", "Bonus"]),
        (["3) Third", "9) Ninth"], ["Third", "Ninth"]),
        (["57 - A - x", "58 - B - y", "59 - C - z"], ["A - x", "B - y", "C - z"]),
        (["001 - A", "002 - B", "010 - C"], ["A", "B", "C"]),
        (["01 - A", "03 - B", "11 - C", "38 - D", "64 - E"], ["A", "B", "C", "D", "E"]),
        (["1-03 Title"], ["Title"]),
        (["1-11 A", "1-12 B", "1-13 C", "2-01 D"], ["A", "B", "C", "D"]),
        (["A1 First", "A2 Second", "B1 Third"], ["First", "Second", "Third"]),
        (["09 Nine", "10 Ten", "11 Eleven"], ["Nine", "Ten", "Eleven"]),
        (["01.One", "02.Two"], ["One", "Two"]),
        (["01、夜に駆ける", "02、群青"], ["夜に駆ける", "群青"]),
    ],
)
def test_counted_files_lose_their_numbers(names: list[str], expected: list[str]) -> None:
    assert titles(*names) == expected


@pytest.mark.parametrize(
    "template", ["{:02} {}", "{:02} - {}", "{:02}. {}", "{} {}", "{} - {}", "{}. {}", "1-{:02} {}"]
)
def test_whole_albums_lose_every_number(template: str) -> None:
    songs = [f"Song {chr(65 + number)}" for number in range(26)]
    assert titles(*(template.format(n, song) for n, song in enumerate(songs, 1))) == songs


def test_the_number_in_the_tag_is_evidence() -> None:
    assert without_track_number("7 Seconds", track=7) == "Seconds"
    assert without_track_number("7 Seconds", track=6) == "7 Seconds"
    assert without_track_number("2-13 Last", track=13) == "Last"
    root = Path("/m")
    assert labels_of(root / "5 - Five.mp3", root, track=5) == PathLabels("Five")
    assert labels_of(root / "112 - Cupid.mp3", root) == PathLabels("Cupid", "112")


def test_folders_are_counted_each_by_itself() -> None:
    root = Path("/m")
    album = [root / "album" / f"{number}_Song_{number}.mp3" for number in range(1, 4)]
    singles = [root / "singles" / "2 Unlimited - No Limit.mp3", root / "singles" / "7 Rings.mp3"]
    assert counted_paths([*album, *singles]) == frozenset(album)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=12))
def test_a_name_never_becomes_empty_nor_longer(names: list[str]) -> None:
    for name, title in zip(names, titles(*names), strict=True):
        assert name.endswith(title)
        assert bool(title) == bool(name)
