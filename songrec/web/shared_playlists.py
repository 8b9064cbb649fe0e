"""Playlists that their owners share by a link: the page, and their songs to play.

The key in each address is that of the link: revoked, it opens nothing any more.
"""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    render_template,
    request,
    url_for,
)

from songrec.services.listeners import playlist_export
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.listeners import playlists
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Playlist
from songrec.web import access, cached_counts, player
from songrec.web.current_listener import current_reactions

blueprint = Blueprint(
    "shared_playlists", __name__, url_prefix="/playlists/shared/<playlist_id>/<key>"
)

BEFORE = 50
"""Songs of a long list that the player gets before the one that was pressed."""


def init_app(app: Flask) -> None:
    """Register the addresses."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def show(playlist_id: str, key: str) -> Response:
    """Show a shared playlist read-only, excluded from search engines."""
    playlist = _playlist(playlist_id, key)
    run = runs.published(db.session)
    response = make_response(
        render_template(
            "playlists/shared.html",
            playlist=playlist,
            key=key,
            tracks=tracks.tracks_by_id(db.session, playlists.tracks(db.session, playlist), run),
            clusters=cached_counts.clusters(db.session, run),
            reactions=current_reactions(),
            may_play=access.may_play_shared(),
        )
    )
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.get("/queue")
def queue(playlist_id: str, key: str) -> Response:
    """Return the playable songs of a playlist for the player, at addresses with its key.

    Of a long list the first ones, or those around the song ``around`` (a public id).
    """
    playlist = _playlist(playlist_id, key)
    _require_listening()
    ids = playlists.tracks(db.session, playlist)
    files = audio_files.for_tracks(db.session, ids)
    playable = [one for one in ids if one in files]
    around = playlists.holds(db.session, playlist, request.args.get("around", ""))
    first = 0
    if around is not None and around in files:
        first = max(0, playable.index(around) - BEFORE)
    return jsonify(
        [
            _entry(playlist_id, key, view, files[view.id])
            for view in tracks.tracks_by_id(
                db.session, playable[first : first + player.QUEUE_LENGTH]
            )
        ]
    )


@blueprint.get("/tracks/<public_id>/sound")
def media(playlist_id: str, key: str, public_id: str) -> Response:
    """Send the audio of a song of the playlist."""
    # Not cached, because a revoked link must stop working.
    return player.send_sound(_file(playlist_id, key, public_id), None, max_age=0)


@blueprint.get("/tracks/<public_id>/transcoded")
def transcoded(playlist_id: str, key: str, public_id: str) -> Response:
    """Send the audio of a song of the playlist in a format that every browser plays."""
    file = _file(playlist_id, key, public_id)
    player.unchanged_path(file)
    return player.send_transcoded(audio_files.source_of(file), max_age=0)


def _entry(playlist_id: str, key: str, view: tracks.TrackView, file: AudioFile) -> dict[str, Any]:
    place = {"playlist_id": playlist_id, "key": key}
    song = {**place, "public_id": view.public_id}
    return {
        "id": view.public_id,
        "title": view.title,
        "artists": view.artists,
        "album": view.album,
        "address": url_for("shared_playlists.show", **place),
        "media": url_for("shared_playlists.media", **song),
        "type": player.playable_type(file),
        "transcoded": url_for("shared_playlists.transcoded", **song),
        "duration_s": file.duration_s,
    }


def _playlist(playlist_id: str, key: str) -> Playlist:
    playlist = playlists.with_public_id(db.session, playlist_id)
    secret = str(current_app.secret_key)
    if playlist is None or not playlist_export.is_share_key(playlist, secret, key):
        abort(404, "This link is not valid, or was revoked.")
    return playlist


def _file(playlist_id: str, key: str, public_id: str) -> AudioFile:
    playlist = _playlist(playlist_id, key)
    _require_listening()
    track_id = playlists.holds(db.session, playlist, public_id)
    file = audio_files.for_track(db.session, track_id) if track_id is not None else None
    if file is None:
        abort(404, "This song is not in the playlist any more, or has no audio.")
    return file


def _require_listening() -> None:
    if not access.may_play_shared():
        abort(403, "Songs play here for accounts only.")
