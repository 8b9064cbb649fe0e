"""Converters from one cell to one canonical value; ``ValueError`` if the cell is unusable.

The message of the ``ValueError`` is the reason in the report. What a cell means may depend on its
column (``CellFormat``): whether a comma is a decimal comma, which unit a duration has.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from songrec.catalogue_files.durations import (
    MILLISECONDS,
    SECONDS,
    DurationFormat,
    parse_duration,
)
from songrec.catalogue_files.musical_keys import parse_key, parse_mode
from songrec.catalogue_files.name_lists import is_number_list, names_of_entries, parse_name_list
from songrec.catalogue_files.numerals import PLAIN, NumberFormat, parse_number, unify
from songrec.catalogue_files.release_years import UNKNOWN_ORDER, DateOrder, parse_year
from songrec.core.artist_credits import THOUSANDS, ArtistField
from songrec.core.csv_output import restore_text

NO_NAME = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "\\n"})
"""Spellings of an empty cell, in lower case, that are not names of genres."""
MISSING = NO_NAME | frozenset(
    {
        *("-", "--", "---", "–", "—", "−", ".", "..", "...", "…", "?", "??"),
        *("n.a.", "#n/a", "#na", "#n/a n/a", "n.v.", "#nv", "k.a.", "k. a.", "not available"),
        *("-nan", "+nan", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "nat", "<nat>"),
        *("(null)", "<null>", "[null]", "nil", "<none>", "(none)", "undefined", "missing"),
        *("unknown", "unbekannt", "inconnu", "desconocido"),
    }
)
"""Spellings of an empty numeric cell, in lower case."""
NULL = "\\N"
"""NULL in exports of databases; not a possible text."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_DECIBELS = re.compile(r"\s*(?:d[bB](?:\s*FS)?|LUFS|LKFS)\s*$", re.IGNORECASE)
_TEMPO = re.compile(r"\s*(?:bpm|b\.p\.m\.|beats\s*(?:/|per)\s*min(?:ute)?)\.?\s*$", re.IGNORECASE)
_PERCENT = re.compile(r"\s*(?:[%\u066a\ufe6a\uff05]|/\s*100|percent|pct\.?)\s*$", re.IGNORECASE)
_LONGEST_NUMBER = 100
_QUOTED_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_ARTIST_COMMA = re.compile(rf"(?!{THOUSANDS}),(?!\s)")
_YES = frozenset(
    {
        *("1", "true", "t", "yes", "y", "explicit", "e", "✓", "✔", "☑"),
        *("wahr", "ja", "j", "vrai", "oui", "verdadero", "cierto", "sí", "si", "vero", "sì"),
        *("verdadeiro", "sim", "waar", "sant", "sand", "sann", "tosi", "kyllä", "prawda", "tak"),
        *("pravda", "ano", "igaz", "igen", "adevărat", "da", "doğru", "evet", "αληθησ", "ναι"),
        *("истина", "да", "правда", "так", "真", "是", "はい", "예", "참"),
    }
)
_NO = frozenset(
    {
        *("0", "false", "f", "no", "n", "clean", "cleaned", "edited", "✗", "✘", "☐"),
        *("notexplicit", "nonexplicit", "unexplicit", "falsch", "nein", "faux", "non", "falso"),
        *("não", "nao", "onwaar", "nee", "falskt", "falsk", "usann", "nej", "nei", "epätosi", "ei"),
        *("fałsz", "nie", "nepravda", "ne", "hamis", "nem", "fals", "nu", "yanlış", "hayır"),
        *("ψευδησ", "όχι", "ложь", "нет", "неправда", "ні", "偽", "假", "否", "いいえ"),
        *("아니요", "거짓"),
    }
)


@dataclass(frozen=True, slots=True)
class CellFormat:
    """Notation of a column's values.

    Attributes
    ----------
    numbers, durations, dates
        Properties that single cells do not show.
    percent
        Value of one percent on the column's scale: 0.01 (unit) or 1 (percent).
    has_german_keys
        Whether H is a key and B therefore B flat.
    """

    numbers: NumberFormat = PLAIN
    durations: DurationFormat = SECONDS
    dates: DateOrder = UNKNOWN_ORDER
    percent: float = 0.01
    has_german_keys: bool = False


DEFAULT_FORMAT = CellFormat()
_MILLISECONDS = CellFormat(durations=MILLISECONDS)


def is_missing(cell: Any) -> bool:
    """Return whether a numeric cell is empty."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    return isinstance(cell, str) and cell.strip().casefold() in MISSING


def number(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> float | None:
    """Parse a finite number; None for an empty cell. ``"0,83"`` only with a decimal comma."""
    if is_missing(cell):
        return None
    return parse_number(str(cell).strip(), form.numbers)


def decibels(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> float | None:
    """Parse loudness in dB, with or without its unit: ``"-6.85db"`` is -6.85."""
    return number(_without_unit(cell, _DECIBELS), form)


def tempo(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> float | None:
    """Parse a tempo in beats per minute, with or without its unit: ``"120 BPM"``."""
    return number(_without_unit(cell, _TEMPO), form)


def share(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> float | None:
    """Parse a share on the column's scale: ``"83 %"`` is 0.83 on the unit scale."""
    text = _without_unit(cell, _PERCENT)
    value = number(text, form)
    return value if value is None or text == cell else value * form.percent


def points(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> float | None:
    """Parse a number from 0 to 100: ``"83"``, ``"83 %"``, ``"83/100"``."""
    return number(_without_unit(cell, _PERCENT), form)


def flag(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> float | None:
    """Return 1.0 or 0.0 from yes/no, true/false in many languages, Explicit/Clean and 1/0."""
    if is_missing(cell):
        return None
    word = str(cell).strip().casefold()
    if word not in _YES and word not in _NO:
        word = re.sub(r"[\s_-]|content$|lyrics$|version$", "", word)
    if word in _YES:
        return 1.0
    if word in _NO:
        return 0.0
    try:
        value = parse_number(word, form.numbers)
    except ValueError:
        value = math.nan
    if value not in (0, 1):
        raise ValueError("is neither yes nor no")
    return value


def year(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> int | None:
    """Return the year of ``"29th April 2013"``, ``"2019-06-14"``, ``"6/14/19"`` or ``2019``.

    Year 0 is unknown.
    """
    if is_missing(cell):
        return None
    if isinstance(cell, date):  # from a Parquet file
        cell = cell.isoformat()
    return parse_year(str(cell), form.dates)


def milliseconds(cell: Any, form: CellFormat = _MILLISECONDS) -> int | None:
    """Parse a duration from a column of milliseconds, in whole milliseconds; 0 is unknown."""
    if form.durations.unit != "ms":
        return clock(cell, form)
    try:
        value = number(cell, form)
    except ValueError:  # "3:47" in spite of the column's name
        return clock(cell, form)
    if value is None:
        return None
    if not 0 <= value < 2**31:
        raise ValueError("is not a duration in milliseconds")
    return round(value) or None


def clock(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> int | None:
    """Return milliseconds from ``"03:47"``, ``"3m47s"``, plain numbers or a ``timedelta``."""
    if is_missing(cell):
        return None
    if isinstance(cell, timedelta):  # from a Parquet file
        cell = f"{cell.total_seconds()} s"
    return round(parse_duration(str(cell), form.durations, form.numbers) * 1000) or None


def pitch(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> int | None:
    """Parse a pitch class 0-11: a number (-1: unknown), a name ("D min") or a code ("8A")."""
    if is_missing(cell):
        return None
    key = parse_key(str(cell), german=form.has_german_keys)
    if key is not None:
        return key[0]
    value = _whole(cell, form, "is not a key")
    if value == -1:
        return None
    if not 0 <= value <= 11:
        raise ValueError("is not a key from 0 to 11")
    return value


def mode(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> int | None:
    """Return 1 for major, 0 for minor, from 0/1, ``"minor"`` or a key's name (``"D min"``)."""
    if is_missing(cell):
        return None
    text = str(cell)
    word = parse_mode(text)
    if word is not None:
        return word
    key = parse_key(text)
    if key is not None:
        return key[1]
    reason = "is neither major (1) nor minor (0)"
    value = _whole(cell, form, reason)
    if value not in (0, 1):
        raise ValueError(reason)
    return value


def mode_of_key(cell: Any) -> int | None:
    """Return the mode in a key's name or code (``"D min"``, ``"8A"``); None for a number."""
    key = parse_key(str(cell)) if cell is not None else None
    return key[1] if key else None


def beats(cell: Any, form: CellFormat = DEFAULT_FORMAT) -> int | None:
    """Return the beats per bar: 4 from ``"4/4"`` or ``4``; 0 is unknown."""
    if is_missing(cell):
        return None
    reason = "is not a time signature"
    value = _whole(unify(str(cell)).split("/")[0], form, reason)
    if not 0 <= value <= 64:
        raise ValueError(reason)
    return value or None


FORMATTED = frozenset(
    [number, decibels, tempo, share, points, flag, year, milliseconds, clock, pitch, mode, beats]
)
"""Converters that read a cell in the format of its column, their second parameter."""


def line(cell: Any) -> str:
    """Return one line of text: white space, line breaks included, becomes single spaces."""
    text = _text(cell)
    if _CONTROL.search(text):
        raise ValueError("holds control characters or undecodable bytes")
    return " ".join(text.split())


def lyrics(cell: Any) -> str | None:
    """Return text of many lines without stray control characters."""
    text = _text(cell)
    return _CONTROL.sub("", text).strip() or None


def names(cell: Any) -> list[str]:
    """Return the names in ``"['A', 'B']"``, a list, or one name as it stands."""
    return list(artists(cell).names)


def artists(cell: Any) -> ArtistField:
    """Parse artists: a list from ``"['A', 'B']"`` or a list, else a single text."""
    if isinstance(cell, list | tuple):
        parts = names_of_entries(cell) if any(isinstance(one, dict) for one in cell) else cell
        return ArtistField(tuple(name for part in parts if (name := line(part))), is_list=True)
    text = line(cell)
    return _listed_artists(text) or ArtistField.from_text(text)


def artists_between(separator: str) -> Any:
    """Return a converter for cells of several artists separated by ``separator``: ``"A;B"``.

    A comma that is followed by a space or belongs to a number is part of a name ("Tyler, The
    Creator", "10,000 Maniacs"), so a cell with no other comma is a single text. A semicolon
    separates in any case.
    """
    between = _ARTIST_COMMA if separator == "," else re.compile(re.escape(separator))

    def split(cell: Any) -> ArtistField:
        if not isinstance(cell, str) or cell.strip().startswith("["):
            return artists(cell)
        if listed := _listed_artists(line(cell)):
            return listed
        parts = cell.split(";") if ";" in cell else between.split(cell)
        names = tuple(name for part in parts if (name := line(part)))
        return ArtistField(names, is_list=separator != "," or len(names) > 1)

    return split


def labels(cell: Any) -> list[str]:
    """Return genres or emotions in lower case, separated by commas, semicolons or in a list."""
    if isinstance(cell, str) and is_number_list(cell):
        raise ValueError("is a list of numbers, not of names")
    distinct: dict[str, None] = {}
    for name in names(cell):
        for part in re.split(r"[,;]", name):
            label = part.strip().casefold()
            if label not in NO_NAME:
                distinct.setdefault(label)
    return list(distinct)


def _without_unit(cell: Any, unit: re.Pattern[str]) -> Any:
    # A longer cell is not a number; searching it for the unit could take quadratic time.
    return unit.sub("", cell) if isinstance(cell, str) and len(cell) <= _LONGEST_NUMBER else cell


def _listed_artists(text: str) -> ArtistField | None:
    """Return the artists of ``['A', 'B']`` and other notations of a list, None for a name."""
    names = parse_name_list(text) if text.startswith(("[", "(", "{")) else None
    if names is None:
        return None
    return ArtistField(tuple(name for part in names if (name := line(part))), is_list=True)


def _text(cell: Any) -> str:
    """Return a cell's text: nothing for ``\\N``, and ``0123`` for a spreadsheet's ``="0123"``.

    The apostrophe before a formula, as in songrec's own exports, is removed.
    """
    if cell is None or cell != cell:
        return ""
    text = restore_text(str(cell))
    if text[:1] not in ("=", "\\", " "):
        return text
    if quoted := _QUOTED_TEXT.fullmatch(text.strip()):
        return quoted[1].replace('""', '"')
    return "" if text.strip() == NULL else text


def _whole(cell: Any, form: CellFormat, reason: str) -> int:
    try:
        value = number(cell, form)
    except ValueError:
        raise ValueError(reason) from None
    if value is None or value != int(value):
        raise ValueError(reason)
    return int(value)
