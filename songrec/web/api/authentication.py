"""Authentication of callers by token or by the browser's cookie; others are anonymous."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g, request
from flask import session as cookie
from flask_login import current_user
from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, NotFound, TooManyRequests, Unauthorized

from songrec.store.db import db
from songrec.store.listeners import api_tokens
from songrec.store.tables import ApiToken, Listener, User
from songrec.web import access, security, security_log
from songrec.web import current_listener as listening
from songrec.web.api import aliases, blueprint

PER_MINUTE = 300
REQUESTS = RateLimitItemPerMinute(PER_MINUTE, 1)
REFUSED = RateLimitItemPerMinute(30, 5)
"""Rate limit of invalid tokens from one network."""
DAY = RateLimitItemPerDay(1)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: its account, None without one, and its token, None without one."""

    user: User | None
    token: ApiToken | None

    @property
    def is_admin(self) -> bool:
        """Whether the account is an admin's."""
        return self.user is not None and self.user.is_admin

    @property
    def sees_everybody(self) -> bool:
        """Whether jobs and uploads of others are visible: to admins, without a read-only token."""
        return self.is_admin and (self.token is None or api_tokens.allows(self.token, "write"))


def caller() -> Caller:
    """Return the caller of this request."""
    return g.api_caller


def current_listener() -> Listener | None:
    """Return the caller's listener, None before the first reaction."""
    who = caller()
    return listening.listener_of(who.user) if who.token else listening.current_listener()


def identified_listener() -> Listener | None:
    """Return the caller's listener, None before the first reaction; 401 for anonymous callers.

    For requests that only read, because no listener is created.
    """
    listener = current_listener()
    if listener is None:
        require_user()
    return listener


def require_listener() -> Listener:
    """Return the caller's listener, creating it if necessary; 401 for anonymous callers.

    The caller commits.
    """
    return current_listener() or listening.make_listener_of(require_user())


def require_user() -> User:
    """Return the caller's account; 401 without one."""
    user = caller().user
    if user is None:
        raise unauthorised("This needs a token, or a browser that is signed in.")
    return user


def unauthorised(text: str) -> Unauthorized:
    """Return a 401 with the authentication scheme."""
    return Unauthorized(text, www_authenticate=WWWAuthenticate("bearer", {"realm": "songrec"}))


@blueprint.before_request
@aliases.before_request
def identify() -> None:
    """Authenticate the caller, count the request, and check its permission."""
    clear = bearer()
    who = of_token(clear) if clear is not None else _by_cookie()
    admit(who, "read" if request.method in SAFE else "write")


def admit(who: Caller, scope: str) -> None:
    """Count and permit the request of ``who`` for ``scope``; 401, 403, 404 or 429 otherwise."""
    g.api_caller = who
    # The requests of an account count together, from all networks.
    key = f"user:{who.user.id}" if who.user else security.client_network()
    security.count_try(REQUESTS, "api", key)
    if who.user is None and access.needs_account(request.endpoint):
        raise unauthorised("This songrec is for accounts only: send a token, or sign in.")
    if any("\0" in str(part) for part in (request.view_args or {}).values()):
        raise NotFound
    if who.token is not None and not api_tokens.allows(who.token, scope):
        raise Forbidden(f"This token may not {scope}; make one that may on your account's page.")


def bearer() -> str | None:
    """Return the token in the header; empty for another scheme, None without the header."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, clear = header.partition(" ")
    return clear.strip() if scheme.lower() == "bearer" else ""


def of_token(clear: str) -> Caller:
    """Return the caller with a token; 401 if it is invalid."""
    owned = api_tokens.find(db.session, clear)
    if owned is None:
        raise _refusal(clear)
    token, user = owned
    if api_tokens.record_use(token):
        db.session.commit()
    return Caller(user, token)


def _refusal(clear: str) -> Unauthorized:
    """Return the 401 for an invalid token; 429 after too many from one network."""
    network = security.client_network()
    try:
        security.count_try(REFUSED, "token", network)
    except TooManyRequests:
        if security.is_first(REFUSED, "token-limited", network):
            security_log.record("token-limited")
            db.session.commit()
        raise
    expired = api_tokens.find_expired(db.session, clear)
    if expired is None:
        return unauthorised("This token is not known, or was revoked: see your account's page.")
    token, user = expired
    if security.is_first(DAY, "token-expired", str(token.id)):
        security_log.record("token-expired", user, f"token {token.id}")
        db.session.commit()
    ended = f"{token.expires_at:%-d %B %Y}"
    return unauthorised(f"This token expired on {ended}; make another on your account's page.")


def _by_cookie() -> Caller:
    user = db.session.get(User, current_user.id) if current_user.is_authenticated else None
    if (
        request.method not in SAFE
        and (user is not None or listening.TOKEN in cookie)
        and current_app.config["WTF_CSRF_ENABLED"]
    ):
        # Browsers send cookies with forms of any origin; callers without a listener have no data.
        security.csrf.protect()
    return Caller(user, None)
