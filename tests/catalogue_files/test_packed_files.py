"""Small catalogue files that unpack to very much: read in batches of bounded size, or refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from songrec.catalogue_files import json_tables, reading
from songrec.catalogue_files.reading import open_table
from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits, Stopped


def lengths(path: Path) -> list[int]:
    return [len(batch) for batch in open_table(path).batches()]


def test_batches_of_long_rows_end_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_CHARACTERS", 10_000)
    monkeypatch.setattr(json_tables, "BATCH_CHARACTERS", 10_000)
    rows = [{"title": f"Song {number}", "artist": "x" * 990} for number in range(25)]
    table, lines = tmp_path / "a.csv.gz", tmp_path / "a.json.gz"
    text = "title,artist\n" + "".join(f"{row['title']},{row['artist']}\n" for row in rows)
    table.write_bytes(gzip.compress(text.encode()))
    lines.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert lengths(table) == [11, 11, 3]
    assert lengths(lines) == [10, 10, 5]


@pytest.mark.parametrize("name", ["a.json", "a.parquet", "a.csv"])
def test_more_columns_than_any_catalogue_has_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    row = {f"column {number}": "x" for number in range(5001)}
    match path.suffix:
        case ".json":
            path.write_text(json.dumps([row]))
        case ".csv":
            path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
        case ".parquet":
            pq.write_table(pa.table({key: [value] for key, value in row.items()}), path)
    with pytest.raises(BadInput, match="5,001 columns; at most 5,000 work"):
        open_table(path)


def read_all(path: str) -> int:
    """Return the number of rows, in a child."""
    return sum(len(batch) for batch in open_table(Path(path)).batches())


def test_a_parquet_file_that_unpacks_to_gigabytes_is_a_memory_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    titles = pa.array(["x" * 2**20]).dictionary_encode()
    pq.write_table(
        pa.table({"title": pa.DictionaryArray.from_arrays([0] * 4000, titles.dictionary)}), path
    )
    assert path.stat().st_size < 4 * 2**20
    limits = Limits(seconds=120.0, memory_bytes=512 * 2**20)
    with IsolatedProcess() as process, pytest.raises(Stopped, match="needs more than 512 MiB"):
        process.call(read_all, str(path), limits=limits)
