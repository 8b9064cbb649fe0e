"""Environment variables: their table, and readers with one line for an invalid value."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from songrec.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable, with its purpose and default as in the README."""

    name: str
    default: str
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("SONGREC_INSTANCE", "instance/", "Folder for the database and the runs."),
    Setting("SONGREC_DATABASE_URL", "SQLite in the instance folder", "SQLAlchemy database URL."),
    Setting(
        "SONGREC_VECTORS",
        "files",
        "Where similar songs are searched: files (memory maps) or pgvector (in PostgreSQL).",
    ),
    Setting(
        "SONGREC_DASK_SCHEDULER",
        "none: the cores of this machine",
        "Dask cluster that analyses audio, tcp://host:8786.",
    ),
    Setting(
        "SONGREC_SECRET_KEY", "generated once, stored in the instance folder", "Signs cookies."
    ),
    Setting(
        "SONGREC_ENCRYPTION_KEY",
        "generated once, stored in the instance folder",
        "Encrypts the passwords of music servers and of apps.",
    ),
    Setting(
        "SONGREC_SERVER_MINUTES",
        "60",
        "Interval of scans of music servers and of exchanges with them and ListenBrainz, in "
        "minutes; 0: only on request.",
    ),
    Setting(
        "SONGREC_SERVER_PASSWORD",
        "none",
        "Password for flask servers add, if it is neither typed nor read from stdin.",
    ),
    Setting(
        "SONGREC_TRANSCODED_MB",
        "2048",
        "Size of the cache of songs converted for browsers, in MiB.",
    ),
    Setting("SONGREC_UPLOAD_MB", "512", "Largest upload on the admin page, in MiB."),
    Setting("SONGREC_UPLOAD_AUDIO_MB", "50", "Largest song that can be uploaded, in MiB."),
    Setting("SONGREC_UPLOAD_MINUTES", "20", "Longest song that can be uploaded."),
    Setting(
        "SONGREC_KEEP",
        "request",
        "Who may add uploads to the library: request (an admin grants it) or accounts.",
    ),
    Setting("SONGREC_KEEP_SONGS", "100", "Songs that one account may keep in the library."),
    Setting("SONGREC_KEEP_MB", "1024", "MiB of songs that one account may keep in the library."),
    Setting(
        "SONGREC_JOBS_PER_PERSON",
        "20",
        "Limit of waiting songs and lists per account or, without accounts, per network.",
    ),
    Setting(
        "SONGREC_JOB_MEMORY_MB",
        "three quarters of the machine's or container's",
        "Limit of memory per job, in MiB; trainings are not limited.",
    ),
    Setting("SONGREC_HTTPS", "0", "1 behind HTTPS: cookies are only sent over HTTPS."),
    Setting(
        "SONGREC_HOSTS",
        "on loopback without a proxy only localhost; else any",
        "Accepted host names, separated by commas; .example.org includes all subdomains.",
    ),
    Setting(
        "SONGREC_PROXIES",
        "0; 1 with SONGREC_HTTPS=1",
        "Number of reverse proxies in front, whose X-Forwarded headers are trusted.",
    ),
    Setting(
        "SONGREC_SIGN_UP",
        "open on loopback; else closed",
        "Who may create an account: open, invitation (`flask invite`) or closed (only admins).",
    ),
    Setting(
        "SONGREC_CATALOGUE",
        "everyone",
        "Who sees pages, map and API: everyone, or accounts that are signed in.",
    ),
    Setting(
        "SONGREC_LISTENING",
        "everyone on loopback; else accounts",
        "Who may play songs: everyone, or accounts that are signed in.",
    ),
    Setting(
        "SONGREC_LINKS_OUT",
        "1",
        "1: songs without sound link to Spotify by id, else to a search on YouTube; 0: no links.",
    ),
    Setting(
        "SONGREC_LEARN_FROM_ACCOUNTS",
        "0 if sign-up is open; else 1",
        "1: trainings also learn from playlists that accounts share.",
    ),
    Setting(
        "SONGREC_SECURITY_LOG_DAYS", "180", "Days for which events of the security log are kept."
    ),
    Setting(
        "SONGREC_SENDFILE",
        "none: songrec sends files itself",
        "Let the proxy send files: x-accel-redirect:/protected/ (nginx) or x-sendfile.",
    ),
    Setting(
        "SONGREC_TAG_ENCODING",
        "Windows-1252",
        "Encoding of tags that declare none, such as cp1251, koi8-r, gbk, big5, cp932, cp949.",
    ),
    Setting(
        "SONGREC_PREFIX",
        "none; X-Forwarded-Prefix of a trusted proxy",
        "Path of songrec below the host, such as /music.",
    ),
    Setting("SONGREC_LOG_REQUESTS", "0", "1: one log line for each request."),
    Setting("SONGREC_LOG_FORMAT", "text", "text, or json: one object per line."),
    Setting("SONGREC_LOG_LEVEL", "info", "debug, info, warning or error."),
    Setting("SONGREC_METRICS", "0", "1: `/metrics` for Prometheus, only for this machine."),
    Setting(
        "SONGREC_METRICS_TOKEN",
        "none; required behind a proxy",
        "Bearer token for `/metrics` from other machines, at least 16 characters.",
    ),
    Setting("SONGREC_REAL_DATA", "../shared/data if there", "Real files for the realdata tests."),
    Setting("PORT", "8000", "Port of `make run`."),
    Setting("SONGREC_HOST", "127.0.0.1", "Address to serve on; 0.0.0.0 for the whole network."),
    Setting("WEB_CONCURRENCY", "2", "Processes of the web server, each with twenty threads."),
)

REMOVED_SETTINGS = {
    "SONGREC_REDIS_URL": "jobs and rate limits are in the database",
}
"""Variables of earlier versions that are no longer read, with the reason."""


def read_choice(name: str, allowed: Sequence[str], default: str | None = None) -> str:
    """Return a setting in lower case; ``BadInput`` if it is not ``allowed``.

    If it is not set, ``default`` or the default of the table is returned.
    """
    text = (os.environ.get(name) or "").strip().lower()
    if not text:
        return _default(name) if default is None else default
    if text not in allowed:
        *others, last = allowed
        raise BadInput(f"{name} must be {', '.join(others)} or {last}; it is {os.environ[name]!r}.")
    return text


def read_flag(name: str) -> bool:
    """Return whether a setting is 1; ``BadInput`` for anything but 0 and 1."""
    return read_choice(name, ("0", "1")) == "1"


def read_number(name: str, maximum: float = 1e6, *, whole: bool = False) -> float:
    """Return a numeric setting above 0 and at most ``maximum``; ``BadInput`` otherwise."""
    text = os.environ.get(name) or _default(name)
    try:
        value = float(int(text) if whole else float(text))
    except ValueError:
        value = 0.0
    if not 0 < value <= maximum:
        kind = "a whole number" if whole else "a number"
        raise BadInput(f"{name} must be {kind} above 0, at most {maximum:,.0f}; it is {text!r}.")
    return value


def _default(name: str) -> str:
    return next(setting.default for setting in SETTINGS if setting.name == name)
