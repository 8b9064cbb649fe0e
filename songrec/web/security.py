"""The doors: response headers, CSRF, rate limits, who may enter, where `next` may lead."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from flask import Flask, abort, current_app, has_request_context, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import current_user
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect
from limits import RateLimitItem, RateLimitItemPerMinute
from werkzeug.exceptions import TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix

from songrec.core import addresses
from songrec.web import access, ratelimit

V = TypeVar("V", bound=Callable[..., Any])

CONTENT_SECURITY_POLICY: dict[str, str] = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "worker-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# The WebGL layer that Plotly's bundle brings (regl) compiles its draw calls with `Function(…)`;
# without 'unsafe-eval' scattergl says "WebGL is not supported" and draws nothing. It is allowed in
# the empty document that the map's page frames and nowhere else. The rules that Plotly would write
# into a style element are in static/css/map-drawing.css.
PLOTLY_POLICY: dict[str, str] = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self'",
    "img-src": "data: blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
}
PERMISSIONS_POLICY: dict[str, str] = dict.fromkeys(
    ("browsing-topics", "camera", "geolocation", "microphone", "payment"), "()"
)

SIGN_UP_ADDRESS = RateLimitItemPerMinute(30, 60)
# Without an account, every deleted cookie makes a new listener, and each may keep songs
# and playlists: these bound what one address can put into the database.
NEW_LISTENER_ADDRESS = RateLimitItemPerMinute(200, 60)
NEW_PLAYLIST_ADDRESS = RateLimitItemPerMinute(200, 60)
# A play takes half a minute, so this is a household that listens all day, and no more.
PLAYS_ADDRESS = RateLimitItemPerMinute(1000, 60)
# A list has thousands of songs, each looked for.
IMPORTS_ADDRESS = RateLimitItemPerMinute(30, 60)
# Each sends a request to another server, or queues a job that does.
CONNECT_ADDRESS = RateLimitItemPerMinute(30, 60)
# Each looks through the songs that wait.
DECISIONS_ADDRESS = RateLimitItemPerMinute(2000, 60)

FORM_BYTES = 2**20
"""No form is longer; only what takes files, and from those who may send them, is read further."""
UPLOADS: dict[str, bool] = {
    "admin.upload": True,
    "me.import_likes": False,
    "api.import_list": False,
}
"""The endpoints that take files: whether from admins only."""
LIST_BYTES = 32 * 2**20
LISTS = frozenset({"me.import_likes", "api.import_list"})
"""The endpoints whose file is a list of songs, from anybody, and no longer than that."""
SONGS = frozenset({"upload.create", "api.from_audio", "api_aliases.from_audio"})
"""The endpoints that take a song, from anybody, up to a size of its own."""

PROBES = frozenset({"health.health", "health.ready", "metrics.metrics"})
"""Endpoints for probes, which accept any host name."""

csrf = CSRFProtect()
talisman = Talisman()


def client_network() -> str:
    """Return the client's network for rate limits: an IPv6 /64 or an IPv4 address.

    Only addresses forwarded by the configured proxies are used.
    """
    return addresses.client_network(request.remote_addr)


limiter = Limiter(key_func=client_network, strategy="fixed-window")


def init_app(app: Flask) -> None:
    """Set up the headers of responses, the CSRF protection and the rate limits."""
    https = app.config["HTTPS"]
    if count := app.config["PROXIES"]:
        # What visitors write into these headers themselves stands before what the proxies add.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=count
        )
    app.before_request(check_host)
    app.before_request(accounts_only)  # before anything reads a body
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)  # a token lasts as long as its session
    app.config.setdefault("RATELIMIT_STORAGE_URI", ratelimit.URI)
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_BYTES
    app.before_request(limit_body)  # before the CSRF protection, which reads the form
    csrf.init_app(app)
    # The limiter is one for the process and would keep what the application before it chose.
    app.config.setdefault("RATELIMIT_ENABLED", True)
    limiter.init_app(app)
    talisman.init_app(
        app,
        force_https=https,
        strict_transport_security=https,
        strict_transport_security_include_subdomains=False,
        session_cookie_secure=https,
        session_cookie_http_only=True,
        session_cookie_samesite="Lax",
        frame_options="DENY",
        content_security_policy=CONTENT_SECURITY_POLICY,
        permissions_policy=PERMISSIONS_POLICY,
        referrer_policy="same-origin",
    )


def check_host() -> None:
    """Answer 400 to a host name that is not one of ours, except to probes."""
    if request.endpoint not in PROBES:
        refuse_foreign_host()


def refuse_foreign_host() -> None:
    """Answer 400 to a host name that is not one of ours."""
    trusted = current_app.config["HOSTS"]
    if trusted is None:
        return
    try:
        name = addresses.canonical_host(urlsplit(f"//{request.host}").hostname or "")
    except ValueError:
        name = ""
    for one in trusted:
        if name == one.removeprefix(".") or (one.startswith(".") and name.endswith(one)):
            return
    abort(400, "This server does not answer to that host name: an admin sets SONGREC_HOSTS.")


def limit_body() -> None:
    """Read no more of a body than the form it should be, unless it is an upload."""
    longest = current_app.config["MAX_CONTENT_LENGTH"]
    for_admins = UPLOADS.get(request.endpoint or "")
    if for_admins is None or (for_admins and not getattr(current_user, "is_admin", False)):
        longest = min(longest, FORM_BYTES)
    if request.endpoint in LISTS:
        longest = min(longest, LIST_BYTES + FORM_BYTES)
    if request.endpoint in SONGS:
        longest = current_app.config["UPLOAD_AUDIO_BYTES"] + FORM_BYTES
    request.max_content_length = longest


def relaxed_for_plotly(view: V) -> V:
    """Relax the content security policy of a view for Plotly, in a frame of songrec's pages.

    To be used directly below the route decorator.
    """
    relaxed = talisman(content_security_policy=PLOTLY_POLICY, frame_options="SAMEORIGIN")
    return relaxed(view)


def keyed_digest(text: str) -> str:
    """Return a digest that only this instance can make, for keys that must not hold ``text``."""
    key = str(current_app.secret_key).encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def count_try(item: RateLimitItem, *identifiers: str) -> None:
    """Count one try and answer 429 with ``Retry-After`` once there were too many."""
    if not current_app.config.get("RATELIMIT_ENABLED", True):
        return
    if not limiter.limiter.hit(item, *identifiers):
        ends = limiter.limiter.get_window_stats(item, *identifiers).reset_time
        raise TooManyRequests(retry_after=max(1, round(ends - time.time())))


def is_first(item: RateLimitItem, *identifiers: str) -> bool:
    """Return whether this event is the first in a window of ``item``, and count it.

    For events that are logged once per window.
    """
    if not current_app.config.get("RATELIMIT_ENABLED", True):
        return True
    once = type(item)(1, item.multiples, namespace="first")
    return limiter.limiter.hit(once, *identifiers)


def count_from_here(item: RateLimitItem, what: str) -> None:
    """Count one ``what`` from this network; 429 once there were too many."""
    count_try(item, what, client_network())


def forget_tries(item: RateLimitItem, *identifiers: str) -> None:
    """Reset the counter after a success."""
    if current_app.config.get("RATELIMIT_ENABLED", True):
        limiter.limiter.clear(item, *identifiers)


def safe_next(target: str | None) -> str | None:
    """``target`` if it is a path on this site, else None.

    A browser reads ``//host``, ``/\\host`` and paths with control characters or a tab inside as
    other sites; none of them passes. Below a prefix, other paths of the host are other sites.
    """
    if not target or not target.startswith("/") or len(target) > 2000:
        return None
    if target.startswith("//") or "\\" in target:
        return None
    if any(ord(character) <= 32 or ord(character) == 127 for character in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        return None
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        return None
    root = request.script_root if has_request_context() else ""
    return target if f"{target}/".startswith(f"{root}/") else None


def back(default: str) -> str:
    """Return the form's ``next`` if it is safe, else ``default``."""
    return safe_next(request.form.get("next") or request.args.get("next")) or default


def here() -> str:
    """Return the URL to return to after signing in: this page, or home after a change."""
    if request.method not in ("GET", "HEAD"):
        return url_for("pages.home")
    return safe_next(request.script_root + request.full_path.rstrip("?")) or url_for("pages.home")


def accounts_only() -> ResponseReturnValue | None:
    """Redirect anonymous visitors to the sign-in page if the endpoint requires an account."""
    if request.blueprint in access.API or not access.needs_account(request.endpoint):
        return None
    if current_user.is_authenticated:
        return None
    accepted = request.accept_mimetypes
    if accepted["application/json"] > accepted["text/html"]:
        abort(401)
    return redirect(url_for("auth.sign_in", next=here()), 303)


def admins_only() -> ResponseReturnValue | None:
    """Before-request door: send the anonymous to the sign-in page, answer 403 to all but admins."""
    if not current_user.is_authenticated:
        return redirect(url_for("auth.sign_in", next=here()), 303)
    if not current_user.is_admin:
        abort(403)
    return None
