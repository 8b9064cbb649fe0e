"""CSV files for spreadsheets: no cell of theirs is run as a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_DEFUSED = re.compile(r"''*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?", re.ASCII)


def defuse_formula(value: Any) -> Any:
    """Return a text that a spreadsheet would run behind an apostrophe, anything else unchanged.

    Numbers are no formulas, with a sign or without. A text that looks defused already gets another
    apostrophe, so that ``restore_text`` gives every text back.
    """
    if not isinstance(value, str) or not _FORMULA.match(value) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def restore_text(text: str) -> str:
    """Return the text that ``defuse_formula`` was given."""
    return text[1:] if _DEFUSED.match(text) else text


class CsvWriter:
    """A ``csv.writer`` that defuses formulas, with ``csv``'s options."""

    def __init__(self, stream: TextIO, **options: Any) -> None:
        self._writer = csv.writer(stream, **options)

    def writerow(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow([defuse_formula(cell) for cell in cells])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write rows one after another."""
        for row in rows:
            self.writerow(row)


class CsvDictWriter(CsvWriter):
    """A writer of rows by the names of their columns; a name that is missing is empty."""

    def __init__(self, stream: TextIO, names: Sequence[str], **options: Any) -> None:
        super().__init__(stream, **options)
        self._names = names

    def writeheader(self) -> None:
        """Write the names of the columns."""
        super().writerow(self._names)

    def writerow(self, row: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Write one row; ``ValueError`` for a name that is no column."""
        if unknown := row.keys() - set(self._names):
            raise ValueError(f"no columns: {sorted(unknown)}")
        super().writerow(row.get(name) for name in self._names)
