"""Playlists: mine, those of the catalogue, and their files."""

from __future__ import annotations

import re

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import BadInput
from songrec.services.listeners import playlist_export
from songrec.store.catalogue import tracks as catalogue
from songrec.store.db import db
from songrec.store.listeners import playlists, unmatched_imports
from songrec.store.runs import runs
from songrec.store.tables import Playlist
from songrec.web import cached_counts, security
from songrec.web.current_listener import current_listener, current_reactions, require_listener
from songrec.web.downloads import download
from songrec.web.errors import wants_json
from songrec.web.template_context import count

blueprint = Blueprint("playlists", __name__, url_prefix="/playlists")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def index() -> str:
    """List the listener's playlists and those of the catalogue."""
    listener = current_listener()
    text = request.args.get("q", "")[:100]
    return render_template(
        "playlists/index.html",
        mine=playlists.of_listener(db.session, listener) if listener else [],
        of_catalogue=playlists.of_catalogue(db.session, text=text),
        text=text,
    )


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Make a playlist from ``tracks`` (public ids, repeated or with commas between), or none.

    The field ``first`` limits it to that number of tracks, from the beginning.
    """
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "playlist")
    first = request.form.get("first", type=int)
    ids = playlists.ids_of(db.session, _public_ids()[: first if first and first > 0 else None])
    listener = require_listener()
    playlist = playlists.create(
        db.session,
        listener,
        request.form.get("name", ""),
        request.form.get("description", ""),
        ids,
    )
    address = url_for("playlists.show", public_id=playlist.public_id)
    db.session.commit()
    if wants_json():
        return jsonify(
            public_id=playlist.public_id, name=playlist.name, size=len(ids), address=address
        ), 201
    flash(f"“{playlist.name}” is saved with {count(len(ids), 'song', 'songs')}.", "success")
    return redirect(address, 303)


@blueprint.get("/<public_id>")
def show(public_id: str) -> str:
    """Show one playlist with its songs, downloads, and its owner's controls."""
    playlist = _readable(public_id)
    listener = current_listener()
    run = runs.published(db.session)
    return render_template(
        "playlists/show.html",
        playlist=playlist,
        is_mine=listener is not None and playlist.listener_id == listener.id,
        n_missing=unmatched_imports.count_of_playlist(db.session, playlist.id),
        may_stream=_may_stream(playlist),
        share_address=_share_address(playlist),
        locations={
            name: label
            for name, label in playlist_export.LOCATIONS.items()
            if name != "absolute" or _is_admin()
        },
        tracks=catalogue.tracks_by_id(db.session, playlists.tracks(db.session, playlist), run),
        formats=playlist_export.FORMATS.values(),
        clusters=cached_counts.clusters(db.session, run),
        reactions=current_reactions(),
    )


@blueprint.get("/<public_id>.<format>")
def export(public_id: str, format: str) -> Response:
    """Send the playlist as a file: csv, m3u8 or jspf.

    ``files`` is the kind of the files' locations, ``root`` the base folder of relative paths.
    """
    file = export_file(
        _readable(public_id),
        format,
        files=request.args.get("files", "relative"),
        root=request.args.get("root", "").strip(),
        is_admin=_is_admin(),
    )
    return download(file.text, file.media_type, file.name)


def export_file(
    playlist: Playlist, format: str, *, files: str, root: str, is_admin: bool
) -> playlist_export.PlaylistFile:
    """Return a playlist's file, with addresses of this site."""
    key = playlist_export.stream_key(playlist, str(current_app.secret_key))
    return playlist_export.export_playlist(
        db.session,
        playlist,
        format,
        page_address=lambda track: url_for(
            "pages.track", public_id=track.public_id, _external=True
        ),
        stream_address=(
            lambda track: url_for(
                "player.stream",
                playlist_id=playlist.public_id,
                key=key,
                public_id=track.public_id,
                _external=True,
            )
        )
        if key
        else None,
        files=files,
        root=root,
        may_see_paths=is_admin,
    )


@blueprint.post("/<public_id>/stream-key")
def create_stream_key(public_id: str) -> ResponseReturnValue:
    """Give the playlist a key, with which players play it without signing in."""
    playlist = _streamable(public_id)
    playlists.create_stream_key(db.session, playlist)
    db.session.commit()
    flash("The playlist has stream addresses now: download it as M3U8 with them.", "success")
    return _redirect_to(playlist)


@blueprint.post("/<public_id>/stream-key/revoke")
def revoke_stream_key(public_id: str) -> ResponseReturnValue:
    """Make the playlist's stream addresses invalid."""
    playlist = _streamable(public_id)
    playlists.revoke_stream_key(db.session, playlist)
    db.session.commit()
    flash("The stream addresses of this playlist are revoked.", "success")
    return _redirect_to(playlist)


@blueprint.post("/<public_id>/copy")
def duplicate(public_id: str) -> ResponseReturnValue:
    """Copy a playlist of the listener or the catalogue to the listener's playlists."""
    original = _readable(public_id)
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "playlist")
    copy = playlists.duplicate(db.session, require_listener(), original)
    db.session.commit()
    flash(f"“{copy.name}” is yours to change.", "success")
    return _redirect_to(copy)


@blueprint.post("/<public_id>/share-link")
def create_share_key(public_id: str) -> ResponseReturnValue:
    """Create the playlist's public page, for everybody with the link."""
    playlist = _mine(public_id)
    playlists.create_share_key(db.session, playlist)
    db.session.commit()
    flash("Whoever has the link can see this playlist now, and nothing else of yours.", "success")
    return _redirect_to(playlist, "share")


@blueprint.post("/<public_id>/share-link/revoke")
def revoke_share_key(public_id: str) -> ResponseReturnValue:
    """Make the address of the playlist's public page invalid."""
    playlist = _mine(public_id)
    playlists.revoke_share_key(db.session, playlist)
    db.session.commit()
    flash("The link is revoked: nobody can open it any more.", "success")
    return _redirect_to(playlist, "share")


@blueprint.post("/<public_id>/details")
def rename(public_id: str) -> ResponseReturnValue:
    """Change name or description."""
    playlist = _mine(public_id)
    playlists.rename(
        db.session, playlist, request.form.get("name", ""), request.form.get("description", "")
    )
    db.session.commit()
    return _redirect_to(playlist)


@blueprint.post("/<public_id>/delete")
def delete(public_id: str) -> ResponseReturnValue:
    """Remove the playlist; the songs stay."""
    playlist = _mine(public_id)
    name = playlist.name
    playlists.delete(db.session, playlist)
    db.session.commit()
    flash(f"“{name}” is deleted. Its songs stay in the catalogue.", "success")
    return redirect(url_for("playlists.index"), 303)


@blueprint.post("/<public_id>/tracks")
def add(public_id: str) -> ResponseReturnValue:
    """Append ``tracks`` (public ids)."""
    playlist = _mine(public_id)
    ids = playlists.ids_of(db.session, _public_ids())
    if not ids:
        raise BadInput("No songs given, so none were added.")
    added = playlists.add(db.session, playlist, ids)
    db.session.commit()
    flash(f"{count(added, 'song', 'songs')} added to “{playlist.name}”.", "success")
    return _redirect_to(playlist)


@blueprint.post("/<public_id>/tracks/<track_id>")
def change(public_id: str, track_id: str) -> ResponseReturnValue:
    """Move one song or take it out.

    ``do`` is up, down, first, remove, or place with the new ``place``, counted from 0.
    """
    playlist = _mine(public_id)
    ids = playlists.ids_of(db.session, [track_id])
    order = playlists.tracks(db.session, playlist)
    if not ids or ids[0] not in order:
        raise BadInput("This song is no longer in the playlist.")
    track, place = ids[0], order.index(ids[0])
    match request.form.get("do"):
        case "remove":
            playlists.remove(db.session, playlist, track)
        case "up":
            playlists.move(db.session, playlist, track, place - 1)
        case "down":
            playlists.move(db.session, playlist, track, place + 1)
        case "first":
            playlists.move(db.session, playlist, track, 0)
        case "place":
            playlists.move(db.session, playlist, track, _place())
        case _:
            abort(400)
    db.session.commit()
    if wants_json():
        return jsonify(tracks=len(playlists.tracks(db.session, playlist)))
    # Back to the song that was moved, not to the top of a long page.
    return _redirect_to(playlist, None if request.form["do"] == "remove" else f"t-{track_id}")


def _share_address(playlist: Playlist) -> str | None:
    """Return the address of the playlist's public page, if it has one."""
    key = playlist_export.share_key(playlist, str(current_app.secret_key))
    if key is None:
        return None
    return url_for("shared_playlists.show", playlist_id=playlist.public_id, key=key, _external=True)


def _place() -> int:
    try:
        return int(request.form.get("place", "")[:9])
    except ValueError:
        abort(400)


def _readable(public_id: str) -> Playlist:
    playlist = playlists.find(db.session, public_id, current_listener())
    if playlist is None:
        abort(404)
    return playlist


def _mine(public_id: str) -> Playlist:
    # Somebody else's playlist is not there, whether or not it exists.
    playlist = playlists.find(db.session, public_id, current_listener(), to_change=True)
    if playlist is None:
        abort(404)
    return playlist


def _is_admin() -> bool:
    return bool(getattr(current_user, "is_admin", False))


def _may_stream(playlist: Playlist) -> bool:
    """Whether this browser may create and revoke the key: the owner, or an admin."""
    listener = current_listener()
    if listener is not None and playlist.listener_id == listener.id:
        return True
    return playlist.listener_id is None and _is_admin()


def _streamable(public_id: str) -> Playlist:
    playlist = _readable(public_id)
    if not _may_stream(playlist):
        abort(404)
    return playlist


def _redirect_to(playlist: Playlist, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("playlists.show", public_id=playlist.public_id, _anchor=anchor), 303)


def _public_ids() -> list[str]:
    fields = " ".join(request.form.getlist("tracks"))
    return [part for part in re.split(r"[\s,]+", fields) if part]
