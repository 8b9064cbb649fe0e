from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from songrec.services.catalogue.ingest import ingest_file
from songrec.store.tables import Track
from tests.catalogue_files.samples import PLAIN, TWELVE
from tests.catalogue_files.stored import names_of


def test_columns_of_odd_types_are_read(session, tmp_path):
    columns = {name: pa.array([float(PLAIN[name])] * 2) for name in TWELVE} | {
        "song": pa.array(["Élan".encode(), b"Cut \xff"], pa.binary()),
        "artist": pa.array([["A", "B"], ["C"]]),
        "Energy": pa.array([Decimal("0.80"), Decimal("0.10")]),
        "Explicit": pa.array([True, False]),
        "genre": pa.array(["Pop", None]).dictionary_encode(),
        "release date": pa.array([datetime(2019, 1, 2)] * 2),
        "duration": pa.array([timedelta(seconds=227)] * 2, pa.duration("ns")),
        "beyond the calendar": pa.array([2**60] * 2, pa.timestamp("us")),
        "nested": pa.array([{"a": [1]}] * 2),
    }
    pq.write_table(pa.table(columns), tmp_path / "odd.parquet")
    report = ingest_file(session, tmp_path / "odd.parquet")
    assert [str(reject) for reject in report.rejected] == [
        "row 2: song 'Cut \\udcff' holds control characters or undecodable bytes"
    ]
    track = session.scalars(select(Track)).one()
    assert (track.title, track.artists, names_of(session, track, "genre")) == (
        "Élan",
        "A, B",
        "pop",
    )
    assert (track.year, track.duration_ms) == (2019, 227_000)
    assert (track.attributes.energy, track.attributes.explicit) == (0.8, 1.0)


def test_a_date_outside_the_calendar_is_a_lost_cell(session, tmp_path):
    columns = {name: pa.array([float(PLAIN[name])] * 2) for name in TWELVE} | {
        "year": pa.array([2**60, 0], pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), tmp_path / "far.parquet")
    report = ingest_file(session, tmp_path / "far.parquet")
    assert report.inserted == 2
    lost = report.lost_cells["year"]
    assert (lost.count, lost.example.row, lost.example.reason) == (1, 1, "holds no year")
