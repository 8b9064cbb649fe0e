"""Artist and title from a video's title: only where the tags say enough."""

from __future__ import annotations

import pytest

from songrec.audio_files.video_titles import is_video, split_video_title

NONE = None


@pytest.mark.parametrize(
    ("title", "artist", "from_video", "expected"),
    [
        ("Adele - Hello (Official Music Video)", "AdeleVEVO", False, ("Hello", "Adele")),
        ("Adele - Hello (Official Music Video)", "Adele", False, ("Hello", "Adele")),
        ("Adele - Hello (Official Video) [HD]", "XL Recordings", True, ("Hello", "Adele")),
        ("Adele – Hello [Official Lyric Video]", None, True, ("Hello", "Adele")),
        ("Adele - Hello (Official Audio) ft. X", "Adele", True, ("Hello ft. X", "Adele")),
        ("Nirvana - Lithium", "Nirvana", True, ("Lithium", "Nirvana")),
        ("Hello", "Adele - Topic", False, ("Hello", "Adele")),
        ("Hello (Official Video)", "Adele", False, ("Hello", "Adele")),
        ("Band - Live at Home (Official Video)", "BandVEVO", True, ("Live at Home", "Band")),
        # Uncertain: the artist stays.
        ("Song - Live Session (Official Video)", "Band", True, ("Song - Live Session", "Band")),
        ("Adele - Hello (Official Video)", "XL", False, ("Adele - Hello", "XL")),
        (
            "Lithium - Remastered (Official Video)",
            "Nirvana",
            True,
            ("Lithium - Remastered", "Nirvana"),
        ),
        ("Lithium - Nirvana (Official Video)", "Nirvana", True, ("Lithium - Nirvana", "Nirvana")),
        ("A - B - C (Official Video)", "Someone", True, ("A - B - C", "Someone")),
        ("My talk - part 2", "Someone", True, NONE),
        ("Nirvana - Lithium", "Nirvana", False, NONE),
        ("Song (Live)", "Someone", True, NONE),
    ],
)
def test_names_are_taken_where_they_are_certain(
    title: str, artist: str | None, from_video: bool, expected: tuple[str, str] | None
) -> None:
    assert split_video_title(title, artist, from_video=from_video) == expected


def test_a_page_of_a_video_is_recognised() -> None:
    assert is_video(["https://www.youtube.com/watch?v=abc"])
    assert is_video(["a comment", "https://youtu.be/abc"])
    assert is_video([], ["20190614"])
    assert not is_video(["see https://www.youtube.com/watch?v=abc", "https://example.com"])
    assert not is_video([], ["2019", "2019-06-14", "20199914", "19690614"])
