"""Whether two names are the same song in different words: what of a title counts, what does not.

Only what is known to leave the recording as it is gets dropped from a title: remastered, mono or
stereo, explicit or clean, album version, deluxe, who is a guest. Everything else in brackets or
behind a dash stays and tells songs apart: a live version, a remix, an acoustic version, a radio
edit, a re-recording are other recordings. See ``docs/duplicates.md``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from songrec.core.artist_credits import EVERY_NAME, parse_credits
from songrec.core.songs import TYPOGRAPHY, UNTITLED, plain

LENGTH_SLACK_MS = 3_000
LENGTH_SLACK = 0.02
"""Two lengths are the same song's if they differ by at most the larger of three seconds and 2%."""

_APOSTROPHES = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "`": "'",
        "´": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "‐": "-",
        "−": "-",
    }
)
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_YEAR = r"(?:19|20)\d\d"
_WORD = (
    r"(?:digital(?:ly)?|original|album|lp|stereo|mono|explicit|clean|uncensored|censored|standard|"
    r"deluxe|expanded|special|anniversary|\d+(?:st|nd|rd|th)|bonus|track|edition|version|mix|"
    r"re-?master(?:ed|izado|isee|ise)?|remasterizado|remasterizada|remaster(?:ing|s)?|full|length|"
    rf"audio|official|{_YEAR}|in|the|and|/|-|,)"
)
# A list of such words is dropped if one of these is among them: "mix", "track" or "2011" alone
# say nothing, "the original" might be a song.
_SURE = re.compile(
    r"\b(?:re-?master\w*|stereo|mono|explicit|clean|uncensored|censored|deluxe|expanded|bonus|"
    r"(?:album|original|lp|standard|full length|official|anniversary|special)\s+(?:version|edition|"
    r"mix|audio))\b"
)
_ALL_WORDS = re.compile(rf"{_WORD}(?:\s*{_WORD})*")
_GUESTS = re.compile(r"(?:feat|ft|featuring|with)\b\.?\s+(.+)")
_OPEN_GUESTS = re.compile(r"\s(?:feat\.|ft\.|featuring)\s+([^(\[{]+?)(?=\s-\s|\s*[(\[{]|$)")
_FROM = re.compile(
    r"from (?:the )?(?:\".*|.*\b(?:soundtrack|motion picture|film|movie|musical)\b.*)"
)
_SPELT = ((re.compile(r"\bpt\.?(?=\s*\d|\s+[ivx]+\b)"), "part "), (re.compile(r"&|\+"), " and "))
_NOT_LETTERS = re.compile(r"[\W_]+")
_NAMELESS = frozenset(
    {"", plain(UNTITLED), "intro", "outro", "interlude", "skit", "prelude", "unknown", "track"}
)


@dataclass(frozen=True, slots=True)
class SongName:
    """The parts of a song's name that are compared: title, first artist and guests."""

    artist: str
    title: str
    guests: frozenset[str]


def parse_song_name(artists: Sequence[str], title: str) -> SongName | None:
    """Return the compared parts of a name; None where it names no song (no artist, "Intro", …).

    ``artists`` are the names of the track's credits; all but the first are guests.
    """
    names = _comparable(artists)
    text = plain(title.translate(TYPOGRAPHY))
    guests = set(names[1:])
    rest = _OPEN_GUESTS.sub(lambda match: _add_guests(match[1], guests), text)
    title_parts: list[str] = []
    head = _BRACKETS.sub(lambda match: _part(match[1], title_parts, guests), rest)
    first, *behind = re.split(r"\s+-\s+", head)
    for part in behind:
        _part(part, title_parts, guests)
    words = _letters(" ".join([first, *title_parts])) or _letters(text) or text
    if not names or words in _NAMELESS or re.fullmatch(r"track \d+", words):
        return None
    return SongName(names[0], words, frozenset(guests - {names[0]}))


def title_parts(title: str) -> tuple[str, str]:
    """Return the words before the first bracket or dash, and those of the parts behind it.

    Only what ``parse_song_name`` compares: ``"Halo - Live (feat. X)"`` is ``("halo", "live")``.
    """
    text = _OPEN_GUESTS.sub(" ", plain(title.translate(TYPOGRAPHY)))
    first, *_ = re.split(r"\s+-\s+", _BRACKETS.sub(" ", text))
    core = _letters(first)
    name = parse_song_name(("x",), title)
    words = name.title if name is not None else _letters(text)
    if not core or not f"{words} ".startswith(f"{core} "):
        return words, ""
    return core, words[len(core) :].strip()


def match_key(artists: Sequence[str], title: str) -> int | None:
    """Return a signed 64-bit digest, equal for names that may be the same song; None for no name.

    Equal keys are where to look (``same_names`` decides): guests and lengths are not in it.
    """
    name = parse_song_name(artists, title)
    if name is None:
        return None
    digest = hashlib.blake2b(f"{name.artist}\x1f{name.title}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def same_names(one: SongName | None, other: SongName | None) -> bool:
    """The same artist and title; guests only have to agree where both names say who they are."""
    if one is None or other is None or (one.artist, one.title) != (other.artist, other.title):
        return False
    return not (one.guests and other.guests) or bool(one.guests & other.guests)


def same_length(one: int | None, other: int | None) -> bool:
    """Whether two lengths in ms may be the same recording's; an unknown one may be anything."""
    if one is None or other is None:
        return True
    return abs(one - other) <= max(LENGTH_SLACK_MS, LENGTH_SLACK * max(one, other))


def _part(text: str, title_parts: list[str], guests: set[str]) -> str:
    """Drop what stood in brackets or behind a dash, or keep it as a part of the title."""
    text = text.strip()
    match = _GUESTS.fullmatch(text)
    if match:
        return _add_guests(match[1], guests)
    if not _drops(text):
        title_parts.append(text)
    return " "


def _drops(text: str) -> bool:
    if _FROM.fullmatch(text):
        return True
    return bool(_ALL_WORDS.fullmatch(text) and _SURE.search(text))


def _add_guests(text: str, guests: set[str]) -> str:
    """Collect the guests named in a title, separated where possible, for comparison."""
    guests.update(_comparable([credit.name for credit in parse_credits(text, EVERY_NAME)]))
    return " "


def _comparable(artists: Sequence[str]) -> list[str]:
    """Artists' names as they are compared: letters and digits, without "the"."""
    texts = [plain(name.translate(TYPOGRAPHY)) for name in artists]
    return [name for text in texts if (name := _letters(text).removeprefix("the "))]


def _letters(text: str) -> str:
    """Letters and digits: ``"don't stop!"`` is ``"dont stop"``."""
    for pattern, word in _SPELT:
        text = pattern.sub(word, text)
    return " ".join(_NOT_LETTERS.sub(" ", text.replace("'", "")).split())
