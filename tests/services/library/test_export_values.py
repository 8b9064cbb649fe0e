"""What the analysis found as a table, and into the files' own tags when asked."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import mutagen
import numpy as np
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.audio_files.file_scan import content_hash
from songrec.audio_files.tag_writing import key_text
from songrec.services.library.audio_tracks import source_key
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile, FeatureVector, Track
from tests.factories import make_track
from tests.sounding import add_sound, write_wav

KEY = feature_cache.SetKey("mfcc", 1, "abc")


@pytest.fixture
def file(app: Flask, session: Session, tmp_path: Path) -> AudioFile:
    """An analysed file in F♯ minor at 118 BPM, with a vector in the cache."""
    path = write_wav(tmp_path / "music" / "a.wav", 1.0)
    track = make_track(
        session, "Swell", tempo=117.6, key=6, mode=0, source_key=source_key(content_hash(path))
    )
    found = add_sound(session, track, path)
    found.info = {"attributes": {"tempo": {"value": 117.6, "source": "measured"}}}
    feature_cache.write(app.config["INSTANCE"], KEY, found.content_hash, np.ones(3, np.float32))
    feature_cache.record(session, KEY, found.content_hash)
    session.commit()
    return found


def test_export_tells_what_is_known_and_how(app: Flask, file: AudioFile, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    (row,) = json.loads(run.invoke(args=["export", "--format", "json"]).output)
    assert (row["title"], row["tempo"], row["key_name"]) == ("Swell", 117.6, "F♯ minor")
    assert row["sources"] == {"tempo": "measured"}
    place = tmp_path / "out.csv"
    assert run.invoke(args=["export", "--output", str(place)]).exit_code == 0
    (line,) = csv.DictReader(io.StringIO(place.read_text(encoding="utf-8")))
    assert (line["path"], line["sources"]) == (file.path, "tempo: measured")


def test_nothing_is_written_unless_asked(app: Flask, file: AudioFile) -> None:
    run, before = app.test_cli_runner(), Path(file.path).read_bytes()
    assert run.invoke(args=["write-tags", file.path]).exit_code == 2
    done = run.invoke(args=["write-tags", file.path, "--tempo", "--dry-run"])
    assert "would get" in done.output
    assert Path(file.path).read_bytes() == before


def test_tags_are_written_and_the_library_follows(
    app: Flask, session: Session, file: AudioFile
) -> None:
    path, before = Path(file.path), file.content_hash
    done = app.test_cli_runner().invoke(
        args=["write-tags", str(path.parent), "--tempo", "--key", "--json"]
    )
    assert json.loads(done.output) == {"written": 1, "skipped": []}
    tags = mutagen.File(path).tags
    assert (str(tags["TBPM"]), str(tags["TKEY"])) == ("118", "F#m")
    session.expire_all()
    row = session.scalars(select(AudioFile)).one()
    assert row.content_hash == content_hash(path) != before
    assert (row.size, row.modified_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert session.get_one(Track, row.track_id).source_key == source_key(row.content_hash)
    vector = feature_cache.read(app.config["INSTANCE"], KEY, row.content_hash)
    assert vector.tolist() == [1, 1, 1]
    assert row.content_hash in session.scalars(select(FeatureVector.content_hash)).all()
    with app.test_client().get(f"/listen/{row.public_id}") as heard:
        assert heard.status_code == 200


def test_a_file_that_changed_meanwhile_is_left_alone(app: Flask, file: AudioFile) -> None:
    path = Path(file.path)
    write_wav(path, 2.0)
    before = path.read_bytes()
    done = app.test_cli_runner().invoke(args=["write-tags", str(path), "--key", "--json"])
    assert json.loads(done.output)["skipped"][0]["reason"].startswith("has changed")
    assert path.read_bytes() == before


def test_what_is_not_of_the_library_is_refused(app: Flask, tmp_path: Path) -> None:
    other = write_wav(tmp_path / "b.wav", 0.5)
    done = app.test_cli_runner().invoke(args=["write-tags", str(other), "--key"])
    assert done.exit_code == 1
    assert "flask analyze" in done.output


@pytest.mark.parametrize(
    ("key", "mode", "text"), [(0, 1, "C"), (6, 0, "F#m"), (11, 0, "Bm"), (3, None, "D#")]
)
def test_keys_are_written_as_tags_have_them(key: int, mode: int | None, text: str) -> None:
    assert key_text(key, mode) == text


def test_all_names_of_a_file_follow(app: Flask, session: Session, file: AudioFile) -> None:
    path = Path(file.path)
    hard, symbolic = path.with_name("b.wav"), path.with_name("c.wav")
    os.link(path, hard)
    symbolic.symlink_to(path)
    track = session.get_one(Track, file.track_id)
    for other in (hard, symbolic):
        add_sound(session, track, other)
    session.commit()
    done = app.test_cli_runner().invoke(args=["write-tags", str(path.parent), "--key", "--json"])
    assert json.loads(done.output) == {"written": 3, "skipped": []}
    assert hard.samefile(path)
    assert symbolic.is_symlink()
    session.expire_all()
    digest, status = content_hash(path), path.stat()
    for row in session.scalars(select(AudioFile)):
        assert (row.content_hash, row.size, row.modified_ns) == (
            digest,
            status.st_size,
            status.st_mtime_ns,
        )
    again = app.test_cli_runner().invoke(args=["write-tags", str(symbolic), "--key", "--json"])
    assert json.loads(again.output) == {"written": 1, "skipped": []}
