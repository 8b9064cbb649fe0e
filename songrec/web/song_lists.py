"""Additional text of songs in lists: total lengths, and labels to distinguish equal names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from flask import Flask

from songrec.store.catalogue.tracks import TrackView


def init_app(app: Flask) -> None:
    """Register the functions for templates."""
    app.add_template_filter(total_time)
    app.add_template_global(namesakes)


def total_time(tracks: Collection[TrackView]) -> str:
    """Return how long tracks last together."""
    return length_in_words(sum(track.duration_ms or 0 for track in tracks))


def length_in_words(milliseconds: int) -> str:
    """Format a length: ``43 min``, ``2 h 5 min``; empty for 0."""
    hours, minutes = divmod(round(milliseconds / 60_000), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else ""


def namesakes(tracks: Collection[TrackView]) -> set[int]:
    """Return the ids of the tracks whose title and artist another one of them has, too."""
    names = {track.id: (track.title.casefold(), track.artists.casefold()) for track in tracks}
    common = Counter(names.values())
    return {track_id for track_id, name in names.items() if common[name] > 1}
