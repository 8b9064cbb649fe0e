"""Rows that were not taken, each with its place, its column, its value and the reason."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Reject:
    """``row`` is the physical line of a text file (the header's is 1) or the row of a Parquet."""

    row: int
    column: str
    value: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The reject as ``--json`` prints it."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "reason": self.reason,
        }

    def __str__(self) -> str:
        what = f"{self.column} '{self.value}' {self.reason}" if self.column else self.reason
        return f"row {self.row}: {what}"


def shown(value: Any) -> str:
    """A cell as messages quote it: escaped, at most 80 characters."""
    text = "" if value is None else str(value)
    cut = text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def _inert(text: str) -> str:
    # Someone will open this file in a spreadsheet: a leading apostrophe keeps it from computing.
    return f"'{text}" if text.startswith(_FORMULA) else text


class RejectsFile:
    """The rejects as CSV, opened with the first of them; no rejects, no file."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, reject: Reject) -> None:
        """Write one reject."""
        self.count += 1
        if self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["row", "column", "value", "reason"])
        row = (reject.row, _inert(reject.column), _inert(reject.value), reject.reason)
        self._writer.writerow(row)
