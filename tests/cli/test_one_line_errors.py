"""A database or a file that cannot be used is one line and exit code 1, as any other mistake."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import event, text

from songrec.cli import catalogue
from songrec.store.db import db

COMMANDS = [
    ("ingest", "data/preprocess.csv"),
    ("train",),
    ("runs",),
    ("publish", "x"),
    ("compare", "x", "x"),
    ("similar", "x"),
    ("recommend", "--like", "x"),
    ("create-user", "bob"),
]


@pytest.fixture
def invoke(app):
    def run(*words):
        result = app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("songrec: ")
        assert result.stderr.count("\n") == 1
        return result.stderr

    return run


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_database_that_was_never_set_up_says_what_to_do(app, invoke, instance, words):
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()
        (instance / "songrec.db").unlink()
    else:
        with db.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    said = invoke(*words)
    assert "flask db upgrade" in said
    assert "argon2" not in said


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_named_as_such(app, invoke, instance):
    db.engine.dispose()
    (instance / "songrec.db").write_text("not a database at all, but long enough to be read" * 20)
    assert "cannot be used (file is not a database)" in invoke("runs")


def test_a_folder_that_cannot_be_written_to_is_named(app, invoke, instance, session):
    rejects = instance / "rejects"
    rejects.write_text("a file where the folder should be")
    path = instance / "songs.csv"
    path.write_text(
        "song,artist,tempo,loudness,energy,danceability,positiveness,speechiness,liveness,"
        "acousticness,instrumentalness\nA,B,100,-7,0.5,0.5,0.5,0.1,0.1,0.1,0.1\n"
        "C,D,100,-7,loud,0.5,0.5,0.1,0.1,0.1,0.1\n"
    )
    assert str(rejects) in invoke("ingest", str(path))
    assert session.scalar(text("SELECT count(*) FROM track")) == 0


@pytest.mark.sqlite
def test_a_full_disk_says_what_to_do(app, invoke, session):
    @event.listens_for(db.engine, "connect")
    def full(connection, record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    db.engine.dispose()
    message = invoke("ingest", "data/preprocess.csv")
    assert message == "songrec: The disk is full: free some space, then try again.\n"
    assert session.scalar(text("SELECT count(*) FROM track")) == 0


@pytest.mark.parametrize(
    "words",
    [("analyze",), ("ingest",), ("write-tags", "--tempo"), ("similar",), ("recommend", "--like")],
)
def test_a_name_that_is_no_utf8_is_named(app, invoke, tmp_path, words):
    folder = tmp_path / "caf\udce9.csv"
    if words == ("ingest",):
        folder.write_text("song,artist\nA,B\n")
    else:
        folder.mkdir()
    assert "caf\\xe9" in invoke(*words, str(folder))


def test_a_catalogue_that_unpacks_to_more_than_the_memory_is_one_line(
    invoke, session, tmp_path, monkeypatch
):
    titles = pa.DictionaryArray.from_arrays([0] * 400, pa.array(["x" * 2**20]))
    pq.write_table(pa.table({"title": titles}), tmp_path / "songs.parquet")
    monkeypatch.setattr(catalogue, "job_memory_bytes", lambda: 256 * 2**20)
    said = invoke("ingest", str(tmp_path / "songs.parquet"))
    assert said == "songrec: it needs more memory than it may take here.\n"
