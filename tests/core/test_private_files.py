"""Files of an instance belong to its owner alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from songrec import create_app
from songrec.core import config, private_files
from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.web import ratelimit


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The usual umask, restored after the test."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Modes below a folder and its own, by relative path."""
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


def test_an_instance_that_was_open_is_closed(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    for name in ("runs/r1/space.npy", "songrec.db", "songrec.db-wal", "limits.db", "own/program"):
        (instance / name).parent.mkdir(parents=True, exist_ok=True)
        (instance / name).touch()
    (instance / "own" / "program").chmod(0o755)
    (tmp_path / "elsewhere").touch()
    (instance / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    config.load(instance)
    expected = {
        name: 0o700 if name in (".", "runs", "runs/r1") else 0o600 for name in modes(instance)
    }
    # What songrec does not know is left as it is; nobody else comes there any more.
    assert modes(instance) == expected | {"own": 0o755, "own/program": 0o755}
    assert modes(tmp_path)["elsewhere"] == 0o644


def test_a_folder_that_was_put_there_by_hand_is_closed(tmp_path: Path) -> None:
    config.load(tmp_path / "instance")
    (tmp_path / "instance" / "models" / "mert").mkdir(parents=True)
    (tmp_path / "instance" / "models" / "mert" / "config.json").touch()
    config.load(tmp_path / "instance")
    assert set(modes(tmp_path / "instance" / "models").values()) == {0o700, 0o600}


def test_databases_and_what_is_written_later_are_private(tmp_path: Path) -> None:
    app = create_app({"INSTANCE": tmp_path / "instance", "TESTING": True})
    with app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE track (id INTEGER)")
            connection.exec_driver_sql("INSERT INTO track VALUES (1)")
            ratelimit.DatabaseCounters("").incr("key", 60)
            found = modes(tmp_path / "instance")
        db.engine.dispose()
    assert {"songrec.db", "songrec.db-wal", "songrec.db-shm", "limits.db"} <= set(found)
    assert {mode for name, mode in found.items() if name != "."} == {0o600}
    with private_files.persons_umask():
        (tmp_path / "export.csv").touch()
    assert modes(tmp_path)["export.csv"] == 0o644


def test_an_instance_that_cannot_be_made_or_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be created") as error:
        config.load(tmp_path / "file" / "instance")
    assert "\n" not in str(error.value)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(BadInput, match="read-only file system or belongs to another user"):
        config.load(tmp_path / "instance")


def test_another_users_instance_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    config.load(tmp_path / "instance")
    assert "run songrec as that user" in caplog.text
