"""Detection of a CSV file's syntax and of the place of its header, from its first lines."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from songrec.catalogue_files.header_levels import join_levels
from songrec.catalogue_files.reading_notes import Assumption
from songrec.catalogue_files.rejects import format_value
from songrec.catalogue_files.tolerant_csv import CsvSyntax, Row, TolerantReader

DELIMITERS = (",", ";", "\t", "|")
_MAX_ROWS = 100
_MAX_TITLE_LINES = 20
_MOST = 0.9
_MANY_NAMES = 10
_SEPARATOR_LINE = re.compile(r"""\s*"?sep=(\\t|[^"])?"?[\s,;|]*""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """Layout of a CSV file: syntax, header and columns.

    Attributes
    ----------
    syntax
        Delimiter and quoting.
    header
        The names of the columns.
    header_lines
        Number of physical lines up to the end of the header.
    written_header
        The header's cells as written.
    leading, trailing
        Number of cells in every row before the first column (R's row names) and after the last one
        (blank, if rows end with a delimiter).
    assumptions
        Assumptions for the report.
    """

    syntax: CsvSyntax
    header: list[str]
    header_lines: int
    written_header: list[str]
    leading: int = 0
    trailing: int = 0
    assumptions: tuple[Assumption, ...] = ()

    @property
    def width(self) -> int:
        """Number of cells of a row as written."""
        return self.leading + len(self.header) + self.trailing


class UnreadableHeader(ValueError):
    """The file has no header that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The first rows in one syntax; ``at`` is the header's index among them."""

    syntax: CsvSyntax
    rows: list[Row]
    at: int

    @property
    def header(self) -> list[str]:
        cells = self.rows[self.at][1] if self.rows else []
        return cells if isinstance(cells, list) else []

    @property
    def body(self) -> list[list[str]]:
        return [cells for _, cells in self.rows[self.at + 1 :] if isinstance(cells, list)]

    @property
    def regularity(self) -> float:
        """Share of the rows with the most common width; 0 if that contradicts the header."""
        body = self.body
        if not body:
            return 1.0
        width, count = Counter(map(len, body)).most_common(1)[0]
        is_wider = len(self.header) == 1 < width
        return 0.0 if is_wider or any(self.header[width:]) else count / len(body)

    def fitting(self) -> int:
        """Count the rows that are as wide as the header."""
        return sum(len(cells) == len(self.header) for cells in self.body)


def detect_layout(
    head: str, *, is_column_name: Callable[[str], bool] = lambda name: False
) -> CsvLayout:
    """Detect syntax, header and layout from the beginning of a file.

    Parameters
    ----------
    head
        The first lines, whole.
    is_column_name
        Tells the name of a column from a title line ("Shazam Library") above the header.

    Raises
    ------
    UnreadableHeader
        If there is no header that can be read.
    """
    lines = io.StringIO(head, newline="").readlines()
    separator_lines, delimiter = _separator_line(lines)
    lines = lines[separator_lines:]
    # Not every "sep=," is true: another program may have written the rest of the file.
    delimiters = DELIMITERS
    if delimiter and any(delimiter in line for line in lines[:_MAX_TITLE_LINES]):
        delimiters = (delimiter,)
    candidates = [
        _candidate(lines, CsvSyntax(d, _quote(lines, d)), is_column_name) for d in delimiters
    ]
    candidates = [one for one in candidates if one.rows]
    if not candidates:
        raise UnreadableHeader("holds nothing but blank lines")
    best = max(candidates, key=lambda one: _plausibility(one, lines))
    best = _wrapped(best, lines, delimiters, is_column_name) or best
    best = _with_options(best, lines, is_column_name)
    line, cells = best.rows[best.at]
    if isinstance(cells, str):
        raise UnreadableHeader(
            f"has no header that can be read: line {line + separator_lines} {cells}"
        )
    names, levels = join_levels(best.header, best.body)
    body = best.rows[best.at + 1 + levels :]
    header_lines = separator_lines + (body[0][0] if body else len(lines) + 1) - 1
    layout = _layout(best, lines, header_lines)
    return replace(layout, header=names) if levels else layout


def _separator_line(lines: Sequence[str]) -> tuple[int, str | None]:
    """Return the number of lines up to Excel's ``sep=;``, and its delimiter."""
    for number, line in enumerate(lines, 1):
        match = _SEPARATOR_LINE.fullmatch(line.lstrip("\ufeff").rstrip("\r\n"))
        if match:
            return number, "\t" if match[1] == "\\t" else match[1]
        if line.strip():
            break
    return 0, None


def _quote(lines: Sequence[str], delimiter: str) -> str:
    """Return an apostrophe if it encloses every name of the header, else a double quote."""
    first = next((line.strip() for line in lines if line.strip()), "")
    cells = first.split(delimiter)
    single = all(
        len(cell.strip()) > 2 and cell.strip()[0] == cell.strip()[-1] == "'" for cell in cells
    )
    return "'" if single else '"'


def _candidate(
    lines: Sequence[str], syntax: CsvSyntax, is_column_name: Callable[[str], bool]
) -> _Candidate:
    rows = list(itertools.islice(TolerantReader(lines, syntax).rows(), _MAX_ROWS + 1))
    return _Candidate(syntax, rows, _header_index(rows, is_column_name))


def _header_index(rows: Sequence[Row], is_column_name: Callable[[str], bool]) -> int:
    """Return the index of the first row below the file's title lines and comments."""
    for at, (_, cells) in enumerate(rows[: _MAX_TITLE_LINES + 1]):
        if not isinstance(cells, list):
            return 0
        below = rows[at + 1][1] if at + 1 < len(rows) else cells
        named = [cell for cell in cells if cell.strip()]
        if cells[0].lstrip().startswith("#") and len(below) != len(cells):
            continue
        if len(named) > 1:
            return at if isinstance(below, list) and len(below) == len(cells) else 0
        if not named or is_column_name(named[0]):
            return 0
    return 0


def _plausibility(
    candidate: _Candidate, lines: Sequence[str]
) -> tuple[bool, bool, bool, int, float]:
    width, regularity = len(candidate.header), candidate.regularity
    return (
        _is_well_formed(candidate, lines),
        width > 1 and regularity >= 0.5,
        candidate.at == 0,
        width,
        regularity,
    )


def _is_well_formed(candidate: _Candidate, lines: Sequence[str]) -> bool:
    line, cells = candidate.rows[candidate.at]
    if isinstance(cells, str):
        return False
    syntax = candidate.syntax
    reader = csv.reader(
        lines[line - 1 :], delimiter=syntax.delimiter, quotechar=syntax.quote, strict=True
    )
    try:
        return next(reader) == cells
    except (csv.Error, StopIteration):
        return False


def _wrapped(
    best: _Candidate,
    lines: Sequence[str],
    delimiters: Sequence[str],
    is_column_name: Callable[[str], bool],
) -> _Candidate | None:
    """Return the reading in which every line is one quoted cell, if that gives columns."""
    if len(best.header) != 1 or not lines[best.rows[best.at][0] - 1].lstrip().startswith('"'):
        return None
    readings = [_candidate(lines, CsvSyntax(d, wrapped=True), is_column_name) for d in delimiters]
    widest = max(readings, key=lambda one: (len(one.header), one.regularity))
    return widest if len(widest.header) > 1 and widest.regularity >= 0.5 else None


def _with_options(
    best: _Candidate, lines: Sequence[str], is_column_name: Callable[[str], bool]
) -> _Candidate:
    """Enable backslashes and blanks before quotes if that makes more rows well formed."""
    text = "".join(lines[: best.rows[-1][0] + 1])
    delimiter, quote = re.escape(best.syntax.delimiter), re.escape(best.syntax.quote)
    if re.search(rf"\\(?:{quote}|{delimiter})", text):
        other = _candidate(lines, replace(best.syntax, backslash=True), is_column_name)
        if other.fitting() > best.fitting():
            best = other
    if re.search(rf"{delimiter} +{quote}", text):
        other = _candidate(lines, replace(best.syntax, spaced=True), is_column_name)
        if other.fitting() > best.fitting() or _unquotes(other, best):
            best = other
    return best


def _unquotes(other: _Candidate, best: _Candidate) -> bool:
    """Return whether a cell loses its quotes where blanks before it are skipped."""
    return other.fitting() == best.fitting() and any(
        cell != before.lstrip(" ")
        for cells, cells_before in zip(other.body, best.body, strict=False)
        for cell, before in zip(cells, cells_before, strict=False)
    )


def _layout(best: _Candidate, lines: Sequence[str], header_lines: int) -> CsvLayout:
    header = [name.strip() for name in best.header]
    layout = CsvLayout(best.syntax, header, header_lines, best.header)
    body, width = best.body, len(header)
    common, count = Counter(map(len, body)).most_common(1)[0] if body else (width, 0)
    rows = [cells for cells in body if len(cells) == common]
    if common == width or count < _MOST * len(body):
        return layout
    if common > width and not any(cell.strip() for cells in rows for cell in cells[width:]):
        return replace(layout, trailing=common - width)
    if common < width and not any(header[common:]):
        return replace(layout, header=header[:common])
    if common == width + 1 and _are_row_names([cells[0] for cells in rows], best, lines):
        name = format_value(rows[0][0])
        text = f"rows have one cell more than the header; the first ('{name}') is the row's name"
        return replace(layout, leading=1, assumptions=(Assumption("", text),))
    return layout


def _are_row_names(names: Sequence[str], best: _Candidate, lines: Sequence[str]) -> bool:
    """Return whether first cells without a header are names of rows, as R writes them."""
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        return False
    if all(name.strip().isdecimal() for name in names):
        return True
    quoted = (lines[line - 1].startswith(best.syntax.quote) for line, _ in best.rows[best.at + 1 :])
    if len(names) > 1 and (best.syntax.delimiter == "\t" or all(quoted)):
        return True
    # The alternative is an unquoted comma in every first cell; a blank would follow it.
    return len(names) >= _MANY_NAMES and not any(cells[1].startswith(" ") for cells in best.body)
