"""Spotify's account data and streaming history, and objects of its Web API."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import unquote_plus

from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import SongList, fields, milliseconds, rows
from songrec.store.listeners.skips import MAX_SECONDS

SOURCE = "spotify"
_LIBRARY = {
    "albums": "saved albums",
    "shows": "shows",
    "episodes": "podcast episodes",
    "artists": "followed artists",
    "bannedArtists": "hidden artists",
    "other": "other things",
}
_HISTORY_KEYS = frozenset({"endTime", "msPlayed", "ms_played", "spotify_track_uri"})


def read_object(document: dict[str, Any], name: str) -> SongList | None:
    """Read ``YourLibrary.json``, ``Playlist1.json`` or a Web API object; None for others."""
    if isinstance(document.get("tracks"), list) and (
        "bannedTracks" in document or "bannedArtists" in document or _is_saved(document["tracks"])
    ):
        return _read_library(document)
    if isinstance(document.get("playlists"), list):
        return _read_playlists(document["playlists"])
    if _HISTORY_KEYS & set(document):
        return read_rows([(1, document)], name)
    page = fields(document.get("tracks")) or document
    if isinstance(page.get("items"), list) and _is_api_item(page["items"]):
        return _read_api(document, page["items"], name)
    return None


def has_row(row: dict[str, Any]) -> bool:
    """Return whether ``row`` belongs to a streaming history or a page of the Web API."""
    return bool(_HISTORY_KEYS & set(row)) or _is_api_item([row])


def read_rows(numbered: list[tuple[int, Any]], name: str) -> SongList:
    """Read a streaming history, or items of the Web API."""
    first = next((row for _, row in numbered if isinstance(row, dict)), {})
    if not _HISTORY_KEYS & set(first):
        return _read_api({}, [row for _, row in numbered], name)
    result = SongList("Spotify streaming history")
    for number, row in numbered:
        if isinstance(row, dict):
            _add_play(result, number, row)
        else:
            result.refuse(number, "is not a JSON object")
    return result


def _add_play(result: SongList, number: int, row: dict[str, Any]) -> None:
    title = row.get("master_metadata_track_name", row.get("trackName"))
    artists = row.get("master_metadata_album_artist_name", row.get("artistName"))
    uri = row.get("spotify_track_uri")
    if row.get("episode_name") or row.get("spotify_episode_uri") or row.get("podcastName"):
        result.pass_over("podcast episodes")
        return
    if row.get("audiobook_title") or row.get("audiobook_uri"):
        result.pass_over("audiobook chapters")
        return
    if (title, artists) == ("Unknown Track", "Unknown Artist") and not uri:
        title = artists = None
    if not uri and not title:
        result.pass_over("plays without a name")
        return
    played_at = moment(row.get("ts", row.get("endTime")))
    if played_at is None:
        result.refuse(number, "has no readable time")
        return
    ms_played = milliseconds(row.get("ms_played", row.get("msPlayed")))
    result.add(
        number,
        "play",
        ids=[uri],
        title=title,
        artists=artists,
        album=row.get("master_metadata_album_album_name"),
        played_at=played_at,
        ms_played=ms_played,
        is_skip=ms_played is not None and ms_played < MAX_SECONDS * 1000,
        source=SOURCE,
    )


def _read_library(document: dict[str, Any]) -> SongList:
    result = SongList("Spotify library")
    number = 0
    for kind, key in (("like", "tracks"), ("dislike", "bannedTracks")):
        for row in rows(document.get(key)):
            number += 1
            song = fields(row)
            result.add(
                number,
                kind,
                ids=[song.get("uri")],
                title=song.get("track"),
                artists=song.get("artist"),
                album=song.get("album"),
            )
    for key, what in _LIBRARY.items():
        result.pass_over(what, len(rows(document.get(key))))
    return result


def _read_playlists(playlists: list[Any]) -> SongList:
    result = SongList("Spotify playlists")
    number = 0
    for playlist in map(fields, playlists):
        listed = result.start_playlist(
            playlist.get("name"), html.unescape(str(playlist.get("description") or ""))
        )
        for row in map(fields, rows(playlist.get("items"))):
            number += 1
            song = fields(row.get("track"))
            if song:
                result.add(
                    number,
                    "playlist",
                    ids=[song.get("trackUri")],
                    title=song.get("trackName"),
                    artists=song.get("artistName"),
                    album=song.get("albumName"),
                    playlist=listed,
                )
            elif row.get("localTrack"):
                _add_local(result, number, fields(row["localTrack"]), listed)
            elif row.get("episode") or row.get("audiobook"):
                result.pass_over("podcast episodes and audiobooks")
            else:
                result.refuse(number, "names no song")
    return result


def _add_local(result: SongList, number: int, song: dict[str, Any], playlist: int) -> None:
    """Add a local file: ``spotify:local:ARTIST:ALBUM:TITLE:SECONDS``."""
    uri = song.get("uri") or song.get("trackUri") or ""
    parts = [unquote_plus(part) for part in str(uri).split(":")]
    artists, album, title = parts[2:5] if len(parts) >= 5 else ("", "", "")
    result.add(
        number,
        "playlist",
        title=song.get("trackName") or title,
        artists=song.get("artistName") or artists,
        album=song.get("albumName") or album,
        playlist=playlist,
    )


def _read_api(document: dict[str, Any], items: list[Any], name: str) -> SongList:
    result = SongList("Spotify Web API")
    is_playlist = bool(document.get("name"))
    playlist = -1
    if is_playlist:
        playlist = result.start_playlist(document.get("name"), document.get("description"))
    for number, item in enumerate(map(fields, items), 1):
        song = fields(item.get("track")) or item
        if song.get("type") == "episode":
            result.pass_over("podcast episodes")
            continue
        result.add(
            number,
            "playlist" if is_playlist else "like",
            ids=[song.get("uri"), song.get("id"), fields(song.get("external_ids")).get("isrc")],
            title=song.get("name"),
            artists=song.get("artists"),
            album=fields(song.get("album")).get("name"),
            playlist=playlist,
        )
    return result


def _is_saved(tracks: list[Any]) -> bool:
    return bool(tracks) and {"artist", "track"} <= set(fields(tracks[0]))


def _is_api_item(items: list[Any]) -> bool:
    first = next((item for item in items if isinstance(item, dict)), {})
    song = fields(first.get("track")) or first
    return isinstance(song.get("artists"), list) and isinstance(song.get("name"), str)
