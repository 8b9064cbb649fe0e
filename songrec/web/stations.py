"""Stations, song paths and blends: lists that grow from a few songs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput, NotReady
from songrec.services.catalogue.suggestions import did_you_mean
from songrec.services.recommendation import blends, examples, paths, stations
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import playlists
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.web import cached_counts, charts
from songrec.web.current_listener import current_listener, current_reactions
from songrec.web.player import entries

blueprint = Blueprint("stations", __name__)

N_SONGS = 20
N_QUEUED = 15
N_OFFERED = 8
STEPS = (4, 8, 12, 16)
MAX_BLENDED = 6
"""Limit of songs of a blend; more would only be a list of likes."""


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("/stations")
def index() -> ResponseReturnValue:
    """Show the choices for a radio: a song, artist, sound group, mood, playlist or likes.

    ``song`` or ``artist`` (public ids) leads to its radio, ``surprise`` to that of a random song.
    """
    for kind in ("song", "artist"):
        if of := request.args.get(kind):
            return redirect(url_for("stations.show", kind=kind, of=of))
    if "surprise" in request.args and (songs := _songs_to_start_from(1, surprise=True)):
        return redirect(url_for("stations.show", kind="song", of=songs[0].public_id))
    listener = current_listener()
    run = runs.published(db.session)
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    offered = _suggest(text) if text else []
    mine = playlists.of_listener(db.session, listener) if listener else []
    return render_template(
        "stations/index.html",
        run=run,
        text=text,
        offered=offered,
        meant=did_you_mean(db.session, text) if text and not offered else None,
        address_of_search=lambda words: url_for("stations.index", q=words),
        examples=[] if text else _songs_to_start_from(3),
        clusters=cached_counts.clusters(db.session, run),
        choices=cached_counts.mood_choices(db.session),
        playlists=[*mine, *playlists.of_catalogue(db.session, limit=12)][:24],
        likes=ListenerFeedback.load(db.session, listener).likes,
        reactions=current_reactions(),
    )


@blueprint.get("/stations/<kind>")
def show(kind: str) -> str:
    """Show part of a station; shuffled unless the URL gives a position."""
    part = _part(kind, request.args.get("from") or stations.new_cursor(), N_SONGS)
    run = runs.published(db.session)
    begun = request.args.get("from", "")
    seed = part.cursor.split("-")[0] if part.cursor else begun.split("-")[0]
    return render_template(
        "stations/show.html",
        part=part,
        first=not begun or begun.endswith("-0"),
        queue=url_for("stations.queue", kind=kind, of=part.key, **{"from": f"{seed or 0}-0"}),
        audible=bool(audio_files.audible(db.session)),
        clusters=cached_counts.clusters(db.session, run),
        reactions=current_reactions(),
    )


@blueprint.get("/stations/<kind>/queue")
def queue(kind: str) -> ResponseReturnValue:
    """Return the next songs of a station for the player, and the URL that continues."""
    part = _part(kind, request.args.get("from") or stations.new_cursor(), N_QUEUED, audible=True)
    more = url_for("stations.queue", kind=kind, of=part.key, **{"from": part.cursor})
    why = {item.track.public_id: item.sentence for item in part.items}
    songs = entries([item.track.id for item in part.items])
    return jsonify(
        songs=[{**song, "why": why[song["id"]]} for song in songs],
        more=more if part.cursor else None,
    )


@blueprint.get("/path")
def path() -> ResponseReturnValue:
    """Show songs from one to another in even steps; ``surprise`` chooses both."""
    if "surprise" in request.args and len(ends := _songs_to_start_from(2, surprise=True)) == 2:
        ids = dict(zip(("from", "to"), (end.public_id for end in ends), strict=True))
        return redirect(url_for("stations.path", **ids))
    start, choose_start = _find_song(request.args.get("from", ""))
    end, choose_end = _find_song(request.args.get("to", ""))
    steps = request.args.get("steps", type=int)
    steps = steps if steps in STEPS else STEPS[1]
    words = {name: request.args.get(name, "") for name in ("from", "to")}
    missed = {
        name: text
        for name, text, answer in (
            ("from", words["from"], start or choose_start),
            ("to", words["to"], end or choose_end),
        )
        if text and not answer
    }

    def address(**changed: str) -> str:
        return url_for("stations.path", **{**words, **changed}, steps=steps)

    run = runs.published(db.session)
    return render_template(
        "stations/path.html",
        run=run,
        start=start,
        finish=end,
        choose_start=choose_start,
        choose_end=choose_end,
        steps=steps,
        meant=_suggest_spellings(missed),
        links_of={name: _link_to_choose(address, name) for name in words},
        searches_of={name: _link_to_search(address, name) for name in words},
        example=_songs_to_start_from(2) if not (start or end or any(words.values())) else [],
        choices=STEPS,
        clusters=cached_counts.clusters(db.session, run),
        reactions=current_reactions(),
        **_path_between(start, end, steps),
    )


def _path_between(start: TrackView | None, end: TrackView | None, steps: int) -> dict[str, Any]:
    """Return the template's values for the path, empty without both ends or a run with them."""
    values: dict[str, Any] = {"found": [], "way": None, "problem": "", "route": None, "lengths": []}
    if start is None or end is None:
        return values
    try:
        songs, way = paths.song_path(current_instance(), start, end, steps, current_listener())
    except NotReady as error:
        return {**values, "problem": str(error)}
    route = charts.route_on_map(
        [(song.track.x, song.track.y, song.track.label) for song in songs],
        stations.published_space(current_instance()),
    )
    lengths = charts.tag_bars([("", float(length)) for length in way.lengths])
    return {**values, "found": songs, "way": way, "route": route, "lengths": lengths}


@blueprint.get("/blend")
def blend() -> ResponseReturnValue:
    """Show songs like some songs and less like others; ``surprise`` chooses two."""
    if "surprise" in request.args and (two := _songs_to_start_from(2, surprise=True)):
        return redirect(url_for("stations.blend", add=[one.public_id for one in two]))
    run = runs.published(db.session)
    plus, minus = (_requested_songs(name) for name in ("add", "subtract"))
    more, offered_plus = _find_song(request.args.get("and", ""))
    less, offered_minus = _find_song(request.args.get("not", ""))
    plus = _distinct([*plus, *([more] if more else [])])[:MAX_BLENDED]
    minus = _distinct([*minus, *([less] if less else [])])[:MAX_BLENDED]
    fields = {"and": ("add", more or offered_plus), "not": ("subtract", less or offered_minus)}
    missed = {
        field: text
        for field, (_, answer) in fields.items()
        if (text := request.args.get(field, "")) and not answer
    }

    def address(**changed: str | list[str]) -> str:
        now = {"add": [t.public_id for t in plus], "subtract": [t.public_id for t in minus]}
        return url_for("stations.blend", **{**now, **changed})

    def adding(name: str, chosen: list[TrackView]) -> Callable[[TrackView], str]:
        ids = [track.public_id for track in chosen]
        return lambda track: address(**{name: [*ids, track.public_id]})

    return render_template(
        "stations/blend.html",
        run=run,
        plus=plus,
        minus=minus,
        offered_plus=offered_plus,
        offered_minus=offered_minus,
        missed=missed,
        meant=_suggest_spellings(missed),
        links_of={"add": adding("add", plus), "subtract": adding("subtract", minus)},
        searches_of={field: _link_to_search(address, field) for field in fields},
        example=[] if plus or minus else _songs_to_start_from(2),
        address=address,
        clusters=cached_counts.clusters(db.session, run),
        reactions=current_reactions(),
        **_blend_of(plus, minus),
    )


def _blend_of(plus: list[TrackView], minus: list[TrackView]) -> dict[str, Any]:
    """Return the template's values for the blend, empty without songs to add."""
    if not plus:
        return {"found": [], "problem": ""}
    ids = [track.id for track in plus], [track.id for track in minus]
    try:
        songs = blends.blend(current_instance(), *ids, N_SONGS, current_listener())
    except (NotReady, BadInput) as error:
        return {"found": [], "problem": str(error)}
    return {"found": songs, "problem": ""}


def _part(kind: str, cursor: str, n: int, *, audible: bool = False) -> stations.StationPage:
    return stations.station_page(
        current_instance(),
        current_listener(),
        kind,
        request.args.get("of", "").replace("\0", "")[:300],
        cursor=cursor,
        n=n,
        audible=audible,
    )


def _find_song(text: str) -> tuple[TrackView | None, list[TrackView]]:
    """Return the song with a public id, or the songs that match other text."""
    text = text.replace("\0", "").strip()[:200]
    if not text:
        return None, []
    # "1999" is a title here, not a catalogue's number.
    track = catalogue.find_track(db.session, text, runs.published(db.session), own_ids=False)
    if track is not None:
        return track, []
    offered = _suggest(text)
    return (offered[0], []) if len(offered) == 1 else (None, offered)


def _suggest(text: str) -> list[TrackView]:
    words = text.replace("\0", "")
    return catalogue.suggest(db.session, words, N_OFFERED, runs.published(db.session))


def _requested_songs(name: str) -> list[TrackView]:
    ids = [one.replace("\0", "") for one in request.args.getlist(name)][:MAX_BLENDED]
    return catalogue.tracks_by_public_id(db.session, ids, runs.published(db.session))


def _link_to_search(address: Callable[..., str], field: str) -> Callable[[str], str]:
    """Return a function from words to the URL of a search for them in a field."""
    return lambda words: address(**{field: words})


def _link_to_choose(address: Callable[..., str], field: str) -> Callable[[TrackView], str]:
    """Return a function from a song to the URL with the song in a field."""
    return lambda track: address(**{field: track.public_id})


def _suggest_spellings(missed: Mapping[str, str]) -> dict[str, str | None]:
    """Return the probable spelling of each search without results, by field."""
    meant = {
        field: did_you_mean(db.session, text[:200].replace("\0", ""))
        for field, text in missed.items()
    }
    return dict.fromkeys(("from", "to", "and", "not")) | meant


def _songs_to_start_from(n: int, *, surprise: bool = False) -> list[TrackView]:
    clusters = cached_counts.clusters(db.session, runs.published(db.session)).values()
    rng = random.SystemRandom() if surprise else None
    return examples.songs_to_start_from(current_instance(), clusters, n, rng)


def _distinct(tracks: list[TrackView]) -> list[Any]:
    return list({track.id: track for track in tracks}.values())
