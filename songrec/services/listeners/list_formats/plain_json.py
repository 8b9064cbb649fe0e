"""JSON lists of songs from any program: objects with a title and artists, or an id."""

from __future__ import annotations

from typing import Any

from songrec.services.listeners.list_formats.entries import SongList, fields, rows

_TITLES = ("title", "track", "track_name", "trackName", "name", "song", "songName")
_ARTISTS = ("artist", "artists", "artist_name", "artistName", "creator", "author")
_ALBUMS = ("album", "album_name", "albumName", "release")
_IDS = ("spotify_id", "spotify_uri", "uri", "track_uri", "trackUri", "isrc", "mbid", "id")
_LISTS = ("tracks", "songs", "data", "items", "likes", "favorites", "favourites")


def read_object(document: dict[str, Any], name: str) -> SongList | None:
    """Read an object with one list of songs, as a playlist if it has a name."""
    for key in _LISTS:
        songs = rows(document.get(key))
        if songs and has_row(fields(songs[0])):
            title = _first(document, ("name", "title"))
            return _read(list(enumerate(songs, 1)), title if isinstance(title, str) else "")
    return None


def has_row(row: dict[str, Any]) -> bool:
    """Return whether ``row`` has a title and artists."""
    return bool(_text(_first(row, _TITLES))) and bool(_artists(row))


def read_rows(numbered: list[tuple[int, Any]], name: str) -> SongList:
    """Read objects, each a song."""
    return _read(numbered, "")


def _read(numbered: list[tuple[int, Any]], playlist_name: str) -> SongList:
    result = SongList("JSON")
    playlist = result.start_playlist(playlist_name) if playlist_name else -1
    for number, row in numbered:
        if not isinstance(row, dict):
            result.refuse(number, "is not a JSON object")
            continue
        result.add(
            number,
            "playlist" if playlist_name else "like",
            ids=[row.get(key) for key in _IDS],
            title=_text(_first(row, _TITLES)),
            artists=_artists(row),
            album=_text(_first(row, _ALBUMS)),
            playlist=playlist,
        )
    return result


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name)), None)


def _artists(row: dict[str, Any]) -> Any:
    value = _first(row, _ARTISTS)
    return value if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("title") or value.get("#text")
    return value if isinstance(value, str) else ""
