"""Lyrics whose words say how their song sounds, as ``python -m benchmarks.words`` makes them."""

from __future__ import annotations

import pytest

from benchmarks import words
from songrec.demo.clips import plan
from songrec.demo.clips_styles import STYLES


def test_every_style_has_words_of_its_own_and_lyrics_say_what_they_promise() -> None:
    assert set(words.STYLES) == {style.name for style in STYLES}
    anything = set(words.ANY.split())
    for at, clip in enumerate(plan(per_style=2)):
        own = set(words.STYLES[clip.style.name].split())
        said = words.lyrics(clip, 0.4, at).split()
        assert len(said) == words.WORDS
        assert sum(word in own and word not in anything for word in said) == 12
        assert sum(word in words.MODES[clip.mode].split() for word in said) == 6
        assert sum(word in anything for word in said) == 36
        assert set(words.lyrics(clip, 0.0, at).split()) <= anything
        assert words.lyrics(clip, 0.4, at) == words.lyrics(clip, 0.4, at)


def test_the_ceiling_is_what_equal_songs_leave_open() -> None:
    (clip, *_) = plan(per_style=1)
    assert words._ceiling([clip] * 100, 20) == pytest.approx(10 / 20.8)
    assert words._ceiling([clip] * 10, 2) == 1.0
