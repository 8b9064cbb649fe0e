"""Who asks: a token's account, whoever the browser's cookie says, or nobody in particular."""

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
"""Tokens from one network that are not valid."""
DAY = RateLimitItemPerDay(1)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """``user`` is None for a browser without an account, or for nobody; ``token`` if one came."""

    user: User | None
    token: ApiToken | None

    @property
    def is_admin(self) -> bool:
        """Whether the account is an admin's."""
        return self.user is not None and self.user.is_admin

    @property
    def sees_everybody(self) -> bool:
        """Whether jobs and uploads of others are shown: to admins, but not to their read tokens."""
        return self.is_admin and (self.token is None or api_tokens.allows(self.token, "write"))


def caller() -> Caller:
    """Return who makes this request."""
    return g.api_caller


def current_listener() -> Listener | None:
    """Return the listener who asks, or None for somebody who has liked nothing yet."""
    who = caller()
    return listening.listener_of(who.user) if who.token else listening.current_listener()


def identified_listener() -> Listener | None:
    """Return the listener who asks, None for an account that has liked nothing; 401 for nobody.

    For requests that only read: no listener is created.
    """
    listener = current_listener()
    if listener is None:
        require_user()
    return listener


def require_listener() -> Listener:
    """Return the listener who asks, created if the account has none; 401 for nobody.

    The caller commits.
    """
    return current_listener() or listening.make_listener_of(require_user())


def require_user() -> User:
    """Return the account that asks; 401 without one."""
    user = caller().user
    if user is None:
        raise unauthorised("This needs a token, or a browser that is signed in.")
    return user


def unauthorised(text: str) -> Unauthorized:
    """Return a 401 that names the way to sign in."""
    return Unauthorized(text, www_authenticate=WWWAuthenticate("bearer", {"realm": "songrec"}))


@blueprint.before_request
@aliases.before_request
def identify() -> None:
    """Find out who asks, count the request, and refuse what may not be."""
    clear = bearer()
    who = of_token(clear) if clear is not None else _by_cookie()
    admit(who, "read" if request.method in SAFE else "write")


def admit(who: Caller, scope: str) -> None:
    """Let ``who`` make this request for ``scope``, counted; 401, 403, 404 or 429 if it may not."""
    g.api_caller = who
    # An account's requests count together, wherever they come from.
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
    """Return whose token this is; 401 if it is not valid."""
    owned = api_tokens.find(db.session, clear)
    if owned is None:
        raise _refused(clear)
    token, user = owned
    if api_tokens.record_use(token):
        db.session.commit()
    return Caller(user, token)


def _refused(clear: str) -> Unauthorized:
    """Return the 401 for a token that is not valid; 429 after too many from one network."""
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
        # The browser sends its cookie whoever wrote the form; nobody's cookie needs no proof.
        security.csrf.protect()
    return Caller(user, None)
