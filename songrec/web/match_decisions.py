"""Songs of imported lists that may be one of several: the listener decides which."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.services.listeners import match_decisions
from songrec.store.db import db
from songrec.store.tables import Listener
from songrec.web import security
from songrec.web.current_listener import current_listener
from songrec.web.template_context import count

T = TypeVar("T")
blueprint = Blueprint("matches", __name__, url_prefix="/me/matches")

PER_PAGE = 50
MOST_PAGES = 10_000


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def page() -> str:
    """Show the songs to decide on, an artist's together, and the latest answers."""
    number = min(max(request.args.get("page", 1, int), 1), MOST_PAGES)
    content = match_decisions.decision_page(
        db.session, current_listener(), PER_PAGE, (number - 1) * PER_PAGE
    )
    pages = {"number": number, "last": max(1, -(-content.total // PER_PAGE))}
    return render_template("me/matches.html", page=content, pages=pages)


@blueprint.post("/<int(max=2147483647):decision_id>")
def decide(decision_id: int) -> ResponseReturnValue:
    """Take one candidate for a song, or none of them."""
    listener = _listener()
    answer = request.form.get("track", "")
    done = _or_404(lambda: match_decisions.decide(db.session, listener, decision_id, answer))
    db.session.commit()
    flash(
        f"“{done.title}” is “{done.answer.title}” by {done.answer.artists}."
        if done.answer
        else f"“{done.title}” is none of them; it stays among your missing songs.",
        "success",
    )
    return _back()


@blueprint.post("/artist")
def decide_artist() -> ResponseReturnValue:
    """Take the first candidate of every song of an artist, or none of them."""
    listener = _listener()
    accepts = request.form.get("answer") == "first"
    group = request.form.get("artist", "")
    number = match_decisions.decide_artist(db.session, listener, group, accepts=accepts)
    db.session.commit()
    flash(f"{count(number, 'song', 'songs')} decided.", "success")
    return _back()


@blueprint.post("/<int(max=2147483647):decision_id>/undo")
def undo(decision_id: int) -> ResponseReturnValue:
    """Take an answer back, with those that were given at once with it."""
    listener = _listener()
    number = _or_404(lambda: match_decisions.undo_batch(db.session, listener, decision_id))
    db.session.commit()
    flash(f"Undone: {count(number, 'song is', 'songs are')} open again.", "success")
    return _back()


def _listener() -> Listener:
    security.count_from_here(security.DECISIONS_ADDRESS, "decision")
    listener = current_listener()
    if listener is None:
        abort(404, "There is nothing to decide.")
    return listener


def _or_404(action: Callable[[], T]) -> T:
    try:
        return action()
    except BadInput as error:
        abort(404, str(error))


def _back() -> ResponseReturnValue:
    number = request.form.get("page", "")
    page = {"page": number} if number.isdecimal() and len(number) < 6 else {}
    return redirect(url_for("matches.page", **page), 303)
