"""Error pages: what happened, whether data was kept, and what to do."""

from __future__ import annotations

import json.decoder
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
    url_for,
)
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateError
from markupsafe import escape
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from songrec.core.errors import NotReady, SongrecError, UnknownName
from songrec.store.db import db, describe_schema_error, explain_failure
from songrec.web import request_log
from songrec.web.api import problems


@dataclass(frozen=True, slots=True)
class Explanation:
    """Texts of an error page: its heading, what happened and what to do."""

    title: str
    text: str


EXPLANATIONS: dict[int, Explanation] = {
    400: Explanation(
        "Invalid request",
        "Something in it is missing or malformed. Nothing was changed. Go back and try again.",
    ),
    401: Explanation("Sign in first", "Send a token, or sign in."),
    403: Explanation(
        "This page is for admins",
        "Your account may not open it. Ask an admin of this songrec to make you one.",
    ),
    404: Explanation(
        "Page not found",
        "The address may be mistyped, or the page is gone. Search for a song instead.",
    ),
    405: Explanation(
        "Not allowed here",
        "This address takes other requests. Nothing was changed. Go back and use the button.",
    ),
    413: Explanation("File too large", "Nothing was kept. Choose a smaller file."),
    415: Explanation(
        "Unsupported content type", "Nothing was changed. Send what the API description says."
    ),
    422: Explanation("Invalid value", "Nothing was changed. The errors are listed by field."),
    429: Explanation("Too many attempts", "Nothing is lost."),
    500: Explanation(
        "Something went wrong",
        "What you saved before is kept. Try again. If it happens again, send the number of this "
        "request to whoever runs this songrec; the log has the reason next to it.",
    ),
    503: Explanation("Not ready yet", "Come back in a moment."),
}
LARGE_CATALOGUE = (
    "Nothing was kept. Split it, compress it (.csv.gz or Parquet), or use `flask ingest`."
)
CANNOT_SAVE = "Nothing can be saved at the moment"
CSRF = Explanation(
    "This form has expired",
    "Nothing was changed. Go back, reload the page and send it again; cookies must be allowed.",
)


def init_app(app: Flask) -> None:
    """Register one handler per family of errors."""
    app.register_error_handler(CSRFError, lambda error: page(400, CSRF))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SongrecError, _songrec)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(ProgrammingError, _database)
    app.register_error_handler(DataError, _unusable)
    app.register_error_handler(OSError, _files)
    app.register_error_handler(RecursionError, _json)
    app.register_error_handler(ValueError, _json)


def page(status: int, explanation: Explanation, errors: Any = None) -> Response:
    """Return the error as a page, as problem details for the API, or as JSON on request.

    ``errors`` are the errors by field, for programs.
    """
    for_program = problems.is_api_request() or wants_json()
    if status == 500 and "request_id" in g and for_program:  # the page has a field for it
        explanation = replace(explanation, text=f"{explanation.text} Request: {g.request_id}.")
    if problems.is_api_request():
        own_words = explanation not in (*EXPLANATIONS.values(), CSRF)
        text = explanation.text if own_words else f"{explanation.title}. {explanation.text}"
        return problems.problem(status, text, **({"errors": errors} if errors else {}))
    if wants_json():
        body = {"error": explanation.title, "message": explanation.text, "status": status}
        response = jsonify(body)
    else:
        response = make_response(_html(status, explanation))
    response.status_code = status
    return response


def wants_json() -> bool:
    """Return whether the request prefers JSON to a page."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def _html(status: int, explanation: Explanation) -> str:
    try:
        return render_template("errors/error.html", status=status, explanation=explanation)
    except (TemplateError, SQLAlchemyError):
        # The layout reads the signed-in account from the database; the fallback does not need it.
        current_app.logger.exception("The error page itself could not be rendered")
        return (
            "<!doctype html><html lang='en'><meta charset='utf-8'><title>songrec</title>"
            f"<h1>{escape(explanation.title)}</h1><p>{escape(explanation.text)}</p>"
            f"<p><a href='{escape(url_for('pages.home'))}'>Home</a></p></html>"
        )


def _http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:  # a redirect that routing raised
        return error
    if status == 500:
        db.session.rollback()
    explanation = EXPLANATIONS.get(status) or Explanation(error.name, error.description or "")
    if error.description and error.description != type(error).description:
        explanation = Explanation(explanation.title, error.description)  # the view's own words
    if status == 403 and error.description != type(error).description:
        # Views that refuse for another reason than that somebody is no admin.
        explanation = Explanation("Not allowed", error.description or "")
    if status == 404 and error.description != type(error).description:
        # The description of a view is more precise than the general text.
        explanation = Explanation(explanation.title, error.description or "")
    if status == 429:
        seconds = int(getattr(error, "retry_after", 0) or 60)
        explanation = Explanation(explanation.title, f"{explanation.text} {_wait(seconds)}")
    if status == 413:
        limit = request.max_content_length or current_app.config["MAX_CONTENT_LENGTH"]
        text = LARGE_CATALOGUE if request.blueprint == "admin" else explanation.text
        explanation = Explanation(explanation.title, f"The limit is {limit // 2**20} MiB. {text}")
    response = page(status, explanation, (getattr(error, "data", None) or {}).get("messages"))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _wait(seconds: int) -> str:
    if seconds < 90:
        return f"Try again in {seconds} seconds."
    return f"Try again in {-(-seconds // 60)} minutes."


def _songrec(error: SongrecError) -> Response:
    db.session.rollback()
    status = 503 if isinstance(error, NotReady) else 404 if isinstance(error, UnknownName) else 400
    return page(status, Explanation(EXPLANATIONS[status].title, str(error)))


def _unusable(error: DataError) -> Response:
    """Answer 400 for values that no column takes: a NUL in a text, a number out of range."""
    db.session.rollback()
    return page(400, EXPLANATIONS[400])


def _json(error: RecursionError | ValueError) -> Response:
    """Answer 400 for JSON too deep, or with numbers too long, to be decoded; raise others again."""
    (innermost,) = traceback.extract_tb(error.__traceback__, limit=-1)
    if Path(innermost.filename) != Path(json.decoder.__file__):
        raise error
    reason = "nested too deeply" if isinstance(error, RecursionError) else "a number too long"
    text = f"The JSON cannot be read: {reason}. Nothing was changed."
    return page(400, Explanation(EXPLANATIONS[400].title, text))


def _files(error: OSError) -> Response:
    """Return the error page of a failure of disk or system; raise other errors again."""
    text = explain_failure(error)
    if text is None:
        raise error
    db.session.rollback()
    current_app.logger.error("%s on %s", error, request_log.shown_path())
    return page(503, Explanation(CANNOT_SAVE, text))


def _database(error: OperationalError | ProgrammingError) -> Response:
    db.session.rollback()
    current_app.logger.error("Database error: %s", error.orig)
    if schema_error := describe_schema_error(error):
        return page(503, Explanation(EXPLANATIONS[503].title, schema_error))
    if failure := explain_failure(error):
        return page(503, Explanation(CANNOT_SAVE, failure))
    if "locked" in str(error.orig).lower():
        return page(
            503,
            Explanation(
                "The database is busy",
                "Something is writing to it. Nothing was changed; try again in a moment.",
            ),
        )
    return page(500, EXPLANATIONS[500])
