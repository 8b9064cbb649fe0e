"""CSV rows with the physical line each starts on; a stray quote costs one line only.

Kept by hand: ``csv`` and pandas swallow or drop everything behind a quote that never closes.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import IO

# Longer lines are split into pieces, each of which is rejected: a file without line ends is
# never read into memory whole.
MAX_LINE_LENGTH = 1 << 22
_ENDS = ("\n", "\r")

Row = tuple[int, list[str] | str]
"""The line a row starts on, and its cells or the reason why it cannot be read."""


class TolerantReader:
    """A reader of CSV rows that feeds ``csv.reader`` line by line and can rewind.

    A stray quote makes a CSV reader swallow the lines that follow. Here a row that cannot be read
    as written costs its first line only: the other lines are read again.
    """

    def __init__(self, raw: IO[bytes], codec: str, errors: str, delimiter: str) -> None:
        self._text = io.TextIOWrapper(raw, encoding=codec, errors=errors, newline="")
        self._delimiter = delimiter
        self._replayed: deque[str] = deque()
        self._current: list[str] = []
        self._line = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._replayed.popleft() if self._replayed else self._text.readline(MAX_LINE_LENGTH)
        if not line:
            raise StopIteration
        self._current.append(line)
        return line

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not blank."""
        reader = csv.reader(self, delimiter=self._delimiter, strict=True)
        while True:
            self._current.clear()
            start = self._line + 1
            try:
                cells: list[str] | str = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                cells = self._read_first_line(error)
            self._line += sum(line.endswith(_ENDS) for line in self._current)
            if cells and (len(cells) > 1 or cells[0].strip()):
                yield start, cells
        # The wrapper would close the file that the caller opened.
        self._text.detach()

    def _read_first_line(self, error: csv.Error) -> list[str] | str:
        first, *rest = self._current
        self._replayed.extendleft(reversed(rest))
        self._current[1:] = []
        if len(first) > csv.field_size_limit():
            return f"is longer than {csv.field_size_limit():,} characters"
        if rest or "end of data" in str(error):
            # The quote opened here closes in a later row: the lines between are rows of their own.
            return "opens a quote that is not closed"
        # Quotes inside an unquoted style: '"Weird Al" Yankovic,Eat It' is meant as it stands.
        return next(csv.reader([first], delimiter=self._delimiter))
