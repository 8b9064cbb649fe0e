"""Comparison of the names that two sources give to one id.

It decides whether an id is believed, so it is stricter than a search and more lenient than
``title_normalization.same_names``: remasters, versions, guests, case and accents are no
difference, and what cannot be compared (an unknown name, another script) is neither equal nor
different.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from songrec.core.songs import TYPOGRAPHY, UNTITLED, plain
from songrec.core.title_normalization import parse_song_name
from songrec.core.track_identity import is_label

_SEPARATORS = re.compile(
    r"\s*(?:[,;/|•]|\s[&+x×]\s|\b(?:feat|ft)\b\.?|\b(?:featuring|with|and|vs\.?|und|et|y)\s)\s*"
)
_NOT_LETTERS = re.compile(r"[\W_]+")
_NOBODY = frozenset(
    {"", "various", "variousartists", "va", "unknown", "unknownartist", "na", "none"}
)


@dataclass(frozen=True, slots=True)
class NameComparison:
    """Whether titles and artists are the same; None if it cannot be decided."""

    title: bool | None
    artists: bool | None

    @property
    def agrees(self) -> bool:
        """The title is the same, and the artists are not others."""
        return bool(self.title) and self.artists is not False

    @property
    def is_retitled(self) -> bool:
        """The title is another one, the artists are not."""
        return self.title is False and self.artists is not False

    @property
    def contradicts(self) -> bool:
        """Title and artists are both clearly others: it is another song."""
        return self.title is False and self.artists is False


def compare_names(title: str, artists: str, other_title: str, other_artists: str) -> NameComparison:
    """Compare a title and an artist line with those of another source."""
    if title == other_title and artists == other_artists:
        return NameComparison(_is_title(title) or None, bool(artists) or None)
    return NameComparison(_same_titles(title, other_title), _same_artists(artists, other_artists))


def artist_comparison_key(name: str) -> str:
    """Return what two spellings of one artist's name share, "The", signs and spaces aside.

    "The Beatles", "beatles"; "AC/DC", "ac dc"; "Beyoncé", "Beyonce". A name without letters or
    digits ("!!!") is compared by its signs; the key of a name that stands for nobody ("Various
    Artists") is empty.
    """
    text = plain(name.translate(TYPOGRAPHY))
    squeezed = _squeezed(text.removeprefix("the ")) or _squeezed(text)
    if squeezed in _NOBODY - {""}:
        return ""
    return squeezed or text.replace(" ", "") or name.strip()


def _is_title(title: str) -> bool:
    return bool(_squeezed(title)) and title != UNTITLED and not is_label(title)


def _same_titles(one: str, other: str) -> bool | None:
    if not _is_title(one) or not _is_title(other):
        return None
    first, second = _title_words(one), _title_words(other)
    if first.replace(" ", "") == second.replace(" ", ""):
        return True
    if other_script(first, second):
        return None
    # "Halo" and "Halo (live in Oslo)": perhaps another recording, hardly another song.
    shorter, longer = sorted((first, second), key=len)
    return None if f"{longer} ".startswith(f"{shorter} ") else False


def _same_artists(one: str, other: str) -> bool | None:
    first, second = artist_names(one), artist_names(other)
    if first & second or (one and one == other):
        return True
    if not first or not second or other_script(one, other):
        return None
    return False


def _title_words(title: str) -> str:
    name = parse_song_name(("x",), title)
    return name.title if name is not None else _NOT_LETTERS.sub(" ", plain(title)).strip()


def artist_names(line: str) -> frozenset[str]:
    """Return every name that the line may credit, without spaces and "the"."""
    text = plain(line.translate(TYPOGRAPHY))
    parts = (text, *_SEPARATORS.split(text))
    return frozenset(_squeezed(part.removeprefix("the ")) for part in parts) - _NOBODY


def _squeezed(text: str) -> str:
    return _NOT_LETTERS.sub("", plain(text))


def other_script(one: str, other: str) -> bool:
    """Whether one is in Latin letters and the other is not: a transliteration, perhaps."""
    return _is_latin(one) != _is_latin(other)


def _is_latin(text: str) -> bool:
    letters = [c for c in plain(text) if c.isalpha()]
    return all("LATIN" in unicodedata.name(c, "") for c in letters)
