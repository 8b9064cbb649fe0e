"""Where a song without sound can be heard: an address at another service."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus

from flask import current_app

from songrec.core.track_identity import SPOTIFY, recording_key
from songrec.store.catalogue.tracks import TrackView

SPOTIFY_TRACK = "https://open.spotify.com/track/"
YOUTUBE_SEARCH = "https://www.youtube.com/results?search_query="


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another service by name, and what follows its ``prefix`` in an address there."""

    service: str
    prefix: str
    text: str

    @property
    def url(self) -> str:
        """The address."""
        return self.prefix + quote_plus(self.text)


def listen_elsewhere(track: TrackView) -> Elsewhere | None:
    """Return where ``track`` can be heard; None if it can be heard here or links are off.

    A Spotify id leads to the song itself, names to a search on YouTube.
    """
    if track.has_audio or not current_app.config["LINKS_OUT"]:
        return None
    catalogue, _, own_id = (recording_key(track.external_id or "") or "").partition(":")
    if catalogue == SPOTIFY:
        return Elsewhere("Spotify", SPOTIFY_TRACK, own_id)
    if not track.artists:
        return None  # a title alone finds anything
    return Elsewhere("YouTube", YOUTUBE_SEARCH, f"{track.artists} {track.title}"[:200])
