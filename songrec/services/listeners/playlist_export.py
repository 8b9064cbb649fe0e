"""Export of playlists as CSV, M3U8 and JSPF.

The writers are pure functions from tracks to text; ``locations`` are the locations of the tracks'
files, of one of the kinds in ``LOCATIONS``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_from_bytes

from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.csv_output import CsvWriter
from songrec.core.errors import BadInput, UnknownName
from songrec.store.catalogue.tracks import TrackView, tracks_by_id
from songrec.store.listeners import playlists
from songrec.store.sound import audio_files
from songrec.store.tables import Playlist

AddressOf = Callable[[TrackView], str]
"""Function from a track to an absolute address: of its page, or of its stream."""
LOCATIONS = {
    "relative": "paths inside the library’s folder",
    "absolute": "full paths on the server",
    "stream": "stream addresses with a key",
    "pages": "addresses of the songs’ pages",
}
"""Kinds of locations of files in an exported playlist; full paths are for admins only."""
Locations = Mapping[int, str]
"""Path or address of the file of each track with a file, by track id."""

_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
# Spreadsheets execute cells that begin with one of these (OWASP, "CSV Injection").


class PathsNotAllowed(BadInput):
    """Raised if the reader may not see the paths of files on the server."""


class NoStreamKey(BadInput):
    """Raised if the playlist has no key for stream addresses."""


@dataclass(frozen=True, slots=True)
class PlaylistFile:
    """A playlist as a file: its text, media type and name."""

    text: str
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class PlaylistHeader:
    """Name and description written into a file."""

    name: str
    description: str = ""
    created_at: datetime | None = None


def export_playlist(
    session: Session,
    playlist: Playlist,
    format: str,
    *,
    page_address: AddressOf,
    stream_address: AddressOf | None = None,
    files: str = "relative",
    root: str = "",
    may_see_paths: bool = False,
) -> PlaylistFile:
    """Export a playlist as a file; see ``file_locations`` for the parameters.

    Raises ``UnknownName`` for an unknown format.
    """
    kind = format_named(format)
    tracks = tracks_by_id(session, playlists.tracks(session, playlist))
    locations = file_locations(
        session,
        tracks,
        files,
        root=root,
        stream_address=stream_address,
        may_see_paths=may_see_paths,
    )
    header = PlaylistHeader(playlist.name, playlist.description, playlist.created_at)
    text = kind.write(header, tracks, page_address, locations)
    return PlaylistFile(text, kind.media_type, file_name(playlist.name, kind.name))


def file_locations(
    session: Session,
    tracks: Sequence[TrackView],
    kind: str,
    *,
    root: str = "",
    stream_address: AddressOf | None = None,
    may_see_paths: bool = False,
) -> dict[int, str]:
    """Return the location of each track's file.

    Parameters
    ----------
    session
        Database session.
    tracks
        Tracks of the playlist; the result lacks those without a file, and among paths those that
        are parts of an album file.
    kind
        One of ``LOCATIONS``; ``pages`` gives no locations.
    root
        The folder that relative paths start from: a folder below the library's own (empty: the
        library's own), or an absolute one if ``may_see_paths``.
    stream_address
        Address of a track's stream; None while the playlist has no key.
    may_see_paths
        Whether the reader may see the paths of files on the server.

    Raises
    ------
    PathsNotAllowed
        If the reader would see full paths.
    NoStreamKey
        If stream addresses are requested of a playlist without a key.
    UnknownName
        If there is no such kind.
    """
    if kind not in LOCATIONS:
        raise UnknownName("kind of location", kind, LOCATIONS)
    if kind == "pages":
        return {}
    if not may_see_paths and (kind == "absolute" or posixpath.isabs(root)):
        raise PathsNotAllowed(
            "Only an admin sees full paths on the server; use paths inside the library's folder."
        )
    if not may_see_paths and posixpath.normpath(root).split("/")[0] == "..":
        raise PathsNotAllowed(
            "The folder must lie in the library: paths outside of it are not shown."
        )
    if kind == "stream" and stream_address is None:
        raise NoStreamKey(
            "This playlist has no key for stream addresses yet; its owner can create one on its "
            "page."
        )
    files = audio_files.for_tracks(session, [track.id for track in tracks])
    if kind == "stream":
        assert stream_address is not None
        return {track.id: stream_address(track) for track in tracks if track.id in files}
    # The path of an album file would play the whole album, and be imported as another song.
    whole = {track_id: file for track_id, file in files.items() if not file.part}
    if kind == "absolute":
        return {track_id: file.path for track_id, file in whole.items()}
    return {
        track_id: posixpath.relpath(file.path, posixpath.join(file.root, root))
        for track_id, file in whole.items()
    }


def stream_key(playlist: Playlist, secret: str) -> str | None:
    """Return the key in a playlist's stream addresses; None without one."""
    return _key("stream", playlist, playlist.stream_salt, secret)


def is_stream_key(playlist: Playlist, secret: str, key: str) -> bool:
    """Return whether ``key`` gives access to the streams of ``playlist``."""
    return _is_equal(stream_key(playlist, secret), key)


def share_key(playlist: Playlist, secret: str) -> str | None:
    """Return the key in the address of a playlist's public page; None without one."""
    return _key("share", playlist, playlist.share_salt, secret)


def is_share_key(playlist: Playlist, secret: str, key: str) -> bool:
    """Return whether ``key`` gives access to the public page of ``playlist``."""
    return _is_equal(share_key(playlist, secret), key)


def _key(purpose: str, playlist: Playlist, salt: str | None, secret: str) -> str | None:
    """Return a signed key, which is not stored, so that a copy of the database gives no access."""
    if salt is None:
        return None
    text = f"{purpose}:{playlist.public_id}:{salt}"
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def _is_equal(valid: str | None, key: str) -> bool:
    return valid is not None and hmac.compare_digest(valid.encode(), key.encode())


def to_csv(
    playlist: PlaylistHeader,
    tracks: Sequence[TrackView],
    address: AddressOf,
    locations: Locations | None = None,
) -> str:
    """Write a header and one row per track: names, ids, address, the twelve attributes.

    Formulas are defused by an apostrophe.
    """
    out = io.StringIO()
    writer = CsvWriter(out, lineterminator="\r\n")
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
        writer.writerow(
            [
                position,
                track.title,
                track.artists,
                track.album,
                track.year,
                track.genre,
                track.public_id,
                track.external_id,
                address(track),
            ]
            + [track.attributes[name] for name in ATTRIBUTE_NAMES]
        )
    # The byte order mark makes spreadsheets read UTF-8.
    return "\ufeff" + out.getvalue()


def to_m3u8(
    playlist: PlaylistHeader,
    tracks: Sequence[TrackView],
    address: AddressOf,
    locations: Locations | None = None,
) -> str:
    """Write an extended M3U in UTF-8: ``#EXTINF`` with seconds (-1: unknown), then the file.

    A track without a file has the address of its page, so that it is found when the playlist is
    imported.
    """
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(playlist.name)}"]
    for track in tracks:
        seconds = round(track.duration_ms / 1000) if track.duration_ms else -1
        by = f"{track.artists} - " if track.artists else ""
        location = (locations or {}).get(track.id)
        line = address(track) if location is None else _m3u_line(location)
        lines += [f"#EXTINF:{seconds},{_one_line(by + track.title)}", line]
    return "\n".join(lines) + "\n"


def to_jspf(
    playlist: PlaylistHeader,
    tracks: Sequence[TrackView],
    address: AddressOf,
    locations: Locations | None = None,
) -> str:
    """Write JSPF, the JSON form of XSPF (https://www.xspf.org/jspf).

    ``location`` is the file as a URI; ``identifier`` is a Spotify URI if the catalogue's own id
    looks like a Spotify id, else the page's address; unknown fields are omitted.
    """
    content: dict[str, Any] = {"title": playlist.name, "creator": "songrec"}
    if playlist.description:
        content["annotation"] = playlist.description
    if playlist.created_at:
        content["date"] = playlist.created_at.isoformat(timespec="seconds")
    content["track"] = [
        _jspf_track(track, address(track), (locations or {}).get(track.id)) for track in tracks
    ]
    return json.dumps({"playlist": content}, ensure_ascii=False, indent=2) + "\n"


def _jspf_track(track: TrackView, address: str, location: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"title": track.title, "info": address}
    if track.artists:
        entry["creator"] = track.artists
    if track.album:
        entry["album"] = track.album
    if track.duration_ms:
        entry["duration"] = track.duration_ms
    locations = [] if location is None else [_uri(location)]
    if track.external_id and _SPOTIFY_ID.fullmatch(track.external_id):
        entry["identifier"] = [f"spotify:track:{track.external_id}"]
        locations.append(f"https://open.spotify.com/track/{track.external_id}")
    else:
        entry["identifier"] = [address]
    if locations:
        entry["location"] = locations
    return entry


def _uri(location: str) -> str:
    """Return a path as a URI, an address unchanged."""
    if re.match(r"https?://", location):
        return location
    path = quote_from_bytes(os.fsencode(location))
    return f"file://{path}" if location.startswith("/") else path


def _m3u_line(location: str) -> str:
    """Return a path as a single line that does not look like a comment."""
    if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]", location) or (
        location != location.rstrip()
    ):
        return _uri(location)
    return f"./{location}" if location[:1] in ("#", " ", "[", "<", "{") else location


@dataclass(frozen=True, slots=True)
class PlaylistFormat:
    """A file format: name, label, media type and writer."""

    name: str
    label: str
    media_type: str
    write: Callable[[PlaylistHeader, Sequence[TrackView], AddressOf, Locations | None], str]


FORMATS: dict[str, PlaylistFormat] = {
    "csv": PlaylistFormat("csv", "CSV", "text/csv", to_csv),
    "m3u8": PlaylistFormat("m3u8", "M3U8", "audio/x-mpegurl", to_m3u8),
    "jspf": PlaylistFormat("jspf", "JSPF", "application/jspf+json", to_jspf),
}


def format_named(name: str) -> PlaylistFormat:
    """Return the format named ``name``; ``UnknownName`` otherwise."""
    if name not in FORMATS:
        raise UnknownName("playlist format", name, FORMATS)
    return FORMATS[name]


def file_name(name: str, extension: str) -> str:
    """Return ``name.extension`` without characters that file systems forbid."""
    safe = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|;%]+', " ", name)
    return f"{' '.join(safe.split()).strip('. ')[:120] or 'playlist'}.{extension}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
