"""Fixtures that every test may use: an application on its own instance folder, real files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, request_started
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core import numba_cache
from songrec.store.db import db
from tests.planted_run import Planted, plant

ROOT = Path(__file__).resolve().parents[1]
LONG = (
    "browser/",
    "jobs/",
    "representation/",
    "services/training/",
    "services/library/",
    "services/sweeps/",
    "services/evaluation/",
    "services/segments/",
    "services/similarity/",
    "services/test_audio_end_to_end.py",
    "prediction/",
    "features/audio/",
    "api/test_schemathesis.py",
    "audio_files/",
    "projection/",
    "services/reports/",
)
"""Files that train, decode or drive a browser: some take minutes, the others seconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, so that no core waits at the end for one that came last."""
    tests = ROOT / "tests"
    items.sort(key=lambda item: not item.path.relative_to(tests).as_posix().startswith(LONG))


# Before any test imports numba; processes that run tests at once have folders of their own.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba"))
numba_cache.claim()


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database brought to head by the real migrations, once; tests copy it."""
    from flask_migrate import upgrade

    folder = tmp_path_factory.mktemp("migrated")
    app = create_app({"INSTANCE": folder, "TESTING": True})
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return folder / "songrec.db"


@pytest.fixture
def instance(tmp_path: Path, migrated_database: Path) -> Path:
    """A fresh instance folder with an empty, migrated database."""
    folder = tmp_path / "instance"
    folder.mkdir()
    shutil.copy(migrated_database, folder / "songrec.db")
    return folder


@pytest.fixture
def app_config() -> dict[str, Any]:
    """What a test module may override to configure its application."""
    return {}


@pytest.fixture
def app(
    instance: Path, app_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """The application on a fresh instance, inside an application context."""
    monkeypatch.setenv("SONGREC_INSTANCE", str(instance))
    application = create_app(
        {"INSTANCE": instance, "TESTING": True, "WTF_CSRF_ENABLED": False, **app_config}
    )

    def forget(sender: Flask, **extra: Any) -> None:
        # The application context held here outlives requests; what extensions keep in `g` for one
        # request (who is signed in, the CSRF token) must not.
        vars(g).clear()

    with application.app_context(), request_started.connected_to(forget, application):
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Session:
    """The application's database session."""
    return db.session  # type: ignore[return-value]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return app.test_client()


@pytest.fixture
def planted_options() -> dict[str, Any]:
    """Arguments of ``planted``; a test module may override them."""
    return {}


@pytest.fixture
def planted(app: Flask, session: Session, planted_options: dict[str, Any]) -> Planted:
    """A catalogue of 240 songs in 4 clusters with a published run, committed."""
    planted = plant(session, app.config["INSTANCE"], **planted_options)
    session.commit()
    return planted


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files, or a skip that says which setting names it."""
    folder = Path(os.environ.get("SONGREC_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real files: set SONGREC_REAL_DATA to their folder")
    return folder
