"""A real server on a free port, and Debian's Chromium to look at it with.

``live_server``: an application on an instance of its own (one for each test module), with a small
planted catalogue and a published run, answering under ``live_server.url``.
``page``: a fresh browser profile (nobody signed in, nothing liked), at a desktop's size or, with
``@both_sizes``, at a phone's too; a script error or a refusal by the Content-Security-Policy fails
the test.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from songrec import create_app
from songrec.store.db import db
from tests.browser.sizes import SIZES
from tests.databases import close_databases
from tests.planted_run import Planted, plant

playwright = pytest.importorskip(
    "playwright.sync_api", reason="pip install -r requirements/dev.txt brings Playwright"
)

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS = 20
SERVICE_WORKERS = "block"
"""What a service worker keeps, no test would see requested; test_offline.py lets it work."""
playwright.expect.set_options(timeout=SECONDS * 1000)


@dataclass(frozen=True)
class LiveServer:
    """Where the server answers, the application behind it and what was planted in it."""

    url: str
    app: Flask
    instance: Path
    planted: Planted = field(repr=False)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class AnsweredWhole:
    """An application with every answer in memory before it is sent.

    A browser that breaks off a sound would leave its file open: this server does not close what
    it was sending then.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._running = 0
        self._changed = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self._count(1)
        try:
            parts = self._app(environ, start_response)
            try:
                return list(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._running += change
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait for the requests that run: what they have open can be closed only afterwards."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running, SECONDS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, started once. Skips where it is absent, or fails where it must not be."""
    if not CHROMIUM.exists():
        message = f"no Chromium at {CHROMIUM}: apt-get install chromium"
        if os.environ.get("SONGREC_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=str(CHROMIUM), headless=True, args=list(ARGUMENTS)
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def live_config() -> dict[str, Any]:
    """What a test module may override to configure the server's application."""
    return {}


@pytest.fixture(scope="module")
def live_server(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_database: Path,
    live_config: dict[str, Any],
) -> Iterator[LiveServer]:
    """A server in a thread, on an instance with 240 planted songs in 4 clusters."""
    instance = tmp_path_factory.mktemp("live") / "instance"
    instance.mkdir()
    shutil.copy(migrated_database, instance / "songrec.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGREC_INSTANCE", str(instance))
        app = create_app({"INSTANCE": instance, **live_config})
        with app.app_context():
            planted = plant(db.session, instance)
            db.session.commit()
            db.session.remove()
        with serve(app) as url:
            yield LiveServer(url, app, instance, planted)
        with app.app_context():
            close_databases(app)


@pytest.fixture
def viewport(request: pytest.FixtureRequest) -> str:
    """The name of the size to look at: ``desktop`` unless ``@both_sizes`` says otherwise."""
    return getattr(request, "param", "desktop")


@pytest.fixture
def page(browser: Any, live_server: LiveServer, viewport: str) -> Iterator[Any]:
    """A fresh profile's page; addresses are relative to the server."""
    context = browser.new_context(
        base_url=live_server.url, service_workers=SERVICE_WORKERS, **SIZES[viewport]
    )
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: _note(message, problems))
    yield page
    context.close()
    assert problems == []


@contextmanager
def serve(app: Flask) -> Iterator[str]:
    """Serve an application in a thread for as long as the block lasts; yield its address."""
    answers = AnsweredWhole(app)
    server: BaseWSGIServer = make_server(
        "127.0.0.1", 0, answers, threaded=True, request_handler=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}{app.config['PREFIX']}"
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()
        answers.wait()


def _note(message: Any, problems: list[str]) -> None:
    if message.type == "error" and "Content Security Policy" in message.text:
        problems.append(message.text)
