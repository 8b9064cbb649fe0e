"""songrec below a path of a site that holds other things too: ``SONGREC_PREFIX=/music``.

WSGI calls the part of a path that belongs to the site ``SCRIPT_NAME``; ``url_for``, redirects,
cookies and the addresses in files follow it. The proxy may leave the prefix in the path or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from songrec.core import config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ALSO_OUTSIDE = frozenset({"/health", "/ready", "/metrics"})
"""Paths of probes on this machine, which do not use the prefix."""


def init_app(app: Flask) -> None:
    """Serve the application below its prefix, or below that of a trusted proxy."""
    app.wsgi_app = PrefixMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, app.config["PREFIX"], behind_proxy=bool(app.config["PROXIES"])
    )


class PrefixMiddleware:
    """Move the prefix of a path to ``SCRIPT_NAME``.

    ``SCRIPT_NAME`` may hold the ``X-Forwarded-Prefix`` of a trusted proxy. Behind one, a path
    without the prefix is one that the proxy has stripped; else nothing is there.
    """

    def __init__(self, application: WSGIApplication, prefix: str, *, behind_proxy: bool) -> None:
        self._application = application
        self._prefix = prefix
        self._behind_proxy = behind_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        prefix = self._prefix or _forwarded(environ)
        if prefix and (path == prefix or path.startswith(prefix + "/")):
            path = path[len(prefix) :] or "/"
        elif self._prefix and not self._behind_proxy and path not in ALSO_OUTSIDE:
            return self._outside(path)(environ, start_response)
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, path
        return self._application(environ, start_response)

    def _outside(self, path: str) -> Response:
        if path in ("", "/"):
            return redirect(f"{self._prefix}/", 302)
        return Response(f"songrec is at {self._prefix}/\n", 404, mimetype="text/plain")


def _forwarded(environ: WSGIEnvironment) -> str:
    """Return the well-formed prefix in ``SCRIPT_NAME``; what visitors may have written is not."""
    try:
        return config.normalized_prefix(environ.get("SCRIPT_NAME", ""))
    except ValueError:
        return ""
