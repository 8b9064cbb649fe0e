"""Endpoints that require an account, by ``SONGREC_CATALOGUE`` and ``SONGREC_LISTENING``.

All endpoints that are not listed here belong to the catalogue, so that new pages are protected with
it.
"""

from __future__ import annotations

from flask import current_app
from flask_login import current_user

OPEN = frozenset(
    {
        "static",
        "bootstrap.static",
        "assets.plotly",
        "installation.manifest",
        "installation.icon",
        "installation.offline",
        "installation.service_worker",
        "fonts.font",
        "player.controls",
        "auth.sign_in",
        "auth.sign_up",
        "auth.sign_out",
        "health.health",
        "health.ready",
        "metrics.metrics",  # has a rule of its own
        "api.health",
        "audiomuse.health",
        "audiomuse_key.health",
        # The OpenAPI document has no data of this instance.
        "api_docs.openapi",
        "api_docs.openapi_3_0",
        "api_docs.docs",
        "api_docs.docs_file",
        # Their URLs contain the key of a playlist, which only accounts can create.
        "player.stream",
        "shared_playlists.show",
        "shared_playlists.queue",
        "shared_playlists.media",
        "shared_playlists.transcoded",
    }
)
"""Endpoints that are always public."""
AUDIO = frozenset({"player.media", "player.transcoded", "player.play"})
"""The endpoints that send the library's sound."""
API = ("api", "api_aliases", "subsonic", "audiomuse", "audiomuse_key")
"""Blueprints with their own authentication, by a token or an app password."""


def needs_account(endpoint: str | None) -> bool:
    """Return whether an endpoint requires an account; unknown URLs do not."""
    if endpoint is None or endpoint in OPEN:
        return False
    if current_app.config["CATALOGUE"] == "accounts":
        return True
    return endpoint in AUDIO and current_app.config["LISTENING"] == "accounts"


def may_see_catalogue() -> bool:
    """Return whether this request's listener may open the catalogue's pages."""
    return current_app.config["CATALOGUE"] == "everyone" or current_user.is_authenticated


def may_listen() -> bool:
    """Return whether this request's listener may play songs."""
    if current_user.is_authenticated:
        return True
    return all(current_app.config[name] == "everyone" for name in ("CATALOGUE", "LISTENING"))


def may_play_shared() -> bool:
    """Return whether visitors with the link of a shared playlist may play its songs.

    The link gives access to these songs of the catalogue; whether anonymous visitors may listen is
    another setting.
    """
    return current_user.is_authenticated or current_app.config["LISTENING"] == "everyone"
