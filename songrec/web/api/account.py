"""The caller's data: likes, plays and playlists."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from werkzeug.exceptions import Conflict, Forbidden, NotFound

from songrec.services.listeners.playlist_export import FORMATS, NoStreamKey, PathsNotAllowed
from songrec.store.catalogue import keyset_pagination, tracks
from songrec.store.db import db
from songrec.store.listeners import playlists, reactions
from songrec.store.runs import runs
from songrec.store.tables import Listen, Playlist, Reaction
from songrec.web import security
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.authentication import (
    caller,
    current_listener,
    identified_listener,
    require_listener,
    unauthorised,
)
from songrec.web.api.catalogue import track_or_404
from songrec.web.downloads import download
from songrec.web.playlists import export_file

VALUES = {"like": reactions.LIKE, "dislike": reactions.DISLIKE}
WORDS = {value: word for word, value in VALUES.items()}
TOKEN: list[dict[str, list[str]]] = [{"token": []}, {"cookie": []}]


@blueprint.get("/token", tags=["service"])
@blueprint.response(200, schemas.TokenSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=[{"token": []}])
def token() -> dict[str, Any]:
    """Describe the token of this request: its account, scopes and expiry."""
    who = caller()
    if who.token is None or who.user is None:
        raise unauthorised("This needs a token.")
    return {
        "account": who.user.name,
        "name": who.token.name,
        "scopes": who.token.scopes.split(),
        "created_at": who.token.created_at,
        "expires_at": who.token.expires_at,
    }


@blueprint.get("/likes", tags=["likes"])
@blueprint.arguments(arguments.LikesArguments, location="query")
@blueprint.response(200, schemas.page_of(schemas.ReactionSchema))
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=TOKEN)
def likes(args: dict[str, Any]) -> dict[str, Any]:
    """List your likes and dislikes, newest first."""
    listener = identified_listener()
    if listener is None:
        return {"items": [], "next": None}
    part = keyset_pagination.reactions(
        db.session,
        listener,
        value=VALUES.get(args.get("value", "")),
        cursor=args.get("cursor"),
        limit=args["limit"],
    )
    public = {
        view.id: view.public_id
        for view in tracks.tracks_by_id(db.session, [r.track_id for r in part.items])
    }
    return {"items": [_reaction(r, public[r.track_id]) for r in part.items], "next": part.next}


@blueprint.put("/likes/<track_id>", tags=["likes"])
@blueprint.arguments(arguments.ReactionArguments, required=False)
@blueprint.response(200, schemas.ReactionSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def like(args: dict[str, Any], track_id: str) -> dict[str, Any]:
    """Like or dislike a song; if it already is, only a given weight changes."""
    listener = require_listener()
    track = track_or_404(track_id)
    reactions.react(db.session, listener, track.id, VALUES[args["value"]], args.get("weight"))
    db.session.commit()
    reaction = db.session.get_one(Reaction, (listener.id, track.id))
    return _reaction(reaction, track.public_id)


@blueprint.delete("/likes/<track_id>", tags=["likes"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def unlike(track_id: str) -> None:
    """Remove a like or dislike, if there is one."""
    listener = require_listener()
    reactions.react(db.session, listener, track_or_404(track_id).id, None)
    db.session.commit()


@blueprint.get("/listens", tags=["likes"])
@blueprint.arguments(arguments.PageArguments, location="query")
@blueprint.response(200, schemas.page_of(schemas.ListenSchema))
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=TOKEN)
def listen_list(args: dict[str, Any]) -> dict[str, Any]:
    """List your plays, in songrec and imported, last added first."""
    listener = identified_listener()
    if listener is None:
        return {"items": [], "next": None}
    part = keyset_pagination.newest(
        db.session,
        Listen,
        Listen.listener_id == listener.id,
        cursor=args.get("cursor"),
        limit=args["limit"],
    )
    ids = [row.track_id for row in part.items if row.track_id is not None]
    public = {view.id: view.public_id for view in tracks.tracks_by_id(db.session, ids)}
    return {"items": [_listen(row, public) for row in part.items], "next": part.next}


@blueprint.get("/playlists", tags=["playlists"])
@blueprint.arguments(arguments.PageArguments, location="query")
@blueprint.response(200, schemas.page_of(schemas.PlaylistSchema))
def playlist_list(args: dict[str, Any]) -> dict[str, Any]:
    """List your playlists and those of the catalogue, newest first."""
    listener = current_listener()
    visible = Playlist.listener_id.is_(None)
    if listener is not None:
        visible |= Playlist.listener_id == listener.id
    part = keyset_pagination.newest(
        db.session, Playlist, visible, cursor=args.get("cursor"), limit=args["limit"]
    )
    sizes = playlists.sizes(db.session, part.items)
    return {"items": [_playlist(p, sizes[p.id]) for p in part.items], "next": part.next}


@blueprint.post("/playlists", tags=["playlists"])
@blueprint.arguments(arguments.NewPlaylistArguments)
@blueprint.response(201, schemas.FullPlaylistSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.doc(security=TOKEN)
def create_playlist(args: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Create a playlist."""
    listener = require_listener()
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "playlist")
    ids = playlists.ids_of(db.session, _without_nul(args["tracks"]))
    row = playlists.create(db.session, listener, args["name"], args["description"], ids)
    db.session.commit()
    address = url_for("api.playlist", playlist_id=row.public_id)
    return _full(row), 201, {"Location": address}


@blueprint.get("/playlists/<playlist_id>", tags=["playlists"])
@blueprint.response(200, schemas.FullPlaylistSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def playlist(playlist_id: str) -> dict[str, Any]:
    """Get one playlist with its songs."""
    return _full(_find_playlist(playlist_id))


@blueprint.get("/playlists/<playlist_id>/file", tags=["playlists"])
@blueprint.arguments(arguments.PlaylistFileArguments, location="query")
@blueprint.response(200, {"type": "string"}, content_type="audio/x-mpegurl")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(
    responses={
        "200": {
            "content": {
                kind.media_type: {
                    "schema": {"type": "object" if "json" in kind.media_type else "string"}
                }
                for kind in FORMATS.values()
            }
        }
    }
)
def playlist_file(args: dict[str, Any], playlist_id: str) -> Response:
    """Download a playlist as M3U8, JSPF or CSV, with the paths or stream addresses of its files."""
    try:
        file = export_file(
            _find_playlist(playlist_id),
            args["format"],
            files=args["files"],
            root=args["root"].replace("\0", ""),
            is_admin=caller().is_admin,
        )
    except PathsNotAllowed as error:
        raise Forbidden(str(error)) from None
    except NoStreamKey as error:
        raise Conflict(str(error)) from None
    return download(file.text, file.media_type, file.name)


@blueprint.put("/playlists/<playlist_id>/stream-key", tags=["playlists"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def create_stream_key(playlist_id: str) -> None:
    """Create a playlist's key, so that its file with `files=stream` plays without a sign-in."""
    playlists.create_stream_key(db.session, _find_streamable(playlist_id))
    db.session.commit()


@blueprint.delete("/playlists/<playlist_id>/stream-key", tags=["playlists"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def revoke_stream_key(playlist_id: str) -> None:
    """Revoke a playlist's key, which makes its stream addresses invalid."""
    playlists.revoke_stream_key(db.session, _find_streamable(playlist_id))
    db.session.commit()


@blueprint.delete("/playlists/<playlist_id>", tags=["playlists"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def delete_playlist(playlist_id: str) -> None:
    """Delete a playlist of yours; its songs remain in the catalogue."""
    playlists.delete(db.session, _find_playlist(playlist_id, to_change=True))
    db.session.commit()


@blueprint.post("/playlists/<playlist_id>/tracks", tags=["playlists"])
@blueprint.arguments(arguments.TracksArguments)
@blueprint.response(200, schemas.FullPlaylistSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def add_to_playlist(args: dict[str, Any], playlist_id: str) -> dict[str, Any]:
    """Append songs to a playlist of yours; songs already in it keep their place."""
    row = _find_playlist(playlist_id, to_change=True)
    playlists.add(db.session, row, playlists.ids_of(db.session, _without_nul(args["tracks"])))
    db.session.commit()
    return _full(row)


@blueprint.delete("/playlists/<playlist_id>/tracks/<track_id>", tags=["playlists"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def remove_from_playlist(playlist_id: str, track_id: str) -> None:
    """Remove a song from a playlist of yours."""
    row = _find_playlist(playlist_id, to_change=True)
    playlists.remove(db.session, row, track_or_404(track_id).id)
    db.session.commit()


def _reaction(reaction: Reaction, public_id: str) -> dict[str, Any]:
    return {
        "track_id": public_id,
        "value": WORDS[reaction.value],
        "weight": reaction.weight,
        "since": reaction.created_at,
    }


def _find_playlist(public_id: str, *, to_change: bool = False) -> Playlist:
    listener = require_listener() if to_change else current_listener()
    row = playlists.find(db.session, public_id, listener, to_change=to_change)
    if row is None:
        raise NotFound("No such playlist, or it is not yours.")
    return row


def _find_streamable(public_id: str) -> Playlist:
    """Return a playlist of the caller's own, or for an admin one of the catalogue."""
    row = _find_playlist(public_id, to_change=not caller().is_admin)
    if row.listener_id is None and not caller().is_admin:
        raise NotFound("No such playlist, or it is not yours.")
    return row


def _listen(row: Listen, public: dict[int, str]) -> dict[str, Any]:
    return {
        "track_id": public.get(row.track_id) if row.track_id is not None else None,
        "title": row.title,
        "artists": row.artists,
        "played_at": row.played_at,
        "times": row.times,
        "ms_played": row.ms_played,
        "skipped": row.is_skip,
        "source": row.source,
    }


def _playlist(row: Playlist, size: int) -> dict[str, Any]:
    listener = current_listener()
    return {
        "id": row.public_id,
        "name": row.name,
        "description": row.description,
        "mine": listener is not None and row.listener_id == listener.id,
        "size": size,
        "created_at": row.created_at,
        "address": url_for("playlists.show", public_id=row.public_id),
    }


def _full(row: Playlist) -> dict[str, Any]:
    views = tracks.tracks_by_id(
        db.session, playlists.tracks(db.session, row), runs.published(db.session)
    )
    return {**_playlist(row, len(views)), "tracks": serializers.tracks(views)}


def _without_nul(public_ids: list[str]) -> list[str]:
    # PostgreSQL's text type does not allow zero bytes, so no track has one in its id.
    return [one for one in public_ids if "\0" not in one]
