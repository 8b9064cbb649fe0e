"""Open a catalogue file, whatever its kind, and read it in batches of constant memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from songrec.catalogue_files.batches import BATCH_ROWS, Batch, Table
from songrec.catalogue_files.encoding import Encoding, detect_encoding
from songrec.catalogue_files.parquet import ParquetTable
from songrec.catalogue_files.rejects import Reject, format_value
from songrec.catalogue_files.tolerant_csv import TolerantReader
from songrec.core.errors import BadInput

MAX_COLUMNS = 5_000
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


def open_table(path: Path) -> Table:
    """Open the catalogue at ``path``; ``BadInput`` if it is not a CSV or Parquet file."""
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
        return ParquetTable(path)
    for magic, kind in _MAGIC_BYTES.items():
        if head.startswith(magic):
            raise BadInput(f"{path}: is {kind}, not a CSV or Parquet catalogue.")
    if path.name.lower().endswith(".parquet"):
        raise BadInput(f"{path}: is named .parquet but is not a Parquet file.")
    return TextTable(path, zipped=head.startswith(b"\x1f\x8b"))


class TextTable:
    """A CSV file, plain or gzipped; delimiter and encoding are detected."""

    def __init__(self, path: Path, *, zipped: bool) -> None:
        self.path = path
        self.zipped = zipped
        self._size = max(path.stat().st_size, 1)
        with self._open() as raw:
            detected: Encoding = self._guarded(detect_encoding, raw, path)
        self.encoding = detected.label
        self._codec, self._errors = detected.codec, detected.errors
        self.header, self.delimiter = self._read_header()
        # Where the comma does not separate cells it may be a decimal comma: "0,83".
        self.decimal_comma = self.delimiter != ","

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """See ``Table``."""
        with self._open() as raw:
            reader = TolerantReader(raw, self._codec, self._errors, self.delimiter)
            rows = reader.rows()
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
                    reason = f"has {cell_count}, the header has {width}"
                    start = format_value(self.delimiter.join(cells[:2]))
                    batch.rejects.append(Reject(place, "", start, reason))
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
                rows = TolerantReader(raw, self._codec, self._errors, delimiter).rows()
                first = next(rows, None)
            if first is not None and isinstance(first[1], str):
                broken = f"has no header that can be read: line {first[0]} {first[1]}"
            elif first is not None and len(first[1]) > len(best[0]):
                best = ([name.strip() for name in first[1]], delimiter)
        header, delimiter = best
        if not any(header):
            raise BadInput(f"{self.path}: the file {broken}.")
        if len(header) > MAX_COLUMNS:
            raise BadInput(f"{self.path}: {len(header):,} columns; at most {MAX_COLUMNS:,} work.")
        return header, delimiter
