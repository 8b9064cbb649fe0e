"""Last.fm's API, its exporters in JSON, Maloja, and logs of players."""

from __future__ import annotations

import re
from typing import Any

from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import SongList, fields, rows

SOURCE = "lastfm"


def read_object(document: dict[str, Any], name: str) -> SongList | None:
    """Read ``recenttracks``, ``lovedtracks`` or lastfmstats.com's ``scrobbles``; else None."""
    for key, kind in (("recenttracks", "play"), ("lovedtracks", "like"), ("bannedtracks", "no")):
        inner = fields(document.get(key))
        if inner:
            track = inner.get("track")
            tracks = [track] if isinstance(track, dict) else rows(track)
            return _read(list(enumerate(tracks, 1)), "dislike" if kind == "no" else kind)
    if isinstance(document.get("scrobbles"), list):
        return _read(list(enumerate(document["scrobbles"], 1)), "play")
    return None


def has_row(row: dict[str, Any]) -> bool:
    """Return whether ``row`` is a track of the API or of an exporter."""
    artist = row.get("artist")
    has_names = isinstance(row.get("name"), str) and isinstance(artist, dict)
    return has_names or ("date" in row and isinstance(row.get("track"), str) and bool(artist))


def read_rows(numbered: list[tuple[int, Any]], name: str) -> SongList:
    """Read tracks; those with a time are plays."""
    is_played = any("date" in fields(row) for _, row in numbered)
    return _read(numbered, "play" if is_played and "love" not in name.casefold() else "like")


def _read(numbered: list[tuple[int, Any]], kind: str) -> SongList:
    result = SongList("Last.fm")
    for number, row in numbered:
        if not isinstance(row, dict):
            result.refuse(number, "is not a JSON object")
            continue
        if fields(row.get("@attr")).get("nowplaying"):
            result.pass_over("songs that were playing at that moment")
            continue
        date = row.get("date", row.get("time"))
        song = fields(row.get("track"))
        played_at = moment(fields(date).get("uts") if isinstance(date, dict) else date)
        if kind == "play" and played_at is None:
            result.refuse(number, "has no readable time")
            continue
        result.add(
            number,
            kind,
            ids=[row.get("mbid")],
            title=song.get("title") or row.get("name") or row.get("track"),
            artists=song.get("artists") or _text(row.get("artist")),
            album=_text(song.get("album") or row.get("album")),
            played_at=played_at if kind == "play" else None,
            source=SOURCE if kind == "play" else "",
        )
    return result


def looks_like_log(text: str) -> bool:
    """Return whether a text is the log of a portable player (``.scrobbler.log``)."""
    return text.startswith("#AUDIOSCROBBLER/")


def read_log(text: str) -> SongList:
    """Read a portable player's log: artist, album, title, number, length, L or S, time."""
    result = SongList("Last.fm log of a player")
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if line.upper().startswith("#TZ/") and line.upper() != "#TZ/UTC":
            result.note("The player has no time zone; its times were read as UTC.")
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        played_at = moment(cells[6]) if len(cells) > 6 else None
        if played_at is None:
            result.refuse(number, "has no readable time")
            continue
        result.add(
            number,
            "play",
            ids=[cells[7] if len(cells) > 7 else None],
            title=cells[2],
            artists=cells[0],
            album=cells[1],
            played_at=played_at,
            is_skip=cells[5].strip().upper() == "S",
            source=SOURCE,
        )
    return result


def _text(value: Any) -> Any:
    return (value.get("#text") or value.get("name")) if isinstance(value, dict) else value
