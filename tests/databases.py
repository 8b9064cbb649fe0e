"""Closing what an application has open."""

from __future__ import annotations

from flask import Flask

from songrec.store import rate_limits
from songrec.store.db import db


def close_databases(app: Flask) -> None:
    """Close all connections of an application, inside its context.

    From Python 3.13 on a connection to SQLite that is only forgotten is a warning, which fails
    whichever test runs when it is collected.
    """
    db.session.remove()
    db.engine.dispose()
    rate_limits.close(app)
