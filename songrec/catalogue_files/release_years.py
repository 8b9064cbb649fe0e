"""Parsing of years from dates in any notation.

Only the year is stored, so the order of day and month in 6/14/2019 does not matter. For years of
two digits the column as a whole decides which number is the year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from songrec.catalogue_files.numerals import unify

EARLIEST, LATEST = 1000, 2200
# Matches nearly all dates. Placeholders of unset dates have earlier years.
_ISO_DATE = re.compile(r"(19[1-9][0-9]|20[0-9][0-9])(?:-[0-9][0-9]-[0-9][0-9])?")
_FOUR_DIGITS = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_GROUPED_YEAR = re.compile(r"([12])[., ' ](\d{3})")
_SHORT_DATE = re.compile(r"(\d{1,2})([./\- ])(\d{1,2})\2(\d{1,2})(?:[T ]+\d{1,2}:.*)?")
_TWO_DIGITS = re.compile(r"\d{2}")
_DIGITS = re.compile(r"(\d+)(?:[.,]\d+)?")
_WORDS = re.compile(r"[^\W\d_]+|\d+|['-]")
# Placeholders of databases and spreadsheets for an unset date.
_NO_DATE = re.compile(
    r"(?:0+(?:[./\-]0+)*|0?1[./\-]0?0[./\-](?:19)?00|0?0[./\-]0?1[./\-](?:19)?00|1900-01-00"
    r"|1899-12-3[01]|0001-01-01)(?:[T ][0:.]+Z?)?"
)
_DAYS_1970 = date(1970, 1, 1).toordinal()
_DAYS_1900 = date(1899, 12, 30).toordinal()
# The first letters of months in ten languages, without accents.
_MONTHS = frozenset(
    re.findall(
        r"\w+",
        """jan feb mar apr may jun jul aug sep oct nov dec fev avr mai jui aou okt dez mae mrz ene
        abr ago dic gen mag giu lug set ott out maj mei maa
        янв фев мар апр май мая июн июл авг сен окт ноя дек""",
    )
)


@dataclass(frozen=True, slots=True)
class DateOrder:
    """Position of the year in dates of three short numbers: ``first``, ``last`` or unknown."""

    year: str | None = None


UNKNOWN_ORDER = DateOrder()


def parse_year(text: str, order: DateOrder = UNKNOWN_ORDER) -> int | None:
    """Return the year of a date, None for a placeholder of an unset date.

    Raises
    ------
    ValueError
        If the text holds no year, or if it is ambiguous which number is the year.
    """
    if match := _ISO_DATE.fullmatch(text):
        return int(match[1])
    text = unify(text)
    if _NO_DATE.fullmatch(text):
        return None
    years = [int(year) for year in _FOUR_DIGITS.findall(text)]
    if years:
        # "00:00:00 +0000 2019": the first plausible year.
        return _checked(next((year for year in years if EARLIEST <= year <= LATEST), years[0]))
    if grouped := _GROUPED_YEAR.fullmatch(text):
        return _checked(int(grouped[1] + grouped[2]))
    if short := _SHORT_DATE.fullmatch(text):
        return _year_of_short_date(short, order)
    if digits := _DIGITS.fullmatch(text):
        return _year_of_number(digits[1])
    if re.fullmatch(r"[12][.,]\d+E\+0?3", text, re.IGNORECASE):
        return _checked(round(float(text.replace(",", "."))))
    return _year_beside_month(text)


def detect_date_order(cells: Iterable[str]) -> DateOrder:
    """Detect the position of the year in a column's dates of three short numbers."""
    first = last = False
    separators = set()
    for cell in cells:
        match = _SHORT_DATE.fullmatch(unify(cell))
        if match:
            at = _possible_places(match)
            first, last = first or at == {"first"}, last or at == {"last"}
            separators.add(match[2])
    if first != last:
        return DateOrder("first" if first else "last")
    # Slashes and points go with the year last in all common styles; hyphens also with ISO's order.
    return DateOrder("last" if not first and separators and separators <= {"/", "."} else None)


def is_short_date(cell: str) -> bool:
    """Return whether the year of a date has two digits."""
    text = unify(cell)
    return bool(_SHORT_DATE.fullmatch(text)) or bool(
        not _FOUR_DIGITS.search(text) and _is_month_and_year(text)
    )


def is_day_number(cell: str) -> bool:
    """Return whether a cell holds a date as a spreadsheet's serial number or a timestamp."""
    digits = _DIGITS.fullmatch(unify(cell))
    return bool(digits) and len(digits[1]) in (5, 9, 10, 12, 13)


def _checked(year: int) -> int:
    if not EARLIEST <= year <= LATEST:
        raise ValueError(f"is not a year between {EARLIEST} and {LATEST}")
    return year


def _full_year(two_digits: int) -> int:
    """Return the year in this century, or in the last one if it would be in the future."""
    this_year = date.today().year
    year = this_year - this_year % 100 + two_digits
    return year if year <= this_year + 1 else year - 100


def _possible_places(match: re.Match[str]) -> set[str]:
    a, b, c = match[1], match[3], match[4]
    places = set()
    if len(c) == 2 and _is_day_and_month(int(a), int(b)):
        places.add("last")
    if len(a) == 2 and 1 <= int(b) <= 12 and 1 <= int(c) <= 31:
        places.add("first")
    return places


def _is_day_and_month(a: int, b: int) -> bool:
    return 1 <= min(a, b) <= 12 and max(a, b) <= 31


def _year_of_short_date(match: re.Match[str], order: DateOrder) -> int:
    places = _possible_places(match)
    if len(places) == 2:
        if order.year is None:
            raise ValueError("may have its year in the first or the last place")
        places = {order.year}
    if not places:
        raise ValueError("is not a date")
    return _full_year(int(match[4] if places == {"last"} else match[1]))


def _year_of_number(digits: str) -> int | None:
    """Return the year of ``20190614``, of a spreadsheet's serial date or of Unix time."""
    today = date.today()
    number = int(digits[:14])
    match len(digits):
        case 2:
            return _full_year(number)
        case 5:
            # Ambiguous: spreadsheets count days from 1900, Unix from 1970.
            if today.toordinal() - _DAYS_1970 < number <= today.toordinal() - _DAYS_1900 + 366:
                return date.fromordinal(_DAYS_1900 + number).year
            raise ValueError("may count days from 1900 or from 1970")
        case 6:
            return _year_of_digits(digits, ("yyyymm", "yymmdd", "ddmmyy", "mmddyy"))
        case 8:
            return _year_of_digits(digits, ("yyyymmdd", "ddmmyyyy", "mmddyyyy"))
        case 14:
            return _year_of_digits(digits[:8], ("yyyymmdd",))
        case 9 | 10 | 12 | 13:
            seconds = number // (1000 if len(digits) > 10 else 1)
            year = date.fromordinal(_DAYS_1970 + seconds // 86_400).year
            if year <= today.year + 1:
                return year
    raise ValueError("holds no year")


def _year_of_digits(digits: str, patterns: tuple[str, ...]) -> int:
    """Return the year of a date without separators if only one order of its parts is valid."""
    years = set()
    for pattern in patterns:
        part = {
            letter: int(digits[pattern.index(letter) : pattern.rindex(letter) + 1])
            for letter in set(pattern)
        }
        year = part["y"] if pattern.count("y") == 4 else _full_year(part["y"])
        if not 1860 <= year <= date.today().year + 1:
            continue
        if not (1 <= part["m"] <= 12 and 1 <= part.get("d", 1) <= 31):
            continue
        years.add(year)
    if len(years) != 1:
        raise ValueError("may be one of several dates" if years else "holds no year")
    return years.pop()


def _year_beside_month(text: str) -> int:
    """Return the year of ``14-Jun-19``, ``Jun-19`` or ``'84``."""
    if re.fullmatch(r"'?\d{2}", text):
        return _full_year(int(text[-2:]))
    words = _WORDS.findall(_plain(text))
    numbers = [word for word in words if word.isdigit()]
    if any(word[:3] in _MONTHS for word in words):
        if len(numbers) == 2 and _TWO_DIGITS.fullmatch(numbers[1]) and int(numbers[0]) <= 31:
            return _full_year(int(numbers[1]))
        if _is_month_and_year(text):
            return _full_year(int(numbers[0]))
    raise ValueError("holds no year")


def _is_month_and_year(text: str) -> bool:
    """Return whether a text is ``Jun-19``, as spreadsheets show a month, or ``Jun '84``."""
    match = re.fullmatch(r"([^\W\d_]{3,})\.?(\s*-\s*|\s*'\s*|\s+)(\d{2})", text)
    if not match or _plain(match[1])[:3] not in _MONTHS:
        return False
    return bool(match[2].strip()) or int(match[3]) > 31


def _plain(text: str) -> str:
    text = text.casefold()
    return text.translate(str.maketrans("äéèûáç", "aeeuac"))
