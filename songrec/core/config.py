"""Validated settings and Flask's configuration; ``settings`` lists the environment variables."""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from songrec.core import access_settings, key_files, private_files
from songrec.core.addresses import canonical_host, is_host
from songrec.core.errors import BadInput
from songrec.core.instance_contents import SECRET_KEY
from songrec.core.memory import machine_bytes
from songrec.core.settings import REMOVED_SETTINGS, read_choice, read_flag, read_number

log = logging.getLogger("songrec.config")

ROOT = Path(__file__).resolve().parents[2]


def instance_path() -> Path:
    """Return the absolute path of the instance folder, which need not exist yet."""
    return Path(os.environ.get("SONGREC_INSTANCE") or ROOT / "instance").resolve()


def bind() -> tuple[str, int]:
    """Return the host, without brackets, and port of the web server; ``BadInput`` if invalid."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise BadInput(f"PORT must be a number from 1 to 65535; it is {text!r}.")
    name = os.environ.get("SONGREC_HOST") or "127.0.0.1"
    host = canonical_host(name)
    if not is_host(host):
        raise BadInput(
            f"SONGREC_HOST must be a name or an address of this machine, such as 0.0.0.0, "
            f"192.168.1.5 or ::, without a port; it is {name!r}."
        )
    return host, int(text)


def bind_address() -> str:
    """Return host and port as the web server takes them: ``[::1]:8000``."""
    host, port = bind()
    return f"{_bracketed(host)}:{port}"


def address() -> str:
    """Return the address to open in a browser on this machine."""
    host, port = bind()
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{_bracketed(local)}:{port}{prefix()}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", re.ASCII)


def normalized_prefix(text: str) -> str:
    """Return a path prefix as ``/a/b``, empty for none; ``ValueError`` if it is not one."""
    stripped = text.strip().rstrip("/")
    if stripped and not stripped.startswith("/"):
        stripped = f"/{stripped}"
    if not _PREFIX.fullmatch(stripped) or len(stripped) > 200:
        raise ValueError(text)
    return stripped


def prefix() -> str:
    """Return the path that songrec answers below, empty for the whole host."""
    text = os.environ.get("SONGREC_PREFIX") or ""
    try:
        return normalized_prefix(text)
    except ValueError:
        raise BadInput(
            f"SONGREC_PREFIX must be a path of letters, digits, '-', '_', '.' and '~', such as "
            f"/music; it is {text!r}."
        ) from None


def web_processes() -> int:
    """Return the number of web processes; ``BadInput`` for an invalid number."""
    return int(read_number("WEB_CONCURRENCY", maximum=1000, whole=True))


LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""Host names by which a browser on this machine comes; always answered to."""


def proxies() -> int:
    """Return how many proxies are in front; ``BadInput`` for an invalid number."""
    text = os.environ.get("SONGREC_PROXIES") or ""
    if not text:
        return int(os.environ.get("SONGREC_HTTPS", "0") == "1")
    if not re.fullmatch(r"[0-9]{1,2}", text, re.ASCII):
        raise BadInput(f"SONGREC_PROXIES must be a whole number from 0 to 99; it is {text!r}.")
    return int(text)


def trusted_hosts() -> tuple[str, ...] | None:
    """Return the host names that are answered to, lower case; None for any.

    A page elsewhere whose name is made to lead to this machine (DNS rebinding) comes with a name
    of its own, so a server for this machine alone answers to the names of loopback only.
    """
    names = [
        canonical_host(name)
        for name in (os.environ.get("SONGREC_HOSTS") or "").split(",")
        if name.strip()
    ]
    for name in names:
        if not is_host(name.removeprefix(".")):
            raise BadInput(
                f"SONGREC_HOSTS: {name!r} is no host name; write music.example.org, 192.168.1.5 "
                "or .example.org, without a port, separated by commas."
            )
    if not names and exposed():
        return None
    return tuple(dict.fromkeys((*LOOPBACK_NAMES, *names)))


def exposed() -> bool:
    """Return whether others than the person at this machine may come: by network or by proxy."""
    return bind()[0] not in LOOPBACK_NAMES or proxies() > 0


def learns_from_accounts() -> bool:
    """Return whether trainings learn from the playlists that accounts share.

    Where anybody can make accounts, anybody could teach the models with a few of them.
    """
    if os.environ.get("SONGREC_LEARN_FROM_ACCOUNTS"):
        return read_flag("SONGREC_LEARN_FROM_ACCOUNTS")
    return access_settings.load(exposed=exposed())["SIGN_UP"] != "open"


LOG_FORMATS = ("text", "json")
KEEP = ("request", "accounts")
LOG_LEVELS = ("debug", "info", "warning", "error")


def log_requests() -> bool:
    """Return whether each request is logged; ``BadInput`` for anything but 0 and 1."""
    return read_flag("SONGREC_LOG_REQUESTS")


def log_format() -> str:
    """Return one of ``LOG_FORMATS``; ``BadInput`` for another word."""
    return read_choice("SONGREC_LOG_FORMAT", LOG_FORMATS)


def log_level() -> str:
    """Return the name of one of logging's levels; ``BadInput`` for another word."""
    return read_choice("SONGREC_LOG_LEVEL", LOG_LEVELS).upper()


def metrics() -> bool:
    """Return whether ``/metrics`` answers; ``BadInput`` for anything but 0 and 1."""
    return read_flag("SONGREC_METRICS")


_TOKEN = re.compile(r"[!-~]{16,}", re.ASCII)


def metrics_token() -> str | None:
    """Return the token that opens ``/metrics``; ``BadInput`` if it is weak, or missing.

    Behind a proxy every request comes from the proxy's address, so the address decides nothing.
    """
    token = os.environ.get("SONGREC_METRICS_TOKEN") or None
    if token is not None and not _TOKEN.fullmatch(token):
        raise BadInput(
            "SONGREC_METRICS_TOKEN must have at least 16 letters, digits or signs and no space; "
            "make one: openssl rand -hex 16."
        )
    if token is None and metrics() and proxies():
        raise BadInput(
            "SONGREC_METRICS=1 behind a proxy needs SONGREC_METRICS_TOKEN, which Prometheus sends; "
            "make one: openssl rand -hex 16."
        )
    return token


LEAST_JOB_MEMORY_MB = 256


def job_memory_bytes() -> int:
    """Return the memory that the process of a job may take; ``BadInput`` for an invalid number."""
    text = os.environ.get("SONGREC_JOB_MEMORY_MB")
    if not text:
        return max(machine_bytes() * 3 // 4, LEAST_JOB_MEMORY_MB * 2**20)
    size = int(read_number("SONGREC_JOB_MEMORY_MB", maximum=1e8, whole=True))
    if size < LEAST_JOB_MEMORY_MB:
        raise BadInput(
            f"SONGREC_JOB_MEMORY_MB must be at least {LEAST_JOB_MEMORY_MB}; it is {text!r}."
        )
    return size * 2**20


def sendfile() -> tuple[str, str] | None:
    """Return the header by which the proxy sends files and the prefix of its paths, or None."""
    text = (os.environ.get("SONGREC_SENDFILE") or "").strip()
    if not text:
        return None
    kind, _, prefix = text.partition(":")
    if kind == "x-sendfile" and not prefix:
        header, prefix = "X-Sendfile", "/"
    elif kind == "x-accel-redirect" and re.fullmatch(r"(/[\w.~-]+)+/", prefix, re.ASCII):
        header = "X-Accel-Redirect"
    else:
        raise BadInput(
            "SONGREC_SENDFILE must be x-sendfile or x-accel-redirect:/protected/, the internal "
            f"location of nginx; it is {text!r}."
        )
    if not proxies():
        # Without a proxy that takes the header out, visitors would get paths instead of files.
        raise BadInput("SONGREC_SENDFILE needs a proxy that sends the files: SONGREC_PROXIES=1.")
    return header, prefix


def dask_scheduler() -> str | None:
    """Return the address of the dask cluster for audio analysis; None for this machine's cores."""
    return os.environ.get("SONGREC_DASK_SCHEDULER") or None


def tag_encoding() -> str | None:
    """Return Python's name of the configured encoding of tags, or None; ``BadInput`` if unknown."""
    name = os.environ.get("SONGREC_TAG_ENCODING")
    if not name:
        return None
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except LookupError:
        raise BadInput(
            f"SONGREC_TAG_ENCODING: {name!r} is no encoding of text; use cp1251, koi8-r, cp1250, "
            "cp932, gbk, big5, cp949, …"
        ) from None


def _server_minutes() -> int:
    """Return the minutes between two scans of a music server; 0 for never."""
    if os.environ.get("SONGREC_SERVER_MINUTES") == "0":
        return 0
    return int(read_number("SONGREC_SERVER_MINUTES", whole=True))


def _database_url() -> str | None:
    """Return the database URL, checked without connecting; it may contain a password."""
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
            "SONGREC_DATABASE_URL is not a valid database URL; use sqlite:////path/songrec.db or "
            "postgresql+psycopg://user:password@host/name."
        ) from None
    except ImportError as error:
        raise BadInput(
            f"SONGREC_DATABASE_URL needs the package {error.name}, which is not installed. For "
            "PostgreSQL: pip install -r requirements/postgresql.txt, and write "
            "postgresql+psycopg://…"
        ) from None
    return text


def _is_postgresql(database_url: str | None) -> bool:
    """Return whether a valid database URL is that of PostgreSQL by the driver psycopg."""
    if database_url is None:
        return False
    from sqlalchemy.engine import make_url

    dialect = make_url(database_url).get_dialect()
    return (dialect.name, dialect.driver) == ("postgresql", "psycopg")


def _vectors(database_url: str | None) -> str:
    """Return where nearest vectors are searched; ``BadInput`` for what cannot be."""
    place = os.environ.get("SONGREC_VECTORS") or "files"
    if place not in ("files", "pgvector"):
        raise BadInput(f"SONGREC_VECTORS must be files or pgvector; it is {place!r}.")
    if place == "pgvector" and not _is_postgresql(database_url):
        raise BadInput(
            "SONGREC_VECTORS=pgvector needs PostgreSQL: set "
            "SONGREC_DATABASE_URL=postgresql+psycopg://user:password@host/name."
        )
    return place


def load(instance: Path | None = None) -> dict[str, Any]:
    """Return Flask's configuration from the environment; create the instance folder and its key.

    Raises ``BadInput`` for an invalid setting, before anything is created.
    """
    folder = instance or instance_path()
    https = os.environ.get("SONGREC_HTTPS", "0") == "1"
    tag_encoding()
    job_memory_bytes()
    log_format()
    log_level()
    database_url = _database_url()
    checked = {
        "SQLALCHEMY_DATABASE_URI": database_url or f"sqlite:///{folder / 'songrec.db'}",
        "VECTORS": _vectors(database_url),
        "MAX_CONTENT_LENGTH": int(read_number("SONGREC_UPLOAD_MB") * 2**20),
        "TRANSCODED_BYTES": int(read_number("SONGREC_TRANSCODED_MB") * 2**20),
        "UPLOAD_AUDIO_BYTES": int(read_number("SONGREC_UPLOAD_AUDIO_MB") * 2**20),
        "PROXIES": proxies(),
        "HOSTS": trusted_hosts(),
        "PREFIX": prefix(),
        "SENDFILE": sendfile(),
        "LOG_REQUESTS": log_requests(),
        "LEARN_FROM_ACCOUNTS": learns_from_accounts(),
        "LINKS_OUT": read_flag("SONGREC_LINKS_OUT"),
        "SECURITY_LOG_DAYS": int(read_number("SONGREC_SECURITY_LOG_DAYS", 36_500, whole=True)),
        "METRICS": metrics(),
        "METRICS_TOKEN": metrics_token(),
        "UPLOAD_SECONDS": read_number("SONGREC_UPLOAD_MINUTES") * 60,
        "KEEP": read_choice("SONGREC_KEEP", KEEP),
        "KEEP_SONGS": int(read_number("SONGREC_KEEP_SONGS", whole=True)),
        "KEEP_BYTES": int(read_number("SONGREC_KEEP_MB") * 2**20),
        "SERVER_MINUTES": _server_minutes(),
        "JOBS_PER_PERSON": int(read_number("SONGREC_JOBS_PER_PERSON", whole=True)),
        **access_settings.load(exposed=exposed()),
    }
    # Private: the database holds what people like, and uploads lie beside it.
    private_files.prepare_instance(folder)
    return {
        "INSTANCE": folder,
        # Errors and logs name statements, never what people typed into them.
        # At least as many connections as gunicorn.conf.py has threads.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True, "max_overflow": 20},
        "SECRET_KEY": os.environ.get("SONGREC_SECRET_KEY") or secret_key(folder),
        "ENCRYPTION_KEY": os.environ.get("SONGREC_ENCRYPTION_KEY") or None,
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
    """Exit with one line if a setting is invalid; wraps the start of a program."""
    try:
        yield
    except BadInput as error:
        sys.exit(f"songrec: {error}")


def secret_key(folder: Path) -> str:
    """Return the cookie-signing key of the instance, created once."""
    return key_files.read_or_create(folder / SECRET_KEY, "everybody has to sign in again")
