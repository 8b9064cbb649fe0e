"""Fixtures that every test may use: an application on its own instance folder, real files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, g, request_started
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core import numba_cache
from songrec.store.db import db
from songrec.store.listeners import users
from songrec.web.lazy_rules import LazyRule
from tests.databases import close_databases
from tests.planted_run import Planted, plant
from tests.postgresql import Server, postgresql_server, postgresql_template, server_url

__all__ = ["postgresql_server", "postgresql_template", "server_url"]

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

DATABASE = os.environ.get("SONGREC_TEST_DATABASE") or "sqlite"
"""The database of all tests: sqlite, or postgresql as `make test-postgresql` sets it."""
ON_BOTH = ("store/", "jobs/test_queue.py")
"""Tests that run on both databases unless ``SONGREC_TEST_DATABASE`` names one."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of what depends on the database most on SQLite and on PostgreSQL."""
    path = metafunc.definition.path.relative_to(ROOT / "tests").as_posix()
    if (
        "database_kind" in metafunc.fixturenames
        and path.startswith(ON_BOTH)
        and "SONGREC_TEST_DATABASE" not in os.environ
        and metafunc.definition.get_closest_marker("sqlite") is None
    ):
        kinds = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))
        metafunc.parametrize("database_kind", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, so that no core waits at the end for one that came last."""
    tests = ROOT / "tests"
    items.sort(key=lambda item: not item.path.relative_to(tests).as_posix().startswith(LONG))


# Before any test imports numba; processes that run tests at once have folders of their own.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba"))
numba_cache.claim()


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    """The database that the tests run on: sqlite or postgresql."""
    return str(getattr(request, "param", DATABASE))


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database brought to head by the real migrations, once; tests copy it."""
    from flask_migrate import upgrade

    folder = tmp_path_factory.mktemp("migrated")
    database = folder / "songrec.db"
    app = create_app(
        {
            "INSTANCE": folder,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}",
            "TESTING": True,
        }
    )
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return database


SQLALCHEMY_INIT_APP = SQLAlchemy.init_app
PARSED = ("_parts", "_trace", "_converters", "arguments")
"""What werkzeug reads out of the text of a rule."""


class Templates(BytecodeCache):
    """Compiled templates of all applications of this process; compiling takes most of the time."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


def parse_once(compile_rule: Callable[[LazyRule], None]) -> Callable[[LazyRule], None]:
    """Compile the addresses of every application like those of the first: they are the same."""
    parsed: dict[tuple[Any, ...], dict[str, Any]] = {}

    def compile_or_copy(rule: LazyRule) -> None:
        key = (rule.subdomain, rule.rule, rule.merge_slashes)
        if key not in parsed or rule.defaults:
            compile_rule(rule)
            if not rule.defaults:
                parsed[key] = {name: getattr(rule, name) for name in PARSED}
            return
        for name, value in parsed[key].items():
            setattr(rule, name, value.copy())
        for name, is_unknown in (("_build", False), ("_build_unknown", True)):
            setattr(rule, name, MethodType(rule._compile_builder(is_unknown), rule))

    return compile_or_copy


@pytest.fixture(scope="session", autouse=True)
def cheap_process() -> Iterator[None]:
    """Spare tests what costs most: compiling templates and addresses anew, hashes, slow disks."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", Templates())
        patch.setattr(users, "HASHER", hasher)
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(LazyRule, "compile", parse_once(LazyRule.compile))
        yield


@pytest.fixture(autouse=True)
def databases_closed(cheap_process: None) -> Iterator[None]:
    """Close what the applications that a test makes have open, when it ends."""
    made: list[Flask] = []

    def init_app(database: SQLAlchemy, app: Flask) -> None:
        made.append(app)
        SQLALCHEMY_INIT_APP(database, app)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLAlchemy, "init_app", init_app)
        yield
    for app in made:
        with app.app_context():
            close_databases(app)


class Instances:
    """Makes instance folders with an empty, migrated database of the kind under test."""

    def __init__(self, kind: str, request: pytest.FixtureRequest) -> None:
        self._kind = kind
        self._fixture = request.getfixturevalue

    def create(self, folder: Path) -> str:
        """Make ``folder`` an instance and return the URL of its database."""
        folder.mkdir(exist_ok=True)
        if self._kind == "sqlite":
            shutil.copy(self._fixture("migrated_database"), folder / "songrec.db")
            return f"sqlite:///{folder / 'songrec.db'}"
        template = self._fixture("postgresql_template")
        server: Server = self._fixture("postgresql_server")
        return server.url(server.create(template))

    def drop(self, url: str) -> None:
        """Drop a server's database; a file goes with its folder."""
        if self._kind != "sqlite":
            server: Server = self._fixture("postgresql_server")
            server.drop(str(make_url(url).database))


@pytest.fixture(scope="session")
def instances(database_kind: str, request: pytest.FixtureRequest) -> Instances:
    """Makes further instances; ``instance`` is one."""
    return Instances(database_kind, request)


@pytest.fixture
def database_url(
    tmp_path: Path,
    instances: Instances,
    database_kind: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """The URL of the database of ``instance``; commands that a test starts use it too."""
    if database_kind != "sqlite" and request.node.get_closest_marker("sqlite"):
        pytest.skip("about SQLite alone")
    url = instances.create(tmp_path / "instance")
    if database_kind != "sqlite":
        monkeypatch.setenv("SONGREC_DATABASE_URL", url)
    yield url
    instances.drop(url)


@pytest.fixture
def instance(tmp_path: Path, database_url: str) -> Path:
    """A fresh instance folder with an empty, migrated database."""
    return tmp_path / "instance"


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
        close_databases(application)


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
