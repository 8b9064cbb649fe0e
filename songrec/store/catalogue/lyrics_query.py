"""Parsing of searches by words, and the expressions of a full-text index for each word."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from songrec.core.cjk_bigrams import is_run, pairs_of, tokens

MOST_WORDS = 12
WHOLE = 4
"""Longest run of characters that is searched as a whole (東京タワー is longer: by its pairs)."""
SHORTEST_BEGINNING = 4
# Stop words are ignored, except in a search of stop words only.
_EVERYWHERE = frozenset(
    re.findall(
        r"\w+",
        """
        a about an and are as at be but by das de del der des die do du ein eine el en et for from
        i ich in is ist it la le les los lyrics me music my not of on or que so some song songs that
        the this to track tracks un und une we with y you your
        """,
    )
)
# "I'm", "don't": indexes split words at the apostrophe, and the second part is meaningless.
_SHORTENED = re.compile(r"(?:n['’]t|['’](?:s|t|m|d|ll|re|ve))\b")
_MOODS = (
    ("joy happy", "happy happiness cheerful glad joy joyful joyous merry delighted upbeat"),
    (
        "sadness",
        "sad sadness unhappy melancholy melancholic sorrow sorrowful gloomy depressing "
        "depressed miserable heartbroken grief",
    ),
    ("anger angry", "angry anger furious fury rage raging aggressive hateful"),
    ("fear scary", "fear afraid scared scary fearful frightened frightening anxious terrified"),
    ("love romantic", "romantic romance tender loving affectionate"),
    ("surprise", "surprise surprised surprising amazed astonished"),
)
"""Tags for emotions, and words that mean them: the six basic emotions and words for them in Shaver,
Schwartz, Kirson & O'Connor, "Emotion knowledge", 1987, as catalogues tag songs with them."""
_TAGS_OF = {word: tuple(tags.split()) for tags, words in _MOODS for word in words.split()}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a search.

    ``text`` is the word in lower case; ``parts`` are its consecutive terms in the index: the word
    itself, or pairs of characters. ``begins``: whether to match words with this prefix. Tags in
    ``moods`` are synonyms of the word.
    """

    text: str
    parts: tuple[str, ...]
    begins: bool = False
    moods: tuple[str, ...] = ()

    @property
    def indexed(self) -> str:
        """The word in the form of the index, without signs such as Thai vowel marks."""
        return self.parts[0] + "".join(part[-1] for part in self.parts[1:])

    def beginning(self) -> Word:
        """Return a prefix condition if the word is long enough, else the word."""
        return replace(self, begins=self.begins or len(self.text) >= SHORTEST_BEGINNING)

    def sqlite(self) -> str:
        """Return the expression for FTS5."""
        phrase = f'"{" ".join(self.parts)}"{"*" if self.begins else ""}'
        tags = " OR ".join(f'"{mood}"' for mood in self.moods)
        return f"({phrase} OR tags : ({tags}))" if tags else phrase

    def postgresql(self) -> str:
        """Return the expression for ``to_tsquery``; tags have the weight A."""
        phrase = " <-> ".join(f"'{part}'" for part in self.parts) + (":*" if self.begins else "")
        return "(" + " | ".join([phrase, *(f"'{mood}':A" for mood in self.moods)]) + ")"


def says_something(words: str) -> bool:
    """Return whether any word of a search is one that not every search has."""
    return any(word not in _EVERYWHERE for word in tokens(words.lower()))


def parse_query(words: str) -> list[Word]:
    """Return the distinct words of a search in lower case, up to a maximum."""
    text = _SHORTENED.sub(" ", unicodedata.normalize("NFC", words).lower())
    all_tokens = tokens(text) or tokens(unicodedata.normalize("NFC", words).lower())
    informative = [word for word in all_tokens if word not in _EVERYWHERE] or all_tokens
    query_words = [one for word in informative for one in _words(word)]
    return list(dict.fromkeys(query_words))[:MOST_WORDS]


def _words(token: str) -> list[Word]:
    if not is_run(token):
        moods = tuple(mood for mood in _TAGS_OF.get(token, ()) if mood != token)
        return [Word(token, (token,), moods=moods)]
    pairs = pairs_of(token)
    if len(pairs) + 1 > WHOLE:
        return [Word(pair, (pair,)) for pair in pairs]
    # A character alone stands at the beginning of a pair, or is the last of its run.
    return [Word(token, tuple(pairs), begins=len(pairs[0]) == 1)] if pairs else []
