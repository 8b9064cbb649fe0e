"""Endpoints of the player: sound, cover, waveform, and the next songs.

Files are requested by ids of the library, never by path, and only sent if they have not changed
since their analysis.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from limits import RateLimitItemPerMinute

from songrec.core.errors import BadInput
from songrec.core.files import modified_ns
from songrec.jobs import queue
from songrec.services.features import conversion_slots, live_conversion, transcoded_files
from songrec.services.features.sound_files import is_local, local_path
from songrec.services.listeners import playlist_export
from songrec.services.recommendation import song_page
from songrec.store import jobs
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import playlists, reactions
from songrec.store.runs import runs
from songrec.store.servers.streamed_files import is_streamed
from songrec.store.sound import audio_files, transcoded_cache, waveform_cache
from songrec.store.sound.audio_files import SoundSource
from songrec.store.tables import AudioFile, Listener
from songrec.web import cached_counts, personal_jobs, security
from songrec.web.covers.views import PREVIEW, cover_address
from songrec.web.current_listener import current_listener
from songrec.web.downloads import send_stored_file
from songrec.web.http_caching import YEAR
from songrec.web.streamed_sound import closing, send_streamed

blueprint = Blueprint("player", __name__, url_prefix="/listen")

QUEUE_LENGTH = 200
CACHE_SECONDS = 24 * 3600
PREPARATIONS = RateLimitItemPerMinute(60, 1)
REACTIONS = {reactions.LIKE: "like", reactions.DISLIKE: "dislike"}
MAX_PREPARING = 8
"""More waveforms than this do not wait at once, so that no visitor fills the queue."""
N_SIMILAR = 4
LONGEST_S = 24 * 3600.0
"""No song is longer."""
BEGINNING_S = 20.0
"""Seconds that a request waits for the first bytes of a conversion."""
MOST_READING, MOST_READING_EACH = 5, 3
"""Requests that a web process lets read growing files at once, of all and of one person.

Each holds one of its threads, and any number may read the same conversion.
"""
READING_WAIT_S = 3.0
_reading = conversion_slots.ConversionSlots(MOST_READING, MOST_READING_EACH)
OTHER_TYPE = "application/octet-stream"

TYPES = {
    "mp3": "audio/mpeg",
    "mp3float": "audio/mpeg",
    "mp2": 'audio/mpeg; codecs="mp2"',
    "mp1": 'audio/mpeg; codecs="mp1"',
    "mp2float": 'audio/mpeg; codecs="mp2"',
    "mp1float": 'audio/mpeg; codecs="mp1"',
    "flac": "audio/flac",
    "vorbis": 'audio/ogg; codecs="vorbis"',
    "opus": 'audio/ogg; codecs="opus"',
    "speex": 'audio/ogg; codecs="speex"',
    "aac": "audio/mp4",
    "alac": 'audio/mp4; codecs="alac"',
    "wmav2": "audio/x-ms-wma",
    "wmav1": "audio/x-ms-wma",
}
CONTAINERS = {
    "aac": "audio/aac",
    "adts": "audio/aac",
    "aiff": "audio/aiff",
}
MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
WAV_CODECS = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_mulaw", "pcm_alaw")
"""Codecs of WAV files that browsers play."""


def init_app(app: Flask) -> None:
    """Register the addresses."""
    app.register_blueprint(blueprint)


@blueprint.app_template_global("player_controls")
def controls_address() -> str:
    """Return the URL of the player's controls, with a digest of them for caching."""
    return url_for("player.controls", v=_controls(request.script_root)[0])


@blueprint.get("/controls")
def controls() -> ResponseReturnValue:
    """Return the player's controls: a part of every page that browsers fetch once."""
    digest, html = _controls(request.script_root)
    response = make_response(html)
    response.cache_control.public = True
    if request.args.get("v") == digest:
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    return response


@functools.lru_cache(maxsize=8)
def _controls(root: str) -> tuple[str, str]:
    """Return a digest of the controls and their HTML, whose addresses begin with ``root``."""
    html = render_template("player/controls.html")
    return hashlib.blake2b(html.encode(), digest_size=5).hexdigest(), html


@blueprint.get("/<file_id>")
def media(file_id: str) -> ResponseReturnValue:
    """Send the audio of one file; range requests allow seeking."""
    return send_sound(_file(file_id), current_listener(), max_age=CACHE_SECONDS)


@blueprint.get("/<file_id>/transcoded")
def transcoded(file_id: str) -> Response:
    """Send the audio of one file in another format; see ``send_transcoded``."""
    file = _file(file_id)
    unchanged_path(file)
    return send_transcoded(audio_files.source_of(file), max_age=CACHE_SECONDS)


def send_transcoded(source: SoundSource, *, max_age: int) -> Response:
    """Send sound as ``format`` (opus or mp3), converted at the first play.

    During the conversion there are no ranges, and HEAD only starts it. ``from`` is a position in
    seconds that the conversion has not reached yet, from which another one starts.
    """
    format = request.args.get("format", "mp3")
    if format not in transcoded_cache.MEDIA_TYPES:
        abort(400, "format must be opus or mp3.")
    from_s = request.args.get("from", 0.0, type=float)
    if not 0 <= from_s <= LONGEST_S:
        abort(400, "from must be a number of seconds.")
    if from_s:
        return _converted_from(source, format, from_s)
    kind = transcoded_cache.MEDIA_TYPES[format]
    instance = current_app.config["INSTANCE"]
    done = transcoded_files.finished(instance, source.content_hash, format)
    if done is not None:
        name = f"{source.path.stem}.{format}"
        etag = f"{source.content_hash}-{format}"
        return send_stored_file(done, name, kind, max_age=max_age, etag=etag)
    if not transcoded_files.is_under_way(instance, source.content_hash, format):
        security.count_from_here(PREPARATIONS, "transcoded")
    db.session.commit()  # nothing stays locked meanwhile
    is_needed = request.method == "HEAD"
    owner = personal_jobs.owner_key()
    with ExitStack() as slot:
        try:
            if not is_needed:
                _reading.acquire(owner, READING_WAIT_S)
                slot.callback(_reading.release, owner)
            conversion = transcoded_files.start(
                instance,
                source,
                format,
                owner,
                cache_bytes=current_app.config["TRANSCODED_BYTES"],
                is_needed=is_needed,
            )
            if not is_needed and not conversion.has_begun(BEGINNING_S):
                abort(503, "This song cannot be converted right now. Try again in a moment.")
        except BadInput as error:
            abort(404, f"This song cannot be played: it {error}.")
        except conversion_slots.Busy as error:
            return _busy(error)
        if is_needed:
            return _growing((), kind)
        playing = slot.pop_all()
    response = _growing(closing(transcoded_files.read(conversion), playing), kind)
    response.call_on_close(playing.close)  # also where nothing was read
    return response


def _converted_from(source: SoundSource, format: str, from_s: float) -> Response:
    """Send a conversion from a position while it is running."""
    kind = transcoded_cache.MEDIA_TYPES[format]
    if request.method == "HEAD":
        return _growing((), kind)
    security.count_from_here(PREPARATIONS, "transcoded")
    db.session.commit()  # nothing stays locked meanwhile
    conversion = live_conversion.Conversion(format, live_conversion.KBPS[format], from_s)
    try:
        stream = live_conversion.start(source, conversion, personal_jobs.owner_key())
    except BadInput as error:
        abort(404, str(error))
    except conversion_slots.Busy as error:
        return _busy(error)
    response = _growing(stream, kind)
    response.call_on_close(stream.close)
    return response


def _growing(body: Iterable[bytes], kind: str) -> Response:
    response = current_app.response_class(body, content_type=kind)
    response.headers["Accept-Ranges"] = "none"
    response.cache_control.no_store = True
    return response


def _busy(error: conversion_slots.Busy) -> Response:
    response = make_response(str(error), 503)
    response.headers["Retry-After"] = "5"
    return response


@blueprint.get("/now/<public_id>")
def now(public_id: str) -> str:
    """Return the part of a page with the playing song and similar songs, for the player."""
    instance = current_instance()
    playing = song_page.now_playing(instance, current_listener(), public_id, N_SIMILAR)
    if playing is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    clusters = cached_counts.clusters(db.session, playing.run)
    label = playing.track.label
    return render_template(
        "player/now.html",
        track=playing.track,
        cluster=clusters.get(label) if label is not None else None,
        similar=playing.similar,
    )


@blueprint.get("/playlists/<playlist_id>/<key>/tracks/<public_id>")
def stream(playlist_id: str, key: str, public_id: str) -> ResponseReturnValue:
    """Send the audio of a playlist's song to a player with the playlist's key."""
    playlist = playlists.with_public_id(db.session, playlist_id)
    secret = str(current_app.secret_key)
    if playlist is None or not playlist_export.is_stream_key(playlist, secret, key):
        abort(404, "This address is not valid, or was revoked.")
    track_id = playlists.holds(db.session, playlist, public_id)
    file = audio_files.for_track(db.session, track_id) if track_id is not None else None
    if file is None:
        abort(404, "This song is not in the playlist any more, or has no audio.")
    # Not cached, because a revoked URL must stop working.
    return send_sound(file, None, max_age=0)


@blueprint.get("/tracks/<public_id>")
def play(public_id: str) -> ResponseReturnValue:
    """Redirect to the audio of a song, for browsers without scripts."""
    track = tracks.find_track(db.session, public_id)
    file = audio_files.for_track(db.session, track.id) if track else None
    if file is None:
        abort(404, "This song has no audio.")
    return redirect(url_for("player.media", file_id=file.public_id), 302)


@blueprint.get("/<file_id>/waveform")
def waveform(file_id: str) -> ResponseReturnValue:
    """Return the peaks of the audio, from 0 to 1; 202 while they are computed."""
    file = _file(file_id)
    sleeve = waveform_cache.find(current_app.config["INSTANCE"], str(file.content_hash))
    if sleeve is None and is_streamed(file):
        abort(404, "This song has no waveform.")
    if sleeve is None:
        _prepare(file)
        return jsonify(state="waiting"), 202
    response = jsonify(seconds=sleeve.seconds, peaks=sleeve.peaks)
    response.cache_control.private = True
    response.cache_control.max_age = CACHE_SECONDS
    return response


@blueprint.get("/<file_id>/cover")
def cover(file_id: str) -> ResponseReturnValue:
    """Send the cover embedded in the file; 404 if there is none, or not yet."""
    file = _file(file_id)
    instance = current_app.config["INSTANCE"]
    sleeve = waveform_cache.find(instance, str(file.content_hash))
    if sleeve is None and file.has_cover and not is_streamed(file):
        _prepare(file)
    if sleeve is None or sleeve.cover_type is None:
        abort(404, "This song has no cover.")
    path = waveform_cache.cover_path(instance, str(file.content_hash))
    return send_stored_file(path, path.name, sleeve.cover_type, max_age=CACHE_SECONDS)


@blueprint.get("/queue")
def queue_of() -> ResponseReturnValue:
    """Return playable songs of ``cluster``, ``playlist`` or ``tracks`` (public ids)."""
    run = runs.published(db.session)
    if "playlist" in request.args:
        playlist = playlists.find(db.session, request.args["playlist"], current_listener())
        if playlist is None:
            abort(404)
        ids = playlists.tracks(db.session, playlist)
    elif "cluster" in request.args:
        number = request.args.get("cluster", type=int)
        if number is None or run is None:
            abort(404)
        ids = audio_files.in_cluster(db.session, run.id, number, QUEUE_LENGTH)
    elif "likes" in request.args:
        listener = current_listener()
        ids = reactions.reactions(db.session, listener)[0] if listener else []
    else:
        ids = playlists.ids_of(db.session, request.args.get("tracks", "").split(",")[:QUEUE_LENGTH])
    return jsonify(entries(ids)[:QUEUE_LENGTH])


def entries(track_ids: list[int]) -> list[dict[str, Any]]:
    """Return the player's data on the playable ones of these tracks, in order."""
    files = audio_files.for_tracks(db.session, track_ids)
    views = tracks.tracks_by_id(db.session, [i for i in track_ids if i in files])
    listener = current_listener()
    ids = [view.id for view in views]
    values = reactions.values(db.session, listener, ids) if listener else {}
    return [
        {
            "id": view.public_id,
            "title": view.title,
            "artists": view.artists,
            "album": view.album,
            "address": url_for("pages.track", public_id=view.public_id),
            "reaction": REACTIONS.get(values.get(view.id)),
            "reaction_address": url_for("likes.react", public_id=view.public_id),
            "skip_address": url_for("likes.skip", public_id=view.public_id),
            "play_address": url_for("likes.play", public_id=view.public_id),
            "view": url_for("player.now", public_id=view.public_id),
            **addresses(files[view.id]),
            "picture": cover_address(view),
            "artwork": cover_address(view, PREVIEW),
        }
        for view in views
    ]


def addresses(file: AudioFile) -> dict[str, Any]:
    """Return the URLs of a file's audio, waveform and cover, its type and its duration.

    ``transcoded`` is the audio for browsers that do not play ``type``.
    ``is_part`` marks a track of an album file, which the player has cut ahead of time.
    """
    return {
        "media": url_for("player.media", file_id=file.public_id),
        "type": playable_type(file),
        "transcoded": url_for("player.transcoded", file_id=file.public_id),
        "waveform": url_for("player.waveform", file_id=file.public_id),
        "cover": url_for("player.cover", file_id=file.public_id) if file.has_cover else None,
        "duration_s": file.duration_s,
        **({"is_part": True} if file.part else {}),
    }


def media_type(file: AudioFile) -> str:
    """Return a file's media type by its contents, not its name."""
    return playable_type(file).partition(";")[0]


def playable_type(file: AudioFile) -> str:
    """Return the media type of a file for browsers' ``canPlayType``."""
    if file.part:
        return "audio/flac"
    return full_type(file.codec or "", str(file.info.get("container", "")))


def type_of(codec: str, container: str) -> str:
    """Return the media type of a codec in a container, in the decoder's names."""
    return full_type(codec, container).partition(";")[0]


def full_type(codec: str, container: str) -> str:
    """Return the media type, with the codec if it is not determined by the container."""
    if container in CONTAINERS:
        return CONTAINERS[container]
    if container == "matroska,webm":
        return f'audio/webm; codecs="{codec}"'
    if container == MP4:
        plain = TYPES.get(codec) == "audio/mp4"
        return "audio/mp4" if plain else f'audio/mp4; codecs="{codec}"'
    if codec.startswith(("pcm_", "adpcm_")) and container in ("", "wav"):
        return "audio/wav" if codec in WAV_CODECS else f'audio/wav; codecs="{codec}"'
    if container == "ogg" and codec == "flac":
        return 'audio/ogg; codecs="flac"'
    return TYPES.get(codec, OTHER_TYPE)


def _file(file_id: str) -> AudioFile:
    file = audio_files.playable(db.session, file_id)
    if file is None:
        abort(404, "No such sound in the library.")
    return file


def send_sound(
    file: AudioFile, listener: Listener | None, *, max_age: int, owner: str | None = None
) -> Response:
    """Send the sound of a row, from its file or from its music server; see ``send_streamed``."""
    if is_streamed(file):
        return send_streamed(file, listener, media_type(file), owner)
    path, name, kind = sound_of(file)
    return send_stored_file(path, name, kind, max_age=max_age, etag=str(file.content_hash))


def unchanged_path(file: AudioFile) -> Path:
    """Return the file's path; 404 if it changed since it was analysed, or is on a server alone."""
    if is_streamed(file):
        abort(404, "This song lies on a music server, which sends it as it is.")
    path = Path(file.path)
    try:
        status = path.stat()
    except OSError:
        abort(404, "The file of this song is gone.")
    if not path.is_file() or (status.st_size, modified_ns(status)) != (file.size, file.modified_ns):
        abort(404, "The file of this song has changed since it was analysed.")
    return path


def sound_of(file: AudioFile) -> tuple[Path, str, str]:
    """Return a file with the sound of a row, its name for a download and its media type.

    A track of an album file is cut from it at the first play.
    """
    path = unchanged_path(file)
    if not file.part:
        return path, path.name, media_type(file)
    name = f"{path.stem} {file.part:02}.flac"
    instance, source = current_app.config["INSTANCE"], audio_files.source_of(file)
    if not is_local(instance, source):
        security.count_from_here(PREPARATIONS, "part")
    db.session.commit()  # nothing stays locked meanwhile
    try:
        return local_path(instance, source), name, "audio/flac"
    except BadInput as error:
        abort(404, f"This song cannot be played: {error}")


def _prepare(file: AudioFile) -> None:
    """Queue waveform and cover, once, and not too many at a time."""
    security.count_from_here(PREPARATIONS, "sleeve")
    parameters = {"file_id": file.public_id}
    waiting = [job.parameters for job in jobs.active(db.session) if job.kind == "sleeve"]
    if parameters not in waiting and len(waiting) < MAX_PREPARING:
        queue.enqueue(db.session, "sleeve", parameters)
        db.session.commit()
