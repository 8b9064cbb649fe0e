"""What is for accounts only, by ``SONGREC_CATALOGUE`` and ``SONGREC_LISTENING``.

Every endpoint that is not named here belongs to the catalogue, so that a new page is closed
where the catalogue is.
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
        # The description of the API says nothing of this instance.
        "api_docs.openapi",
        "api_docs.openapi_3_0",
        "api_docs.docs",
        "api_docs.docs_file",
        # Their addresses hold the key of a playlist, which only accounts make.
        "player.stream",
        "shared_playlists.show",
        "shared_playlists.queue",
        "shared_playlists.media",
        "shared_playlists.transcoded",
    }
)
"""The endpoints that everybody may ask, whatever is decided."""
AUDIO = frozenset({"player.media", "player.transcoded", "player.play"})
"""The endpoints that send the library's sound."""
API = ("api", "api_aliases", "subsonic", "audiomuse", "audiomuse_key")
"""The blueprints that find out themselves who asks: by a token, or by an app's password."""


def needs_account(endpoint: str | None) -> bool:
    """Return whether an endpoint is for accounts only; unknown addresses are for nobody."""
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
    """Return whether whoever has the link of a playlist may play its songs.

    Its owner opened these songs of the catalogue; whether the anonymous may listen is another
    setting.
    """
    return current_user.is_authenticated or current_app.config["LISTENING"] == "everyone"
