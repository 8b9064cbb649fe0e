"""The listener's own data: taste, import, export, deletion."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    json,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import BadInput
from songrec.jobs import personal_data
from songrec.services.listeners import import_export
from songrec.services.recommendation.taste_page import taste_page
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import listens, match_decisions, skips, unmatched_imports
from songrec.store.tables import Job, User
from songrec.web import cached_counts, charts, list_imports, security
from songrec.web.current_listener import (
    TOKEN,
    current_listener,
    require_listener,
)
from songrec.web.downloads import download
from songrec.web.template_context import count

blueprint = Blueprint("me", __name__, url_prefix="/me")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def page() -> str:
    """Show the listener's taste, skips and missing songs, with import, export and deletion."""
    listener = current_listener()
    page = taste_page(current_instance(), listener)
    profile = page.profile
    return render_template(
        "me/page.html",
        page=page,
        profile=profile,
        rows=charts.track_rows(profile.median, page.space, None) if profile and page.space else [],
        clusters=cached_counts.clusters(db.session, page.run),
        reactions=page.feedback.reactions,
        kinds=import_export.KINDS,
        imports=list_imports.latest(listener),
        undecided=match_decisions.count(db.session, listener, match_decisions.OPEN)
        if listener
        else 0,
    )


@blueprint.get("/export.json")
def export() -> Response:
    """Send all the listener's data as one file, which can be imported again."""
    user = db.session.get(User, current_user.id) if current_user.is_authenticated else None
    content = import_export.export(db.session, current_listener(), user)
    for upload in content["uploads"]:
        address = url_for("upload.media", public_id=upload["id"], _external=True)
        upload["file"] = address
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return download(text + "\n", "application/json", "songrec.json")


@blueprint.post("/import")
def import_likes() -> ResponseReturnValue:
    """Import an uploaded list: likes, plays, playlists; what is missing is kept and reported."""
    security.count_from_here(security.IMPORTS_ADDRESS, "import")
    file = request.files.get("file")
    if file is None or not file.filename:
        raise BadInput(
            "Choose a file first: a playlist, a CSV, data of a music service or your own export."
        )
    content = file.stream.read(security.LIST_BYTES + 1)
    if len(content) > security.LIST_BYTES:
        raise import_export.too_large()
    listener = require_listener()
    name = file.filename[:200]
    done = list_imports.import_list(listener, content, name, request.form.get("as", "auto"))
    db.session.commit()
    if isinstance(done, Job):
        return redirect(url_for("imports.show", public_id=done.public_id), 303)
    return render_template(
        "me/imported.html", report=done.to_result(), name=name, hows=import_export.HOWS
    )


@blueprint.post("/again")
def retry_unmatched() -> ResponseReturnValue:
    """Look again for the songs of imported lists that were not found."""
    security.count_from_here(security.IMPORTS_ADDRESS, "import")
    listener = current_listener()
    if listener is not None:
        done = list_imports.retry_unmatched(listener)
        db.session.commit()
        if isinstance(done, Job):
            return redirect(url_for("imports.show", public_id=done.public_id), 303)
        flash(
            f"{count(done.found, 'song is', 'songs are')} in the catalogue now; "
            f"{len(done.missing_songs):,} still missing.",
            "success",
        )
    return redirect(url_for("me.page") + "#waiting", 303)


@blueprint.post("/waiting/forget")
def delete_unmatched() -> ResponseReturnValue:
    """Delete the songs of imported lists that were not found."""
    listener = current_listener()
    if listener is not None:
        unmatched_imports.remove(db.session, listener)
        match_decisions.delete_open(db.session, listener)
        db.session.commit()
        flash("The missing songs are removed from your data.", "success")
    return redirect(url_for("me.page"), 303)


@blueprint.post("/skips/forget")
def clear_skips() -> ResponseReturnValue:
    """Delete the listener's skips."""
    listener = current_listener()
    if listener is not None:
        skips.delete_skips(db.session, listener)
        db.session.commit()
        flash("Your skips are cleared.", "success")
    return redirect(url_for("me.page"), 303)


@blueprint.post("/plays/keep")
def keep_history() -> ResponseReturnValue:
    """Switch the listening history on or off; what it has stays until it is deleted."""
    listener = require_listener()
    listener.keeps_history = request.form.get("keep") == "1"
    db.session.commit()
    flash(
        "Songs you play are added to your history."
        if listener.keeps_history
        else "Songs you play are not recorded any more.",
        "success",
    )
    return redirect(url_for("me.page") + "#plays", 303)


@blueprint.post("/plays/forget")
def clear_plays() -> ResponseReturnValue:
    """Delete the listener's play history."""
    listener = current_listener()
    if listener is not None:
        listens.delete_listens(db.session, listener)
        db.session.commit()
        flash("Your play history is deleted.", "success")
    return redirect(url_for("me.page"), 303)


@blueprint.post("/delete")
def delete() -> ResponseReturnValue:
    """Delete the listener's data; an account's is deleted with the account."""
    if current_user.is_authenticated:
        return redirect(url_for("auth.account") + "#delete", 303)
    if request.form.get("sure") != "yes":
        raise BadInput("Tick the box first: this cannot be undone.")
    listener = current_listener()
    if listener is not None:
        personal_data.delete_listener(current_instance(), listener)
        db.session.commit()
    cookie.pop(TOKEN, None)
    flash("Your data is deleted.", "success")
    return redirect(url_for("me.page"), 303)
