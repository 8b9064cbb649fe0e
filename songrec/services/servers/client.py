"""Client of a music server's OpenSubsonic API.

Requests go through ``core.outgoing.OriginSession``: to a single origin, with limits of size and
time. The client classes of ``libopensonic`` use their own connections (aiohttp) without these
limits, and reject a whole response for one missing required field, which real servers omit. So this
client reads the JSON itself: missing fields are empty, and other content is reported in one line.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import requests

from songrec.core.errors import NotReady
from songrec.core.outgoing import OriginSession, read_chunks, read_json
from songrec.core.texts import storable
from songrec.core.track_identity import MUSICBRAINZ, recording_key
from songrec.store.ciphers import cipher_of
from songrec.store.instance import Instance
from songrec.store.servers.music_servers import API_KEY, USERNAME_LENGTH
from songrec.store.servers.streamed_files import FORMATS
from songrec.store.tables import MusicServer, ServerAccount

API_VERSION = "1.16.1"
CLIENT = "songrec"
MOST_SONGS_WRITTEN = 300
"""Limit of songs per request: each is a parameter, and servers limit their number."""
LARGEST_SIZE, LONGEST_SONG_S = 2**53, 10**6
"""Largest accepted sizes and lengths, which also fit into their columns."""
LARGEST_ERROR, ERROR_S = 2**20, 60.0
"""Limits in bytes and seconds of an error response instead of sound."""

MISSING_PARAMETER, _WRONG_PASSWORD, _NO_TOKENS = 10, 40, 41
_NO_SUCH_SIGN_IN, _CONFLICTING_SIGN_IN, _WRONG_KEY = 42, 43, 44
_NOT_ALLOWED, _TRIAL_OVER, NOT_FOUND = 50, 60, 70
_SIGN_IN = frozenset((_WRONG_PASSWORD, _NO_SUCH_SIGN_IN, _CONFLICTING_SIGN_IN, _WRONG_KEY))


_SUFFIXES = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/ogg": "ogg",
    "application/ogg": "ogg",
    "audio/opus": "opus",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/x-ms-wma": "wma",
}
"""Suffixes by media type, for servers that give no suffix."""


class ServerRefusal(NotReady):
    """Raised if a server refuses a request; ``code`` is the protocol's, 0 without one."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_sign_in(self) -> bool:
        """Whether the name, password or key was refused."""
        return self.code in _SIGN_IN


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A server's own description: software, version and extensions."""

    software: str
    version: str
    api_version: str
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RemoteSong:
    """A server's description of a song; missing values are empty or None.

    ``starred_at``, ``rating`` (1 to 5), ``play_count`` and ``played_at`` are those of the client's
    account.
    """

    id: str
    title: str = ""
    artists: tuple[str, ...] = ()
    artist_line: str = ""
    album: str = ""
    album_id: str = ""
    artist_id: str = ""
    path: str = ""
    suffix: str = ""
    size: int | None = None
    duration_s: float | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    musicbrainz_id: str | None = None
    isrc: str | None = None
    starred_at: datetime | None = None
    rating: int | None = None
    play_count: int = 0
    played_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemotePlaylist:
    """A server's description of a playlist; ``songs`` is empty in lists of playlists."""

    id: str
    name: str
    owner: str = ""
    comment: str = ""
    changed: str = ""
    song_count: int | None = None
    is_read_only: bool = False
    songs: tuple[RemoteSong, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """Progress of a server's own scan of its files; ``last_scan`` is the server's text, if any."""

    is_scanning: bool
    count: int | None
    last_scan: str


class ServerClient:
    """A client that signs in to one server as one account.

    ``secret`` is a password or an API key (``secret_kind``). A password is sent as a salted digest,
    or in clear text to a server without digests, but only over HTTPS or in a private network.
    ``longest_s`` bounds each request, see ``OriginSession``.

    All requests raise ``NotReady`` without a response, and its subclass ``ServerRefusal`` for an
    error of the protocol, with one line that has the server's name and advice.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        username: str,
        secret: str,
        secret_kind: str = "password",  # noqa: S107 - the kind, not a password
        allows_private: bool = False,
        longest_s: float | None = None,
    ) -> None:
        self.name = name
        self.username = username
        self._url = url
        self._secret = secret
        self._is_key = secret_kind == API_KEY
        self._may_send_password = allows_private or urlsplit(url).scheme == "https"
        self._sends_password = self._takes_tokens = False
        self._session = OriginSession(url, allows_private=allows_private, longest_s=longest_s)

    @classmethod
    def of_account(
        cls, instance: Instance, account: ServerAccount, *, longest_s: float | None = None
    ) -> ServerClient:
        """Return the client of a connected account, with its decrypted password or key."""
        server = instance.session.get_one(MusicServer, account.server_id)
        cipher = cipher_of(instance)
        return cls(
            server.name,
            server.url,
            username=account.username,
            secret=cipher.decrypt(account.secret),
            secret_kind=account.secret_kind,
            allows_private=server.allows_private,
            longest_s=longest_s,
        )

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, endpoint: str, **parameters: Any) -> dict[str, Any]:
        """Send a request and return the response without its envelope.

        Lists repeat a parameter; parameters that are None are left out.
        """
        try:
            answer = self._content(self._send(endpoint, parameters), endpoint)
            self._takes_tokens = not self._sends_password
        except ServerRefusal as error:
            if self._sends_password or not self._lacks_tokens(error):
                raise
        else:
            return answer
        if not self._may_send_password:
            raise ServerRefusal(
                f"{self.name} wants the password itself, which songrec sends over HTTPS or in a "
                "private network alone: give it an https:// address, or use an API key.",
                _NO_TOKENS,
            )
        self._sends_password = True
        return self._content(self._send(endpoint, parameters), endpoint)

    def _lacks_tokens(self, error: ServerRefusal) -> bool:
        if self._is_key or self._takes_tokens:
            return False
        # A server that does not support tokens misses the password.
        return error.code in (MISSING_PARAMETER, _NO_TOKENS)

    def _send(
        self, endpoint: str, parameters: Mapping[str, Any], *, stream: bool = False, **options: Any
    ) -> requests.Response:
        form = {name: value for name, value in parameters.items() if value is not None}
        return self._session.request(
            "POST",
            f"{self._url}/rest/{endpoint}",
            data={**self._credentials(), "f": "json", **form},
            stream=stream,
            **options,
        )

    def _credentials(self) -> dict[str, str]:
        about = {"v": API_VERSION, "c": CLIENT}
        if self._is_key:
            return {**about, "apiKey": self._secret}
        if self._sends_password:
            return {**about, "u": self.username, "p": "enc:" + self._secret.encode().hex()}
        salt = secrets.token_hex(8)
        token = hashlib.md5((self._secret + salt).encode()).hexdigest()  # noqa: S324 - the protocol's
        return {**about, "u": self.username, "t": token, "s": salt}

    def _content(self, response: requests.Response, endpoint: str) -> dict[str, Any]:
        """Return the content of a response; ``ServerRefusal`` for an error of protocol or HTTP."""
        if response.status_code in (404, 405, 501) and endpoint == "ping":
            raise ServerRefusal(
                f"{self.name} has no Subsonic API at {self._url}/rest: the address is the part "
                "before /rest, with its path, such as https://music.example.org/navidrome."
            )
        if response.status_code in (404, 405, 501):
            raise ServerRefusal(f"{self.name} has no {endpoint} at this address.")
        if response.status_code in (401, 403) and not response.content.startswith(b"{"):
            raise ServerRefusal(
                f"{self.name} refuses the request ({response.status_code}): is there a sign-in "
                "page or a proxy before it?"
            )
        if response.status_code == 429 or response.status_code >= 500:
            raise ServerRefusal(
                f"{self.name} answers {endpoint} with an error of its own "
                f"({response.status_code}): try again later."
            )
        whole = read_json(response)
        answer = whole.get("subsonic-response") if isinstance(whole, dict) else None
        if not isinstance(answer, dict):
            raise ServerRefusal(
                f"{self.name} answers {endpoint} with something that is not of a music server: is "
                "the address right, with its path?"
            )
        if answer.get("status") != "ok":
            raise self._refusal(endpoint, answer.get("error"))
        return answer

    def _refusal(self, endpoint: str, error: object) -> ServerRefusal:
        fields = error if isinstance(error, dict) else {}
        code = _number(fields.get("code")) or 0
        words = " ".join(_text(fields.get("message")).split())[:200]
        if self._secret and self._secret in words:
            words = ""
        reasons = {
            _WRONG_PASSWORD: f"refuses the name or the password of {self.username!r}: enter them "
            "again",
            _NO_TOKENS: "cannot check a password that is sent as a digest",
            _NO_SUCH_SIGN_IN: "does not take this kind of sign-in: use "
            + ("a password" if self._is_key else "an API key"),
            _CONFLICTING_SIGN_IN: "finds the sign-in contradictory: enter name and password again",
            _WRONG_KEY: "says that the API key is invalid or expired: make another one there and "
            "enter it",
            _NOT_ALLOWED: f"does not allow {self.username or 'this account'!r} to use {endpoint}: "
            "give the account that right there",
            _TRIAL_OVER: "says that its trial period is over: renew its licence there",
            NOT_FOUND: f"no longer has what {endpoint} was to read",
        }
        reason = reasons.get(code) or f"refuses {endpoint}" + (f": {words}" if words else "")
        return ServerRefusal(f"{self.name} {reason.rstrip('.')}.", code)

    # -- what songrec reads

    def info(self) -> ServerInfo:
        """Sign in and return the server's description."""
        answer = self.call("ping")
        extensions: frozenset[str] = frozenset()
        if answer.get("openSubsonic"):
            try:
                listed = self.call("getOpenSubsonicExtensions").get("openSubsonicExtensions")
                extensions = frozenset(_text(one.get("name")) for one in _dicts(listed))
            except ServerRefusal:
                pass
        return ServerInfo(
            _text(answer.get("type"))[:60],
            _text(answer.get("serverVersion"))[:60],
            _text(answer.get("version"))[:20],
            extensions,
        )

    def owner_of_key(self) -> str:
        """Return the name of the account of the API key; empty if the server does not tell."""
        try:
            owner = _dict(self.call("tokenInfo").get("tokenInfo"))
        except ServerRefusal:
            return ""
        return _text(owner.get("username"))[:USERNAME_LENGTH]

    def scan_status(self) -> ScanStatus | None:
        """Return the progress of the server's own scan; None if it is not available."""
        try:
            status = self.call("getScanStatus").get("scanStatus")
        except ServerRefusal as error:
            if error.is_sign_in:
                raise
            return None
        if not isinstance(status, dict):
            return None
        return ScanStatus(
            status.get("scanning") is True,
            _number(status.get("count")),
            _text(status.get("lastScan")),
        )

    def songs(self, offset: int, count: int, query: str = "") -> list[RemoteSong]:
        """Return a page of a search for ``query``; servers return all songs for an empty query."""
        answer = self.call(
            "search3",
            query=query,
            artistCount=0,
            albumCount=0,
            songCount=count,
            songOffset=offset,
        )
        return _songs(_dict(answer.get("searchResult3")).get("song"))

    def albums(self, offset: int, count: int) -> list[str]:
        """Return a page of the ids of all albums, by name."""
        return [id_ for id_, _ in self._albums("alphabeticalByName", offset, count)]

    def recent_albums(self, offset: int, count: int) -> list[tuple[str, datetime | None]]:
        """Return a page of recently played albums: ids and times of the last play, if known."""
        return self._albums("recent", offset, count)

    def _albums(self, kind: str, offset: int, count: int) -> list[tuple[str, datetime | None]]:
        answer = self.call("getAlbumList2", type=kind, size=count, offset=offset)
        albums = _dicts(_dict(answer.get("albumList2")).get("album"))
        return [(id_, _time(one.get("played"))) for one in albums if (id_ := _text(one.get("id")))]

    def album(self, album_id: str) -> list[RemoteSong]:
        """Return the songs of an album."""
        answer = self.call("getAlbum", id=album_id)
        return _songs(_dict(answer.get("album")).get("song"))

    def song(self, song_id: str) -> RemoteSong:
        """Return a song; ``ServerRefusal`` with ``NOT_FOUND`` without one."""
        song = read_song(_dict(self.call("getSong", id=song_id).get("song")))
        if song is None:
            raise ServerRefusal(f"{self.name} has no such song.", NOT_FOUND)
        return song

    def starred(self) -> list[RemoteSong]:
        """Return the songs starred by this account."""
        return _songs(_dict(self.call("getStarred2").get("starred2")).get("song"))

    def playlists(self) -> list[RemotePlaylist]:
        """Return the playlists visible to this account, without their songs."""
        listed = _dicts(_dict(self.call("getPlaylists").get("playlists")).get("playlist"))
        return [playlist for each in listed if (playlist := _playlist(each)) is not None]

    def playlist(self, playlist_id: str) -> RemotePlaylist:
        """Return a playlist with its songs; ``ServerRefusal`` with ``NOT_FOUND`` without one."""
        playlist = _playlist(_dict(self.call("getPlaylist", id=playlist_id).get("playlist")))
        if playlist is None:
            raise ServerRefusal(f"{self.name} has no such playlist.", NOT_FOUND)
        return playlist

    def stream(self, song_id: str, **headers: str) -> requests.Response:
        """Return a response with the original sound of a song, to be read in chunks.

        ``headers`` such as ``Range`` are forwarded. Close the response.
        """
        return self._sound("stream", song_id, headers)

    def download(self, song_id: str) -> requests.Response:
        """Return a response with the file of a song, to be read in chunks. Close the response.

        Unlike a stream it counts as no play on the server. Where downloads are refused, such as
        to an account without that right, it is the stream.
        """
        try:
            return self._sound("download", song_id, {})
        except ServerRefusal as error:
            if error.is_sign_in:
                raise
            return self.stream(song_id)

    def _sound(self, endpoint: str, song_id: str, headers: Mapping[str, str]) -> requests.Response:
        response = self._open_sound(endpoint, song_id, headers)
        is_answer = "json" in response.headers.get("Content-Type", "")
        if response.status_code < 400 and not is_answer:
            return response
        is_beyond = response.status_code == 416
        content = b"" if is_beyond else b"".join(read_chunks(response, LARGEST_ERROR, ERROR_S))
        response.close()
        response._content = content
        try:
            self._content(response, endpoint)
        except ServerRefusal as error:
            if self._sends_password or not self._lacks_tokens(error):
                raise
            self.call("ping")  # determines the kind of sign-in
            return self._open_sound(endpoint, song_id, headers)
        raise ServerRefusal(f"{self.name} sends no sound for this song.")

    def _open_sound(
        self, endpoint: str, song_id: str, headers: Mapping[str, str]
    ) -> requests.Response:
        parameters = {"id": song_id, "format": "raw"}
        # Ranges do not work with compressed responses.
        sent = {"Accept-Encoding": "identity", **headers}
        return self._send(endpoint, parameters, stream=True, headers=sent)

    # -- what songrec writes

    def star(self, song_ids: Sequence[str]) -> None:
        """Star songs; existing stars are kept."""
        self._each("star", song_ids)

    def unstar(self, song_ids: Sequence[str]) -> None:
        """Remove the stars of songs."""
        self._each("unstar", song_ids)

    def rate(self, song_id: str, rating: int) -> None:
        """Rate a song by 1 to 5 stars; 0 removes the rating."""
        self.call("setRating", id=song_id, rating=rating)

    def _each(self, endpoint: str, song_ids: Sequence[str]) -> None:
        # One by one, because some servers reject a whole request for one unknown id.
        for song_id in song_ids:
            try:
                self.call(endpoint, id=song_id)
            except ServerRefusal as error:
                if error.is_sign_in or error.code == _NOT_ALLOWED:
                    raise

    def write_playlist(
        self,
        name: str,
        song_ids: Sequence[str],
        *,
        comment: str = "",
        playlist_id: str = "",
        on_created: Callable[[str], None] = lambda written: None,
    ) -> str:
        """Create a playlist, or replace one in place, and return its id.

        ``on_created`` is called with the id of a new one before the requests that complete it.
        ``ServerRefusal`` with ``NOT_FOUND`` if ``playlist_id`` no longer exists.
        """
        before: set[str] = set()
        first, rest = song_ids[:MOST_SONGS_WRITTEN], song_ids[MOST_SONGS_WRITTEN:]
        if playlist_id:
            # Without the name, which some servers refuse beside an id; it follows below.
            answer = self.call("createPlaylist", playlistId=playlist_id, songId=list(first))
            written = playlist_id
        else:
            before = {playlist.id for playlist in self.playlists()}
            answer = self.call("createPlaylist", name=name, songId=list(first))
            written = _text(_dict(answer.get("playlist")).get("id"))
        if not written:  # the playlist is only returned since version 1.14 of the protocol
            new = [one.id for one in self.playlists() if one.id not in before and one.name == name]
            if not new:
                raise ServerRefusal(f"{self.name} does not show the playlist that was made.")
            written = new[-1]
        if not playlist_id:
            on_created(written)
        for part in _parts(rest):
            self.call("updatePlaylist", playlistId=written, songIdToAdd=list(part))
        self.call("updatePlaylist", playlistId=written, name=name, comment=comment or None)
        return written

    def delete_playlist(self, playlist_id: str) -> None:
        """Delete a playlist, if it still exists."""
        try:
            self.call("deletePlaylist", id=playlist_id)
        except ServerRefusal as error:
            if error.code != NOT_FOUND:
                raise


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), MOST_SONGS_WRITTEN):
        yield ids[start : start + MOST_SONGS_WRITTEN]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; old servers write a single object instead."""
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, dict)]


def _text(value: object) -> str:
    if isinstance(value, str):
        return storable(value).strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None


_FRACTION = re.compile(r"(\.\d{6})\d+")


def _time(value: object) -> datetime | None:
    """Parse a time; UTC without a time zone, as in the protocol."""
    try:
        # Python cannot parse nanoseconds, which servers in Go write.
        parsed = datetime.fromisoformat(_FRACTION.sub(r"\1", _text(value)))
    except ValueError:
        return None
    if not 1971 <= parsed.year < 9999:  # "0001-01-01": never
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _songs(value: object) -> list[RemoteSong]:
    return [song for each in _dicts(value) if (song := read_song(each)) is not None]


def read_song(item: Mapping[str, Any]) -> RemoteSong | None:
    """Return the song described by ``item``; None for folders, videos and items without an id."""
    id_ = _text(item.get("id"))[:200]
    if not id_ or item.get("isDir") is True or item.get("isVideo") is True:
        return None
    if _text(item.get("type")) in ("podcast", "audiobook", "video"):
        return None
    named = [name for one in _dicts(item.get("artists")) if (name := _text(one.get("name")))]
    line = _text(item.get("displayArtist")) or _text(item.get("artist"))
    genres = [name for one in _dicts(item.get("genres")) if (name := _text(one.get("name")))]
    genres = genres or [_text(item.get("genre"))]
    isrcs = item.get("isrc")
    isrc = _key(isrcs[0] if isinstance(isrcs, list) and isrcs else isrcs, "isrc")
    rating = _number(item.get("userRating"))
    size, year = _number(item.get("size")), _number(item.get("year"))
    duration = _number(item.get("duration"))
    return RemoteSong(
        id=id_,
        title=_text(item.get("title"))[:500],
        artists=tuple(name[:500] for name in named),
        artist_line=(line or ", ".join(named))[:500],
        album=_text(item.get("album"))[:500],
        album_id=_text(item.get("albumId") or item.get("parent"))[:200],
        artist_id=_text(item.get("artistId"))[:200],
        path=_text(item.get("path"))[:1000],
        suffix=_suffix(item),
        size=size if size and 0 < size <= LARGEST_SIZE else None,
        duration_s=float(duration) if duration and 0 < duration <= LONGEST_SONG_S else None,
        year=year if year and 1000 <= year <= 2200 else None,
        genres=tuple(name[:100] for name in genres if name),
        musicbrainz_id=_key(item.get("musicBrainzId"), MUSICBRAINZ),
        isrc=isrc,
        starred_at=_time(item.get("starred")),
        rating=rating if rating and 1 <= rating <= 5 else None,
        play_count=max(0, min(_number(item.get("playCount")) or 0, 10**6)),
        played_at=_time(item.get("played")),
    )


def _suffix(item: Mapping[str, Any]) -> str:
    """Return the format of a song by its suffix, else by its file name or media type."""
    suffix = _text(item.get("suffix")).lower().lstrip(".")[:20]
    if suffix:
        return suffix
    name = PurePosixPath(_text(item.get("path")).replace("\\", "/")).suffix.lower().lstrip(".")
    if name in FORMATS:
        return name
    return _SUFFIXES.get(_text(item.get("contentType")).partition(";")[0].strip().lower(), "")


def _key(value: object, namespace: str) -> str | None:
    """Return a recording's id if it has a valid form."""
    text = _text(value)
    key = recording_key(text) or (recording_key(f"{namespace}:{text}") if text else None)
    return key.partition(":")[2] if key and key.startswith(f"{namespace}:") else None


def _playlist(item: Mapping[str, Any]) -> RemotePlaylist | None:
    id_ = _text(item.get("id"))[:200]
    if not id_:
        return None
    return RemotePlaylist(
        id_,
        _text(item.get("name"))[:300],
        _text(item.get("owner")),
        _text(item.get("comment")),
        _text(item.get("changed"))[:60],
        _number(item.get("songCount")),
        item.get("readonly") is True,
        tuple(_songs(item.get("entry"))),
    )
