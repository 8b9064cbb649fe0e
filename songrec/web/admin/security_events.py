"""The security log: sign-ins, failures, and changes of passwords, rights and keys."""

from __future__ import annotations

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.store import security_log
from songrec.store.db import db
from songrec.web.admin import blueprint
from songrec.web.admin.paging import Pages, page_number

SIZE = 50


@blueprint.get("/security")
def security_events() -> ResponseReturnValue:
    """List events, newest first, by ``kind`` and ``account``."""
    number = page_number()
    kind = request.args.get("kind", "")
    account = request.args.get("account", "").replace("\0", "")[:60]
    events, total = security_log.page(
        db.session, number, SIZE, kinds=[kind] if kind else [], account=account
    )

    def address(page: int) -> str:
        return url_for(
            "admin.security_events", page=page, kind=kind or None, account=account or None
        )

    return render_template(
        "admin/security.html",
        events=events,
        page=Pages(number, total, SIZE),
        kinds=security_log.KINDS,
        kind=kind,
        account=account,
        address=address,
        days=current_app.config["SECURITY_LOG_DAYS"],
    )
