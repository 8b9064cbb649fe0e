"""Endpoints of features that songrec lacks: empty lists, or errors."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from songrec.web.subsonic.answers import FORBIDDEN, SubsonicError, answer, not_found
from songrec.web.subsonic.endpoints import View, endpoint

EMPTY: dict[str, dict[str, Any]] = {
    "getShares": {"shares": {"share": []}},
    "getPodcasts": {"podcasts": {"channel": []}},
    "getNewestPodcasts": {"newestPodcasts": {"episode": []}},
    "getInternetRadioStations": {"internetRadioStations": {"internetRadioStation": []}},
    "getVideos": {"videos": {"video": []}},
    "getChatMessages": {"chatMessages": {"chatMessage": []}},
}
"""Lists that are always empty."""
MISSING = {
    "getAvatar": "picture",
    "getVideoInfo": "video",
    "getCaptions": "video",
    "getPodcastEpisode": "podcast episode",
    "deletePodcastChannel": "podcast",
    "deletePodcastEpisode": "podcast episode",
    "downloadPodcastEpisode": "podcast episode",
    "updateShare": "share",
    "deleteShare": "share",
    "updateInternetRadioStation": "radio station",
    "deleteInternetRadioStation": "radio station",
}
"""Endpoints for ids that never exist, with their subject."""
REFUSED = {
    "createShare": "songrec has no shares: a playlist's own page makes a link to it.",
    "createPodcastChannel": "songrec has no podcasts.",
    "refreshPodcasts": "songrec has no podcasts.",
    "createInternetRadioStation": "songrec has no internet radio.",
    "jukeboxControl": "songrec has no jukebox: it plays nothing on the server.",
    "addChatMessage": "songrec has no chat.",
    "createUser": "An admin makes accounts on the pages of songrec.",
    "updateUser": "An admin changes accounts on the pages of songrec.",
    "deleteUser": "An admin deletes accounts on the pages of songrec.",
    "changePassword": "App passwords are made and revoked on your account's page.",
}
"""Endpoints that are always refused, with the reason."""


def _empty(content: dict[str, Any]) -> View:
    return lambda: answer(content)


def _missing(what: str) -> View:
    def view() -> ResponseReturnValue:
        raise not_found(what)

    return view


def _refused(text: str) -> View:
    def view() -> ResponseReturnValue:
        raise SubsonicError(FORBIDDEN, text)

    return view


for _name, _content in EMPTY.items():
    endpoint(_name)(_empty(_content))
for _name, _what in MISSING.items():
    endpoint(_name)(_missing(_what))
for _name, _text in REFUSED.items():
    endpoint(_name)(_refused(_text))
