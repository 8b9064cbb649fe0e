"""Serialization of albums and artists for apps, with the listener's stars, ratings and plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from songrec.store.catalogue import album_details
from songrec.store.catalogue.playable_library import (
    PlayableAlbum,
    PlayableArtist,
    playable_library,
)
from songrec.store.db import db
from songrec.web.subsonic import ids
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.songs import date


def albums(listed: Sequence[PlayableAlbum]) -> list[dict[str, Any]]:
    """Serialize albums by tags (``AlbumID3``)."""
    rows = [album.id for album in listed if album.id is not None]
    library = playable_library(db.session)
    opinions = album_details.album_opinions(db.session, rows, caller().listener)
    return [
        _album(
            album,
            library.album_genres(album),
            opinions.get(album.id or 0, album_details.NO_OPINION),
        )
        for album in listed
    ]


def folders(listed: Sequence[PlayableAlbum]) -> list[dict[str, Any]]:
    """Serialize albums as folders (``Child``), for apps that browse folders."""
    return [
        {
            "id": album["id"],
            "parent": album.get("artistId") or str(ids.FOLDER),
            "isDir": True,
            "title": album["name"],
            "album": album["name"],
            # Not in the specification, but required by programs with one parser for all albums.
            "name": album["name"],
            "songCount": album["songCount"],
            **{name: album.get(name) for name in _SHARED},
            "mediaType": "album",
        }
        for album in albums(listed)
    ]


_SHARED = (
    "artist",
    "year",
    "genre",
    "coverArt",
    "starred",
    "duration",
    "playCount",
    "played",
    "created",
    "userRating",
    "artistId",
    "sortName",
    "genres",
    "displayArtist",
)


def artist_folders(listed: Sequence[PlayableArtist]) -> list[dict[str, Any]]:
    """Serialize artists as folders (``Child``), for apps that browse folders."""
    return [
        {
            "parent": str(ids.FOLDER),
            "isDir": True,
            "title": one["name"],
            "artist": one["name"],
            "coverArt": one["id"],
            "mediaType": "artist",
            **{name: one.get(name) for name in ("id", "starred", "userRating")},
        }
        for one in artists(listed, as_folders=True)
    ]


def _album(
    album: PlayableAlbum, genres: Sequence[str], opinion: album_details.Opinion
) -> dict[str, Any]:
    artist = album.artist
    id_ = ids.album_id(album.public_id)
    return {
        "id": id_,
        "name": album.title,
        "artist": artist.name if artist else None,
        "artistId": ids.artist_id(artist.public_id) if artist else None,
        "coverArt": id_,
        "songCount": album.songs,
        "duration": album.duration_s,
        "playCount": opinion.play_count,
        "played": date(opinion.played_at),
        "created": date(album.created_at),
        "starred": date(opinion.starred_at),
        "userRating": opinion.rating,
        "year": album.year,
        "genre": next(iter(genres), None),
        "genres": [{"name": name} for name in genres],
        "artists": (
            [{"id": ids.artist_id(artist.public_id), "name": artist.name}] if artist else []
        ),
        "displayArtist": artist.name if artist else None,
        "sortName": album.sort_title,
    }


def artists(listed: Sequence[PlayableArtist], *, as_folders: bool = False) -> list[dict[str, Any]]:
    """Serialize artists by tags (``ArtistID3``), or for the old endpoints (``Artist``)."""
    rows = [one.id for one in listed]
    opinions = album_details.artist_opinions(db.session, rows, caller().listener)
    return [
        artist(one, opinions.get(one.id, album_details.NO_OPINION), as_folder=as_folders)
        for one in listed
    ]


def artist(
    one: PlayableArtist,
    opinion: album_details.Opinion = album_details.NO_OPINION,
    *,
    as_folder: bool = False,
) -> dict[str, Any]:
    """Serialize one artist with the listener's star and rating, without None."""
    id_ = ids.artist_id(one.public_id)
    described = {"id": id_, "name": one.name, "starred": date(opinion.starred_at)}
    if as_folder:
        described["userRating"] = opinion.rating
    else:
        described |= {
            "coverArt": id_,
            "albumCount": len(one.albums),
            "musicBrainzId": one.musicbrainz_id,
            "sortName": one.sort_name,
            "roles": ["artist", "albumartist"],
        }
    return {name: value for name, value in described.items() if value is not None}
