"""Search terms of names: what a title or an artist is found by, and what a search asks for.

Both sides are reduced to the same terms here, so that a database only compares words for equality
and by their beginnings, and SQLite and PostgreSQL answer alike. Names are folded (case, width,
ligatures, diacritics, letters such as ß, æ, ø and ł) and written in every way that people type
them:

- with and without what stands inside a word: ``AC/DC`` as ``ac``, ``dc`` and ``acdc``, ``Don’t`` as
  ``dont``, ``don`` and ``t``, ``R.E.M.`` as ``rem``, ``Jay Z`` also as ``jayz``;
- signs as the letters that they stand for: ``A$AP`` as ``asap``, ``&`` and ``n`` as ``and``;
- umlauts in two letters: ``Motörhead`` as ``motorhead`` and ``motoerhead``.

Scripts without spaces between words, and Korean, are written as the stretch that begins at each
character: any part of a name is then the beginning of one of its terms.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from songrec.core.cjk_bigrams import CHARACTERS

MAX_WORDS = 12
"""Words of a search that count."""
MAX_TEXT = 1_000
MAX_TERM = 40
STRETCH = 8
"""Characters of a stretch. A longer part of a name is searched as several stretches."""

# Apostrophes, quotes used as such, accents that stand alone, and letters that are apostrophes.
_APOSTROPHES = dict.fromkeys("’‘‛`´ʹʻʼʽʾʿˈˊˋ′‵ꞌꞋ՚׳＇", "'")
_VOICED = {"゛": "\u3099", "゜": "\u309a"}
_KANA_MARKS = "\u3099\u309a"
# Fillers and selectors that are letters or marks to Unicode, and signs of trade marks.
_INVISIBLE = frozenset(
    "\u034f\u0640\u115f\u1160\u3164\uffa0™℠" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
_LETTERS = {
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "ȷ": "j",
    "ŋ": "n",
    "ĸ": "k",
    "ə": "e",
    "ʌ": "a",
}
"""Letters without a decomposition whose Unicode name does not give the base letter."""
_NAMED_LETTER = re.compile(
    r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z]{1,2})(?: WITH .*)?"
)
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
    | {"Ä": "AE", "Ö": "OE", "Ü": "UE", "Ø": "OE", "Å": "AA"}
)
_SIGN_LETTERS = {
    "$": "s",
    "@": "a",
    "€": "e",
    "£": "l",
    "¥": "y",
    "¢": "c",
    "†": "t",
    "∆": "a",
    "△": "a",
    "▲": "a",
    "λ": "a",
    "δ": "a",
    "ξ": "e",
    "σ": "e",
    "я": "r",
    "и": "n",
}
"""Signs, Greek and Cyrillic letters that stand for another where they touch a Latin letter."""
_SIGNS = "".join(_SIGN_LETTERS)
_KEPT_SIGNS = frozenset(sign for sign in _SIGNS if not sign.isalnum())
_AS_LETTER = re.compile(rf"(?<=[a-z])[{_SIGNS}]+|[{_SIGNS}]+(?=[a-z])")
_BANG_AS_LETTER = re.compile(r"!(?=[a-z])")
_SIGN_TABLE = str.maketrans(_SIGN_LETTERS)
_DIGIT_AS_LETTER = re.compile(r"(?<=[a-z])[013457](?!\d)")
_DIGIT_TABLE = str.maketrans("013457", "oieast")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

# What is neither a letter nor a digit of ASCII. Beyond ASCII only letters and signs are left.
_BETWEEN = r"\x00-/:-@\[-`{-\x7f" + "".join(sorted(_KEPT_SIGNS - {"$", "@"}))
_TOKENS = re.compile(rf"[{CHARACTERS}]+|[^{_BETWEEN}{CHARACTERS}]+|[&+]")
_RUN = re.compile(f"[{CHARACTERS}]+")
_PIECES = re.compile(r"[/,;|&+]")
_UNFINISHED_SYLLABLE = re.compile("(?<=[\uac00-\ud7a3])[\u1100-\u11ff]+$")

_AND_SIGNS = frozenset("&+")
_AND = ("and", "n")
_CONNECTORS = {"&": _AND, "+": (*_AND, "plus"), "and": ("n",), "n": ("and",)}


@dataclass(frozen=True, slots=True)
class Term:
    """A term that a name must have; ``begins``: or one that begins so."""

    text: str
    begins: bool = False


Alternative = tuple[Term, ...]
"""Terms that must all be there."""


@dataclass(frozen=True, slots=True)
class SearchWord:
    """A word of a search: one of its ``alternatives`` must be met."""

    alternatives: tuple[Alternative, ...]


def search_terms(*names: str) -> str:
    """Return the terms that something of these names is found by, between spaces.

    >>> search_terms("AC/DC")
    'ac dc acdc'
    >>> search_terms("椎名林檎")
    '椎名林檎 名林檎 林檎 檎'
    """
    return " ".join(filter(None, map(_name_terms, names)))


@functools.lru_cache(maxsize=8192)
def _name_terms(name: str) -> str:
    stream: list[str] = []
    terms: list[str] = []
    for chunk in name[:MAX_TEXT].split():
        tokens, others = _chunk_terms(chunk)
        stream += tokens
        terms += others
    distinct = dict.fromkeys([*_stream_terms(stream), *terms])
    return " ".join(term[:MAX_TERM] for term in distinct if term)


def parse_search(text: str) -> list[SearchWord]:
    """Return the words of a search, at most ``MAX_WORDS``; the last one may be unfinished.

    Signs alone are no words, and "&" between words may be there or not.
    """
    chunks = [_spellings(chunk) for chunk in text[:MAX_TEXT].split()]
    chunks = [chunk for chunk in chunks if any(map(_items, chunk))][:MAX_WORDS]
    solid = ["".join(_words(chunk[0])) if _is_word(chunk[0]) else "" for chunk in chunks]
    alternatives: list[list[Alternative]] = []
    for at, chunk in enumerate(chunks):
        unfinished = at == len(chunks) - 1
        alternatives.append([one for spelling in chunk for one in _ways(spelling, unfinished)])
    for start, stop in _joinable(solid):
        joined = _term("".join(solid[start:stop]), stop == len(solid))
        for at in range(start, stop):
            alternatives[at].append((joined,))
    return [SearchWord(tuple(dict.fromkeys(ways))) for ways in alternatives]


@functools.lru_cache(maxsize=16_384)
def _chunk_terms(chunk: str) -> tuple[list[str], list[str]]:
    """Return the words and runs of what stands between two spaces, and further terms for it."""
    first, *others = _spellings(chunk)
    terms = []
    for piece in dict.fromkeys((first, *_PIECES.split(first))):
        words = _words(piece)
        if len(words) > 2:
            terms.append("".join(words))
    for spelling in others:
        words = _words(spelling)
        terms += (*words, "".join(words))
    return ["x"] if chunk == "×" else _TOKENS.findall(first), terms


def meets(words: Sequence[SearchWord], terms: str) -> bool:
    """Whether a name with these terms has every word of a search."""
    distinct = terms.split()
    return all(
        any(all(_has(distinct, term) for term in way) for way in word.alternatives)
        for word in words
    )


def spelling_key(name: str) -> str:
    """Return a name in one word, equal for its usual spellings: "AC/DC" and "acdc"."""
    words = []
    for chunk in name[:MAX_TEXT].split():
        tokens, _ = _chunk_terms(chunk)
        words += ["and" if token in (*_AND_SIGNS, "n") else token for token in tokens]
    return "".join(words)


def _has(terms: Sequence[str], term: Term) -> bool:
    if term.begins:
        return any(one.startswith(term.text) for one in terms)
    return term.text in terms


def _spellings(chunk: str) -> list[str]:
    """Return what stands between two spaces in each of its spellings, the most usual one first.

    Letters and digits are folded; of signs, those of ASCII and ``_KEPT_SIGNS`` are left.
    """
    if chunk.isascii() and (
        chunk.isdigit() or (chunk.isalpha() and (chunk.islower() or chunk[1:].islower()))
    ):
        return [chunk.lower()]  # nearly all there are, at once
    chunk = unicodedata.normalize("NFC", chunk)
    raw = (chunk, chunk.translate(_UMLAUTS), _CAMEL.sub("/", chunk))
    spellings: dict[str, None] = {}
    for one in dict.fromkeys(raw):
        folded = _fold(one)
        plain = folded.replace("'", "")
        lettered = _AS_LETTER.sub(lambda match: match[0].translate(_SIGN_TABLE), plain)
        lettered = _BANG_AS_LETTER.sub("i", lettered)
        digits = _DIGIT_AS_LETTER.sub(lambda match: match[0].translate(_DIGIT_TABLE), lettered)
        spellings |= dict.fromkeys((lettered, plain, folded.replace("'", "/"), digits))
    return list(spellings)


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.translate(_BEFORE))
    return unicodedata.normalize("NFC", decomposed.translate(_AFTER))


class _Before(dict[int, str]):
    """Characters whose decomposition would lose what they are; filled in as they come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in _APOSTROPHES:
            replacement = "'"
        elif character in _VOICED:
            replacement = _VOICED[character]
        elif unicodedata.category(character) == "Cf" or character in _INVISIBLE:
            replacement = ""
        elif unicodedata.decomposition(character).startswith("<compat> 0020 "):
            replacement = "'"  # an accent that stands alone
        else:
            replacement = character
        return self.setdefault(code, replacement)


class _After(dict[int, str]):
    """Decomposed characters, folded; filled in as they come."""

    def __missing__(self, code: int) -> str:
        return self.setdefault(code, _fold_character(chr(code)))


_BEFORE = _Before()
_AFTER = _After()


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if character.isascii() or character in _KANA_MARKS or character in _KEPT_SIGNS:
        return character.lower()
    if unicodedata.combining(character) or category == "Me":
        return ""
    if character in _APOSTROPHES:
        return "'"
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "ァ" <= character <= "ヶ" or character in "ヽヾ":
        return chr(ord(character) - 0x60)  # hiragana
    if not (character.isalnum() or category in ("Mn", "Mc")):
        return " " if character.isspace() else "/"
    folded = unicodedata.normalize("NFKD", character.casefold())
    return "".join(map(_base_letter, folded))


def _base_letter(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.combining(character):
        return ""
    if character in _LETTERS:
        return _LETTERS[character]
    named = _NAMED_LETTER.fullmatch(unicodedata.name(character, ""))
    return named[1].lower() if named else character


def _items(spelling: str) -> list[str]:
    """Words and runs of a spelling."""
    return [token for token in _TOKENS.findall(spelling) if token not in _AND_SIGNS]


def _words(spelling: str) -> list[str]:
    return [item for item in _items(spelling) if not _is_run(item)]


def _is_run(token: str) -> bool:
    return not token.isascii() and _RUN.match(token) is not None


def _is_word(spelling: str) -> bool:
    return bool(_items(spelling)) and not _RUN.search(spelling)


def _stream_terms(stream: Sequence[str]) -> Iterable[str]:
    """Return the terms of a name's words and runs, alone and joined to their neighbours."""
    if not any(map(_is_run, stream)):
        return _word_terms(stream)
    terms: list[str] = []
    for is_run, group in itertools.groupby(stream, key=_is_run):
        if is_run:
            run = "".join(group)
            terms += (run[at : at + STRETCH] for at in range(len(run)))
        else:
            terms += _word_terms(list(group))
    return terms


def _word_terms(tokens: Sequence[str]) -> list[str]:
    words = [token for token in tokens if token not in _AND_SIGNS]
    terms = [*words, *map(operator.add, words, words[1:])]
    if not _CONNECTORS.keys().isdisjoint(tokens):
        for token in tokens:
            terms += _CONNECTORS.get(token, ())
        for one, between, other in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if between in _CONNECTORS and _AND_SIGNS.isdisjoint((one, other)):
                terms += (f"{one}{word}{other}" for word in _AND)
    if sum(len(word) == 1 for word in words) > 2:
        for is_letter, letters in itertools.groupby(words, key=lambda word: len(word) == 1):
            if is_letter:
                terms.append("".join(letters))
    return terms


def _ways(spelling: str, unfinished: bool) -> Iterator[Alternative]:
    """Yield what a name may have for a word of a search in one spelling: it whole, its parts."""
    spelling = _UNFINISHED_SYLLABLE.sub("", spelling)
    tokens = _TOKENS.findall(spelling)
    items = _items(spelling)
    if _is_word(spelling):
        yield (_term("".join(items), unfinished),)
        if len(items) > 1 and len(items) < len(tokens):
            for word in _AND:
                joined = "".join(word if token in _AND_SIGNS else token for token in tokens)
                yield (_term(joined, unfinished),)
    parts: list[Term] = []
    for item in items[:MAX_WORDS]:
        if _is_run(item):
            last = max(0, len(item) - STRETCH)
            starts = [*range(0, last, STRETCH), last][-MAX_WORDS:]
            parts += (Term(item[at : at + STRETCH], begins=True) for at in starts)
        else:
            parts.append(_term(item, unfinished and item is items[-1]))
    if parts:
        yield tuple(parts)


def _joinable(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield from where to where the words of a search may be one in a name; "" is no word."""
    for at in range(len(words) - 1):
        if words[at] and words[at + 1]:
            yield at, at + 2
            if words[at + 1] in _AND and any(words[at + 2 : at + 3]):
                yield at, at + 3
    at = 0
    for length, group in itertools.groupby(words, key=len):
        count = len(list(group))
        if length == 1 and count > 2:
            yield at, at + count
        at += count


def _term(text: str, begins: bool) -> Term:
    return Term(text[:MAX_TERM], begins)
