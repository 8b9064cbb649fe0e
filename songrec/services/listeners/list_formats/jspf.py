"""JSPF, the JSON form of XSPF (https://www.xspf.org/jspf)."""

from __future__ import annotations

from typing import Any

from songrec.services.listeners.list_formats.entries import SongList, rows
from songrec.services.listeners.list_formats.locations import as_path


def read_jspf(playlist: dict[str, Any], name: str) -> SongList:
    """Read the object ``playlist`` of a JSPF document."""
    result = SongList("JSPF")
    number = result.start_playlist(playlist.get("title") or name, playlist.get("annotation"))
    for line, track in enumerate(rows(playlist.get("track")), 1):
        if not isinstance(track, dict):
            result.refuse(line, "is not a track")
            continue
        add_track(result, line, number, track)
    return result


def add_track(result: SongList, line: int, playlist: int, track: dict[str, Any]) -> None:
    """Add a track of XSPF or JSPF: texts, or lists of texts, by the names of its elements."""
    locations = _texts(track.get("location"))
    paths = [path for path in map(as_path, locations) if path]
    result.add(
        line,
        "playlist",
        ids=[
            *_texts(track.get("identifier")),
            *(one for one in locations if not as_path(one)),
            *_texts(track.get("info")),
        ],
        title=track.get("title"),
        artists=track.get("creator"),
        album=track.get("album"),
        playlist=playlist,
        path=paths[0] if paths else "",
    )


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
