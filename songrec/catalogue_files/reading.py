"""Opening a catalogue file: what kind it is, and its rows in batches of constant memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from songrec.catalogue_files.encoding import Encoding, scan
from songrec.catalogue_files.rejects import Reject, shown
from songrec.catalogue_files.tolerant_csv import Lines
from songrec.core.errors import BadInput

# A batch is written in one transaction. More rows at once write fewer index pages in all; fewer
# let others write sooner.
BATCH_ROWS = 10_000
MOST_COLUMNS = 5_000
_MAGIC = {
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


@dataclass
class Batch:
    """Some rows: their cells, where each stands (line or row), its count from 1, the bad ones."""

    rows: list[Sequence[Any]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    fraction: float = 0.0

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejects)


class Table(Protocol):
    """An open catalogue: its header, and its rows once."""

    header: list[str]
    encoding: str
    decimal_comma: bool

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """The rows in file order; good and bad together about ``size`` a batch."""
        ...


def open_table(path: Path) -> Table:
    """The catalogue at ``path``; ``BadInput`` says in one line why it is none."""
    if not path.exists():
        raise BadInput(f"{path}: no such file.")
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; give a catalogue file (.csv, .csv.gz or .parquet).")
    if not path.is_file():
        raise BadInput(f"{path}: is not an ordinary file.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from None
    if not head:
        raise BadInput(f"{path}: the file is empty.")
    if head.startswith(b"PAR1"):
        from songrec.catalogue_files.parquet import ParquetTable

        return ParquetTable(path)
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise BadInput(f"{path}: is {what}, not a CSV or Parquet catalogue.")
    if path.name.lower().endswith(".parquet"):
        raise BadInput(f"{path}: is called .parquet but is no Parquet file.")
    return TextTable(path, zipped=head.startswith(b"\x1f\x8b"))


class TextTable:
    """A CSV file, plain or gzipped; the delimiter and the encoding are seen from the file."""

    def __init__(self, path: Path, *, zipped: bool) -> None:
        self.path = path
        self.zipped = zipped
        self._size = max(path.stat().st_size, 1)
        with self._open() as raw:
            found: Encoding = self._guarded(scan, raw, path)
        self.encoding = found.label
        self._codec, self._errors = found.codec, found.errors
        self.header, self.delimiter = self._read_header()
        # Where the comma does not part the cells it may part a number: "0,83".
        self.decimal_comma = self.delimiter != ","

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """See ``Table``."""
        with self._open() as raw:
            lines = Lines(raw, self._codec, self._errors, self.delimiter)
            rows = lines.rows()
            next(rows, None)  # the header
            width = len(self.header)
            number = 0
            batch = Batch()
            while True:
                row = self._guarded(next, rows, None)
                if row is None:
                    break
                place, cells = row
                number += 1
                if isinstance(cells, str):
                    batch.rejects.append(Reject(place, "", "", cells))
                elif len(cells) != width:
                    cell_count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
                    why = f"has {cell_count}, the header has {width}"
                    start = shown(self.delimiter.join(cells[:2]))
                    batch.rejects.append(Reject(place, "", start, why))
                else:
                    batch.rows.append(cells)
                    batch.places.append(place)
                    batch.numbers.append(number)
                if len(batch) >= size:
                    batch.fraction = self._fraction(raw)
                    yield batch
                    batch = Batch()
            if len(batch):
                batch.fraction = 1.0
                yield batch

    def _open(self) -> IO[bytes]:
        return gzip.open(self.path, "rb") if self.zipped else self.path.open("rb")  # type: ignore[return-value]

    def _fraction(self, raw: Any) -> float:
        position = raw.fileobj.tell() if self.zipped else raw.tell()
        return min(position / self._size, 1.0)

    def _guarded(self, function: Any, *values: Any) -> Any:
        try:
            return function(*values)
        except EOFError:
            raise BadInput(
                f"{self.path}: the gzip file ends too early; it was cut off. Copy it again."
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise BadInput(f"{self.path}: the gzip file is damaged ({error}).") from None
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be read ({error.strerror or error}).") from None

    def _read_header(self) -> tuple[list[str], str]:
        best: tuple[list[str], str] = ([], ",")
        broken = "holds nothing but blank lines"
        for delimiter in (",", ";", "\t", "|"):
            with self._open() as raw:
                rows = Lines(raw, self._codec, self._errors, delimiter).rows()
                first = next(rows, None)
            if first is not None and isinstance(first[1], str):
                broken = f"has no header that can be read: line {first[0]} {first[1]}"
            elif first is not None and len(first[1]) > len(best[0]):
                best = ([name.strip() for name in first[1]], delimiter)
        header, delimiter = best
        if not any(header):
            raise BadInput(f"{self.path}: the file {broken}.")
        if len(header) > MOST_COLUMNS:
            raise BadInput(f"{self.path}: {len(header):,} columns; at most {MOST_COLUMNS:,} work.")
        return header, delimiter
