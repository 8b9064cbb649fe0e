"""Mixes: the listener's lists that are updated, on a schedule or on request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Flask,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput, UnknownName
from songrec.core.schedules import WEEKDAYS, daily_parts, local_time_zone
from songrec.jobs import queue as job_queue
from songrec.services.recommendation import mix_pages
from songrec.services.recommendation import mixes as mix_making
from songrec.services.recommendation.mix_pages import MixPage
from songrec.store.db import db, now, write_with_retries
from songrec.store.instance import current_instance
from songrec.store.listeners import mixes, recommendation_rules
from songrec.store.runs import runs
from songrec.store.servers import music_servers, written_playlists
from songrec.store.tables import Listener, Mix, ServerAccount
from songrec.web import cached_counts, security
from songrec.web.current_listener import current_listener, current_reactions, require_listener
from songrec.web.player import entries

T = TypeVar("T")

blueprint = Blueprint("mixes", __name__, url_prefix="/mixes")

CRON = "cron"
MORNING_TIME = "04:00"
MAX_OFFERED = 40


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def index() -> str:
    """Show the listener's mixes: stored, or ready-made from the likes."""
    overview = mix_pages.mix_overview(current_instance(), current_listener(), now())
    return render_template(
        "mixes/index.html",
        overview=overview,
        genres=[name for name, _ in cached_counts.tags(db.session, "genre")[:MAX_OFFERED]],
        emotions=[name for name, _ in cached_counts.tags(db.session, "emotion")[:MAX_OFFERED]],
    )


@blueprint.post("/renewal")
def renew() -> ResponseReturnValue:
    """Store the default mixes and update them every morning, or stop updating them."""
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "mixes")
    stops = request.form.get("do") == "stop"

    def write(listener: Listener) -> None:
        if stops:
            for mix in mixes.mixes_of(db.session, listener):
                if mix.kind in mixes.DEFAULT_KINDS:
                    mixes.change(mix, schedule="")
        else:
            mix_making.set_up(current_instance(), listener, now(), time_zone=_time_zone())

    _write(write)
    message = (
        "Your mixes stay as they are until you regenerate them."
        if stops
        else "Your mixes get new songs every morning."
    )
    flash(message, "success")
    return redirect(url_for("mixes.index"), 303)


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Add a mix of a chosen kind: rediscover, mood, path or radio."""
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "mix")
    kind = request.form.get("kind", "")
    if kind not in mixes.KINDS or kind in mixes.DEFAULT_KINDS:
        abort(400, "A mix to add is one of rediscover, mood, path and radio.")
    subject = {name: request.form.get(name, "") for name in mix_making.SUBJECTS[kind]}
    mix = _write(
        lambda listener: mix_making.add_mix(
            current_instance(),
            listener,
            kind,
            subject,
            now(),
            schedule=mix_making.MORNING,
            time_zone=_time_zone(),
        )
    )
    return _redirect_to(mix, "The mix is added. It gets new songs every morning.")


@blueprint.get("/<key>")
def show(key: str) -> str:
    """Show one mix with its songs, the reasons, and its settings."""
    page = _page(key)
    left_out = _exclusions(page.mix) if page.mix is not None else {}
    return render_template(
        "mixes/show.html",
        page=page,
        left_out=left_out,
        weekdays=WEEKDAYS,
        parts=daily_parts(page.mix.schedule) if page.mix is not None else None,
        clusters=cached_counts.clusters(db.session, runs.published(db.session)),
        reactions=current_reactions(),
        sizes=(mixes.MIN_SIZE, mixes.MAX_SIZE),
    )


@blueprint.get("/<key>/queue")
def queue(key: str) -> ResponseReturnValue:
    """Return the playable songs of a mix with their reasons, for the player."""
    page = _page(key)
    why = {song.track.public_id: song.sentence for song in page.songs}
    songs = entries([song.track.id for song in page.songs])
    return jsonify([{**song, "why": why[song["id"]]} for song in songs])


@blueprint.post("/<public_id>/make")
def make(public_id: str) -> ResponseReturnValue:
    """Regenerate a mix with another selection."""
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "mix")

    def change(mix: Mix) -> None:
        mixes.change(mix, settings={"draw": int(mix.settings.get("draw", 0)) + 1})

    return _renew(public_id, change, "Updated.")


@blueprint.post("/<public_id>/settings")
def change(public_id: str) -> ResponseReturnValue:
    """Change name, size, what is left out, and when the mix is updated."""
    security.count_from_here(security.NEW_PLAYLIST_ADDRESS, "mix")
    form = request.form
    name = form.get("name", "").strip()

    def set_values(mix: Mix) -> None:
        mixes.change(
            mix,
            name=name if name != mix.name else None,
            size=_number("size", mixes.MIN_SIZE, mixes.MAX_SIZE),
            schedule=_schedule(),
            time_zone=form.get("time_zone", "").strip() or mix.time_zone,
            settings={
                "no_artists": _targets("artist"),
                "no_genres": _targets("genre"),
                "days": _number("days", 0, mixes.MAX_DAYS),
                "no_explicit": "no_explicit" in form,
            },
        )

    return _renew(public_id, set_values, "Saved.")


@blueprint.post("/<public_id>/delete")
def delete(public_id: str) -> ResponseReturnValue:
    """Delete a mix, and soon its playlists on music servers."""
    mix = _mine(public_id)
    name, listener = mix.name, require_listener()
    mixes.remove(db.session, mix)
    _write_soon(listener)
    db.session.commit()
    flash(f"“{name}” is deleted. Its songs and your likes stay.", "success")
    return redirect(url_for("mixes.index"), 303)


@blueprint.post("/servers/<server_id>/undo")
def undo_removal(server_id: str) -> ResponseReturnValue:
    """Take back that a song removed from a mix on a server (``track``) counts as not for me."""
    from songrec.services.servers import mix_writing

    listener = current_listener()
    account = _account(server_id, listener) if listener is not None else None
    if account is None:
        abort(404, "You have no account on such a server.")
    mix_writing.undo_removal(db.session, account, request.form.get("track", "")[:40])
    db.session.commit()
    flash("Undone: the song may be recommended again.", "success")
    return redirect(url_for("mixes.index", _anchor="servers"), 303)


def _account(server_id: str, listener: Listener) -> ServerAccount | None:
    try:
        server = music_servers.find(db.session, server_id)
    except UnknownName:
        return None
    return music_servers.account_of(db.session, server, listener)


def _write(work: Callable[[Listener], T]) -> T:
    """Do and **commit** ``work``, again if another request writes the same mixes meanwhile."""
    require_listener()
    db.session.commit()  # a new listener stays where the work begins again

    def write() -> T:
        listener = require_listener()
        done = work(listener)
        _write_soon(listener)
        return done

    return write_with_retries(db.session, write)


def _renew(public_id: str, change_mix: Callable[[Mix], None], message: str) -> ResponseReturnValue:
    def work(_: Listener) -> Mix | None:
        mix = _mine(public_id)
        change_mix(mix)
        return mix_making.make_mix(current_instance(), mix, now())

    _mine(public_id)
    renewed = _write(work)
    if renewed is None:
        flash("This mix was deleted: you no longer like any of the songs it came from.", "success")
        return redirect(url_for("mixes.index"), 303)
    return _redirect_to(renewed, message)


def _redirect_to(mix: Mix, message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("mixes.show", key=mix.public_id), 303)


def _write_soon(listener: Listener) -> None:
    """Queue the writing into music servers, if the listener has an account on one."""
    if written_playlists.receiving(db.session, listener.id):
        job_queue.enqueue_once(db.session, "mixes", {"listener": listener.id})


def _page(key: str) -> MixPage:
    page = mix_pages.mix_page(current_instance(), current_listener(), key, now())
    if page is None:
        abort(404, "There is no such mix of yours.")
    return page


def _mine(public_id: str) -> Mix:
    # Somebody else's mix is not there, whether or not it exists.
    mix = mixes.find(db.session, public_id, current_listener())
    if mix is None:
        abort(404, "There is no such mix of yours.")
    return mix


def _time_zone() -> str:
    return request.form.get("time_zone", "").strip() or local_time_zone()


def _number(field: str, low: int, high: int) -> int:
    text = request.form.get(field, "").strip() or "0"
    if not re.fullmatch(r"[0-9]{1,6}", text) or not low <= int(text) <= high:
        label = "The number of songs" if field == "size" else "The number of days"
        raise BadInput(f"{label} is from {low} to {high:,}.")
    return int(text)


def _schedule() -> str:
    """Return the schedule that the form chooses: never, every day, a weekday, or a cron line."""
    every = request.form.get("every", "")
    if every == CRON:
        return request.form.get("cron", "")[:100]
    if not every:
        return ""
    time = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", request.form.get("time") or MORNING_TIME)
    if time is None or every not in ("day", *map(str, range(7))):
        raise BadInput("Choose a day, and a time such as 06:30.")
    day = "*" if every == "day" else every
    return f"{int(time[2])} {int(time[1])} * * {day}"


def _targets(kind: str) -> list[str]:
    """Return what identifies the artists or genres that the form names, one per line."""
    names = [line.strip() for line in request.form.get(f"no_{kind}s", "").splitlines()]
    names = [name for name in names if name][: mixes.MAX_LEFT_OUT]
    return [recommendation_rules.find_target(db.session, kind, name).value for name in names]


def _exclusions(mix: Mix) -> dict[str, Any]:
    """Return the names of what a mix leaves out, for its form."""
    artists = mix.settings.get("no_artists", ())
    targets = []
    for value in artists:
        try:
            targets.append(recommendation_rules.find_target(db.session, "artist", value).label)
        except recommendation_rules.UnknownTarget:
            continue  # no song credits the artist any more
    return {"artists": targets, "genres": list(mix.settings.get("no_genres", ()))}
