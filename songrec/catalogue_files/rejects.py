"""Rejected rows and lost cells: place, column, value, reason, and the CSV file that lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from songrec.core.csv_output import CsvWriter

_MAX_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not imported, or a lost cell of an imported row.

    ``row`` is the physical line of a text file (the header is line 1) or the row of a Parquet file.
    """

    row: int
    column: str
    value: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "reason": self.reason,
        }

    def __str__(self) -> str:
        problem = f"{self.column} '{self.value}' {self.reason}" if self.column else self.reason
        return f"row {self.row}: {problem}"


def format_value(value: Any) -> str:
    """Format a cell for a message: escaped, at most 80 characters."""
    text = "" if value is None else str(value)
    cut = text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


class RejectsFile:
    """A CSV file of rejects, created with the first one.

    The last column, ``lost``, is ``row`` if the whole row is not imported, else ``cell``.
    """

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

    def add(self, reject: Reject, lost: str = "row") -> None:
        """Write one reject."""
        self.count += 1
        if self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="")
            self._writer = CsvWriter(self._file)
            self._writer.writerow(["row", "column", "value", "reason", "lost"])
        row = (reject.row, reject.column, reject.value, reject.reason, lost)
        self._writer.writerow(row)
