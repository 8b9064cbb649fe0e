"""The listener's own data: taste, import, export, deletion."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
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
from songrec.services.listeners import import_export
from songrec.services.listeners.playlist_export import content_disposition
from songrec.services.recommendation.taste_page import taste_page
from songrec.store.db import db
from songrec.store.listeners import reactions, skips, unmatched_imports
from songrec.web import cached_counts, charts, security
from songrec.web.current_listener import (
    TOKEN,
    current_listener,
    require_listener,
)
from songrec.web.template_context import count

blueprint = Blueprint("me", __name__, url_prefix="/me")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
def page() -> str:
    """Show the listener's taste, skips and missing songs, with import, export and deletion."""
    page = taste_page(db.session, current_app.config["INSTANCE"], current_listener())
    profile = page.profile
    return render_template(
        "me/page.html",
        page=page,
        profile=profile,
        rows=charts.track_rows(profile.median, page.space, None) if profile and page.space else [],
        clusters=cached_counts.clusters(db.session, page.run),
        reactions=page.feedback.reactions,
    )


@blueprint.get("/export.json")
def export() -> Response:
    """Everything of mine as one file, which can be taken in again."""
    text = json.dumps(
        import_export.export(db.session, current_listener()), indent=2, ensure_ascii=False
    )
    response = Response(text + "\n", content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition("songrec", "json")
    return response


@blueprint.post("/import")
def take_in() -> ResponseReturnValue:
    """Like what a list names, keep what is not found, and say which is which."""
    security.count_from_here(security.IMPORTS_ADDRESS, "import")
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise BadInput("Choose a file first: CSV, JSPF, ListenBrainz feedback or your own export.")
    content = sent.stream.read(security.LIST_BYTES + 1)
    if len(content) > security.LIST_BYTES:
        raise import_export.too_large()
    listener = require_listener()
    report = import_export.import_likes(db.session, listener, content)
    db.session.commit()
    return render_template("me/taken_in.html", report=report, name=sent.filename[:100])


@blueprint.post("/again")
def again() -> ResponseReturnValue:
    """Look once more for the songs of imported lists that were not found."""
    security.count_from_here(security.IMPORTS_ADDRESS, "import")
    listener = current_listener()
    if listener is not None:
        report = import_export.retry_unmatched(db.session, listener)
        db.session.commit()
        flash(
            f"{count(report.found, 'song is', 'songs are')} in the catalogue now; "
            f"{len(report.missing):,} still missing.",
            "success",
        )
    return redirect(url_for("me.page") + "#waiting", 303)


@blueprint.post("/waiting/forget")
def forget_waiting() -> ResponseReturnValue:
    """Forget the songs that were not found."""
    listener = current_listener()
    if listener is not None:
        unmatched_imports.remove(db.session, listener)
        db.session.commit()
        flash("The missing songs are removed from your data.", "success")
    return redirect(url_for("me.page"), 303)


@blueprint.post("/skips/forget")
def forget_skips() -> ResponseReturnValue:
    """Forget what I skipped."""
    listener = current_listener()
    if listener is not None:
        skips.delete_skips(db.session, listener)
        db.session.commit()
        flash("Your skips are cleared.", "success")
    return redirect(url_for("me.page"), 303)


@blueprint.post("/delete")
def delete() -> ResponseReturnValue:
    """Delete everything of mine; an account's is deleted with it, behind its password."""
    if current_user.is_authenticated:
        return redirect(url_for("auth.account") + "#delete", 303)
    if request.form.get("sure") != "yes":
        raise BadInput("Tick the box first: this cannot be undone.")
    listener = current_listener()
    if listener is not None:
        reactions.delete_listener(db.session, listener)
        db.session.commit()
    cookie.pop(TOKEN, None)
    flash("Your data is deleted.", "success")
    return redirect(url_for("me.page"), 303)
