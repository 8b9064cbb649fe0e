"""Export of playlists as CSV, M3U8 and JSPF. Pure functions from tracks to text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import UnknownName
from songrec.store.catalogue.tracks import TrackView

AddressOf = Callable[[TrackView], str]
"""Function from a track to the absolute address of its page."""

_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
# A spreadsheet runs a cell that begins with one of these (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class PlaylistHeader:
    """Name and description written into a file."""

    name: str
    description: str = ""
    created_at: datetime | None = None


def to_csv(playlist: PlaylistHeader, tracks: Sequence[TrackView], address: AddressOf) -> str:
    """Write a header and one row per track: names, ids, address, the twelve attributes.

    Formulas are defused by an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        [
            "position",
            "title",
            "artists",
            "album",
            "year",
            "genre",
            "track_id",
            "external_id",
            "address",
            *ATTRIBUTE_NAMES,
        ]
    )
    for position, track in enumerate(tracks, 1):
        texts = [track.title, track.artists, track.album]
        writer.writerow(
            [
                position,
                *map(defuse_formula, texts),
                track.year,
                defuse_formula(track.genre),
                track.public_id,
                defuse_formula(track.external_id),
                address(track),
            ]
            + [track.attributes[name] for name in ATTRIBUTE_NAMES]
        )
    # The byte order mark makes spreadsheets read UTF-8.
    return "\ufeff" + out.getvalue()


def defuse_formula(text: str | None) -> str | None:
    """Prefix ``text`` with an apostrophe if a spreadsheet would run it as a formula."""
    return f"'{text}" if text and text.startswith(_FORMULA) else text


def to_m3u8(playlist: PlaylistHeader, tracks: Sequence[TrackView], address: AddressOf) -> str:
    """Write an extended M3U in UTF-8: ``#EXTINF`` with seconds (-1: unknown), then address."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(playlist.name)}"]
    for track in tracks:
        seconds = round(track.duration_ms / 1000) if track.duration_ms else -1
        by = f"{track.artists} - " if track.artists else ""
        lines += [f"#EXTINF:{seconds},{_one_line(by + track.title)}", address(track)]
    return "\n".join(lines) + "\n"


def to_jspf(playlist: PlaylistHeader, tracks: Sequence[TrackView], address: AddressOf) -> str:
    """Write JSPF, the JSON form of XSPF (https://www.xspf.org/jspf).

    ``identifier`` is a Spotify URI if the catalogue's own id looks like a Spotify id; unknown
    fields are omitted.
    """
    content: dict[str, Any] = {"title": playlist.name, "creator": "songrec"}
    if playlist.description:
        content["annotation"] = playlist.description
    if playlist.created_at:
        content["date"] = playlist.created_at.isoformat(timespec="seconds")
    content["track"] = [_jspf_track(track, address(track)) for track in tracks]
    return json.dumps({"playlist": content}, ensure_ascii=False, indent=2) + "\n"


def _jspf_track(track: TrackView, address: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"title": track.title, "info": address}
    if track.artists:
        entry["creator"] = track.artists
    if track.album:
        entry["album"] = track.album
    if track.duration_ms:
        entry["duration"] = track.duration_ms
    if track.external_id and _SPOTIFY_ID.fullmatch(track.external_id):
        entry["identifier"] = [f"spotify:track:{track.external_id}"]
        entry["location"] = [f"https://open.spotify.com/track/{track.external_id}"]
    else:
        entry["identifier"] = [address]
    return entry


@dataclass(frozen=True, slots=True)
class PlaylistFormat:
    """A file format: name, label, media type and writer."""

    name: str
    label: str
    media_type: str
    write: Callable[[PlaylistHeader, Sequence[TrackView], AddressOf], str]


FORMATS: dict[str, PlaylistFormat] = {
    "csv": PlaylistFormat("csv", "CSV", "text/csv", to_csv),
    "m3u8": PlaylistFormat("m3u8", "M3U8", "audio/x-mpegurl", to_m3u8),
    "jspf": PlaylistFormat("jspf", "JSPF", "application/jspf+json", to_jspf),
}


def format_named(name: str) -> PlaylistFormat:
    """Return the format called ``name``; ``UnknownName`` if there is none."""
    if name not in FORMATS:
        raise UnknownName("playlist format", name, FORMATS)
    return FORMATS[name]


def file_name(name: str, extension: str) -> str:
    """Return ``name.extension`` without characters that file systems forbid."""
    safe = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|;%]+', " ", name)
    return f"{' '.join(safe.split()).strip('. ')[:120] or 'playlist'}.{extension}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
