"""The admin's pages: catalogue, training, jobs, runs, users. Closed to everybody else."""

from __future__ import annotations

from flask import Blueprint, Flask, Response

from songrec.web import security

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
blueprint.before_request(security.admins_only)


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Keep admin pages out of the caches of browsers and proxies."""
    response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Register the admin's pages."""
    from songrec.web.admin import (  # noqa: F401
        analysis,
        catalogue,
        duplicates,
        invitations,
        jobs,
        kept_songs,
        overview,
        prediction,
        run_diagnostics,
        runs,
        security_events,
        segments,
        servers,
        sweeps,
        tracks,
        training,
        users,
    )

    app.register_blueprint(blueprint)
