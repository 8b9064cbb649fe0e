"""Song ids of Jellyfin, Emby and Lyrion, for their plugins.

These servers lack the OpenSubsonic API that songrec scans. Only ids, names and paths of their songs
are read, neither sound nor playlists or listeners' data.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.outgoing import OriginSession, read_json
from songrec.core.server_urls import names_private_address, normalise_url
from songrec.core.texts import storable
from songrec.core.track_identity import MUSICBRAINZ, recording_key
from songrec.core.types import Progress, no_progress
from songrec.services.audiomuse.remote_songs import find_or_create_server, store_songs
from songrec.services.catalogue import duplicate_search
from songrec.services.library.after_import import refresh_derived
from songrec.services.servers.client import RemoteSong
from songrec.services.servers.matching import SongMatcher
from songrec.services.servers.pages import MOST_SONGS, ListedIds
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.servers import music_servers
from songrec.store.tables import MusicServer, ServerTrack

PAGE = 500
MOST_PAGES = MOST_SONGS // PAGE + 1
TICKS_PER_SECOND = 10_000_000
LONGEST = {"title": 500, "path": 1000, "id": 200}


@dataclass
class ListReport:
    """Numbers of songs listed by a server, matched with tracks, new as tracks, and removed."""

    server: str
    read: int = 0
    matched: int = 0
    new_tracks: int = 0
    gone: int = 0

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask servers read-ids --json``."""
        return asdict(self)

    @property
    def text(self) -> str:
        """The report as a sentence."""
        return (
            f"{self.server}: {self.read:,} songs read, {self.matched:,} of them in the library "
            f"({self.new_tracks:,} new), {self.gone:,} no longer there."
        )


def read_ids(
    instance: Instance,
    url: str,
    *,
    kind: str,
    token: str = "",
    name: str = "",
    allows_private: bool = False,
    on_progress: Progress = no_progress,
) -> ListReport:
    """Read the ids of all songs of a server of ``kind`` (``KINDS``). **Commits** after each page.

    Songs without a track become tracks; songs missing in a complete list are marked as gone.

    Raises
    ------
    NotReady
        If the server cannot be reached, refuses the token, or is of another kind.
    BadInput
        If the address is invalid, the kind unknown, or the name that of a scanned server.
    """
    if kind not in KINDS:
        raise BadInput(f"The kind of server is one of {', '.join(KINDS)}, not {kind[:40]!r}.")
    if "\r" in token or "\n" in token:
        raise BadInput("The token must be a single line.")
    url = normalise_url(url)
    web = OriginSession(url, allows_private=allows_private or names_private_address(url))
    pages = KINDS[kind](web, token, urlsplit(url).netloc)
    first = next(pages)
    session = instance.session
    server = find_or_create_server(session, name or kind.capitalize(), url, kind)
    if server.kind == music_servers.SCANNED:
        raise BadInput(f"{server.name!r} is a server that songrec scans: choose another --name.")
    report, mark = ListReport(server.name), secrets.token_hex(8)
    newest, matcher = duplicate_search.newest_id(session), SongMatcher(session, server)
    listed = ListedIds(server.name)
    for songs, total in itertools.chain([first], pages):
        if songs:
            listed.require_new(song.id for song in songs)
        tracks, n_new = store_songs(session, server, matcher, songs, mark=mark)
        report.read += len(songs)
        report.matched += len(tracks)
        report.new_tracks += n_new
        session.commit()
        share = min(report.read / max(total, 1), 1.0)
        on_progress(0.9 * share, f"{report.read:,} of {total:,} songs read")
    if report.read:
        report.gone = _mark_gone(session, server, mark)
    server.scanned_at = now()
    session.commit()
    if report.new_tracks:
        refresh_derived(instance, newest)
    on_progress(1.0, report.text)
    return report


def _mark_gone(session: Session, server: MusicServer, mark: str) -> int:
    """Mark the songs of a server without ``mark`` as gone; return their number."""
    statement = (
        update(ServerTrack.__table__)
        .where(
            ServerTrack.server_id == server.id,
            ServerTrack.scan_mark != mark,
            ServerTrack.gone_at.is_(None),
        )
        .values(gone_at=now())
    )
    return session.connection().execute(statement).rowcount


Pages = Iterator[tuple[list[RemoteSong], int]]


def _jellyfin(web: OriginSession, token: str, where: str) -> Pages:
    """Yield pages of songs of Jellyfin or Emby, with the total number of songs."""
    web.headers["Authorization"] = f'MediaBrowser Token="{token}"'
    web.headers["X-Emby-Token"] = token
    for number in range(MOST_PAGES):
        answer = web.request(
            "GET",
            "Items",
            params={
                "IncludeItemTypes": "Audio",
                "Recursive": "true",
                "Fields": "Path,ProviderIds",
                "SortBy": "SortName",
                "StartIndex": number * PAGE,
                "Limit": PAGE,
            },
        )
        listed = _read_answer(answer, where, "an API key of the server's dashboard").get("Items")
        total = _whole(read_json(answer).get("TotalRecordCount"))
        items = [one for one in listed or () if isinstance(one, dict)]
        yield [song for one in items if (song := _parse_jellyfin(one)) is not None], total
        if len(items) < PAGE:
            return


def _parse_jellyfin(item: dict[str, Any]) -> RemoteSong | None:
    artists = [one for one in item.get("ArtistItems") or () if isinstance(one, dict)]
    providers = item.get("ProviderIds")
    recording = providers.get("MusicBrainzRecording") if isinstance(providers, dict) else None
    names = tuple(_text(one.get("Name"), "title") for one in artists)
    return _song(
        item.get("Id"),
        title=_text(item.get("Name"), "title"),
        artists=names,
        artist_line=", ".join(names) or _text(item.get("AlbumArtist"), "title"),
        album=_text(item.get("Album"), "title"),
        album_id=_text(item.get("AlbumId"), "id"),
        artist_id=_text(artists[0].get("Id"), "id") if artists else "",
        path=_text(item.get("Path"), "path"),
        duration_s=_whole(item.get("RunTimeTicks")) / TICKS_PER_SECOND or None,
        year=_year(item.get("ProductionYear")),
        musicbrainz_id=_recording(recording),
    )


def _lyrion(web: OriginSession, token: str, where: str) -> Pages:
    """Yield pages of songs of Lyrion, with the total number of songs."""
    if token:
        name, _, password = token.partition(":")
        web.auth = (name, password)
    for number in range(MOST_PAGES):
        command = ["titles", number * PAGE, PAGE, "tags:alduyse", "sort:id"]
        answer = web.request(
            "POST",
            "jsonrpc.js",
            json={"id": 1, "method": "slim.request", "params": ["", command]},
        )
        result = _read_answer(answer, where, "name:password").get("result")
        if not isinstance(result, dict):
            raise NotReady(f"{where} does not answer as Lyrion does: is this its address?")
        items = [one for one in result.get("titles_loop") or () if isinstance(one, dict)]
        songs = [song for one in items if (song := _parse_lyrion(one)) is not None]
        yield songs, _whole(result.get("count"))
        if len(items) < PAGE:
            return


def _parse_lyrion(item: dict[str, Any]) -> RemoteSong | None:
    return _song(
        item.get("id"),
        title=_text(item.get("title"), "title"),
        artist_line=_text(item.get("artist"), "title"),
        album=_text(item.get("album"), "title"),
        album_id=_text(item.get("album_id"), "id"),
        artist_id=_text(item.get("artist_id"), "id"),
        path=_path(_text(item.get("url"), "path")),
        duration_s=_seconds(item.get("duration")),
        year=_year(item.get("year")),
    )


KINDS: dict[str, Callable[[OriginSession, str, str], Pages]] = {
    "jellyfin": _jellyfin,
    "emby": _jellyfin,
    "lyrion": _lyrion,
}
"""Readers of song lists by kind of server."""


def _read_answer(answer: Any, where: str, what: str) -> dict[str, Any]:
    if answer.status_code in (401, 403):
        raise NotReady(f"{where} refuses the request: give --token, {what}.")
    if answer.status_code != 200:
        raise NotReady(
            f"{where} answers with status {answer.status_code}: are address and kind right?"
        )
    whole = read_json(answer)
    if not isinstance(whole, dict):
        raise NotReady(f"{where} sends an unexpected answer: is the kind right?")
    return whole


def _song(remote_id: Any, **values: Any) -> RemoteSong | None:
    id_ = _text(remote_id, "id")
    return RemoteSong(id=id_, **values) if id_ and values["title"] else None


def _text(value: Any, length: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return storable(value).strip()[: LONGEST[length]] if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < 2**53 else 0


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < 1e6 else None


def _path(url: str) -> str:
    """Return the path of a ``file:`` URL, empty for others."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return storable(unquote(parts.path)) if parts.scheme == "file" else ""


def _year(value: Any) -> int | None:
    is_text = isinstance(value, str) and value.isdecimal() and len(value) == 4
    year = _whole(int(value) if is_text else value)
    return year if 1000 <= year <= 2200 else None


def _recording(value: Any) -> str | None:
    key = recording_key(f"{MUSICBRAINZ}:{value}") if isinstance(value, str) else None
    return key.partition(":")[2] if key else None
