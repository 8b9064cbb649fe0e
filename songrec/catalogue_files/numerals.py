"""Parsing of numbers with any signs, separators and digits of other scripts.

A comma or a point between digits may be a decimal sign or a thousands separator.
``detect_number_format`` decides that for a column as a whole, never for a single cell.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

DASHES = "\u02d7\u207b\u2796\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
"""Hyphens, dashes and minus signs that mean "-" before a digit."""
_SIGNS = str.maketrans(
    dict.fromkeys(DASHES, "-")
    | dict.fromkeys("\u2018\u2019\u02bc\uff07\u2032", "'")
    | {"\u066b": ".", "\u066c": "'", "\ufeff": "", "\u200b": "", "\u200e": "", "\u200f": ""}
)
_SPACED_GROUPS = re.compile(r"(?<=\d)[ '](?=\d{3}(?!\d))")
_POWER = re.compile(r"\s*[x×*·]\s*10\s*(?:\^|\*\*)?\s*(?=[+-]?\d+$)")
_TRAILING_MINUS = re.compile(r"([\d.,]+)\s*-")
_BRACKETS = re.compile(r"\(\s*([\d.,]+)\s*\)")
_EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_NUMERAL = re.compile(r"[+-]?\s*(\d*(?:[.,]\d+)*[.,]?)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3}")
_ONE_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Meaning of comma and point in a column: decimal sign or thousands separator.

    ``comma`` is None if the column does not tell.
    """

    comma: str | None = None
    point: str = "decimal"


PLAIN = NumberFormat()
"""Decimal points only."""


def unify(text: str) -> str:
    """Convert digits, signs and blanks of all scripts to ASCII.

    Spreadsheets' markers of text cells (``="0.5"``, ``'0.5``) are removed.
    """
    if not text.isascii():
        text = "".join(map(_ascii, text)).translate(_SIGNS)
    text = " ".join(text.split())
    if text.startswith(("=", "'")):
        quoted = _EXCEL_TEXT.fullmatch(text)
        text = quoted[1].strip() if quoted else text[1:] if text[0] == "'" else text
    return text


def parse_number(text: str, form: NumberFormat = PLAIN) -> float:
    """Parse a number in the notation of its column.

    Raises
    ------
    ValueError
        If it is not a finite number, or if the meaning of a comma is ambiguous.
    """
    if form.point == "decimal" and "_" not in text:
        try:
            return _finite(float(text))
        except ValueError:
            pass
    digits = _to_digits(unify(text))
    match = _NUMERAL.fullmatch(digits)
    if not match or not any(c.isdigit() for c in match[1]):
        if digits.strip("+-").casefold() in ("inf", "infinity", "∞"):
            raise ValueError("is infinite")
        raise ValueError("is not a number")
    start, end = match.span(1)
    sign, exponent = digits[:start].strip(), digits[end:]
    return _finite(float(sign + _decimal_point(match[1], form) + exponent))


def detect_number_format(
    cells: Iterable[str],
    *,
    is_plausible: Callable[[float], bool],
    default_comma: str | None,
    file_comma: str | None = None,
) -> NumberFormat:
    """Detect the meaning of comma and point in a column.

    Parameters
    ----------
    cells
        The column's cells that are not plain numbers with a decimal point.
    is_plausible
        Whether a number is plausible in this column.
    default_comma
        Meaning of a comma in this kind of file if no cell tells.
    file_comma
        Meaning of a comma in the file's other columns, None if unknown.
    """
    numerals = [one for cell in cells if (one := _numeral(cell)) and ("," in one or "." in one)]
    comma = _meaning(",", numerals)
    point = _meaning(".", numerals)
    doubtful = [one for one in numerals if _ONE_GROUP.fullmatch(one)]
    if comma is None and any("," in one for one in numerals):
        comma = "thousands" if point == "decimal" else "decimal" if point == "thousands" else None
        comma = comma or _plausible_meaning(doubtful, is_plausible) or file_comma or default_comma
    if point is None:
        point = "decimal"
        points = [one for one in doubtful if "." in one]
        has_comma = comma == "decimal" or file_comma == "decimal"
        if has_comma and points and not any(is_plausible(float(one)) for one in points):
            point = "thousands"
    return NumberFormat(comma, point)


def comma_evidence(cells: Iterable[str]) -> str | None:
    """Return the meaning of a comma by the cells alone, None if they do not tell."""
    numerals = [one for cell in cells if (one := _numeral(cell))]
    comma, point = _meaning(",", numerals), _meaning(".", numerals)
    if comma is None and point is not None:
        return "thousands" if point == "decimal" else "decimal"
    return comma


def _ascii(c: str) -> str:
    if c.isdecimal():
        return str(unicodedata.digit(c))
    # Full-width forms, a fixed distance from ASCII.
    return chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c


def _to_digits(text: str) -> str:
    """Remove blanks and apostrophes between thousands, and move the sign to the front."""
    text = _SPACED_GROUPS.sub("", text)
    text = _POWER.sub("e", text)
    if match := _TRAILING_MINUS.fullmatch(text) or _BRACKETS.fullmatch(text):
        return f"-{match[1]}"
    return text


def _numeral(cell: str) -> str | None:
    """Return the digits and separators of a number that may have a unit; None for other text."""
    text = _to_digits(unify(cell))
    match = re.match(r"[+-]?\s*(\d*(?:[.,]\d+)*)(?![\d.,:/])", text)
    return match[1] if match and match[1] else None


def _meaning(sign: str, numerals: Iterable[str]) -> str | None:
    """Return the meaning of ``sign`` if a numeral proves it, else None."""
    other = "." if sign == "," else ","
    for one in numerals:
        if sign not in one:
            continue
        if one.count(sign) > 1:
            return "thousands"
        if other in one:
            return "decimal" if one.rfind(sign) > one.rfind(other) else "thousands"
        if not _ONE_GROUP.fullmatch(one):
            return "decimal"
    return None


def _plausible_meaning(numerals: list[str], is_plausible: Callable[[float], bool]) -> str | None:
    """Return the only meaning of a comma that makes all numbers plausible, else None."""
    texts = [one for one in numerals if "," in one]
    decimal = all(is_plausible(float(one.replace(",", "."))) for one in texts)
    thousands = all(is_plausible(float(one.replace(",", ""))) for one in texts)
    if decimal == thousands:
        return None
    return "decimal" if decimal else "thousands"


def _decimal_point(digits: str, form: NumberFormat) -> str:
    """Normalise digits to a decimal point and no thousands separators."""
    has_comma, has_point = "," in digits, "." in digits
    if has_comma and has_point:
        # The last of two signs is the decimal one, whatever the column.
        if digits.rfind(",") > digits.rfind("."):
            digits = digits.replace(".", "_").replace(",", ".").replace("_", ",")
        return _without_groups(digits)
    if has_comma:
        if digits.count(",") > 1 or form.comma == "thousands":
            return _without_groups(digits)
        if form.comma is None:
            reason = "may be a decimal comma or separate thousands"
            raise ValueError(reason if _ONE_GROUP.fullmatch(digits) else "is not a number")
        return digits.replace(",", ".")
    if has_point and (digits.count(".") > 1 or form.point == "thousands"):
        return _without_groups(digits.replace(".", ","))
    return digits


def _without_groups(digits: str) -> str:
    whole, point, rest = digits.partition(".")
    if "," in rest or not _GROUPED.fullmatch(whole):
        raise ValueError("is not a number")
    return whole.replace(",", "") + point + rest


def _finite(value: float) -> float:
    if math.isinf(value):
        raise ValueError("is infinite")
    return value
