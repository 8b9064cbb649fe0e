"""A temporary instance for a study."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from songrec.core.config import instance_path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def empty_instance() -> Iterator[tuple[Session, Path]]:
    """Yield a session on an empty, migrated database and its folder, deleted afterwards.

    Networks' weights are those of the instance that is set (``SONGREC_INSTANCE``).
    """
    weights = instance_path() / "models"
    with tempfile.TemporaryDirectory(prefix="songrec-study-") as folder:
        instance = Path(folder)
        if weights.is_dir():
            (instance / "models").symlink_to(weights)
        before = {
            name: os.environ.get(name) for name in ("SONGREC_INSTANCE", "SONGREC_DATABASE_URL")
        }
        os.environ.pop("SONGREC_DATABASE_URL", None)
        os.environ["SONGREC_INSTANCE"] = folder
        from flask_migrate import upgrade

        from songrec import create_app
        from songrec.store.db import db

        app = create_app({"INSTANCE": instance})
        try:
            with app.app_context():
                upgrade(directory=str(ROOT / "migrations"))
                yield db.session, instance  # type: ignore[misc]
                db.session.remove()
                db.engine.dispose()
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
