"""Log lines of every process: text or JSON, with the request or job that they belong to.

A line is one line: control characters in messages are escaped, so nothing that a visitor sends can
look like another line. Tracebacks are indented in text and one string in JSON.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.config
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from songrec.core import config

_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - never changed
# Attributes of every record; what else a record has was passed as ``extra``.
_STANDARD = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
)
INDENT = "    "


def set_context(**fields: str) -> None:
    """Replace the fields that every line from this thread carries, such as ``request_id``."""
    _context.set(fields)


@contextlib.contextmanager
def context(**fields: str) -> Iterator[None]:
    """Add fields to every line from this thread, for as long as the context is open."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def escape(text: str) -> str:
    """Return ``text`` with line breaks, control and other unprintable characters as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class TextFormatter(logging.Formatter):
    """``time LEVEL logger message field=value``, the traceback indented below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; further lines are a traceback's and begin with spaces."""
        # A record that has such a field of its own names it in its message.
        added = {n: value for n, value in _context.get().items() if n not in vars(record)}
        fields = "".join(f" {name}={value}" for name, value in added.items())
        line = f"{_time(record)} {record.levelname} {record.name} {record.getMessage()}{fields}"
        trace = _traceback(self, record)
        below = "".join(f"\n{INDENT}{escape(one)}" for one in trace.split("\n")) if trace else ""
        return escape(line) + below


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object; ``exception`` holds the traceback."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in extra.items() if value is not None},
            **_context.get(),
        }
        if trace := _traceback(self, record):
            line["exception"] = trace
        return json.dumps(line, default=str)  # ASCII: no character of a line can end it


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def formatter() -> logging.Formatter:
    """Return the formatter that ``SONGREC_LOG_FORMAT`` names."""
    return FORMATTERS[config.log_format()]()


def dict_config(stream: str = "ext://sys.stderr") -> dict[str, Any]:
    """Return what ``logging.config.dictConfig`` takes: everything goes to ``stream``.

    ``SONGREC_LOG_LEVEL`` is the level of songrec's own lines. Libraries report warnings at most:
    at lower levels some write what they send and receive.
    """
    level = config.log_level()
    quiet = logging.getLevelName(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"songrec": {"()": "songrec.core.logs.formatter"}},
        "handlers": {
            "songrec": {
                "class": "logging.StreamHandler",
                "formatter": "songrec",
                "stream": stream,
            }
        },
        "root": {"level": quiet, "handlers": ["songrec"]},
        "loggers": {
            "songrec": {"level": level},
            "gunicorn.error": {"level": quiet, "handlers": ["songrec"], "propagate": False},
        },
    }


def configure(stream: str = "ext://sys.stderr") -> None:
    """Set up logging in this process; raises ``BadInput`` for an invalid setting."""
    logging.config.dictConfig(dict_config(stream))
    logging.captureWarnings(True)


def announce(text: str) -> None:
    """Show people a line at the start; in JSON it is a log line like all others."""
    if config.log_format() == "json":
        logging.getLogger("songrec").info(text.strip())
    else:
        print(text, flush=True)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)
