"""Every answer against the specification's OpenAPI description, and against a table of our own.

``SONGREC_OPENSUBSONIC_SPEC`` names the folder ``openapi`` of a checkout of
https://github.com/opensubsonic/open-subsonic-api; without it only the table is compared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.store.catalogue import artists
from songrec.store.listeners import playlists, users
from songrec.store.tables import Album, Track
from songrec.web.subsonic.endpoints import NAMES
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav
from tests.web.subsonic.conftest import NAMESPACE, Device

BINARY = {
    "stream",
    "download",
    "getCoverArt",
    "getAvatar",
    "hls.m3u8",
    "getCaptions",
    "getTranscodeStream",
}
ALSO = {"name", "songCount"}
"""Beside the fields of an album that stands as a folder: py-opensonic reads none without them."""
HEAD = {"status", "version", "type", "serverVersion", "openSubsonic"}
Given = dict[str, str]

# What each endpoint is called with where it succeeds; {song} and the like are ids of the library.
CALLS: dict[str, dict[str, str]] = {
    "ping": {},
    "getLicense": {},
    "getOpenSubsonicExtensions": {},
    "tokenInfo": {},
    "getUser": {"username": "Chief"},
    "getUsers": {},
    "getMusicFolders": {},
    "getIndexes": {},
    "getMusicDirectory": {"id": "{album}"},
    "getArtists": {},
    "getArtist": {"id": "{artist}"},
    "getAlbum": {"id": "{album}"},
    "getSong": {"id": "{song}"},
    "getGenres": {},
    "getArtistInfo": {"id": "{artist}"},
    "getArtistInfo2": {"id": "{artist}"},
    "getAlbumInfo": {"id": "{album}"},
    "getAlbumInfo2": {"id": "{album}"},
    "star": {"id": "{song}", "albumId": "{album}", "artistId": "{artist}"},
    "setRating": {"id": "{song}", "rating": "4"},
    "scrobble": {"id": "{song}", "time": "1700000000000"},
    "reportPlayback": {
        "mediaId": "{song}",
        "mediaType": "song",
        "positionMs": "1000",
        "state": "playing",
    },
    "getNowPlaying": {},
    "getAlbumList": {"type": "alphabeticalByName"},
    "getAlbumList2": {"type": "starred"},
    "getRandomSongs": {"size": "3"},
    "getSongsByGenre": {"genre": "{genre}"},
    "getStarred": {},
    "getStarred2": {},
    "search": {"any": "song"},
    "search2": {"query": "an album"},
    "search3": {"query": ""},
    "getSimilarSongs": {"id": "{song}", "count": "3"},
    "getSimilarSongs2": {"id": "{artist}", "count": "3"},
    "getTopSongs": {"artist": "{artist name}"},
    "getSonicSimilarTracks": {"id": "{song}", "count": "3"},
    "findSonicPath": {"startSongId": "{song}", "endSongId": "{other song}", "count": "4"},
    "getPlaylists": {},
    "getPlaylist": {"id": "{playlist}"},
    "createPlaylist": {"name": "A new one", "songId": "{song}"},
    "updatePlaylist": {"playlistId": "{playlist}", "comment": "Changed"},
    "savePlayQueue": {"id": "{song}", "current": "{song}", "position": "5"},
    "savePlayQueueByIndex": {"id": "{song}", "currentIndex": "0", "position": "5"},
    "getPlayQueue": {},
    "getPlayQueueByIndex": {},
    "createBookmark": {"id": "{song}", "position": "1000"},
    "getBookmarks": {},
    "deleteBookmark": {"id": "{song}"},
    "getLyrics": {"artist": "nobody", "title": "nothing"},
    "getLyricsBySongId": {"id": "{song}"},
    "getTranscodeDecision": {"mediaId": "{song}", "mediaType": "song"},
    "unstar": {"id": "{song}", "albumId": "{album}", "artistId": "{artist}"},
    "getScanStatus": {},
    "startScan": {},
    "getShares": {},
    "getPodcasts": {},
    "getNewestPodcasts": {},
    "getInternetRadioStations": {},
    "getVideos": {},
    "getChatMessages": {},
    "deletePlaylist": {"id": "{playlist}"},
}
BODIES: dict[str, Any] = {
    "getTranscodeDecision": {
        "name": "a test",
        "platform": "pytest",
        "directPlayProfiles": [
            {"containers": ["mp3"], "audioCodecs": ["mp3"], "protocols": ["http"]}
        ],
        "transcodingProfiles": [{"container": "ogg", "audioCodec": "opus", "protocol": "http"}],
    }
}
"""JSON that is posted to an endpoint; the others are called by GET."""
REFUSED: dict[str, dict[str, str]] = {
    "addChatMessage": {"message": "x"},
    "changePassword": {"username": "Chief", "password": "x"},
    "createInternetRadioStation": {"streamUrl": "x", "name": "x"},
    "createPodcastChannel": {"url": "x"},
    "createShare": {"id": "{song}"},
    "createUser": {"username": "x", "password": "x", "email": "x"},
    "deleteInternetRadioStation": {"id": "1"},
    "deletePodcastChannel": {"id": "1"},
    "deletePodcastEpisode": {"id": "1"},
    "deleteShare": {"id": "1"},
    "deleteUser": {"username": "x"},
    "downloadPodcastEpisode": {"id": "1"},
    "getPodcastEpisode": {"id": "1"},
    "getVideoInfo": {"id": "1"},
    "jukeboxControl": {"action": "get"},
    "refreshPodcasts": {},
    "updateInternetRadioStation": {"id": "1", "streamUrl": "x", "name": "x"},
    "updateShare": {"id": "1"},
    "updateUser": {"username": "x"},
}
"""What fails, in the specification's way, with whatever it is called."""

SONG = {"id": str, "title": str, "isDir": bool, "duration": int, "albumId": str, "suffix": str}
ALBUM = {"id": str, "name": str, "songCount": int, "duration": int, "created": str}
FOLDER = {"id": str, "title": str, "isDir": bool}
ARTIST = {"id": str, "name": str, "albumCount": int}
PLAYLIST = {
    "id": str,
    "name": str,
    "songCount": int,
    "duration": int,
    "created": str,
    "changed": str,
}
QUEUE = {"changed": str, "changedBy": str, "username": str}
# By endpoint, paths in its answer ("*": each of a list) and the fields required there.
REQUIRED: dict[str, dict[str, dict[str, type]]] = {
    "getLicense": {"license": {"valid": bool}},
    "getOpenSubsonicExtensions": {"openSubsonicExtensions/*": {"name": str, "versions": list}},
    "tokenInfo": {"tokenInfo": {"username": str}},
    "getUser": {"user": {"username": str, "scrobblingEnabled": bool, "adminRole": bool}},
    "getMusicFolders": {"musicFolders/musicFolder/*": {"id": int}},
    "getIndexes": {
        "indexes": {"ignoredArticles": str, "lastModified": int},
        "indexes/index/*": {"name": str},
        "indexes/index/*/artist/*": {"id": str, "name": str},
    },
    "getMusicDirectory": {"directory": {"id": str, "name": str}, "directory/child/*": SONG},
    "getArtists": {"artists": {"ignoredArticles": str}, "artists/index/*/artist/*": ARTIST},
    "getArtist": {"artist": ARTIST, "artist/album/*": ALBUM},
    "getAlbum": {"album": ALBUM, "album/song/*": SONG},
    "getSong": {"song": SONG},
    "getGenres": {"genres/genre/*": {"value": str, "songCount": int, "albumCount": int}},
    "getAlbumList": {"albumList/album/*": FOLDER},
    "getAlbumList2": {"albumList2/album/*": ALBUM},
    "getRandomSongs": {"randomSongs/song/*": SONG},
    "getSongsByGenre": {"songsByGenre/song/*": SONG},
    "getNowPlaying": {
        "nowPlaying/entry/*": {**SONG, "username": str, "minutesAgo": int, "playerId": int}
    },
    "getStarred2": {
        "starred2/artist/*": ARTIST,
        "starred2/album/*": ALBUM,
        "starred2/song/*": {**SONG, "starred": str},
    },
    "search2": {"searchResult2/song/*": SONG, "searchResult2/album/*": FOLDER},
    "search3": {
        "searchResult3/song/*": SONG,
        "searchResult3/album/*": ALBUM,
        "searchResult3/artist/*": ARTIST,
    },
    "getSimilarSongs": {"similarSongs/song/*": SONG},
    "getSimilarSongs2": {"similarSongs2/song/*": SONG},
    "getTopSongs": {"topSongs/song/*": SONG},
    "getSonicSimilarTracks": {"sonicMatch/*": {"similarity": (int, float)}},  # type: ignore[dict-item]
    "findSonicPath": {"sonicMatch/*/entry": SONG},
    "getPlaylists": {"playlists/playlist/*": PLAYLIST},
    "getPlaylist": {"playlist": PLAYLIST, "playlist/entry/*": SONG},
    "createPlaylist": {"playlist": PLAYLIST},
    "getPlayQueue": {"playQueue": {**QUEUE, "current": str}, "playQueue/entry/*": SONG},
    "getPlayQueueByIndex": {"playQueueByIndex": {**QUEUE, "currentIndex": int}},
    "getBookmarks": {
        "bookmarks/bookmark/*": {"position": int, "username": str, "created": str, "changed": str},
        "bookmarks/bookmark/*/entry": SONG,
    },
    "getTranscodeDecision": {
        "transcodeDecision": {"canDirectPlay": bool, "canTranscode": bool, "transcodeParams": str},
        "transcodeDecision/sourceStream": {"protocol": str, "container": str, "codec": str},
        "transcodeDecision/transcodeStream": {"protocol": str, "container": str, "codec": str},
    },
    "getScanStatus": {"scanStatus": {"scanning": bool}},
    "startScan": {"scanStatus": {"scanning": bool}},
}


@pytest.fixture
def phone(device_of: Callable[..., Device]) -> Device:
    """An admin's phone: nothing is forbidden."""
    return device_of("Chief", is_admin=True)


@pytest.fixture
def given(app: Flask, session: Session, planted: Planted, tmp_path: Path, phone: Device) -> Given:
    """Ids of a library of which 40 songs of a published run can be played."""
    sound = write_wav(tmp_path / "music" / "sound.wav", seconds=0.2)
    tracks = session.query(Track).order_by(Track.id).limit(40).all()
    for number, track in enumerate(tracks, 1):
        track.album_id = None
        add_sound(session, track, sound, part=number, start_s=0.0, end_s=0.2)
    credits = artists.credits_of_tracks(session, [one.id for one in tracks])
    album = Album(
        public_id="analbum", title="An album", artist_id=credits[tracks[0].id][0].artist_id
    )
    session.add(album)
    session.flush()
    for track in tracks[:3]:
        track.album_id = album.id
    listener = users.require_listener(session, users.get(session, "Chief"))
    playlist = playlists.create(session, listener, "Mine", track_ids=[tracks[0].id, tracks[1].id])
    session.commit()
    artist = credits[tracks[0].id][0]
    genres = phone.get("getGenres")["genre"]
    return {
        "song": tracks[0].public_id,
        "other song": tracks[20].public_id,
        "album": "al-analbum",
        "artist": f"ar-{artist.public_id}",
        "artist name": artist.name,
        "playlist": f"pl-{playlist.public_id}",
        "genre": genres[0]["value"],
    }


def filled(params: dict[str, str], given: Given) -> dict[str, str]:
    return {name: value.format_map(given) for name, value in params.items()}


def test_every_answer_has_the_required_fields_and_is_the_same_in_xml(
    phone: Device, given: Given
) -> None:
    problems = []
    for name, params in CALLS.items():
        answer = call(phone, name, filled(params, given)).json["subsonic-response"]
        if answer["status"] != "ok":
            problems.append(f"{name}: {answer['error']}")
            continue
        for path, fields in REQUIRED.get(name, {}).items():
            places = list(at(answer, path.split("/")))
            if not places:
                problems.append(f"{name}: nothing at {path}")
            problems += [
                f"{name}: {path}/{field} is {place.get(field)!r}"
                for place in places
                for field, kind in fields.items()
                if not isinstance(place.get(field), kind)
                or (kind is int and isinstance(place.get(field), bool))
            ]
        if name in XML:
            root = ElementTree.fromstring(call(phone, name, filled(params, given), "xml").data)
            described = sorted(leaves({k: v for k, v in answer.items() if k not in HEAD}))
            if described != sorted(one for one in xml_leaves(root) if one[0] not in HEAD):
                problems.append(f"{name} differs in XML")
    assert not problems, "\n".join(dict.fromkeys(problems))


def call(phone: Device, name: str, params: dict[str, str], format: str = "json") -> Any:
    """Return the response of an endpoint, called as ``BODIES`` says."""
    query = phone.params(params, format)
    if name in BODIES:
        return phone.client.post(f"/rest/{name}", query_string=query, json=BODIES[name])
    return phone.client.get(f"/rest/{name}", query_string=query)


XML = {
    name
    for name in CALLS
    if name.startswith(("get", "search", "token"))
    and name not in ("getRandomSongs", "getSimilarSongs", "getSimilarSongs2", "getNowPlaying")
}
"""Endpoints whose answer is the same when they are called again."""


def test_every_endpoint_of_the_specification_answers_as_it_describes(
    phone: Device, given: Given, specification: Specification
) -> None:
    assert specification.names() <= NAMES
    assert specification.names() == {*CALLS, *REFUSED, *BINARY}
    problems = []
    for name, params in {**CALLS, **REFUSED}.items():
        for answer in (
            call(phone, name, filled(params, given)),
            phone.client.get(f"/rest/{name}", query_string={"f": "json"}),
        ):
            problems += [f"{name}: {one}" for one in specification.errors(name, answer.json)]
        if name in REFUSED:
            assert phone.answer(name, **filled(params, given))["status"] == "failed"
    for name in BINARY:
        answer = phone.client.get(f"/rest/{name}", query_string={"f": "json"})
        assert answer.json["subsonic-response"]["error"]["code"] == 10  # type: ignore[index]
    assert not problems, "\n".join(dict.fromkeys(problems))


class Specification:
    """The OpenAPI description, and what in an answer is not as it says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._paths = json.loads((folder / "openapi.json").read_text())["paths"]

    def names(self) -> set[str]:
        return {path.removeprefix("/rest/") for path in self._paths}

    def errors(self, name: str, answer: Any) -> list[str]:
        """Return what is wrong with the JSON that an endpoint answered."""
        path = self._folder / self._paths[f"/rest/{name}"]["$ref"]
        described = json.loads(path.read_text())
        method = described.get("get") or described["post"]
        response, folder = self._resolve(method["responses"]["200"], path.parent)
        schema = response["content"]["application/json"]["schema"]
        if "subsonic-response" not in self._fields(schema, folder):
            # Some descriptions leave out what surrounds every answer.
            content = answer["subsonic-response"]
            if content["status"] == "failed":
                return []
            answer = {field: value for field, value in content.items() if field not in HEAD}
        return list(self._wrong(schema, folder, answer, ""))

    def _resolve(self, schema: Any, folder: Path) -> tuple[Any, Path]:
        while "$ref" in schema:
            path = (folder / schema["$ref"]).resolve()
            schema, folder = json.loads(path.read_text()), path.parent
        return schema, folder

    def _wrong(
        self, schema: Any, folder: Path, value: Any, place: str, *, is_part: bool = False
    ) -> Iterator[str]:
        schema, folder = self._resolve(schema, folder)
        listed = self._fields(schema, folder)
        # Strict programs refuse fields that they do not know.
        if isinstance(value, dict) and listed and not is_part:
            allowed = {*listed, *ALSO} if value.get("isDir") else listed
            yield from (f"{place}/{name} is not described" for name in set(value) - allowed)
        for part in schema.get("allOf", ()):
            yield from self._wrong(part, folder, value, place, is_part=True)
        if ways := schema.get("oneOf") or schema.get("anyOf"):
            wrong = [list(self._wrong(way, folder, value, place)) for way in ways]
            if all(wrong):
                yield from min(
                    wrong, key=lambda one: (any("/status is" in x for x in one), len(one))
                )
        kind = schema.get("type")
        if kind and not self._is_a(kind, value):
            yield f"{place} is {value!r} and not {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{place} is {value!r} and not one of {schema['enum']}"
        # An empty date is none: the specification says so of `validUntil`.
        if schema.get("format") == "date-time" and value and not str(value).endswith("Z"):
            yield f"{place} is {value!r} and no date in UTC"
        if isinstance(value, dict):
            for name in schema.get("required", ()):
                if name not in value:
                    yield f"{place}/{name} is missing"
            for name, part in schema.get("properties", {}).items():
                if name in value:
                    yield from self._wrong(part, folder, value[name], f"{place}/{name}")
        if isinstance(value, list) and "items" in schema:
            for one in value:
                yield from self._wrong(schema["items"], folder, one, f"{place}/*")

    def _fields(self, schema: Any, folder: Path) -> set[str]:
        """Return the names of the fields that a description lists."""
        schema, folder = self._resolve(schema, folder)
        fields = set(schema.get("properties", ()))
        for ways in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(ways, ()):
                fields |= self._fields(part, folder)
        return fields

    @staticmethod
    def _is_a(kind: str, value: Any) -> bool:
        if kind in ("integer", "number"):
            types: tuple[type, ...] = (int,) if kind == "integer" else (int, float)
            return isinstance(value, types) and not isinstance(value, bool)
        return isinstance(
            value, {"string": str, "boolean": bool, "array": list, "object": dict}[kind]
        )


@pytest.fixture(scope="session")
def specification() -> Specification:
    """The description, or a skip that says which setting names it."""
    folder = os.environ.get("SONGREC_OPENSUBSONIC_SPEC")
    if not folder:
        pytest.skip("no specification: set SONGREC_OPENSUBSONIC_SPEC to its folder openapi")
    return Specification(Path(folder))


def at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what lies at a path of names; ``*`` stands for each of a list."""
    if not path:
        yield value
    elif path[0] == "*":
        for one in value:
            yield from at(one, path[1:])
    elif path[0] in value:
        yield from at(value[path[0]], path[1:])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the scalars of a JSON answer with their paths, as XML has them."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name != "value":
                yield from leaves(one, f"{path}/{name}".strip("/"))
            elif one:
                yield path, one
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    else:
        yield path, json.dumps(value) if isinstance(value, bool) else str(value)


def xml_leaves(element: ElementTree.Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield attributes and texts of an XML answer with their paths."""
    for name, one in element.attrib.items():
        yield f"{path}/{name}".strip("/"), one
    if element.text:
        yield path, element.text
    for child in element:
        name = child.tag.removeprefix(NAMESPACE)
        yield from xml_leaves(child, f"{path}/{name}".strip("/"))
