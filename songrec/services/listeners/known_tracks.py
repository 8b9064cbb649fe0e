"""Songs that come before the most popular ones in a listener's lists."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.sorting import sort_key
from songrec.store.listeners import listens, reactions
from songrec.store.sound import audio_files
from songrec.store.tables import Listener, Track

MAX_TITLES = 50
MAX_LIKED = 200
MAX_PLAYED = 100
MAX_AUDIBLE = 2_000
"""Number of playable songs beyond which they are no longer preferred."""


def known_tracks(session: Session, listener: Listener | None, text: str = "") -> tuple[int, ...]:
    """Return the ids of tracks that come before the most popular ones, each once.

    These are the tracks whose whole title is ``text``; then the likes and plays of ``listener``,
    newest first; then the playable tracks, if these are few.
    """
    titled: list[int] = []
    if text.strip() and (key := sort_key(text)):
        query = select(Track.id).where(Track.sort_title == key).limit(MAX_TITLES)
        titled = list(session.scalars(query))
    liked, played = [], []
    if listener is not None:
        liked = reactions.reactions(session, listener)[0][:MAX_LIKED]
        played = listens.recent_tracks(session, listener, MAX_PLAYED)
    audible = audio_files.most_popular(session, MAX_AUDIBLE + 1)
    if len(audible) > MAX_AUDIBLE:
        audible = []
    return tuple(dict.fromkeys([*titled, *liked, *played, *audible]))
