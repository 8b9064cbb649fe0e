"""schemathesis asks what the description allows and forbids, and holds the answers against it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from songrec import create_app
from songrec.store.listeners import users
from tests.databases import close_databases
from tests.planted_run import Planted

COMMAND = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 4  # of each kind and operation; the cases on every limit come on top


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@pytest.fixture
def address(app: Flask, planted: Planted) -> Iterator[str]:
    """A server on a free port, on the same instance, without rate limits."""
    served = create_app({"INSTANCE": app.config["INSTANCE"], "RATELIMIT_ENABLED": False})
    server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()
    with served.app_context():
        close_databases(served)


@pytest.mark.parametrize("who", ["an admin's token", "nobody"])
def test_schemathesis_finds_nothing(
    address: str, who: str, session: Session, token_of: Any, tmp_path: Path
) -> None:
    chief = users.create(session, "Chief", "a good password here", is_admin=True)
    token = token_of(chief)["Authorization"]
    headers = ["--header", f"Authorization: {token}"] if who != "nobody" else []
    done = subprocess.run(
        [
            COMMAND,
            "run",
            f"{address}/api/v1/openapi.json",
            *headers,
            "--no-color",
            "--max-examples",
            str(EXAMPLES),
            "--seed",
            "7",
            "--generation-database",
            "none",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Test cases:" in done.stdout


def test_the_description_is_complete(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    used = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation["summary"].endswith("."), (method, path)
                assert "default" in operation["responses"], (method, path)
                used.update(operation["tags"])
    # The page heads each group of requests with its tag, an unused one with nothing below it.
    assert {tag["name"] for tag in document.get("tags", [])} <= used


def test_the_description_for_older_tools_says_the_same_in_their_words(client: FlaskClient) -> None:
    new = client.get("/api/v1/openapi.json").json
    old = client.get("/api/v1/openapi-3.0.json").json
    assert old["openapi"] == "3.0.3"
    assert old["paths"].keys() == new["paths"].keys()
    album = old["components"]["schemas"]["Track"]["properties"]["album"]
    assert (album["type"], album["nullable"]) == ("string", True)
    assert '"null"' not in client.get("/api/v1/openapi-3.0.json").text
