"""The sound of songs, original or converted on the fly, and lyrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from flask import current_app, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from sqlalchemy import select

from songrec.core.songs import song_key
from songrec.jobs.queue import owner_key_of
from songrec.services.catalogue.song_lyrics import SongLyrics, song_lyrics
from songrec.services.features import conversion_slots, live_conversion, transcoded_files
from songrec.services.features.live_conversion import Conversion
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.servers.streamed_files import is_streamed
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Track
from songrec.web.downloads import content_disposition, send_stored_file
from songrec.web.player import send_sound, unchanged_path
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import GENERIC, SubsonicError, answer, not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.system import EXTENSIONS

EXTENSIONS |= {"songLyrics": [1], "transcodeOffset": [1]}
HIGHEST_KBPS = 10_000
LONGEST_S = 7 * 24 * 3600


def song_of(text: str) -> TrackView:
    """Return the song with this id; error 70 if it does not exist or cannot be played."""
    reference = ids.parse(text)
    view = (
        tracks.find_track(db.session, reference.public_id) if reference.kind == ids.SONG else None
    )
    if view is None or not view.has_audio:
        raise not_found("song")
    return view


def songs_of(texts: Sequence[str]) -> list[TrackView]:
    """Return the songs with these ids, looked up together; errors as for ``song_of``."""
    unique = list(dict.fromkeys(texts))
    views = tracks.tracks_by_public_id(db.session, unique)
    known = {view.public_id: view for view in views if view.has_audio}
    # The remaining ids may be those of merged tracks, or unknown.
    known |= {text: song_of(text) for text in unique if text not in known}
    return [known[text] for text in texts]


def file_of(text: str) -> tuple[TrackView, AudioFile]:
    """Return the song with this id and the file that is sent for it; errors as ``song_of``."""
    view = song_of(text)
    file = audio_files.for_track(db.session, view.id)
    if file is None:
        raise not_found("song")
    return view, file


@endpoint("stream")
def stream() -> ResponseReturnValue:
    """Send a song unchanged, or converted to the requested format and rate, from a position."""
    _, file = file_of(parameters.require("id"))
    kbps = round(file.size * 8 / file.duration_s / 1000) if file.duration_s else None
    conversion = live_conversion.choose(
        "flac" if file.part else file.codec or "",
        None if file.part else kbps,
        format=parameters.text("format"),
        max_kbps=parameters.count("maxBitRate", 0, HIGHEST_KBPS),
        from_s=offset_s("timeOffset"),
    )
    if conversion is None or is_streamed(file):
        return _original(file)
    return convert(file, conversion)


@endpoint("download")
def download() -> ResponseReturnValue:
    """Send the file of a song as an attachment."""
    _, file = file_of(parameters.require("id"))
    response = _send(file)
    name = (
        f"{PurePath(file.path).stem} {file.part:02}.flac" if file.part else PurePath(file.path).name
    )
    response.headers["Content-Disposition"] = content_disposition(name, attachment=True)
    return response


@endpoint("hls.m3u8", "hls")
def hls() -> ResponseReturnValue:
    """Refuse HLS: ``stream`` sends whole songs, from any position."""
    raise SubsonicError(GENERIC, "songrec has no HLS: use stream.")


def offset_s(name: str) -> float:
    """Return the parameter of the start position in seconds, 0 by default."""
    text = parameters.text(name).strip()
    try:
        seconds = float(text) if text else 0.0
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_S:
        raise SubsonicError(GENERIC, f"{name} must be a number of seconds.")
    return seconds


def _original(file: AudioFile) -> Response:
    response = _send(file)
    if file.duration_s:
        response.headers["X-Content-Duration"] = f"{file.duration_s:.3f}"
    return response


def _send(file: AudioFile) -> Response:
    owner = owner_key_of(caller().user)
    return send_sound(file, caller().listener, max_age=0, owner=owner)


def convert(file: AudioFile, conversion: Conversion) -> Response:
    """Send a song while it is converted; 503 if too many others are being converted."""
    path = unchanged_path(file)
    format = conversion.format
    kind = live_conversion.MEDIA_TYPES[format]
    instance = current_app.config["INSTANCE"]
    if conversion.is_usual:
        done = transcoded_files.finished(instance, str(file.content_hash), format)
        if done is not None:
            etag = f"{file.content_hash}-{format}"
            return send_stored_file(done, f"{path.stem}.{format}", kind, max_age=0, etag=etag)
    length = None
    if parameters.flag("estimateContentLength") and file.duration_s:
        length = conversion.estimated_bytes(file.duration_s)
    source, owner = audio_files.source_of(file), owner_key_of(caller().user)
    db.session.commit()  # nothing stays locked meanwhile
    if request.method == "HEAD":
        response = current_app.response_class(content_type=kind)
    else:
        try:
            body = live_conversion.start(source, conversion, owner, length=length)
        except conversion_slots.Busy as error:
            raise SubsonicError(GENERIC, str(error), status=503) from None
        response = current_app.response_class(body, content_type=kind)
        response.call_on_close(body.close)
    if length is not None:
        response.content_length = length
    if file.duration_s:
        left = max(0.0, file.duration_s - conversion.from_s)
        response.headers["X-Content-Duration"] = f"{left:.3f}"
    response.headers["Accept-Ranges"] = "none"
    response.cache_control.no_store = True
    return response


@endpoint("getLyrics")
def lyrics() -> ResponseReturnValue:
    """Return the lyrics of the song with an artist and a title; empty without any."""
    artist, title = parameters.text("artist"), parameters.text("title")
    empty = {"artist": artist or None, "title": title or None, "value": ""}
    if not title:
        return answer({"lyrics": empty})
    key = song_key(artist, title)
    query = select(Track.id).where(Track.song_key == key).order_by(Track.id).limit(10)
    for view in tracks.tracks_by_id(db.session, list(db.session.scalars(query))):
        words = song_lyrics(db.session, view.id, timed=False)
        if view.has_audio and words is not None:
            value = {"artist": view.artists, "title": view.title, "value": words.text}
            return answer({"lyrics": value})
    return answer({"lyrics": empty})


@endpoint("getLyricsBySongId")
def lyrics_of_song() -> ResponseReturnValue:
    """Return the lyrics of a song, line by line, with times where they are known."""
    view = song_of(parameters.require("id"))
    found = song_lyrics(db.session, view.id)
    listed = [_serialize_lyrics(view, found)] if found is not None else []
    return answer({"lyricsList": {"structuredLyrics": listed}})


def _serialize_lyrics(view: TrackView, lyrics: SongLyrics) -> dict[str, object]:
    return {
        "displayArtist": view.artists,
        "displayTitle": view.title,
        "lang": lyrics.language,
        "offset": 0,
        "synced": lyrics.is_timed,
        "line": [{"start": line.start_ms, "value": line.words} for line in lyrics.lines],
    }
