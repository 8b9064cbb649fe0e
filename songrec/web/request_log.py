"""The id, the log line and the metrics of each request.

A line names the route and the path, never what may be secret or personal: no query, no header, no
address, no account; keys inside a path are left out.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, g, request

from songrec.core import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("songrec.requests")

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ENVIRON_KEY = "songrec.request"
_OBSERVERS = "request_observers"
SECRET_ARGUMENTS = frozenset({"key", "token", "code", "secret"})
"""Names of the parts of a path that open something by themselves."""
LEFT_OUT = "…"
# Without a matching route any part of the path may be a key, so possible keys are left out.
_KEY_LIKE = re.compile(r"[A-Za-z0-9_-]{16,}")
QUIET = frozenset({"/health", "/ready", "/metrics"})
"""Routes that programs poll every few seconds, logged at level debug."""


@dataclass(slots=True)
class RequestRecord:
    """A request and its response; ``route`` is None if none matched."""

    request_id: str
    method: str
    path: str
    route: str | None = None
    status: int = 500
    sent_bytes: int = 0
    seconds: float = 0.0
    started: float = field(default_factory=time.perf_counter)


Observer = Callable[[RequestRecord], None]


def init_app(app: Flask) -> None:
    """Give each request an id, and log it with ``SONGREC_LOG_REQUESTS``."""
    app.extensions[_OBSERVERS] = [_log] if app.config["LOG_REQUESTS"] else []
    app.before_request(_identify)
    app.log_exception = _log_exception  # type: ignore[method-assign]


def wrap(app: Flask) -> None:
    """Put the middleware around all others, which may answer by themselves."""
    app.wsgi_app = RequestMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, app.extensions[_OBSERVERS], trust_header=bool(app.config["PROXIES"])
    )


def observe(app: Flask, observer: Observer) -> None:
    """Call ``observer`` with the record of each request once it is answered."""
    app.extensions[_OBSERVERS].append(observer)


def request_id() -> str:
    """Return the id of the current request."""
    return g.request_id


def shown_path() -> str:
    """Return the path of the current request as it is logged, without the keys in it."""
    record: RequestRecord = request.environ[_ENVIRON_KEY]
    return record.path


def _identify() -> None:
    """Note the route, which is known only here."""
    record: RequestRecord = request.environ[_ENVIRON_KEY]
    g.request_id = record.request_id
    if request.url_rule is not None:
        record.route = request.url_rule.rule
        hidden = {str((request.view_args or {}).get(name)) for name in SECRET_ARGUMENTS}
        parts = (request.script_root + request.path).split("/")
        record.path = "/".join(LEFT_OUT if part in hidden else part for part in parts)


def _log_exception(error: Any) -> None:
    """Log an unhandled exception; Flask's own line has the whole path."""
    current_app.logger.error("Exception on %s %s", request.method, shown_path(), exc_info=error)


def _log(record: RequestRecord) -> None:
    level = logging.DEBUG if record.route in QUIET else logging.INFO
    if not log.isEnabledFor(level):
        return
    fields = {
        "route": record.route,
        "bytes": record.sent_bytes,
        "ms": round(record.seconds * 1000, 1),
    }
    shown = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
    named = {"method": record.method, "path": record.path, "status": record.status, **fields}
    log.log(level, "%s %s %d %s", record.method, record.path, record.status, shown, extra=named)


class RequestMiddleware:
    """Identify, time and count what ``application`` answers, and report it when it is sent."""

    def __init__(
        self, application: WSGIApplication, observers: list[Observer], *, trust_header: bool
    ) -> None:
        self._application = application
        self._observers = observers
        self._trust_header = trust_header

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        record = environ[_ENVIRON_KEY] = RequestRecord(
            request_id=self._request_id(environ),
            method=environ.get("REQUEST_METHOD", ""),
            path=_unmatched_path(environ),
        )
        logs.set_context(request_id=record.request_id)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            record.status = int(status[:3])
            length = dict(headers).get("Content-Length", "")
            record.sent_bytes = int(length) if length.isdecimal() else 0
            return start_response(status, [*headers, (HEADER, record.request_id)], *rest)

        try:
            body = self._application(environ, start)
        except BaseException:
            self._report(record)
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            # The server sends such a file without Python only as long as nothing wraps it.
            close = getattr(body, "close", None)
            body.close = lambda: (close and close(), self._report(record))  # type: ignore[attr-defined]
            return body
        return _CountedBody(body, record, self._report)

    def _request_id(self, environ: WSGIEnvironment) -> str:
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        if self._trust_header and _WELL_FORMED.fullmatch(sent):
            return sent
        return secrets.token_hex(8)

    def _report(self, record: RequestRecord) -> None:
        record.seconds = time.perf_counter() - record.started
        for observer in self._observers:
            observer(record)
        logs.set_context()


class _CountedBody:
    """A response's body, whose bytes are counted until it is closed."""

    def __init__(self, body: Iterable[bytes], record: RequestRecord, report: Observer) -> None:
        self._body, self._record, self._report = body, record, report
        self._closed = False
        record.sent_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            self._record.sent_bytes += len(part)
            yield part

    def close(self) -> None:
        """Close the body and report the request, once."""
        if self._closed:
            return
        self._closed = True
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._report(self._record)


def _unmatched_path(environ: WSGIEnvironment) -> str:
    """Return the path of a request that may match no route, without what could be a key."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    text = path.encode("latin-1", "replace").decode("utf-8", "replace")
    return _KEY_LIKE.sub(LEFT_OUT, text)
