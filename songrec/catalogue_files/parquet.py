"""Parquet catalogues, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songrec.catalogue_files.batches import BATCH_ROWS, Batch, check_columns
from songrec.core.errors import BadInput

if TYPE_CHECKING:
    import pyarrow


class ParquetTable:
    """A Parquet file; only one batch of rows is in memory at a time."""

    encoding = "Parquet"
    decimal_comma = False
    assumptions = ()

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        try:
            # One row group at a time, no read-ahead: memory stays constant in the file's length.
            self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            reason = str(error).splitlines()[0][:200]
            raise BadInput(f"{path}: the Parquet file cannot be read ({reason}).") from None
        self.header = [str(name) for name in self._file.schema_arrow.names]
        check_columns(str(path), len(self.header))

    def batches(self, size: int = BATCH_ROWS) -> Iterator[Batch]:
        """Yield batches, see ``Table``."""
        import pyarrow as pa

        total = max(self._file.metadata.num_rows, 1)
        done = 0
        try:
            for part in self._file.iter_batches(batch_size=size):
                columns = [_cells(column) for column in part.columns]
                rows = list(zip(*columns, strict=True))
                numbers = list(range(done + 1, done + len(rows) + 1))
                done += len(rows)
                yield Batch(rows, numbers, list(numbers), [], done / total)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            reason = str(error).splitlines()[0][:200]
            raise BadInput(
                f"{self.path}: the Parquet file is damaged after row {done:,} ({reason})."
            ) from None


def _cells(column: pyarrow.Array) -> list[Any]:
    """Return the column as Python values; text stored as bytes is decoded."""
    try:
        cells = column.to_pylist()
    except (OverflowError, ValueError):
        # A date outside Python's calendar, perhaps in a column that is not used.
        cells = [_cell(value) for value in column]
    if any(isinstance(cell, bytes) for cell in cells):
        # Undecodable bytes are marked as in a CSV file, so that the row is rejected.
        return [
            cell.decode("utf-8", "surrogateescape") if isinstance(cell, bytes) else cell
            for cell in cells
        ]
    return cells


def _cell(value: pyarrow.Scalar) -> Any:
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        return f"a {value.type} out of range"
