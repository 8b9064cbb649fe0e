"""The settings, and the folder that they make."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from songrec.core import config
from songrec.core.errors import BadInput


def test_the_instance_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "below" / "instance"
    loaded = config.load(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert config.load(folder)["SECRET_KEY"] == loaded["SECRET_KEY"]


BAD = [
    ("SONGREC_UPLOAD_MB", "abc", "SONGREC_UPLOAD_MB must be a number above 0"),
    ("SONGREC_UPLOAD_MB", "-5", "above 0, at most 1,000,000; it is '-5'"),
    ("SONGREC_UPLOAD_AUDIO_MB", "nan", "SONGREC_UPLOAD_AUDIO_MB must be a number"),
    ("SONGREC_UPLOAD_MINUTES", "inf", "SONGREC_UPLOAD_MINUTES must be a number"),
    ("SONGREC_DATABASE_URL", "nonsense:secret", "is not a valid database URL"),
    ("SONGREC_DATABASE_URL", "nosuch://me:secret@host/name", "is not a valid database URL"),
    ("SONGREC_DATABASE_URL", "postgresql://me:secret@host:port/name", "is not a valid"),
    ("SONGREC_JOB_MEMORY_MB", "lots", "SONGREC_JOB_MEMORY_MB must be a whole number"),
    ("SONGREC_JOB_MEMORY_MB", "100", "must be at least 256; it is '100'"),
    ("SONGREC_TAG_ENCODING", "klingon", "is no encoding of text; use cp1251"),
    ("SONGREC_TAG_ENCODING", "base64", "is no encoding of text"),
    ("SONGREC_VECTORS", "faiss", "must be files or pgvector; it is 'faiss'"),
    ("SONGREC_VECTORS", "pgvector", "needs PostgreSQL: set SONGREC_DATABASE_URL=postgresql"),
    ("SONGREC_DATABASE_URL", "oracle://me:secret@host/name", "needs the package"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_a_setting_that_cannot_be_used_is_named_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=name) as error:
        config.load(tmp_path / "instance")
    assert reason in str(error.value)
    assert "secret" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_job_may_take_three_quarters_of_the_memory_unless_a_setting_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SONGREC_JOB_MEMORY_MB", raising=False)
    monkeypatch.setattr(config, "machine_bytes", lambda: 4 * 2**30)
    assert config.job_memory_bytes() == 3 * 2**30
    monkeypatch.setenv("SONGREC_JOB_MEMORY_MB", "512")
    assert config.job_memory_bytes() == 512 * 2**20


@pytest.mark.parametrize("value", ["abc", "0", "1.5", "-1"])
def test_a_number_of_processes_that_is_none_is_explained(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", value)
    with pytest.raises(BadInput, match="WEB_CONCURRENCY must be a whole number above 0"):
        config.web_processes()
    monkeypatch.setenv("WEB_CONCURRENCY", "")
    assert config.web_processes() == 2


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("SONGREC_UPLOAD_MB", ["-m", "flask", "backup", "x.tar.gz"]),
        ("WEB_CONCURRENCY", ["-m", "flask", "first-run"]),
        ("SONGREC_DATABASE_URL", ["-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]),
    ],
)
def test_a_program_that_cannot_start_says_so_in_one_line(
    tmp_path: Path, name: str, command: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=config.ROOT,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "SONGREC_INSTANCE": str(tmp_path), "FLASK_APP": "app.py", name: "abc"},
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"songrec: {name} ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("host", "bound", "exposed"),
    [
        ("", "127.0.0.1:8000", False),
        ("LOCALHOST", "localhost:8000", False),
        ("::1", "[::1]:8000", False),
        ("[::1]", "[::1]:8000", False),
        ("0:0:0:0:0:0:0:1", "[::1]:8000", False),
        ("::", "[::]:8000", True),
        ("[2001:DB8::0:7]", "[2001:db8::7]:8000", True),
        ("0.0.0.0", "0.0.0.0:8000", True),
    ],
)
def test_addresses_are_bound_with_brackets_where_they_need_them(
    monkeypatch: pytest.MonkeyPatch, host: str, bound: str, exposed: bool
) -> None:
    monkeypatch.setenv("SONGREC_HOST", host)
    monkeypatch.delenv("PORT", raising=False)
    assert config.bind_address() == bound
    assert config.exposed() is exposed


@pytest.mark.parametrize(
    "host",
    ["[::1]:80", "localhost:80", "cafe:80", "http://[::1]", "::1%eth0", "a b", ".a", "1::2::3"],
)
def test_a_host_that_is_none_is_explained(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SONGREC_HOST", host)
    with pytest.raises(BadInput, match="SONGREC_HOST must be a name or an address") as caught:
        config.bind()
    assert "\n" not in str(caught.value)
