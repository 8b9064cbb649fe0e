"""Artists and albums."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound

from songrec.services.similarity import artist_pages
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.artists import AlbumView, ArtistView
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.authentication import current_listener

MAX_TRACKS = 500
MAX_ALBUMS = 200
SIMILAR = 10


@blueprint.get("/artists", tags=["artists"])
@blueprint.arguments(arguments.ArtistArguments, location="query")
@blueprint.response(200, schemas.ArtistsSchema)
def search_artists(args: dict[str, Any]) -> dict[str, Any]:
    """Search artists by name, in any usual spelling."""
    matches = artists.search(db.session, args["q"], args["limit"])
    return {
        "items": [
            {
                "id": one.public_id,
                "name": one.name,
                "tracks": one.tracks,
                "address": url_for("pages.artist", public_id=one.public_id),
            }
            for one in matches
        ]
    }


@blueprint.get("/artists/<artist_id>", tags=["artists"])
@blueprint.response(200, schemas.ArtistSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def artist(artist_id: str) -> dict[str, Any]:
    """One artist, with albums and similar artists."""
    row = _artist(artist_id)
    instance = current_instance()
    space = artist_pages.space_or_none(instance)
    ids = artists.track_ids(db.session, row.id, MAX_TRACKS)
    similar = (
        artist_pages.artists_like(instance, space, ids, row.id, SIMILAR, current_listener())
        if space
        else []
    )
    return {
        "id": row.public_id,
        "name": row.name,
        "musicbrainz_id": row.musicbrainz_id,
        "tracks": row.tracks,
        "albums": [
            serializers.album(one)
            for one in artists.albums_of_artist(db.session, row.id, MAX_ALBUMS)
        ],
        "similar": [
            {
                "id": one.artist.public_id,
                "name": one.artist.name,
                "distance": one.distance,
                "why": one.sentence,
            }
            for one in similar
        ],
        "address": url_for("pages.artist", public_id=row.public_id),
    }


@blueprint.get("/artists/<artist_id>/tracks", tags=["artists"])
@blueprint.response(200, schemas.TracksSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def artist_tracks(artist_id: str) -> dict[str, Any]:
    """The songs that credit an artist."""
    return _tracks(artists.track_ids(db.session, _artist(artist_id).id, MAX_TRACKS))


@blueprint.get("/albums/<album_id>", tags=["artists"])
@blueprint.response(200, schemas.AlbumSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def album(album_id: str) -> dict[str, Any]:
    """One album."""
    return serializers.album(_album(album_id))


@blueprint.get("/albums/<album_id>/tracks", tags=["artists"])
@blueprint.response(200, schemas.TracksSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def album_tracks(album_id: str) -> dict[str, Any]:
    """The songs of an album."""
    return _tracks(artists.album_track_ids(db.session, _album(album_id).id, MAX_TRACKS))


def _tracks(ids: list[int]) -> dict[str, Any]:
    views = tracks.tracks_by_id(db.session, ids, runs.published(db.session))
    return {"items": serializers.tracks(views)}


def _artist(public_id: str) -> ArtistView:
    row = artists.find_artist(db.session, public_id)
    if row is None:
        raise NotFound(f"No artist “{public_id[:40]}” in the catalogue.")
    return row


def _album(public_id: str) -> AlbumView:
    row = artists.find_album(db.session, public_id)
    if row is None:
        raise NotFound(f"No album “{public_id[:40]}” in the catalogue.")
    return row
