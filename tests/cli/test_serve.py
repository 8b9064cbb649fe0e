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
from songrec.core.errors import BadInput, NotReady
from songrec.store.catalogue import tracks
from songrec.store.listeners import users
from songrec.store.models import fetching
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import Run
from tests.factories import make_track
from tests.sounding import write_wav


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

    def test_it_imports_trains_and_says_so(
        self,
        app: Flask,
        instance: Path,
        session: Session,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # Only the first songs and few epochs: what training finds is tested elsewhere.
        lines = (config.ROOT / "data" / "preprocess.csv").read_text().splitlines()[:121]
        path = tmp_path / "few.csv"
        path.write_text("\n".join([*lines, "one cell"]) + "\n")
        from songrec.services.training import request

        quick = request.TrainRequest(representation="identity")
        monkeypatch.setattr(request, "TrainRequest", lambda: quick)
        result = run(app, "first-run", "--catalogue", str(path))
        assert result.exit_code == 0, result.output
        assert "120 new songs, 0 updated, 0 unchanged, 1 rejected" in result.output
        (rejects,) = (instance / "rejects").iterdir()
        assert f"Rejected rows, with reasons: {rejects}" in result.output
        assert '122,,one cell,"has 1 cell' in rejects.read_text()
        assert tracks.track_count(session) == 120
        assert runs.published(session) is not None
        assert config.address() in result.output
        again = run(app, "first-run", "--catalogue", str(path))
        assert "0 new songs, 0 updated, 120 unchanged" in again.output

    def test_a_missing_catalogue_is_named_before_anything_is_done(
        self, app: Flask, session: Session
    ) -> None:
        result = run(app, "first-run", "--catalogue", "no/such.csv")
        assert result.exit_code == 1
        assert "There is no file no/such.csv" in result.stderr
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

    def test_without_sound_it_offers_some_and_fetches_nothing(
        self, app: Flask, trained: None, fetched: list[str]
    ) -> None:
        result = run(app, "first-run")
        assert "make run AUDIO=demo" in result.output
        assert fetched == []

    @pytest.fixture
    def fetched(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What was to be fetched; there is no network."""
        asked: list[str] = []

        def fetch(instance: Path, name: str) -> None:
            asked.append(name)
            raise NotReady("pip could not download it.")

        monkeypatch.setattr(fetching, "fetch", fetch)
        return asked

    def test_a_folder_is_listened_to_before_training_and_without_a_network(
        self,
        app: Flask,
        session: Session,
        trained: None,
        fetched: list[str],
        tmp_path: Path,
    ) -> None:
        write_wav(tmp_path / "songs" / "Anna - Bells.wav", 2.0)
        result = run(app, "first-run", "--audio", str(tmp_path / "songs"))
        assert result.exit_code == 0, result.output
        assert fetched == ["musicnn"]
        assert "Going on without them" in result.output
        assert "1 files: 1 analysed, 0 unchanged, 0 rejected." in result.output
        assert result.output.index("1 analysed") < result.output.index("Run r is published")
        assert audio_files.counts(session)["analysed"] == 1
        # There is sound now: its weights are asked for although nobody names a folder.
        again = run(app, "first-run")
        assert fetched == ["musicnn"] * 2
        assert "The sound library holds 1 files." in again.output

    def test_a_missing_folder_is_named_before_anything_is_done(
        self, app: Flask, session: Session
    ) -> None:
        result = run(app, "first-run", "--audio", "no/such")
        assert result.exit_code == 1
        assert "There is no folder no/such: AUDIO takes" in result.stderr
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
