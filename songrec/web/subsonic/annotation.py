"""Listeners' data from apps: stars, ratings, plays, and playback positions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.typing import ResponseReturnValue

from songrec.services.listeners import playback
from songrec.services.listeners.playback import Device
from songrec.store.catalogue.artists import find_album, find_artist
from songrec.store.db import db, now
from songrec.store.listeners import opinions, ratings, reactions
from songrec.store.tables import Listener
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import GENERIC, SubsonicError, answer, not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.media import song_of, songs_of
from songrec.web.subsonic.songs import children_by_id
from songrec.web.subsonic.system import EXTENSIONS

EXTENSIONS["playbackReport"] = [1]
MAX_IDS = 1_000
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_KINDS = {ids.ALBUM: opinions.ALBUM, ids.ARTIST: opinions.ARTIST}


@endpoint("star")
def star() -> ResponseReturnValue:
    """Star songs, which likes them, albums and artists."""

    def star_song(listener: Listener, track_id: int) -> None:
        reactions.react(db.session, listener, track_id, reactions.LIKE)
        ratings.keep_reactions(db.session, listener, [track_id])

    return _set_stars(star_song, opinions.star)


@endpoint("unstar")
def unstar() -> ResponseReturnValue:
    """Remove stars; a song is then no longer liked."""

    def unstar_song(listener: Listener, track_id: int) -> None:
        if reactions.values(db.session, listener, [track_id]).get(track_id) == reactions.LIKE:
            reactions.react(db.session, listener, track_id, None)

    return _set_stars(unstar_song, opinions.unstar)


def _set_stars(
    song: Callable[[Listener, int], None], other: Callable[[Any, Listener, str, int], None]
) -> ResponseReturnValue:
    references = [
        *map(ids.parse, _ids("id")),
        *(ids.Reference(ids.ALBUM, _plain(text, ids.ALBUM)) for text in _ids("albumId")),
        *(ids.Reference(ids.ARTIST, _plain(text, ids.ARTIST)) for text in _ids("artistId")),
    ]
    if not references:
        raise parameters.missing("id")
    references = list(dict.fromkeys(references))[:MAX_IDS]
    song_ids = [one.public_id for one in references if one.kind == ids.SONG]
    songs = {text: view.id for text, view in zip(song_ids, songs_of(song_ids), strict=True)}
    targets = [
        (one.kind, songs[one.public_id] if one.kind == ids.SONG else _target(one))
        for one in references
    ]
    listener = caller().require_listener()
    for kind, target_id in targets:
        if kind == ids.SONG:
            song(listener, target_id)
        else:
            other(db.session, listener, _KINDS[kind], target_id)
    db.session.commit()
    return answer()


@endpoint("setRating")
def set_rating() -> ResponseReturnValue:
    """Rate a song, an album or an artist."""
    reference = ids.parse(parameters.require("id"))
    parameters.require("rating")
    rating = parameters.integer("rating", low=-1, high=100) or 0
    ratings.check(rating)
    target_id = _target(reference)
    listener = caller().require_listener()
    if reference.kind == ids.SONG:
        ratings.rate(db.session, listener, target_id, rating)
    else:
        opinions.rate(db.session, listener, _KINDS[reference.kind], target_id, rating)
    db.session.commit()
    return answer()


@endpoint("scrobble")
def scrobble() -> ResponseReturnValue:
    """Add plays to the history, or record the start of playback."""
    texts = _ids("id")
    if not texts:
        raise parameters.missing("id")
    views = songs_of(texts[:MAX_IDS])
    times = [_moment(text) for text in parameters.texts("time")[:MAX_IDS]]
    device = _device()
    if parameters.flag("submission", default=True):
        moments = [*times, *[now()] * (len(views) - len(times))]
        playback.submit(db.session, device, list(zip(views, moments, strict=False)))
    else:
        playback.begin(db.session, device, views[-1])
    db.session.commit()
    return answer()


@endpoint("reportPlayback")
def report_playback() -> ResponseReturnValue:
    """Record an app's playback position in a song."""
    view = song_of(parameters.require("mediaId"))
    if parameters.require("mediaType").lower() != "song":
        raise not_found("podcast")
    state = parameters.require("state").lower()
    if state not in playback.STATES:
        raise SubsonicError(GENERIC, f"state must be one of {', '.join(playback.STATES)}.")
    parameters.require("positionMs")
    position = parameters.integer("positionMs", 0, high=2**40) or 0
    counts = not parameters.flag("ignoreScrobble")
    playback.report(db.session, _device(), view, state, position, _rate(), counts=counts)
    db.session.commit()
    return answer()


@endpoint("getNowPlaying")
def now_playing() -> ResponseReturnValue:
    """List the songs playing in the listener's own apps, not in other people's."""
    listener = caller().listener
    playing = playback.now_playing(db.session, listener) if listener is not None else []
    songs = children_by_id([one.track_id for one in playing])
    entries = [
        {
            **songs[one.track_id],
            "username": caller().user.name,
            "minutesAgo": max(0, (now() - one.reported_at) // timedelta(minutes=1)),
            "playerId": one.device_id,
            "playerName": one.client,
            "state": one.state,
            "positionMs": one.position_ms,
            "playbackRate": one.rate,
        }
        for one in playing
        if one.track_id in songs
    ]
    return answer({"nowPlaying": {"entry": entries}})


def _device() -> Device:
    who = caller()
    return Device(who.require_listener(), who.device.id, who.client)


def _ids(name: str) -> list[str]:
    return [text for text in parameters.texts(name) if text]


def _plain(text: str, kind: str) -> str:
    """Return the public id of an id with or without its prefix."""
    reference = ids.parse(text)
    return reference.public_id if reference.kind in (kind, ids.SONG) else ""


def _target(reference: ids.Reference) -> int:
    """Return the id of a song, album or artist; error 70 if it does not exist."""
    if reference.kind == ids.SONG:
        return song_of(reference.public_id).id
    if reference.kind == ids.ALBUM and (album := find_album(db.session, reference.public_id)):
        return album.id
    if reference.kind == ids.ARTIST and (artist := find_artist(db.session, reference.public_id)):
        return artist.id
    raise not_found("song, album or artist")


def _moment(text: str) -> datetime:
    """Parse a time in milliseconds since 1970."""
    try:
        moment = datetime.fromtimestamp(int(text) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise SubsonicError(GENERIC, "time must be in milliseconds since 1970.") from None
    if not moment >= OLDEST:
        raise SubsonicError(GENERIC, "time must be in milliseconds since 1970.")
    return min(moment, now())


def _rate() -> float:
    text = parameters.text("playbackRate").strip() or "1"
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.05 <= rate <= 20:
        raise SubsonicError(GENERIC, "playbackRate must be a speed such as 1.0.")
    return rate
