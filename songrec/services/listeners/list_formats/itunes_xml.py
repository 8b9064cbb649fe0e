"""The library of iTunes or Music as XML: ratings and loved songs, play counts, playlists."""

from __future__ import annotations

import plistlib
from datetime import datetime
from typing import Any
from xml.parsers.expat import ExpatError

from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import SongList, fields, rows
from songrec.services.listeners.list_formats.locations import as_path
from songrec.services.listeners.list_formats.xspf import repaired

SOURCE = "itunes"
LIKED_STARS, DISLIKED_STARS = 4, 1
STARS_NOTE = "4 and 5 stars count as a like (5 twice), 1 star as a dislike."
_OTHER_MEDIA = {
    "Podcast": "podcast episodes",
    "Movie": "films",
    "TV Show": "TV programmes",
    "Has Video": "videos",
    "Audiobook": "audiobooks",
}
# Playlists that iTunes makes itself: the whole library, its folders, its kinds of media.
_BUILT_IN = ("Master", "Distinguished Kind", "Folder", "Podcasts", "Movies", "TV Shows", "Music")


def read_itunes(text: str, name: str) -> SongList:
    """Read ``iTunes Music Library.xml`` or an exported playlist (XML)."""
    try:
        library = plistlib.loads(repaired(text).encode(), fmt=plistlib.FMT_XML)
    except (ExpatError, plistlib.InvalidFileException, ValueError, TypeError, KeyError) as error:
        raise BadInput(
            f"This property list is not valid ({error}); it may have been cut off. Export it again."
        ) from None
    except (RecursionError, IndexError, AttributeError, OverflowError):
        raise BadInput("This property list is not a library of iTunes or Music.") from None
    if not isinstance(library, dict) or not isinstance(library.get("Tracks"), dict):
        raise BadInput("This property list is not a library of iTunes or Music.")
    result = SongList("iTunes library")
    songs: dict[str, tuple[int, dict[str, Any]]] = {}
    silent: set[int] = set()
    for number, (key, value) in enumerate(library["Tracks"].items(), 1):
        song = fields(value)
        media = next((what for flag, what in _OTHER_MEDIA.items() if song.get(flag)), None)
        if media:
            result.pass_over(media)
            continue
        songs[str(song.get("Track ID", key))] = (number, song)
        if not _add_song(result, number, song):
            silent.add(number)
    for playlist in map(fields, rows(library.get("Playlists"))):
        _add_playlist(result, playlist, songs)
    silent -= {entry.line for entry in result.entries}
    result.pass_over("songs without a rating, a play or a playlist", len(silent))
    return result


def add_rating(result: SongList, number: int, stars: float, names: dict[str, Any]) -> None:
    """Add a like or a dislike for a rating of 1 to 5 stars; 2 and 3 are counted."""
    if stars >= LIKED_STARS:
        result.add(number, "like", weight=2 if stars >= 5 else 1, **names)
        result.note(STARS_NOTE)
    elif 0 < stars <= DISLIKED_STARS:
        result.add(number, "dislike", **names)
        result.note(STARS_NOTE)
    elif stars > 0:
        result.pass_over("songs with 2 or 3 stars, which are neither liked nor disliked")


def _add_song(result: SongList, number: int, song: dict[str, Any]) -> bool:
    """Add a song's rating and counts; return whether it has any."""
    names = _names(song)
    # A computed rating is the album's, not the listener's.
    rating = None if song.get("Rating Computed") else song.get("Rating")
    stars = rating / 20 if isinstance(rating, int | float) else 0
    if song.get("Disliked"):
        result.add(number, "dislike", **names)
    elif song.get("Loved") or song.get("Favorited"):
        result.add(number, "like", weight=2 if stars >= 5 else 1, **names)
    else:
        add_rating(result, number, stars, names)
    plays, skips = song.get("Play Count"), song.get("Skip Count")
    if isinstance(plays, int) and plays > 0:
        played = song.get("Play Date UTC")
        result.add(
            number,
            "play",
            weight=plays,
            played_at=moment(played) if isinstance(played, datetime) else None,
            is_total=True,
            source=SOURCE,
            **names,
        )
    if isinstance(skips, int) and skips > 0:
        result.add(number, "skip", weight=skips, **names)
    flags = ("Loved", "Favorited", "Disliked")
    return bool(stars or plays or skips or any(song.get(flag) for flag in flags))


def _add_playlist(
    result: SongList, playlist: dict[str, Any], songs: dict[str, tuple[int, dict[str, Any]]]
) -> None:
    if any(playlist.get(flag) for flag in _BUILT_IN) or playlist.get("Visible") is False:
        return
    listed = result.start_playlist(playlist.get("Name"), playlist.get("Description"))
    for item in map(fields, rows(playlist.get("Playlist Items"))):
        number, song = songs.get(str(item.get("Track ID")), (0, {}))
        if song:
            result.add(number, "playlist", playlist=listed, **_names(song))
        else:
            result.pass_over("places in playlists that hold no song")


def _names(song: dict[str, Any]) -> dict[str, Any]:
    location = song.get("Location")
    return {
        "title": song.get("Name"),
        "artists": song.get("Artist") or song.get("Album Artist"),
        "album": song.get("Album"),
        "path": as_path(location) if isinstance(location, str) else "",
    }
