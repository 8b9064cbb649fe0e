"""Basic endpoints: ping, license, extensions and accounts."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.tables import User
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import FORBIDDEN, SubsonicError, answer, not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.ids import FOLDER

EXTENSIONS: dict[str, list[int]] = {"apiKeyAuthentication": [1], "formPost": [1]}
"""Supported extensions with their versions; modules of extensions add theirs."""


@endpoint("ping")
def ping() -> ResponseReturnValue:
    """Confirm the connection and the sign-in."""
    return answer()


@endpoint("getLicense")
def license() -> ResponseReturnValue:
    """Return a valid license, since songrec is free."""
    return answer({"license": {"valid": True}})


@endpoint("getOpenSubsonicExtensions")
def extensions() -> ResponseReturnValue:
    """List the supported extensions of the specification."""
    listed = [{"name": name, "versions": EXTENSIONS[name]} for name in sorted(EXTENSIONS)]
    return answer({"openSubsonicExtensions": listed})


@endpoint("tokenInfo")
def token_info() -> ResponseReturnValue:
    """Return the account of the API key."""
    return answer({"tokenInfo": {"username": caller().user.name}})


@endpoint("getUser")
def user() -> ResponseReturnValue:
    """Describe the caller's account; for admins also another one."""
    name = parameters.text("username") or caller().user.name
    own = caller().user
    if users.name_key(name) == own.name_key:
        return answer({"user": _serialize_account(own)})
    if not own.is_admin:
        raise SubsonicError(FORBIDDEN, "Only an admin sees other accounts.")
    other = users.find(db.session, name[:200])
    if other is None:
        raise not_found("account")
    return answer({"user": _serialize_account(other)})


@endpoint("getUsers")
def all_users() -> ResponseReturnValue:
    """List all accounts, for admins."""
    if not caller().user.is_admin:
        raise SubsonicError(FORBIDDEN, "Only an admin sees other accounts.")
    return answer(
        {"users": {"user": [_serialize_account(one) for one in users.everybody(db.session)]}}
    )


def _serialize_account(user: User) -> dict[str, Any]:
    return {
        "username": user.name,
        "scrobblingEnabled": True,
        "adminRole": user.is_admin,
        "settingsRole": False,
        "downloadRole": True,
        "uploadRole": False,
        "playlistRole": True,
        "coverArtRole": False,
        "commentRole": False,
        "podcastRole": False,
        "streamRole": True,
        "jukeboxRole": False,
        "shareRole": False,
        "videoConversionRole": False,
        "folder": [FOLDER],
    }
