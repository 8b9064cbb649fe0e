"""Paths in the instance folder move with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.orm import Session

from songrec.store.instance_paths import to_absolute, to_stored
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile
from tests.factories import make_track
from tests.sounding import add_sound, write_wav

KEPT = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/srv/songrec/library/a/b.mp3", "library/a/b.mp3"),
        ("/srv/songrec-old/library/a/b.mp3", "/srv/songrec-old/library/a/b.mp3"),
        ("/srv/songrec", "/srv/songrec"),
        ("/music/a.mp3", "/music/a.mp3"),
    ],
)
def test_only_what_lies_in_the_instance_is_relative(path: str, stored: str) -> None:
    instance = Path("/srv/songrec")
    assert to_stored(instance, path) == stored
    assert to_absolute(instance, stored) == path


def test_an_instance_behind_a_link_has_the_same_paths_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("real", "link"):
        assert to_stored(tmp_path / "link", str(tmp_path / name / "clips")) == "clips"
    assert to_absolute(tmp_path / "link", "clips") == str(tmp_path / "real" / "clips")


def test_rows_are_written_read_and_found_by_absolute_paths(app: Flask, session: Session) -> None:
    instance = app.config["INSTANCE"]
    path = write_wav(instance / "clips" / "50%_a.wav")
    outside = write_wav(instance.parent / "music" / "b.wav")
    for each in (path, outside):
        add_sound(session, make_track(session), each)
    session.expire_all()
    stored = session.execute(text("SELECT root, path FROM audio_file ORDER BY id")).all()
    assert stored == [("clips", "clips/50%_a.wav"), (str(outside.parent), str(outside))]
    file = audio_files.at_path(session, str(path))
    assert file is not None
    assert (file.root, file.path) == (str(path.parent), str(path))
    for each in (path, outside):
        assert list(audio_files.below(session, each.parent)) == [(str(each), 0)]


def test_rows_of_earlier_versions_are_converted_and_back(app: Flask, session: Session) -> None:
    instance = app.config["INSTANCE"]
    moved = write_wav(instance / "library" / KEPT / "moved.wav")
    files = [
        add_sound(session, make_track(session), path)
        for path in (
            write_wav(instance / "clips" / "a.wav"),
            moved,
            write_wav(instance.parent / "b.wav"),
        )
    ]
    session.commit()
    expected = [(file.root, file.path) for file in files]
    session.close()
    downgrade(revision="0019")
    query = text("SELECT root, path FROM audio_file ORDER BY id")
    assert session.execute(query).all() == expected
    before = f"/srv/before/library/{KEPT}"
    session.execute(
        text("UPDATE audio_file SET root = :root, path = :path WHERE path = :old"),
        {"root": before, "path": f"{before}/moved.wav", "old": str(moved)},
    )
    session.commit()
    upgrade()
    assert [row.path for row in session.execute(query)] == [
        "clips/a.wav",
        f"library/{KEPT}/moved.wav",
        str(instance.parent / "b.wav"),
    ]
    rows = session.query(AudioFile).order_by(AudioFile.id)
    assert [(file.root, file.path) for file in rows] == expected
