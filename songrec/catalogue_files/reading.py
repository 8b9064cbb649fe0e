"""Opening of catalogue files of any kind, and reading in batches of bounded memory."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from songrec.catalogue_files.batches import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    Batch,
    Table,
    check_columns,
)
from songrec.catalogue_files.csv_layout import CsvLayout, UnreadableHeader, detect_layout
from songrec.catalogue_files.dialect_detection import normalize
from songrec.catalogue_files.dialects import DIALECTS
from songrec.catalogue_files.encoding import detect_encoding
from songrec.catalogue_files.json_tables import JsonTable
from songrec.catalogue_files.parquet import ParquetTable
from songrec.catalogue_files.read_errors import read_errors_as_bad_input
from songrec.catalogue_files.reading_notes import Assumption
from songrec.catalogue_files.rejects import Reject, format_value
from songrec.catalogue_files.tolerant_csv import TolerantReader, text_lines
from songrec.core.errors import BadInput

_HEAD = 1 << 20
_BEYOND_ASCII = re.compile(r"\w*[^\x00-\x7f]\w*")
_JSON_HEAD = 4096
_JSON_START = re.compile(rb"""\s*(\{\s*["}]|\[\s*\{)""")
_MAGIC_BYTES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"PK\x03\x04": "a ZIP archive (or a spreadsheet); unpack it or save it as CSV",
    b"%PDF": "a PDF document",
    b"SQLite format 3\0": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel spreadsheet; save it as CSV",
    b"BZh": "a bzip2 archive; unpack it",
    b"\xfd7zXZ": "an xz archive; unpack it",
    b"(\xb5/\xfd": "a zstd archive; unpack it",
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"RIFF": "a sound file",
}

_DIALECT_COLUMNS = frozenset(
    normalize(spelling)
    for dialect in DIALECTS
    for spellings in dialect.columns.values()
    for spelling in spellings
)

TableRow = tuple[int, list[str] | Reject]
"""First line of a row, and its cells or the reason for rejecting it."""


def open_table(path: Path) -> Table:
    """Open the catalogue at ``path``; ``BadInput`` if it is not a catalogue."""
    if not path.exists():
        raise BadInput(f"{path}: no such file.")
    if path.is_dir():
        raise BadInput(
            f"{path}: is a folder; give a catalogue file (.csv, .csv.gz, .json or .parquet)."
        )
    if not path.is_file():
        raise BadInput(f"{path}: is not an ordinary file.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from None
    if head.startswith(b"PAR1"):
        return ParquetTable(path)
    zipped = _check_magic_bytes(head, str(path), "a CSV, JSON or Parquet catalogue")
    if path.name.lower().endswith(".parquet"):
        raise BadInput(f"{path}: is named .parquet but is not a Parquet file.")
    kind = JsonTable if _is_json(path, zipped=zipped) else TextTable
    return kind(str(path), lambda: path.open("rb"), path.stat().st_size, zipped=zipped)


def _is_json(path: Path, *, zipped: bool) -> bool:
    """Return whether a text file begins like JSON: ``{``, or ``[`` and a value."""
    with path.open("rb") as file:
        try:
            head = (gzip.GzipFile(fileobj=file) if zipped else file).read(_JSON_HEAD)
        except (EOFError, OSError, zlib.error):
            return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode()
    return bool(_JSON_START.match(head.removeprefix(codecs.BOM_UTF8)))


def open_text(
    content: bytes,
    name: str,
    *,
    is_column_name: Callable[[str], bool] | None = None,
) -> TextTable:
    """Open the content of a CSV file, plain or gzipped; ``BadInput`` if it is something else.

    Parameters
    ----------
    content
        The whole file.
    name
        Name of the file in messages.
    is_column_name
        See ``TextTable``.
    """
    zipped = _check_magic_bytes(content[:16], name, "a CSV file")
    return TextTable(
        name,
        lambda: io.BytesIO(content),
        len(content),
        zipped=zipped,
        is_column_name=is_column_name or is_dialect_column,
    )


def is_dialect_column(name: str) -> bool:
    """Return whether any dialect has a column of this name."""
    return normalize(name) in _DIALECT_COLUMNS


def _check_magic_bytes(head: bytes, name: str, expected: str) -> bool:
    """Return whether a file that starts with ``head`` is gzipped; reject binary files."""
    if not head:
        raise BadInput(f"{name}: the file is empty.")
    for magic, kind in _MAGIC_BYTES.items():
        if head.startswith(magic):
            raise BadInput(f"{name}: is {kind}, not {expected}.")
    return head.startswith(b"\x1f\x8b")


class TextTable:
    """A CSV file, plain or gzipped; syntax, encoding and layout are detected.

    Parameters
    ----------
    name
        Path of the file in messages.
    open_file
        Opens the file for reading bytes; may be called repeatedly.
    size
        Its size in bytes, before it is unpacked.
    zipped
        Whether it is gzipped.
    is_column_name
        Distinguishes a column name from a title line above the header.

    Attributes
    ----------
    header
        The names of the columns, without blanks around them.
    encoding, delimiter
        The detected ones; the encoding by its name for reports.
    decimal_comma
        Whether a comma may be a decimal comma, because it does not separate cells.
    assumptions
        Assumptions for the report.
    """

    def __init__(
        self,
        name: str,
        open_file: Callable[[], IO[bytes]],
        size: int,
        *,
        zipped: bool,
        is_column_name: Callable[[str], bool] = is_dialect_column,
    ) -> None:
        self.name = name
        self.zipped = zipped
        self._open_file = open_file
        self._size = max(size, 1)
        with self._open() as raw, read_errors_as_bad_input(self.name):
            detected = detect_encoding(raw, name)
        self.encoding = detected.label
        self._codec, self._errors = detected.codec, detected.errors
        self._layout = self._detect_layout(is_column_name)
        self.header = self._layout.header
        self._header_cells = self._layout.written_header
        self.delimiter = self._layout.syntax.delimiter
        self.decimal_comma = self.delimiter != ","
        self.assumptions = [*self._encoding_assumption(), *self._layout.assumptions]

    def rows(self, *, any_width: bool = False) -> Iterator[TableRow]:
        """Yield the line and the cells of every row that is not blank, in file order.

        Parameters
        ----------
        any_width
            Also return the cells of rows that are wider or narrower than the header.

        Yields
        ------
        tuple
            The first line of the row, and its cells or a ``Reject``.
        """
        with self._open() as raw:
            yield from self._rows(raw, any_width=any_width)

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """See ``Table``."""
        with self._open() as raw:
            batch, characters = Batch(), 0
            for number, (place, cells) in enumerate(self._rows(raw), 1):
                if isinstance(cells, Reject):
                    batch.rejects.append(cells)
                else:
                    characters += sum(map(len, cells))
                    batch.rows.append(cells)
                    batch.places.append(place)
                    batch.numbers.append(number)
                if len(batch) >= size or characters >= BATCH_CHARACTERS:
                    batch.fraction = self._fraction(raw)
                    yield batch
                    batch, characters = Batch(), 0
            if len(batch):
                batch.fraction = 1.0
                yield batch

    def _rows(self, raw: IO[bytes], *, any_width: bool = False) -> Iterator[TableRow]:
        layout = self._layout
        width, first, last = layout.width, layout.leading, layout.leading + len(layout.header)
        is_offset = width != len(layout.header)
        with (
            read_errors_as_bad_input(self.name),
            text_lines(raw, self._codec, self._errors) as lines,
        ):
            for _ in range(layout.header_lines):
                next(lines, None)
            for line, cells in TolerantReader(lines, layout.syntax, width).rows():
                place = line + layout.header_lines
                if isinstance(cells, str):
                    yield place, Reject(place, "", "", cells)
                elif len(cells) != width and not any_width:
                    yield place, self._misfit(place, cells)
                elif cells == self._header_cells:
                    yield place, Reject(place, "", "", "repeats the header")
                else:
                    yield place, cells[first:last] if is_offset else cells

    def _misfit(self, place: int, cells: list[str]) -> Reject:
        cell_count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        start = format_value(self.delimiter.join(cells[:2]))
        return Reject(place, "", start, f"has {cell_count}, the header has {self._layout.width}")

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with self._open_file() as file:
            yield gzip.GzipFile(fileobj=file) if self.zipped else file  # type: ignore[misc]

    def _fraction(self, raw: Any) -> float:
        position = raw.fileobj.tell() if self.zipped else raw.tell()
        return min(position / self._size, 1.0)

    def _encoding_assumption(self) -> list[Assumption]:
        """Quote a word with accented letters, so that people can verify the guessed encoding."""
        if self.encoding.startswith("UTF"):
            return []
        with (
            self._open() as raw,
            read_errors_as_bad_input(self.name),
            text_lines(raw, self._codec, "replace") as lines,
        ):
            words = (match for line in lines if (match := _BEYOND_ASCII.search(line)))
            word = next(words, None)
        such = f", as in “{format_value(word[0])}”" if word else ""
        advice = "if that is wrong, save the file as UTF-8"
        return [Assumption("", f"the text is not UTF-8 but {self.encoding}{such}; {advice}")]

    def _detect_layout(self, is_column_name: Callable[[str], bool]) -> CsvLayout:
        with self._open() as raw, read_errors_as_bad_input(self.name):
            text = io.TextIOWrapper(raw, encoding=self._codec, errors=self._errors, newline="")
            head = text.read(_HEAD)
            # The rest of the last line.
            head += text.readline(_HEAD)
            text.detach()
        try:
            layout = detect_layout(head, is_column_name=is_column_name)
        except UnreadableHeader as error:
            raise BadInput(f"{self.name}: the file {error}.") from None
        check_columns(self.name, len(layout.header))
        return layout
