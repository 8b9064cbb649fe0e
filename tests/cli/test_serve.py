"""``flask first-run``, ``worker`` and ``create-user``."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from songrec.cli import serve
from songrec.core import config
from songrec.core.errors import BadInput
from songrec.store import jobs
from songrec.store.catalogue import tracks
from songrec.store.listeners import users
from songrec.store.runs import runs
from songrec.store.tables import Run
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("PORT", str(port))
    return port


def run(app: Flask, *words: str, stdin: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=list(words), input=stdin)


class TestCreateUser:
    """``flask create-user``."""

    def test_a_generated_password_is_printed_once_and_works(
        self, app: Flask, session: Session
    ) -> None:
        result = run(app, "create-user", "Anna")
        assert result.exit_code == 0
        (password,) = re.findall(r"Password \(shown only once\): (\S+)", result.output)
        user = users.authenticate(session, "Anna", password)
        assert user is not None
        assert not user.is_admin

    def test_a_password_from_stdin_is_not_printed(self, app: Flask, session: Session) -> None:
        result = run(
            app, "create-user", "Chief", "--admin", "--password-stdin", stdin="a good password\n"
        )
        assert "a good password" not in result.output
        user = users.authenticate(session, "Chief", "a good password")
        assert user is not None
        assert user.is_admin

    @pytest.mark.parametrize(
        ("words", "stdin", "message"),
        [
            (("x",), None, "3 to 30 characters"),
            (("Anna", "--password-stdin"), "short\n", "at least 10"),
            (("Anna", "--password-stdin"), "", "stdin is empty"),
        ],
    )
    def test_a_mistake_is_one_line_and_exit_code_1(
        self, app: Flask, words: tuple[str, ...], stdin: str | None, message: str
    ) -> None:
        result = run(app, "create-user", *words, stdin=stdin)
        assert result.exit_code == 1
        assert message in result.stderr
        assert result.stderr.count("\n") == 1


class TestFirstRun:
    """``flask first-run`` does what is missing and nothing else."""

    @pytest.fixture
    def trained(self, app: Flask, session: Session) -> None:
        """A catalogue and a published run are there already."""
        make_track(session)
        session.add(
            Run(
                public_id="r",
                feature_set="attributes",
                representation="identity",
                clustering="kmeans",
                projection="pca",
                seed=0,
                track_count=1,
                cluster_count=1,
                data_fingerprint="",
                parameters={},
                metrics={},
                seconds={},
            )
        )
        session.flush()
        runs.publish(session, "r")
        session.commit()

    def test_the_admin_is_made_once(self, app: Flask, session: Session, trained: None) -> None:
        first = run(app, "first-run")
        assert first.exit_code == 0, first.output
        (password,) = re.findall(r"password  (\S+)", first.output)
        user = users.authenticate(session, "admin", password)
        assert user is not None
        assert user.is_admin
        again = run(app, "first-run")
        assert again.exit_code == 0
        assert "password" not in again.output
        assert [
            path
            for path in app.config["INSTANCE"].rglob("*")
            if path.is_file() and password.encode() in path.read_bytes()
        ] == []

    def test_somebody_called_admin_does_not_become_one(
        self, app: Flask, session: Session, trained: None
    ) -> None:
        impostor = users.create(session, "Admin", "a good password")
        session.commit()
        result = run(app, "first-run")
        assert result.exit_code == 0, result.output
        session.refresh(impostor)
        assert not impostor.is_admin
        assert users.any_admin(session)

    def queued(self, session: Session) -> list[tuple[str, dict[str, object]]]:
        return [(job.kind, job.parameters) for job in jobs.active(session)]

    def test_an_empty_instance_gets_the_demo_music_while_it_serves(
        self, app: Flask, session: Session
    ) -> None:
        for _ in range(2):
            result = run(app, "first-run")
            assert result.exit_code == 0, result.output
            assert "The demo music comes in while songrec serves" in result.output
            assert "make run AUDIO=~/Music" in result.output
            assert result.output.endswith(f"Starting songrec at {config.address()}\n")
        # Twice is once, and nothing was done here that takes long.
        assert self.queued(session) == [("setup", {"catalogue": None, "audio": "demo"})]
        assert tracks.track_count(session) == 0

    def test_a_folder_or_a_catalogue_comes_alone(
        self, app: Flask, session: Session, tmp_path: Path
    ) -> None:
        (tmp_path / "songs").mkdir()
        (tmp_path / "few.csv").write_text("artist,song\n")
        result = run(app, "first-run", "--audio", str(tmp_path / "songs"))
        assert f"The music in {tmp_path / 'songs'} comes in" in result.output
        assert "demo" not in result.output
        run(app, "first-run", "--catalogue", str(tmp_path / "few.csv"))
        assert self.queued(session) == [
            ("setup", {"catalogue": None, "audio": str(tmp_path / "songs")}),
            ("setup", {"catalogue": str(tmp_path / "few.csv"), "audio": None}),
        ]

    def test_where_all_is_there_nothing_is_queued(
        self, app: Flask, session: Session, trained: None
    ) -> None:
        assert run(app, "first-run").exit_code == 0
        assert self.queued(session) == []

    def test_songs_without_a_run_are_trained_and_sound_without_weights_gets_them(
        self, app: Flask, session: Session, tmp_path: Path
    ) -> None:
        track = make_track(session)
        session.commit()
        nothing = {"catalogue": None, "audio": None}
        run(app, "first-run")
        assert self.queued(session) == [("setup", nothing)]
        jobs.request_cancel(session, jobs.active(session)[0].id)
        add_sound(session, track, write_wav(tmp_path / "a.wav"))
        session.commit()
        run(app, "first-run")
        assert self.queued(session) == [("setup", nothing)]

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            (("--catalogue", "no/such.csv"), "There is no file no/such.csv"),
            (("--audio", "no/such"), "There is no folder no/such: AUDIO takes"),
        ],
    )
    def test_what_is_missing_is_named_before_anything_is_done(
        self, app: Flask, session: Session, option: tuple[str, str], message: str
    ) -> None:
        result = run(app, "first-run", *option)
        assert result.exit_code == 1
        assert message in result.stderr
        assert not users.any_admin(session)
        assert self.queued(session) == []

    def test_a_full_disk_is_one_line(
        self, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serve, "LEAST_FREE", 1e18)
        result = run(app, "first-run")
        assert result.exit_code == 1
        assert result.stderr.startswith("songrec: No space: ")
        assert result.stderr.count("\n") == 1
        assert not users.any_admin(session)

    def test_a_taken_port_is_named_before_anything_is_done(
        self, app: Flask, session: Session, free_port: int
    ) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", free_port))
            other.listen()
            result = run(app, "first-run")
        assert result.exit_code == 1
        assert f"Port {free_port} on 127.0.0.1 is taken" in result.stderr
        assert not users.any_admin(session)

    @pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
    def test_a_port_that_is_none_is_explained(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, port: str
    ) -> None:
        monkeypatch.setenv("PORT", port)
        result = run(app, "first-run")
        assert result.exit_code == 1
        assert "PORT must be a number" in result.stderr


def test_the_worker_needs_a_database(app: Flask, session: Session) -> None:
    cascade = " CASCADE" if session.get_bind().dialect.name == "postgresql" else ""
    session.execute(text(f"DROP TABLE job{cascade}"))
    session.commit()
    with pytest.raises(BadInput, match="flask db upgrade"):
        serve._check_database()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("[2001:DB8::0:7]", "http://[2001:db8::7]:80"),
        ("songs.lan", "http://songs.lan:80"),
    ],
)
def test_the_address_is_one_to_open(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    monkeypatch.setenv("SONGREC_HOST", host)
    monkeypatch.setenv("PORT", "80")
    assert config.address() == address
