"""songrec's own export of a listener's data."""

from __future__ import annotations

from typing import Any

from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import (
    KINDS,
    SongList,
    fields,
    milliseconds,
    one_line,
    rows,
)

FORMAT = "songrec listener"
LABEL = "songrec"
_PARTS = (("like", "likes"), ("dislike", "dislikes"), ("skip", "skips"), ("play", "plays"))


def read(document: dict[str, Any]) -> SongList:
    """Read an export of any version."""
    result = SongList(LABEL)
    number = 0
    for kind, name in _PARTS:
        for row in rows(document.get(name)):
            number += 1
            _add(result, number, kind, row)
    numbers: dict[int, int] = {}
    for place, playlist in enumerate(rows(document.get("playlists"))):
        if not isinstance(playlist, dict) or not one_line(str(playlist.get("name") or "")):
            result.refuse(number, "is a playlist without a name")
            continue
        numbers[place] = result.start_playlist(
            str(playlist["name"]), str(playlist.get("description") or "")
        )
        for row in rows(playlist.get("tracks")):
            number += 1
            _add(result, number, "playlist", row, numbers[place])
    for row in rows(document.get("waiting")):
        number += 1
        waiting = fields(row)
        kind = str(waiting.get("kind"))
        place = waiting.get("playlist_number")
        playlist_name = str(waiting.get("playlist") or "")
        listed = numbers.get(place, -1) if isinstance(place, int) else -1
        if kind == "playlist" and listed < 0 and one_line(playlist_name):
            listed = result.number_of(playlist_name)
        _add(result, number, kind if kind in KINDS else "like", row, listed, playlist_name)
    result.mixes = [row for row in rows(document.get("mixes")) if isinstance(row, dict)]
    _read_decisions(result, document)
    return result


def _read_decisions(result: SongList, document: dict[str, Any]) -> None:
    tracks = SongList(LABEL)
    for row in map(fields, rows(document.get("decisions"))):
        artists, title = one_line(row.get("artists")), one_line(row.get("title"))
        if not title or row.get("state") not in ("matched", "none"):
            continue
        if row["state"] == "none":
            result.decisions.append((artists, title, None))
            continue
        before = len(tracks.entries)
        _add(tracks, before, "like", row.get("track"))
        if len(tracks.entries) > before:
            result.decisions.append((artists, title, tracks.entries[-1]))


def _add(
    result: SongList, number: int, kind: str, row: Any, playlist: int = -1, name: str = ""
) -> None:
    if not isinstance(row, dict):
        result.refuse(number, "is not a song")
        return
    is_play = kind == "play"
    weight = row.get("times" if is_play or kind == "skip" else "weight", 1)
    result.add(
        number,
        kind,
        ids=[None if is_play else row.get("id"), row.get("external_id"), *rows(row.get("ids"))],
        title=row.get("title"),
        artists=row.get("artists"),
        album=row.get("album"),
        weight=weight,
        playlist=playlist,
        playlist_name=name,
        path=one_line(row.get("path")),
        played_at=moment(row.get("played_at")),
        ms_played=milliseconds(row.get("ms_played")),
        is_skip=row.get("skipped") is True,
        is_total=row.get("total") is True,
        source=one_line(row.get("source"))[:40],
        own_id=one_line(row.get("id")) if is_play else "",
    )
