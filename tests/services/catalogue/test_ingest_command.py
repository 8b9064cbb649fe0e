from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from songrec.store.db import db
from songrec.store.tables import Track
from tests.catalogue_files.samples import NAMED, song, write

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def run(app):
    return lambda *words: app.test_cli_runner().invoke(args=["ingest", *map(str, words)])


def test_an_ingest_says_what_it_did(run, tmp_path):
    path = write(tmp_path / "songs.csv", [song(), song(song="Bad", Energy="loud")])
    result = run(path)
    assert result.exit_code == 0
    assert "2 rows read as preprocess (unit scale, UTF-8)" in result.output
    assert "1 inserted, 0 updated, 0 unchanged, 1 rejected" in result.output
    assert "row 3: Energy 'loud' is not a number" in result.output
    assert "Reading" not in result.output


def test_an_ingest_says_what_it_assumed_and_which_cells_it_left_out(run, tmp_path):
    rows = [song(song=f"S{i}", duration=cell) for i, cell in enumerate(["227000", "long", "?"])]
    result = run(write(tmp_path / "songs.csv", rows, (*NAMED, "duration")))
    assert "3 inserted, 0 updated, 0 unchanged, 0 rejected" in result.output
    assert "Assumed: duration: plain numbers, such as 227000, are milliseconds" in result.output
    assert "Lost: 1 cell of duration not read, row 3: duration 'long' is not a" in result.output
    report = json.loads(run(tmp_path / "songs.csv", "--json").output)
    assert [one["column"] for one in report["assumptions"]] == ["duration"]
    assert [(one["count"], one["row"]) for one in report["lost_cells"]] == [(1, 3)]


def test_rejected_rows_lie_in_the_instance_folder(run, app, tmp_path):
    path = write(tmp_path / "songs.csv", [song(), song(song="Bad", Energy="loud")])
    run(path)
    (rejects,) = (app.config["INSTANCE"] / "rejects").iterdir()
    assert rejects.name.startswith("songs-")
    with rejects.open(encoding="utf-8", newline="") as file:
        (reject,) = csv.DictReader(file)
    assert reject == {
        "row": "3",
        "column": "Energy",
        "value": "loud",
        "reason": "is not a number",
        "lost": "row",
    }


def test_json_is_one_document_with_the_promised_keys(run, tmp_path):
    path = write(tmp_path / "songs.csv", [song(), song(song="Bad", Energy="loud")])
    report = json.loads(run(path, "--json").output)
    assert {k: report[k] for k in ("read", "inserted", "updated", "unchanged")} == {
        "read": 2,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
    }
    assert report["rejected"][0]["row"] == 3
    assert report["rejected"][0]["reason"] == "is not a number"
    assert Path(report["rejects_path"]).is_file()


def test_the_report_is_stored_in_the_instance_folder(run, app, tmp_path):
    path = write(tmp_path / "songs.csv", [song()])
    printed = json.loads(run(path, "--json").output)
    (stored,) = (app.config["INSTANCE"] / "imports").iterdir()
    assert stored.name.startswith("songs-")
    assert json.loads(stored.read_text(encoding="utf-8")) == printed
    assert "title" in {row["field"] for row in printed["columns"]["mapped"]}


def test_a_dry_run_leaves_neither_tracks_nor_files(run, app, tmp_path):
    path = write(tmp_path / "songs.csv", [song(), song(song="Bad", Energy="loud")])
    result = run(path, "--dry-run")
    assert result.exit_code == 0
    assert "nothing was written" in result.output
    assert not (app.config["INSTANCE"] / "rejects").exists()
    assert not (app.config["INSTANCE"] / "imports").exists()
    assert json.loads(run(path, "--dry-run", "--json").output)["inserted"] == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.csv", None, "no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG picture"),
        ("prices.csv", b"id,price\n1,2\n", "Known formats: preprocess"),
        ("head.csv", b"artist,song\n", "'tempo', 'loudness'"),
        ("cut.csv.gz", gzip.compress(bytes(range(250)) * 99, mtime=0)[:60], "ends too early"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_1(run, tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.exit_code == 1
    assert says in result.output
    assert result.output.count("\n") == 1
    assert "Traceback" not in result.output


def test_all_rows_rejected_is_a_failure_that_names_the_file_of_rejects(run, tmp_path):
    result = run(write(tmp_path / "songs.csv", [song(Energy="loud")]))
    assert result.exit_code == 1
    assert "its only row was rejected: row 2: Energy" in result.output
    assert "rejects" in result.output.split("All of them: ")[1]


def test_wrong_usage_is_exit_code_2(run, tmp_path):
    assert run().exit_code == 2
    assert run(write(tmp_path / "s.csv", [song()]), "--scale", "huge").exit_code == 2


def test_an_unknown_format_is_named_with_the_known_ones(run, tmp_path):
    result = run(write(tmp_path / "s.csv", [song()]), "--format", "preproces")
    assert result.exit_code == 2
    assert "Did you mean 'preprocess'" in result.output


def rows_of(database: Path) -> list[list[tuple]]:
    """Everything an ingest writes, without what differs between any two runs."""
    queries = (
        "SELECT id, public_id, source_key, fingerprint, song_key, title, artists, sort_title, "
        "artists, source FROM track ORDER BY source_key",
        "SELECT t.source_key, c.position, a.key, c.role, c.joiner FROM track_artist c "
        "JOIN track t ON t.id = c.track_id JOIN artist a ON a.id = c.artist_id ORDER BY 1, 2",
        "SELECT t.source_key, l.public_id, l.title FROM track t "
        "JOIN album l ON l.id = t.album_id ORDER BY 1",
        "SELECT a.* FROM track_attributes a JOIN track t ON t.id = a.track_id ORDER BY 1",
        "SELECT t.source_key, g.kind, g.name FROM track_tag x JOIN track t ON t.id = x.track_id "
        "JOIN tag g ON g.id = x.tag_id ORDER BY 1, 2, 3",
        "SELECT rowid FROM track_search WHERE track_search MATCH 'paper' ORDER BY 1",
    )
    connection = sqlite3.connect(database)
    try:
        connection.execute(
            "INSERT INTO track_search(track_search, rank) VALUES('integrity-check', 1)"
        )
        return [connection.execute(query).fetchall() for query in queries]
    finally:
        connection.close()


KILLED_INGEST = """
import os, signal, sys
from pathlib import Path
from songrec import create_app
from songrec.catalogue_files.reading import TextTable
from songrec.services.catalogue import ingest
from songrec.store.db import db
from songrec.store.catalogue.tag_playlist_links import TagPlaylistLinks

path, where, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = {"between": 0, "inside": 0}

def die_at(place):
    seen[place] += 1
    if place == where and seen[place] == batch:
        os.kill(os.getpid(), signal.SIGKILL)

whole, enlist = TextTable.batches, TagPlaylistLinks.add_to_playlists

def dying_enlist(self, rows, ids):
    die_at("inside")
    enlist(self, rows, ids)

TextTable.batches = lambda table: whole(table, size=150)
TagPlaylistLinks.add_to_playlists = dying_enlist
with create_app().app_context():
    ingest.ingest_file(db.session, Path(path), on_progress=lambda *_: die_at("between"))
"""


def test_killed_half_way_and_run_again_it_ends_as_if_it_had_run_once(tmp_path, migrated_database):
    """SIGKILL, once between two batches and once inside the transaction of another."""
    rows = [song(song=f"Paper {i % 900}", genre=f"g{i % 7}") for i in range(1500)]
    catalogue = write(tmp_path / "songs.csv", rows)

    def ingest(folder: str, where: str, batch: int) -> int:
        instance = tmp_path / folder
        if not instance.exists():
            instance.mkdir()
            shutil.copy(migrated_database, instance / "songrec.db")
        command = [sys.executable, "-c", KILLED_INGEST, str(catalogue), where, str(batch)]
        environment = {**os.environ, "SONGREC_INSTANCE": str(instance), "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, env=environment, check=False).returncode

    assert ingest("once", "nowhere", 0) == 0
    assert ingest("killed", "between", 3) == -signal.SIGKILL
    assert ingest("killed", "inside", 7) == -signal.SIGKILL
    half = rows_of(tmp_path / "killed" / "songrec.db")
    assert len(half[0]) == 900
    assert half != rows_of(tmp_path / "once" / "songrec.db")
    assert ingest("killed", "nowhere", 0) == 0
    assert rows_of(tmp_path / "killed" / "songrec.db") == rows_of(tmp_path / "once" / "songrec.db")


def test_a_catalogue_name_that_is_too_long_is_refused_and_an_empty_one_is_the_files(run, tmp_path):
    path = write(tmp_path / "songs.csv", [song()])
    result = run(path, "--source", "x" * 101)
    assert result.exit_code == 1
    assert "at most 100 characters" in result.stderr
    assert json.loads(run(path, "--source", "", "--json").stdout)["source"] == "songs"


def test_an_ingest_says_which_column_became_what(run, tmp_path):
    path = write(
        tmp_path / "songs.csv",
        [song(author="Ada Fenwick", price=3, song="Noon"), song(author="Bo", price=4)],
        ("song", "author", "price", *NAMED[3:]),
    )
    result = run(path)
    assert result.exit_code == 0
    lines = " ".join(result.output.split())
    assert "Columns read: title from 'song', variance from 'variance', tempo from 'Tempo'" in lines
    assert "Passed over: 'author', 'price'" in lines
    assert "Warning: no column was read as the artists, but 'author' may hold them" in lines
    assert "--column artists=author" in lines


def test_a_column_can_be_chosen(run, app, tmp_path):
    path = write(tmp_path / "songs.csv", [song(author="Ada")], ("song", "author", *NAMED[3:]))
    report = json.loads(run(path, "--column", "artists=author", "--json").output)
    mapped = {row["field"]: row for row in report["columns"]["mapped"]}
    assert mapped["artists"] == {
        "field": "artists",
        "column": "author",
        "evidence": "request",
        "note": "",
    }
    assert report["columns"]["warnings"] == []
    with app.app_context():
        assert db.session.scalar(select(Track.artists)) == "Ada"


@pytest.mark.parametrize(
    ("choice", "code", "says"),
    [
        ("artists", 2, "is no choice of a column"),
        ("singer=author", 2, "singer"),
        ("artists=autor", 1, "has no column 'autor'. Did you mean 'author'?"),
    ],
)
def test_a_choice_that_cannot_be_is_one_line(run, tmp_path, choice, code, says):
    path = write(tmp_path / "songs.csv", [song(author="Ada")], ("song", "author", *NAMED[3:]))
    result = run(path, "--column", choice)
    assert result.exit_code == code
    assert says in result.output


def test_a_table_without_titles_says_what_was_recognised_and_what_to_do(run, tmp_path):
    path = tmp_path / "analysis.csv"
    path.write_text("File name,BPM,Energy\nAda - Noon.mp3,118,6\n", encoding="utf-8")
    result = run(path)
    assert result.exit_code == 1
    assert "tempo in 'BPM', energy in 'Energy'" in result.output
    assert "--column title=NAME" in result.output
    assert run(path, "--column", "title=File name").exit_code == 0


def test_broken_bytes_in_the_header_and_the_cells_are_reported_escaped(run, app, tmp_path):
    path = tmp_path / "songs.csv"
    rows = [f"Titel{n},Ad\u00e4,{n},1" for n in range(9)]
    text = "\n".join(["song,Aut\u00f6r,bpm,Pr\u00e9s", *rows, ""]).encode()
    path.write_bytes(text.replace("Aut\u00f6r".encode(), b"Aut\xffor"))
    result = run(path)
    assert result.exit_code == 0
    assert "'Aut\\udcffor'" in result.output
    assert len(list((app.config["INSTANCE"] / "imports").iterdir())) == 1
    chosen = json.loads(run(path, "--column", "artists=Aut\\udcffor", "--json").output)
    mapped = {row["field"]: row["column"] for row in chosen["columns"]["mapped"]}
    assert mapped["artists"] == "Aut\\udcffor"
