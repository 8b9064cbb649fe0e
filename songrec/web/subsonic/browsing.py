"""The library by folders, artists, albums and genres.

Apps only see playable songs, those with a file.
"""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from songrec.services.similarity import artist_pages
from songrec.store.catalogue import album_details, artists
from songrec.store.catalogue.artists import ArtistView
from songrec.store.catalogue.playable_library import (
    IGNORED_ARTICLES,
    PlayableAlbum,
    PlayableArtist,
    PlayableLibrary,
    playable_library,
    sort_name,
)
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web.subsonic import albums as album_answers
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import Prepared, answer, not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.media import song_of
from songrec.web.subsonic.songs import children

MAX_SONGS = 10_000
"""Limit of songs of one album, or of an artist's songs without an album."""
MAX_SIMILAR = 100
FOLDER_NAME = "Music"


def requested_library() -> PlayableLibrary:
    """Return the playable library; error 70 for an unknown music folder."""
    folder = parameters.text("musicFolderId")
    if folder and folder != str(ids.FOLDER):
        raise not_found("music folder")
    return playable_library(db.session)


def album_of(text: str) -> PlayableAlbum:
    """Return the album with this id; error 70 otherwise."""
    reference = ids.parse(text)
    album = (
        playable_library(db.session).album(reference.public_id)
        if reference.kind == ids.ALBUM
        else None
    )
    if album is None:
        raise not_found("album")
    return album


def album_songs(album: PlayableAlbum) -> list[int]:
    """Return the ids of an album's songs in album order."""
    library = playable_library(db.session)
    if album.id is None:
        return library.album_tracks(album)[:MAX_SONGS]
    return artists.album_track_ids(db.session, album.id, MAX_SONGS)


@endpoint("getMusicFolders")
def music_folders() -> ResponseReturnValue:
    """List the one folder: the library."""
    return answer({"musicFolders": {"musicFolder": [{"id": ids.FOLDER, "name": FOLDER_NAME}]}})


@endpoint("getIndexes")
def indexes() -> ResponseReturnValue:
    """List the artists by letters, for apps that browse folders."""
    library = requested_library()
    modified = round(library.read_at.timestamp() * 1000)
    since = parameters.integer("ifModifiedSince", 0) or 0
    groups = _by_letters(library, as_folders=True) if since < modified else []
    head = {"ignoredArticles": IGNORED_ARTICLES, "lastModified": modified}
    return answer({"indexes": {**head, "index": groups}})


@endpoint("getArtists")
def all_artists() -> ResponseReturnValue:
    """List the artists by letters."""
    groups = _by_letters(requested_library(), as_folders=False)
    return answer({"artists": {"ignoredArticles": IGNORED_ARTICLES, "index": groups}})


def _by_letters(library: PlayableLibrary, *, as_folders: bool) -> list[dict[str, Any]]:
    opinions = album_details.artist_opinions(db.session, None, caller().listener)
    letters: list[tuple[str, list[dict[str, Any]]]] = library.prepared(
        f"letters, {as_folders}",
        lambda: [
            (letter, [album_answers.artist(one, as_folder=as_folders) for one in listed])
            for letter, listed in library.artists_by_letter()
        ],
    )
    if not opinions:
        return Prepared({"name": name, "artist": listed} for name, listed in letters)
    own = {
        one.public_id: album_answers.artist(one, opinions[one.id], as_folder=as_folders)
        for one in library.artists
        if one.id in opinions
    }
    return Prepared(
        {
            "name": name,
            "artist": [own.get(one["id"].removeprefix("ar-"), one) for one in listed],
        }
        for name, listed in letters
    )


@endpoint("getMusicDirectory")
def music_directory() -> ResponseReturnValue:
    """List a folder: artists of the library, albums of an artist, or songs of an album."""
    text = parameters.require("id")
    if text == str(ids.FOLDER):
        listed = album_answers.artist_folders(playable_library(db.session).artists)
        return answer({"directory": {"id": text, "name": FOLDER_NAME, "child": listed}})
    if ids.parse(text).kind == ids.ALBUM:
        album = album_of(text)
        described = album_answers.albums([album])[0]
        directory = {
            "id": text,
            "parent": described["artistId"] or str(ids.FOLDER),
            "name": album.title,
            **{name: described[name] for name in ("starred", "userRating", "playCount")},
            "child": children(album_songs(album)),
        }
        return answer({"directory": directory})
    artist = _artist(text)
    described = _serialize_artist(artist, as_folder=True)
    listed = album_answers.folders(_albums_of(artist))
    directory = {
        "id": described["id"],
        "parent": str(ids.FOLDER),
        "name": artist.name,
        "starred": described.get("starred"),
        "userRating": described.get("userRating"),
        "child": listed,
    }
    return answer({"directory": directory})


@endpoint("getArtist")
def artist() -> ResponseReturnValue:
    """Describe an artist with their own albums, else with albums that have songs of theirs."""
    view = _artist(parameters.require("id"))
    albums = album_answers.albums(_albums_of(view))
    described = {**_serialize_artist(view), "albumCount": len(albums), "album": albums}
    return answer({"artist": described})


def _artist(text: str) -> ArtistView:
    reference = ids.parse(text)
    is_artist = reference.kind == ids.ARTIST
    view = artists.find_artist(db.session, reference.public_id) if is_artist else None
    if view is None:
        raise not_found("artist")
    return view


def _serialize_artist(view: ArtistView, *, as_folder: bool = False) -> dict[str, Any]:
    listed = playable_library(db.session).artist(view.public_id)
    if listed is None:
        name = view.name
        listed = PlayableArtist(
            view.id, view.public_id, name, view.musicbrainz_id, sort_name(name), []
        )
    return album_answers.artists([listed], as_folders=as_folder)[0]


def _albums_of(view: ArtistView) -> list[PlayableAlbum]:
    library = playable_library(db.session)
    listed = library.artist(view.public_id)
    if listed is not None:
        rows = listed.albums
    else:
        credited = artists.track_ids(db.session, view.id, MAX_SONGS)
        rows = sorted(set(library.albums_of(credited).tolist()))
    albums = [library.albums[row] for row in rows]
    if not albums:
        raise not_found("artist")
    return sorted(albums, key=lambda one: (one.id is None, one.year or 9999, one.sort_title))


@endpoint("getAlbum")
def album() -> ResponseReturnValue:
    """Describe an album with its songs."""
    view = album_of(parameters.require("id"))
    songs = children(album_songs(view))
    return answer({"album": {**album_answers.albums([view])[0], "song": songs}})


@endpoint("getSong")
def song() -> ResponseReturnValue:
    """Describe one song."""
    listed = children([song_of(parameters.require("id")).id])
    if not listed:
        raise not_found("song")
    return answer({"song": listed[0]})


@endpoint("getGenres")
def genres() -> ResponseReturnValue:
    """List the genres of playable songs."""
    listed = [
        {"songCount": one.songs, "albumCount": one.albums, "value": one.name}
        for one in playable_library(db.session).genres
    ]
    return answer({"genres": {"genre": listed}})


@endpoint("getArtistInfo")
def artist_info() -> ResponseReturnValue:
    """List the artists that sound like one."""
    return answer({"artistInfo": _artist_info(as_folders=True)})


@endpoint("getArtistInfo2")
def artist_info_2() -> ResponseReturnValue:
    """List the artists that sound like one."""
    return answer({"artistInfo2": _artist_info(as_folders=False)})


def _artist_info(*, as_folders: bool) -> dict[str, Any]:
    view = _artist_of_any(parameters.require("id"))
    count = parameters.count("count", 20, MAX_SIMILAR)
    return {
        "biography": "",
        "musicBrainzId": view.musicbrainz_id,
        "similarArtist": album_answers.artists(_similar(view, count), as_folders=as_folders),
    }


def _artist_of_any(text: str) -> ArtistView:
    """Return the artist of an id, which may be an artist's, an album's or a song's."""
    reference = ids.parse(text)
    if reference.kind == ids.ALBUM:
        by = album_of(text).artist
        if by is None:
            raise not_found("artist")
        return _artist(ids.artist_id(by.public_id))
    if reference.kind == ids.SONG:
        track_id = song_of(text).id
        credits = artists.credits_of_tracks(db.session, [track_id]).get(track_id, ())
        if not credits:
            raise not_found("artist")
        return _artist(ids.artist_id(credits[0].public_id))
    return _artist(text)


def _similar(view: ArtistView, count: int) -> list[PlayableArtist]:
    """Return similar artists with playable albums."""
    instance = current_instance()
    space = artist_pages.space_or_none(instance)
    own = artists.track_ids(db.session, view.id, MAX_SONGS)
    if space is None or not own or not count:
        return []
    library = playable_library(db.session)
    similar = artist_pages.artists_like(instance, space, own, view.id, 2 * count, caller().listener)
    playable = [library.artist(one.artist.public_id) for one in similar]
    return [one for one in playable if one is not None][:count]


@endpoint("getAlbumInfo", "getAlbumInfo2")
def album_info() -> ResponseReturnValue:
    """Return album information without notes; ``getCoverArt`` has the cover."""
    text = parameters.require("id")
    if ids.parse(text).kind == ids.SONG:
        song_of(text)
    else:
        album_of(text)
    return answer({"albumInfo": {"notes": ""}})
