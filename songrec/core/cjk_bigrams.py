"""Scripts that put no spaces between words: written in pairs of characters, so that words match.

Han, kana, Thai, Lao, Khmer and Burmese do not part words; Korean does, but joins endings to them.
Overlapping pairs ("bigrams") need no dictionary and find any part of a text again (Nie, Gao, Zhang
& Zhou, "On the use of words and n-grams for Chinese information retrieval", IRAL 2000).
"""

from __future__ import annotations

import re

CHARACTERS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # Han
    "\uac00-\ud7a3"  # Hangul
)
_RUNS = re.compile(f"[{CHARACTERS}]+")
_TOKENS = re.compile(rf"[{CHARACTERS}]+|[^\W_{CHARACTERS}]+")


def tokens(text: str) -> list[str]:
    """The words of a text, and whole runs of characters of scripts without spaces, as written."""
    return _TOKENS.findall(text)


def is_run(token: str) -> bool:
    """Whether one of ``tokens`` is of a script without spaces."""
    return _RUNS.match(token) is not None


def pairs_of(run: str) -> list[str]:
    """``"東京駅"`` as ``["東京", "京駅"]``; one character alone as itself.

    Vowel and tone marks (Thai, Khmer, Burmese) and points between names are left out.
    """
    letters = "".join(letter for letter in run if letter.isalnum())
    if len(letters) < 2:
        return [letters] if letters else []
    return [letters[at : at + 2] for at in range(len(letters) - 1)]


def spaced(text: str) -> str:
    """The text with every run written as its pairs and, last, its last character.

    So a full-text index that parts words at spaces finds any stretch of a run as a phrase of
    pairs, and one character as the beginning of a pair. Other scripts are left as they are.
    """
    return _RUNS.sub(lambda match: _written(pairs_of(match.group())), text)


def rejoined(words: list[str]) -> list[str]:
    """Neighbouring pairs that overlap as one word again: ``["東京", "京駅"]`` as ``["東京駅"]``."""
    joined: list[str] = []
    for word in words:
        last = joined[-1] if joined else ""
        if is_run(word) and is_run(last) and word[0] == last[-1]:
            joined[-1] = last + word[1:]
        else:
            joined.append(word)
    return joined


def _written(pairs: list[str]) -> str:
    last = [pairs[-1][-1]] if pairs and len(pairs[-1]) > 1 else []
    return f" {' '.join([*pairs, *last])} "
