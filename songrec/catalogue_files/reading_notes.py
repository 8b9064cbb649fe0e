"""Notes on the reading of a file: assumptions and lost cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from songrec.catalogue_files.rejects import Reject, format_value


@dataclass(frozen=True, slots=True)
class Assumption:
    """An assumption about a column, or about the whole file (empty ``column``).

    ``text`` is a phrase for the report: "plain numbers are milliseconds (median 227,000)".
    """

    column: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        return {"column": format_value(self.column), "text": self.text}

    def __str__(self) -> str:
        return f"{format_value(self.column)}: {self.text}" if self.column else self.text


@dataclass
class LostCells:
    """Cells of one column that could not be read; their rows were imported without them."""

    count: int
    example: Reject

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        return {"count": self.count, **self.example.to_json()}

    def __str__(self) -> str:
        cells = "1 cell" if self.count == 1 else f"{self.count:,} cells"
        such = "" if self.count == 1 else " such as"
        return f"{cells} of {self.example.column} not read,{such} {self.example}"


def count_lost_cells(totals: dict[str, LostCells], cells: Iterable[Reject]) -> None:
    """Add the cells of a batch to ``totals``, by column."""
    for cell in cells:
        total = totals.setdefault(cell.column, LostCells(0, cell))
        total.count += 1
