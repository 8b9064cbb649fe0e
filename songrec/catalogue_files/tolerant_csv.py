"""CSV rows with their first physical line; a malformed row loses only itself.

Not plain ``csv`` or pandas: both swallow or drop everything after a quote that never closes.
"""

from __future__ import annotations

import csv
import functools
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

# Longer lines are split into pieces, each of which is rejected: a file without line ends is
# never read into memory whole.
MAX_LINE_LENGTH = 1 << 22
_ENDS = ("\n", "\r")
_UNCLOSED = "opens a quote that is not closed"

# Placeholders of escaped characters while a row is parsed: Unicode noncharacters, which no text
# may contain.
_HIDDEN_QUOTE, _HIDDEN_DELIMITER, _HIDDEN_BACKSLASH = "\ufdd0", "\ufdd1", "\ufdd2"
_HIDDEN = re.compile(f"[{_HIDDEN_QUOTE}{_HIDDEN_DELIMITER}{_HIDDEN_BACKSLASH}]")
_NUMBER = re.compile(r"\s*-?\d+([.,]\d+)?\s*")
_BACKSLASH = re.compile(r"\\(.)")

Row = tuple[int, list[str] | str]
"""First line of a row, and its cells or the reason why it cannot be read."""


@dataclass(frozen=True, slots=True)
class CsvSyntax:
    r"""Syntax of a CSV file.

    Attributes
    ----------
    delimiter, quote
        The characters between cells and around them.
    backslash
        Whether a backslash escapes a quote, a delimiter or a backslash (``"The \"Best\" Song"``).
        Otherwise a quote in a quoted cell is doubled.
    spaced
        Whether blanks after a delimiter are skipped, so that a quote may follow them.
    wrapped
        Whether each line is one quoted cell that contains the cells: ``"A,""B, C"",1"``.
    """

    delimiter: str = ","
    quote: str = '"'
    backslash: bool = False
    spaced: bool = False
    wrapped: bool = False


class TolerantReader:
    """A reader of CSV rows that feeds ``csv.reader`` line by line and can rewind.

    A stray quote makes a CSV reader swallow the following lines. A malformed row, or one whose
    number of cells is not ``width``, is read again from its first line alone, and the other lines
    as rows of their own.

    Parameters
    ----------
    lines
        The lines of the file, with their ends; see ``text_lines``.
    syntax
        How the file writes its cells.
    width
        The number of cells of a good row, None where it is unknown. It only decides between two
        readings of a row; rows of any width are returned.
    """

    def __init__(self, lines: Iterable[str], syntax: CsvSyntax, width: int | None = None) -> None:
        self._lines = iter(lines)
        self._syntax = syntax
        self._width = width
        self._replayed: deque[str] = deque()
        self._current: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._replayed.popleft() if self._replayed else next(self._lines)
        self._current.append(line)
        return _hide(line, self._syntax) if self._syntax.backslash else line

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not blank."""
        syntax, width, current = self._syntax, self._width, self._current
        is_plain = not (syntax.backslash or syntax.wrapped)
        reader = _strict_reader(self, syntax)
        next_line = 1
        while True:
            current.clear()
            start = next_line
            cells: list[str] | str
            try:
                cells = next(reader)
                if not is_plain:
                    cells = _finished(cells, syntax)
                if width is not None and (len(cells) != width or len(current) > 1):
                    cells = self._reread_suspect(cells, width)
            except StopIteration:
                break
            except csv.Error:
                cells = self._reread_broken()
            for line in current:
                next_line += line.endswith(_ENDS)
            if cells and (cells[0].strip() or any(cell.strip() for cell in cells)):
                yield start, cells

    def _reread_suspect(self, cells: list[str], width: int) -> list[str] | str:
        """Read a well-formed row again where stray quotes may have joined cells or lines."""
        first, *rest = self._current
        if not rest:
            return self._mended(first) or cells
        if len(cells) == width:
            # Accepted, unless each line looks like a row.
            has_swallowed = self._are_rows([first, *rest], width)
        else:
            has_swallowed = any(len(split_line(line, self._syntax)[0]) == width for line in rest)
        if not has_swallowed:
            return cells
        self._unread(rest)
        return self._mended(first) or _UNCLOSED

    def _are_rows(self, lines: list[str], width: int) -> bool:
        """Return whether each line alone has ``width`` cells, with numbers in a common column."""
        delimiter = self._syntax.delimiter
        if width < 3 or any(line.count(delimiter) < width - 1 for line in (lines[0], lines[-1])):
            return False
        rows = [split_line(line, self._syntax)[0] for line in lines]
        return all(len(cells) == width for cells in rows) and any(
            all(_NUMBER.fullmatch(cell) for cell in column) for column in zip(*rows, strict=True)
        )

    def _reread_broken(self) -> list[str] | str:
        """Read a row that is not well formed again, from its first line alone."""
        first, *rest = self._current
        self._unread(rest)
        if len(first) > csv.field_size_limit():
            return f"is longer than {csv.field_size_limit():,} characters"
        mended = self._mended(first)
        if mended is not None:
            return mended
        cells, is_closed = split_line(first, self._syntax)
        # If no lines were swallowed, the quotes in '"Weird Al" Yankovic,Eat It' are text. Otherwise
        # the quote closes in a later row.
        return cells if is_closed and not rest else _UNCLOSED

    def _unread(self, lines: list[str]) -> None:
        self._replayed.extendleft(reversed(lines))
        self._current[1:] = []

    def _mended(self, line: str) -> list[str] | None:
        """Return the cells of ``line`` in the first interpretation of the right width."""
        syntax = self._syntax
        if self._width is None or syntax.wrapped:
            return None
        if syntax.quote not in line and "\\" not in line:
            return None
        if line.lstrip().startswith(syntax.quote):
            # A row quoted as a whole under an unquoted header.
            unwrapped = _unwrapped_line(line, syntax)
            if unwrapped is not None and len(unwrapped) == self._width:
                return unwrapped
        readings = [syntax]
        if not syntax.backslash and "\\" in line:
            readings.append(replace(syntax, backslash=True))
        for reading in readings:
            cells, is_closed = split_line(line, reading)
            if is_closed and len(cells) == self._width:
                return cells
        return None


@contextmanager
def text_lines(raw: IO[bytes], codec: str, errors: str) -> Iterator[Iterator[str]]:
    """Read the lines of a file with their ends (LF, CR or both), without closing it."""
    text = io.TextIOWrapper(raw, encoding=codec, errors=errors, newline="")
    try:
        yield iter(functools.partial(text.readline, MAX_LINE_LENGTH), "")
    finally:
        # The wrapper would close the file that the caller opened.
        if not raw.closed:
            text.detach()


def split_line(line: str, syntax: CsvSyntax) -> tuple[list[str], bool]:
    """Split one line whose quotes need not be well formed.

    A quote opens a cell at its beginning only, and closes it only where the cell ends:
    ``"The "Best" Song",Anna`` has the cells ``The "Best" Song`` and ``Anna``. Any other quote is a
    character of the text.

    Parameters
    ----------
    line
        A physical line, with or without its end.
    syntax
        How the file writes its cells.

    Returns
    -------
    cells
        The cells.
    is_closed
        Whether every quote that opens a cell is closed on the line.
    """
    text = line.rstrip("\r\n")
    if syntax.backslash:
        text = _hide(text, syntax)
    quote, delimiter = re.escape(syntax.quote), re.escape(syntax.delimiter)
    blank = r"[^\S\t]*"
    opening = re.compile(f"{blank}{quote}")
    closing = re.compile(f"{quote}{blank}(?:{delimiter}|$)")
    cells: list[str] = []
    is_closed = True
    at: int | None = 0
    while at is not None:
        opened = opening.match(text, at)
        closed = _closing_quote(text, opened.end(), syntax.quote, closing) if opened else None
        if opened and closed:
            cell = text[opened.end() : closed.start()].replace(syntax.quote * 2, syntax.quote)
            at = closed.end() if closed.group().endswith(syntax.delimiter) else None
        else:
            end = text.find(syntax.delimiter, at)
            cell = text[at:] if end < 0 else text[at:end]
            at = None if end < 0 else end + 1
            if opened and cell.count(syntax.quote) % 2:
                is_closed = False
        cells.append(cell)
    return (_reveal(cells, syntax) if syntax.backslash else cells), is_closed


def _closing_quote(
    text: str, start: int, quote: str, closing: re.Pattern[str]
) -> re.Match[str] | None:
    """Find the quote that ends the cell whose text begins at ``start``."""
    at = start
    while (at := text.find(quote, at)) >= 0:
        end = at
        while text.startswith(quote, end):
            end += 1
        # Doubled quotes are text: of an odd number the last one is left to close the cell.
        if (end - at) % 2 and (match := closing.match(text, end - 1)):
            return match
        at = end
    return None


def _strict_reader(lines: Iterable[str], syntax: CsvSyntax) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=syntax.delimiter,
        quotechar=syntax.quote,
        skipinitialspace=syntax.spaced,
        strict=True,
    )


def _finished(cells: list[str], syntax: CsvSyntax) -> list[str]:
    """Unwrap the cells, and restore characters escaped by backslashes."""
    if syntax.wrapped and len(cells) == 1:
        return _unwrapped(cells[0], syntax) or cells
    return _reveal(cells, syntax) if syntax.backslash else cells


def _unwrapped_line(line: str, syntax: CsvSyntax) -> list[str] | None:
    cells, is_closed = split_line(line, syntax)
    return _unwrapped(cells[0], syntax) if is_closed and len(cells) == 1 else None


def _unwrapped(cell: str, syntax: CsvSyntax) -> list[str] | None:
    """Return the cells of a line that is wrapped in one cell."""
    rows = list(TolerantReader([cell], replace(syntax, wrapped=False)).rows())
    row = rows[0][1] if len(rows) == 1 else None
    return row if isinstance(row, list) else None


def _hide(line: str, syntax: CsvSyntax) -> str:
    if "\\" not in line:
        return line
    hidden = {
        syntax.quote: _HIDDEN_QUOTE,
        syntax.delimiter: _HIDDEN_DELIMITER,
        "\\": _HIDDEN_BACKSLASH,
    }
    return _BACKSLASH.sub(lambda match: hidden.get(match[1], match[0]), line)


def _reveal(cells: list[str], syntax: CsvSyntax) -> list[str]:
    shown = {
        _HIDDEN_QUOTE: syntax.quote,
        _HIDDEN_DELIMITER: syntax.delimiter,
        _HIDDEN_BACKSLASH: "\\",
    }
    return [_HIDDEN.sub(lambda match: shown[match[0]], cell) for cell in cells]
