"""Converters from one cell to one canonical value; ``ValueError`` if the cell is unusable.

The message of the ``ValueError`` is the reason written to the rejects file.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from songrec.core.artist_credits import THOUSANDS, ArtistField

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>"})
"""Spellings of an empty numeric cell, in lower case."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_DECIBELS = re.compile(r"\s*d[bB](?:FS)?\s*$", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_CLOCK = re.compile(r"^(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d(?:\.\d+)?)$")
_KEY = re.compile(r"^([A-Ga-g])\s*([#♯b♭]?)\s*(maj(?:or)?|min(?:or)?|m)?\.?$", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"^\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*$")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_ARTIST_COMMA = re.compile(rf"(?!{THOUSANDS}),(?!\s)")
_ESCAPED = re.compile(r"\\(.)")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_YES = frozenset({"yes", "y", "true", "t", "1", "1.0"})
_NO = frozenset({"no", "n", "false", "f", "0", "0.0"})


def is_missing(cell: Any) -> bool:
    """Return whether a numeric cell is empty."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    return isinstance(cell, str) and cell.strip().casefold() in MISSING


def number(cell: Any, *, decimal_comma: bool = False) -> float | None:
    """Parse a finite number; None for an empty cell. ``"0,83"`` only with ``decimal_comma``."""
    if is_missing(cell):
        return None
    text = str(cell).strip()
    if decimal_comma and _DECIMAL_COMMA.match(text):
        text = text.replace(",", ".")
    if "_" in text:
        raise ValueError("is not a number")
    try:
        value = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if math.isinf(value):
        raise ValueError("is infinite")
    return value


def decibels(cell: Any, *, decimal_comma: bool = False) -> float | None:
    """Parse loudness in dB, with or without its unit: ``"-6.85db"`` is -6.85."""
    text = _DECIBELS.sub("", cell) if isinstance(cell, str) else cell
    return number(text, decimal_comma=decimal_comma)


def flag(cell: Any, *, decimal_comma: bool = False) -> float | None:
    """Return 1.0 or 0.0 from Yes/No, True/False, 1/0."""
    if is_missing(cell):
        return None
    word = str(cell).strip().casefold()
    if word in _YES:
        return 1.0
    if word in _NO:
        return 0.0
    raise ValueError("is neither yes nor no")


def year(cell: Any) -> int | None:
    """Return the year of ``"29th April 2013"``, ``"2019-06-14"`` or ``2019``; year 0 is unknown."""
    if is_missing(cell):
        return None
    text = str(cell).strip()
    match = _YEAR.search(text)
    if match:
        value = int(match.group(1))
        if value == 0:
            return None
        if not 1000 <= value <= 2200:
            raise ValueError("is not a year between 1000 and 2200")
        return value
    if text in {"0", "0.0"}:
        return None
    raise ValueError("holds no year")


def milliseconds(cell: Any) -> int | None:
    """Parse a duration in whole milliseconds; 0 is unknown."""
    value = number(cell)
    if value is None:
        return None
    if not 0 <= value < 2**31:
        raise ValueError("is not a duration in milliseconds")
    return round(value) or None


def clock(cell: Any) -> int | None:
    """Return milliseconds from ``"03:47"``, ``"1:02:03"``, plain seconds or a ``timedelta``."""
    if is_missing(cell):
        return None
    match = _CLOCK.match(str(cell).strip())
    if isinstance(cell, timedelta):  # from a Parquet file
        total = cell.total_seconds()
    elif match:
        hours, minutes, seconds = match.groups()
        total = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    else:
        total = number(cell) or 0.0
    if not 0 <= total < 2_000_000:
        raise ValueError("is not a duration")
    return round(total * 1000) or None


def pitch(cell: Any) -> int | None:
    """Parse a pitch class 0-11 from a number (-1: unknown) or a name: ``"D min"``, ``"A# Maj"``."""
    if is_missing(cell):
        return None
    match = _KEY.match(str(cell).strip())
    if match:
        step, accidental, _ = match.groups()
        shift = {"": 0, "#": 1, "♯": 1}.get(accidental, -1)
        return (_STEPS[step.lower()] + shift) % 12
    value = _whole(cell, "is not a key")
    if value == -1:
        return None
    if not 0 <= value <= 11:
        raise ValueError("is not a key from 0 to 11")
    return value


def mode(cell: Any) -> int | None:
    """Return 1 for major, 0 for minor, from 0/1, ``"minor"`` or a key's name (``"D min"``)."""
    if is_missing(cell):
        return None
    text = str(cell).strip()
    word = text.casefold()
    if word in {"1", "1.0", "maj", "major"}:
        return 1
    if word in {"0", "0.0", "min", "minor"}:
        return 0
    match = _KEY.match(text)
    if match:
        name = (match.group(3) or "").casefold()
        return None if not name else int(name.startswith("maj"))
    raise ValueError("is neither major (1) nor minor (0)")


def mode_of_key(cell: Any) -> int | None:
    """Return the mode in a key's name (``"D min"``); None for a key given as a number."""
    match = _KEY.match(str(cell).strip()) if cell is not None else None
    return mode(cell) if match else None


def beats(cell: Any) -> int | None:
    """Return the beats per bar: 4 from ``"4/4"`` or ``4``; 0 is unknown."""
    if is_missing(cell):
        return None
    value = _whole(str(cell).split("/")[0], "is not a time signature")
    if not 0 <= value <= 64:
        raise ValueError("is not a time signature")
    return value or None


def line(cell: Any) -> str:
    """Return one line of text: white space, line breaks included, becomes single spaces."""
    text = "" if cell is None or cell != cell else str(cell)
    if _CONTROL.search(text):
        raise ValueError("holds control characters or undecodable bytes")
    return " ".join(text.split())


def lyrics(cell: Any) -> str | None:
    """Return text of many lines without stray control characters."""
    text = "" if cell is None or cell != cell else str(cell)
    return _CONTROL.sub("", text).strip() or None


def names(cell: Any) -> list[str]:
    """Return the names in ``"['A', 'B']"``, a list, or one name as it stands."""
    return list(artists(cell).names)


def artists(cell: Any) -> ArtistField:
    """Return artists: of ``"['A', 'B']"`` or a list as a list, else as a single text."""
    if isinstance(cell, list | tuple):
        return ArtistField(tuple(name for part in cell if (name := line(part))), is_list=True)
    text = line(cell)
    if text.startswith("[") and text.endswith("]"):
        quoted = [_ESCAPED.sub(r"\1", part[1:-1]).strip() for part in _QUOTED.findall(text)]
        if quoted or not text[1:-1].strip():
            return ArtistField(tuple(name for name in quoted if name), is_list=True)
    return ArtistField.from_text(text)


def artists_between(separator: str) -> Any:
    """Return a converter for artists in one cell that ``separator`` sets apart: ``"A;B"``.

    A comma that is followed by a space or belongs to a number is part of a name ("Tyler, The
    Creator", "10,000 Maniacs"), so a cell with no other comma is a single text. A semicolon
    separates in any case.
    """
    between = _ARTIST_COMMA if separator == "," else re.compile(re.escape(separator))

    def split(cell: Any) -> ArtistField:
        if not isinstance(cell, str) or cell.strip().startswith("["):
            return artists(cell)
        parts = cell.split(";") if ";" in cell else between.split(cell)
        names = tuple(name for part in parts if (name := line(part)))
        return ArtistField(names, is_list=separator != "," or len(names) > 1)

    return split


def labels(cell: Any) -> list[str]:
    """Return genres or emotions in lower case, separated by commas, semicolons or in a list."""
    distinct: dict[str, None] = {}
    for name in names(cell):
        for part in re.split(r"[,;]", name):
            label = part.strip().casefold()
            if label and label not in MISSING:
                distinct.setdefault(label)
    return list(distinct)


def _whole(cell: Any, reason: str) -> int:
    try:
        value = number(cell)
    except ValueError:
        raise ValueError(reason) from None
    if value is None or value != int(value):
        raise ValueError(reason)
    return int(value)
