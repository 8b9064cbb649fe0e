"""Batches of rows and the protocol of the readers that yield them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from songrec.catalogue_files.reading_notes import Assumption
from songrec.catalogue_files.rejects import Reject
from songrec.core.errors import BadInput

# A batch is written in one transaction. Larger batches write fewer index pages in total; smaller
# ones hold the database's write lock for a shorter time.
BATCH_ROWS = 10_000
BATCH_CHARACTERS = 64 * 2**20
"""Size limit of a batch in characters: a gzipped file may hold gigabytes of blanks."""
MAX_COLUMNS = 5_000


@dataclass
class Batch:
    """Consecutive rows of a table.

    ``rows`` are the cells of the readable rows, ``places`` the line (text) or row (Parquet) of
    each and ``numbers`` its count from 1; ``rejects`` are the unreadable rows. ``fraction`` is the
    share of the file read so far.
    """

    rows: list[Sequence[Any]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    fraction: float = 0.0

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejects)


class Table(Protocol):
    """An open catalogue file: its header, and its rows, which can be iterated once."""

    header: list[str]
    encoding: str
    decimal_comma: bool
    assumptions: Sequence[Assumption]

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """Yield the rows in file order, about ``size`` rows (readable or not) per batch.

        A batch of long rows ends sooner (``BATCH_CHARACTERS``).
        """
        ...


def check_columns(name: str, count: int) -> None:
    """Raise ``BadInput`` for more columns than a catalogue has."""
    if count > MAX_COLUMNS:
        raise BadInput(f"{name}: {count:,} columns; at most {MAX_COLUMNS:,} work.")
