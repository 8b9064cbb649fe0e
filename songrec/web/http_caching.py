"""Cache-Control headers and the session's cookie.

Pages depend on the visitor, so shared caches must not store them. Static files and the map's data
are the same for everybody, so they are public, and neither read nor write the session.
"""

from __future__ import annotations

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.wrappers import Response

from songrec.web import access
from songrec.web.template_context import is_current

YEAR = 365 * 24 * 3600
FILES = ("static", "bootstrap.static")


class Sessions(SecureCookieSessionInterface):
    """Signed cookies, written after a change of the session, and renewed by HTML pages only.

    Flask would write a permanent session's cookie with every response. A slow response to a script
    (the points of the map, a job's state) could then restore the cookie of somebody who has signed
    out in the meantime.
    """

    def get_cookie_path(self, app: Flask) -> str:
        """Return the path of the cookie, which hides it from other programs on the host."""
        return app.config["SESSION_COOKIE_PATH"] or request.script_root or "/"

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie, except with a public response."""
        if response.cache_control.public:
            return
        if session.modified or response.mimetype == "text/html":
            super().save_session(app, session, response)
        else:
            response.vary.add("Cookie")


def init_app(app: Flask) -> None:
    """Set the Cache-Control headers of responses that have none."""
    app.session_interface = Sessions()
    app.after_request(_who_may_keep)


def _who_may_keep(response: Response) -> Response:
    keep = response.cache_control
    if request.endpoint in FILES and response.status_code in (200, 304):
        keep.public = True
        if request.endpoint == "static" and is_current(request.path, request.args.get("v")):
            keep.no_cache, keep.max_age, keep.immutable = None, YEAR, True
    elif access.needs_account(request.endpoint):
        # What is for accounts only stays between server and browser, the map's bytes too.
        keep.public, keep.private = None, True
        if not keep.max_age:
            keep.no_store = True
    elif "Cache-Control" not in response.headers:
        keep.private = True
        # After signing out, "back" must not show what belongs to the account.
        if "_user_id" in session:
            keep.no_store = True
        else:
            keep.no_cache = True
    return response
