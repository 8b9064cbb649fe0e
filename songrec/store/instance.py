"""The instance that services work on: its folder and the caller's database session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import current_app
from sqlalchemy.orm import Session

from songrec.store.db import db


@dataclass(frozen=True, slots=True)
class Instance:
    """An installation of songrec.

    Attributes
    ----------
    folder
        The instance folder: runs, caches, audio and, with SQLite, the database.
    session
        The database session of the caller, who commits.
    """

    folder: Path
    session: Session


def current_instance() -> Instance:
    """Return the instance of the current Flask application, with its scoped session."""
    return Instance(current_app.config["INSTANCE"], db.session)
