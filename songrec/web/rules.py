"""Rules that exclude songs from a listener's recommendations."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.content_flags import NAMES, SEASONAL, SPOKEN_WORD
from songrec.store.db import db
from songrec.store.listeners import recommendation_rules
from songrec.web.current_listener import current_listener, require_listener

blueprint = Blueprint("rules", __name__)

FLAGS = {
    NAMES[SEASONAL]: "Christmas and other seasonal songs",
    NAMES[SPOKEN_WORD]: "Spoken word: audiobooks, interviews, skits",
}


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/rules")
def page() -> str:
    """List the rules, each with a button to delete it."""
    rules = recommendation_rules.of_listener(db.session, current_listener())
    return render_template(
        "rules/page.html",
        never=[rule for rule in rules if rule.kind in recommendation_rules.NEVER_KINDS],
        allowed={rule.value: rule for rule in rules if rule.kind == recommendation_rules.ALLOWED},
        flags=FLAGS,
        added=request.args.get("added", type=int),
    )


@blueprint.post("/rules")
def add() -> ResponseReturnValue:
    """Exclude an artist, album, genre or folder, or allow songs that are excluded by default."""
    kind, value = (request.form.get(name, "").replace("\0", "")[:600] for name in ("kind", "value"))
    target = recommendation_rules.find_target(db.session, kind, value)
    rule = recommendation_rules.add(db.session, require_listener(), target)
    db.session.commit()
    return redirect(url_for("rules.page", added=rule.id), 303)


@blueprint.post("/rules/<int:rule_id>/remove")
def remove(rule_id: int) -> ResponseReturnValue:
    """Take a rule back."""
    listener = current_listener()
    rule = recommendation_rules.remove(db.session, listener, rule_id) if listener else None
    if rule is None:
        abort(404, "There is no such rule of yours.")
    label = FLAGS.get(rule.label, rule.label)
    is_never = rule.kind in recommendation_rules.NEVER_KINDS
    db.session.commit()
    flash(f"{label}: {'may be recommended again' if is_never else 'left out again'}.", "success")
    return redirect(url_for("rules.page"), 303)
