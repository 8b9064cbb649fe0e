"""Notes on how a file was read: assumptions that it does not state, and cells that were lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Assumption:
    """A reading of a column, or of the whole file (``column`` is empty), that its text suggests.

    ``text`` is a phrase for the report: "plain numbers are milliseconds (median 227,000)".
    """

    column: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        return {"column": self.column, "text": self.text}

    def __str__(self) -> str:
        return f"{self.column}: {self.text}" if self.column else self.text
