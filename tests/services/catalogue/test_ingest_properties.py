"""Whatever stands in the cells, a row is stored or rejected with a reason, and once is enough."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from songrec import create_app
from songrec.core.attributes import ATTRIBUTE_NAMES, BY_NAME
from songrec.core.errors import BadInput
from songrec.services.catalogue.ingest import IngestReport, ingest_file
from songrec.store.db import db
from songrec.store.tables import Track, TrackAttributes
from tests.catalogue_files.samples import NAMED, song

COLUMNS = (*NAMED, "album", "year", "duration", "key", "time signature", "text")

plausible = st.sampled_from(
    [
        "0",
        "1",
        "0.5",
        "1.5",
        "100",
        "101",
        "-3",
        "0,5",
        "1e3",
        "nan",
        "inf",
        "-inf",
        "",
        " ",
        "Yes",
        "no",
        "D min",
        "03:47",
        "2019-06-14",
        "4/4",
        "-6.85db",
        "=1+1",
        "a\nb",
        'a"b',
        "a,b",
        "🎵",
        "\x00",
        "\x1b[0m",
        "['A', 'B']",
        "x" * 600,
        "9" * 400,
        "1_0",
        "٣",
        "0x1F",
        "True",
    ]
)
cells = st.one_of(plausible, plausible, st.text(max_size=12))
changes = st.dictionaries(st.sampled_from(COLUMNS), cells, max_size=4)
rows = st.lists(
    st.builds(lambda c, n: {**song(song=f"S{n}"), **c}, changes, st.integers(0, 5)),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def catalogue_app(tmp_path_factory, instances):
    folder = tmp_path_factory.mktemp("properties")
    url = instances.create(folder)
    app = create_app({"INSTANCE": folder, "SQLALCHEMY_DATABASE_URI": url, "TESTING": True})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    instances.drop(url)


def empty_the_catalogue() -> None:
    for table in ("track", "tag", "playlist"):
        db.session.execute(text(f"DELETE FROM {table}"))
    db.session.commit()


def ingest(path: Path) -> IngestReport | None:
    try:
        return ingest_file(db.session, path)
    except BadInput as error:
        message = str(error)
    assert " rejected" in message
    assert "\n" not in message
    return None


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=rows)
def test_every_row_is_stored_or_rejected_and_twice_is_once(
    rows: list[dict[str, str]], catalogue_app: Flask, tmp_path_factory: pytest.TempPathFactory
):
    empty_the_catalogue()
    path = catalogue_app.config["INSTANCE"] / "songs.csv"
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([row.get(column, "") for column in COLUMNS] for row in rows)
    report = ingest(path)
    if report is None:
        assert db.session.scalar(select(func.count(Track.id))) == 0
        return
    assert report.read == report.stored + report.rejected_count == len(rows)
    assert all(reject.row > 1 and reject.reason for reject in report.rejected)
    stored = db.session.execute(select(TrackAttributes)).scalars().all()
    assert len(stored) == report.inserted
    for attributes in stored:
        for name in ATTRIBUTE_NAMES:
            value = getattr(attributes, name)
            if value is None:
                assert name == "tempo"  # 0: not measured
            else:
                assert math.isfinite(value)
                assert BY_NAME[name].low <= value <= BY_NAME[name].high
    again = ingest(path)
    assert again is not None
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, report.stored)
    assert again.rejected == report.rejected


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_one_line(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
):
    from songrec.catalogue_files.reading import open_table

    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(content)
    message = ""
    try:
        table = open_table(path)
        for batch in table.batches():
            assert all(len(row) == len(table.header) for row in batch.rows)
    except BadInput as error:
        message = str(error)
    assert "\n" not in message
