"""Content types of columns, by their cells: track ids, addresses, dates, numbers, names."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from songrec.catalogue_files.cell_values import is_missing

SAMPLE_ROWS = 1_000
"""Number of rows, evenly spread, in the sample of a column."""
_SPOTIFY_URI = re.compile(
    r"(?:spotify:(?:user:[^:]+:)?|https?://(?:open|play|api)\.spotify\.com/(?:v1/)?(?:intl-[a-z-]+/)?"
    r"(?:embed/)?)(track|artist|album|playlist|user|show|episode|local)s?[:/]",
    re.IGNORECASE,
)
_ID22 = re.compile(r"[0-9A-Za-z]{22}")
_ISRC = re.compile(r"[A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_MUSICBRAINZ = re.compile(
    r"https?://(?:www\.|beta\.)?musicbrainz\.org/([a-z-]+)/[0-9a-f-]{36}", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:https?|ftp|file)://|www\.", re.IGNORECASE)
_NUMBER = re.compile(
    r"[+\-\u2212]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][+\-]?\d+)?\s*(?:%|dB|dBFS|bpm)?", re.I
)
_CLOCK = re.compile(r"(?:\d{1,3}:)?\d{1,3}:[0-5]?\d(?:\.\d+)?|\d+\s*m(?:in)?\s*\d+\s*s(?:ec)?")
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?: .*)?"
)
_FLAG = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
_EMPTY = frozenset({"[]", "[nan]", "['']", "?", "-", "\\n", "empty_field"})
_LABELS = {
    "spotify track": "Spotify addresses of tracks",
    "spotify artist": "Spotify addresses of artists",
    "spotify album": "Spotify addresses of albums",
    "spotify playlist": "Spotify addresses of playlists",
    "spotify user": "Spotify addresses of users",
    "id22": "ids of 22 characters, as Spotify's are",
    "isrc": "ISRC codes",
    "mbid": "MusicBrainz ids",
    "address": "web addresses",
    "number": "numbers",
    "flag": "yes or no",
    "clock": "lengths of time",
    "date": "dates",
    "text": "text",
}


@dataclass(frozen=True)
class ColumnContent:
    """A summary of a column's cells in a sample of rows.

    ``kinds`` counts the filled cells by kind (the keys of ``_LABELS``); ``texts`` are the cells as
    they stand, in the order of the sample, empty ones as "".
    """

    texts: tuple[str, ...]
    kinds: Mapping[str, int]
    filled: int
    distinct: int
    numbers: tuple[float, ...] = field(repr=False, default=())

    @property
    def kind(self) -> str:
        """The kind of at least 90 % of the filled cells, else "mixed"; "empty" without any."""
        if not self.filled:
            return "empty"
        kind, count = max(self.kinds.items(), key=lambda item: item[1])
        return kind if count >= 0.9 * self.filled else "mixed"

    def share(self, *kinds: str) -> float:
        """Return the share of the filled cells that are of one of ``kinds``."""
        return sum(self.kinds.get(kind, 0) for kind in kinds) / self.filled if self.filled else 0.0

    @property
    def filled_share(self) -> float:
        """Share of the sampled rows with a filled cell."""
        return self.filled / len(self.texts) if self.texts else 0.0

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the same value."""
        return self.distinct == 1 and self.filled > 2

    @property
    def is_row_number(self) -> bool:
        """Whether the column numbers the rows."""
        values = self.numbers
        if len(values) < 2 or len(values) != self.filled or self.filled != len(self.texts):
            return False
        steps = {b - a for a, b in itertools.pairwise(values)}
        return values[0] in (0, 1) and all(step > 0 and step == int(step) for step in steps)

    @property
    def label(self) -> str:
        """Description of the content for people: "numbers", "ISRC codes", …; "" if mixed."""
        kind = self.kind
        if kind == "empty":
            return "nothing"
        if kind == "id22" and self.share("id22") != 1.0:
            return ""
        return _LABELS.get(kind, "")


def summarise_column(cells: Sequence[Any]) -> ColumnContent:
    """Summarise the cells of one column."""
    texts = tuple(_text(cell) for cell in cells)
    filled = [text for text in texts if text]
    kinds = Counter(dict.fromkeys(_LABELS, 0))
    numbers: list[float] = []
    kind_of: dict[str, str] = {}
    for text in filled:
        if text not in kind_of:
            kind_of[text] = _kind(text)
        kinds[kind_of[text]] += 1
        if kind_of[text] == "number":
            numbers.append(_number(text))
    counted = {kind: count for kind, count in kinds.items() if count}
    return ColumnContent(texts, counted, len(filled), len(kind_of), tuple(numbers))


def sample_rows(rows: Sequence[Sequence[Any]], size: int = SAMPLE_ROWS) -> list[Sequence[Any]]:
    """Return at most ``size`` of ``rows``, spread evenly and in order."""
    if len(rows) <= size:
        return list(rows)
    return [rows[i * len(rows) // size] for i in range(size)]


def spotify_entity(text: str) -> str | None:
    """Return the entity type in a Spotify URI or URL (``"track"``, ``"artist"``, …), else None."""
    match = _SPOTIFY_URI.match(text)
    return match[1].lower() if match else None


def _text(cell: Any) -> str:
    if isinstance(cell, list | tuple):
        return ", ".join(str(part) for part in cell)
    if is_missing(cell):
        return ""
    text = str(cell).strip()
    return "" if text.casefold() in _EMPTY else text


def _kind(text: str) -> str:
    entity = spotify_entity(text)
    if entity is not None:
        entity = "track" if entity == "local" else entity
        return f"spotify {entity}" if f"spotify {entity}" in _LABELS else "address"
    if text.casefold() in _FLAG:
        return "flag"
    if _NUMBER.fullmatch(text) and len(text) < 20:
        return "number"
    if _ID22.fullmatch(text):
        return "id22"
    if _ISRC.fullmatch(text):
        return "isrc"
    musicbrainz = _MUSICBRAINZ.match(text)
    if _UUID.fullmatch(text) or (musicbrainz and musicbrainz[1].lower() == "recording"):
        return "mbid"
    if _ADDRESS.match(text):
        return "address"
    if _CLOCK.fullmatch(text):
        return "clock"
    if _DATE.fullmatch(text):
        return "date"
    return "text"


def _number(text: str) -> float:
    digits = re.sub(r"[^\d.,eE+\-\u2212]", "", re.sub(r"(?i)dbfs?|bpm", "", text))
    digits = digits.replace("\u2212", "-")
    if "," in digits and "." not in digits and digits.count(",") == 1:
        digits = digits.replace(",", ".")
    try:
        return float(digits.replace(",", ""))
    except ValueError:
        return float("nan")
