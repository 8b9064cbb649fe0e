"""The settings: few, all read from the environment here and documented in the README's table."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.errors import BadInput

log = logging.getLogger("songrec.config")

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable, what it is for and its default as the documentation states it."""

    name: str
    default: str
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("SONGREC_INSTANCE", "instance/", "Folder for the database and the runs."),
    Setting("SONGREC_DATABASE_URL", "SQLite in the instance folder", "SQLAlchemy database URL."),
    Setting(
        "SONGREC_DASK_SCHEDULER",
        "none: the cores of this machine",
        "Dask cluster that analyses audio, tcp://host:8786.",
    ),
    Setting("SONGREC_SECRET_KEY", "made once, kept in the instance folder", "Signs cookies."),
    Setting("SONGREC_UPLOAD_MB", "512", "Largest upload the admin page takes, in MiB."),
    Setting("SONGREC_UPLOAD_AUDIO_MB", "50", "Largest song that can be uploaded, in MiB."),
    Setting("SONGREC_UPLOAD_MINUTES", "20", "Longest song that can be uploaded."),
    Setting("SONGREC_HTTPS", "0", "1 behind HTTPS: cookies are then sent over HTTPS only."),
    Setting("SONGREC_REAL_DATA", "../shared/data if there", "Real files for the realdata tests."),
    Setting("PORT", "8000", "The port `make run` serves on."),
    Setting(
        "SONGREC_HOST", "127.0.0.1", "The address it serves on; 0.0.0.0 for the whole network."
    ),
    Setting("WEB_CONCURRENCY", "2", "Processes of the web server, each with four threads."),
)

REMOVED_SETTINGS = {
    "SONGREC_REDIS_URL": "jobs and rate limits are in the database",
}
"""Variables of earlier versions, with the reason why nothing reads them any more."""


def instance_path() -> Path:
    """The instance folder as an absolute path; it need not exist yet."""
    return Path(os.environ.get("SONGREC_INSTANCE") or ROOT / "instance").resolve()


def bind() -> tuple[str, int]:
    """Host and port that the web server listens on. ``BadInput`` for a port that is none."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise BadInput(f"PORT must be a number from 1 to 65535; it is {text!r}.")
    return os.environ.get("SONGREC_HOST") or "127.0.0.1", int(text)


def address() -> str:
    """The address to open in a browser on this machine."""
    host, port = bind()
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)  # noqa: S104 - compared, not bound
    return f"http://{shown or (f'[{host}]' if ':' in host else host)}:{port}"


def web_processes() -> int:
    """How many processes serve pages. ``BadInput`` for a number that is none."""
    return int(_number("WEB_CONCURRENCY", most=1000, whole=True))


def dask_scheduler() -> str | None:
    """The address of the cluster that analyses audio; None for this machine's cores."""
    return os.environ.get("SONGREC_DASK_SCHEDULER") or None


def _number(name: str, most: float = 1e6, *, whole: bool = False) -> float:
    """A setting that is a number above 0 and at most ``most``; ``BadInput`` otherwise."""
    default = next(setting.default for setting in SETTINGS if setting.name == name)
    text = os.environ.get(name) or default
    try:
        value = float(int(text) if whole else float(text))
    except ValueError:
        value = 0.0
    if not 0 < value <= most:
        kind = "a whole number" if whole else "a number"
        raise BadInput(f"{name} must be {kind} above 0, {most:,.0f} at most; it is {text!r}.")
    return value


def _database_url() -> str | None:
    """The database's address, checked as far as can be without it; it may hold a password."""
    text = os.environ.get("SONGREC_DATABASE_URL")
    if not text:
        return None
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(text)
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise BadInput(
            "SONGREC_DATABASE_URL is no address of a database: write sqlite:////path/songrec.db or "
            "postgresql+psycopg://user:password@host/name."
        ) from None
    except ImportError as error:
        raise BadInput(
            f"SONGREC_DATABASE_URL needs the package {error.name}, which is not installed: "
            f"pip install {error.name}, or write postgresql+psycopg://…"
        ) from None
    return text


def load(instance: Path | None = None) -> dict[str, Any]:
    """Flask's configuration from the environment. Creates nothing but the folder and the key.

    Raises ``BadInput`` for a setting that cannot be used, before it creates anything.
    """
    folder = instance or instance_path()
    https = os.environ.get("SONGREC_HTTPS", "0") == "1"
    checked = {
        "SQLALCHEMY_DATABASE_URI": _database_url() or f"sqlite:///{folder / 'songrec.db'}",
        "MAX_CONTENT_LENGTH": int(_number("SONGREC_UPLOAD_MB") * 2**20),
        "UPLOAD_AUDIO_BYTES": int(_number("SONGREC_UPLOAD_AUDIO_MB") * 2**20),
        "UPLOAD_SECONDS": _number("SONGREC_UPLOAD_MINUTES") * 60,
    }
    # The database holds what people like, and uploads lie beside it: nobody else's business.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "INSTANCE": folder,
        "SECRET_KEY": os.environ.get("SONGREC_SECRET_KEY") or secret_key(folder),
        **checked,
        "HTTPS": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


def warn_of_removed_settings() -> None:
    """Log one line for each setting in the environment that is no longer used."""
    for name, reason in REMOVED_SETTINGS.items():
        if os.environ.get(name):
            log.warning("%s is set but no longer used: %s.", name, reason)


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Around the start of a program: a setting that cannot be used ends it with one line."""
    try:
        yield
    except BadInput as error:
        sys.exit(f"songrec: {error}")


def secret_key(folder: Path) -> str:
    """The cookie-signing key of this instance: made once, readable by its owner only."""
    path = folder / "secret_key"
    if not path.exists():
        # Linked into place whole: two processes starting together must read the same key.
        draft = folder / f".secret_key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
