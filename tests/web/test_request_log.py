"""One line and one id for each request, and nothing secret in either."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from songrec.web import request_log
from tests.planted_run import Planted
from tests.web.accounts import PASSWORD, anna, quick_hashes, sign_in
from tests.web.html import links, parse

__all__ = ["anna", "quick_hashes"]  # fixtures

SECRET = "s3cret-Value-1234567890"


@pytest.fixture
def app_config() -> dict[str, Any]:
    return {"LOG_REQUESTS": True, "PROPAGATE_EXCEPTIONS": False}


@pytest.fixture
def lines(app: Flask, caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    """The lines so far."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    caplog.set_level(logging.INFO, "songrec")
    logging.getLogger("songrec").addHandler(handler)
    yield records
    logging.getLogger("songrec").removeHandler(handler)


def test_a_line_has_method_path_route_status_bytes_and_time(
    client: FlaskClient, planted: Planted, lines: list[logging.LogRecord]
) -> None:
    answer = client.get("/clusters/0?q=secret")
    body = answer.get_data()
    answer.close()
    (line,) = lines
    assert line.name == "songrec.requests"
    assert (line.method, line.path, line.status) == ("GET", "/clusters/0", 200)
    assert line.route == "/clusters/<int(signed=True):number>"
    assert line.bytes == len(body) > 0
    assert line.ms > 0
    assert line.getMessage().startswith("GET /clusters/0 200 route=/clusters/<int")
    assert "secret" not in str(vars(line))


def test_without_the_setting_there_is_no_line(
    app: Flask, client: FlaskClient, lines: list[logging.LogRecord]
) -> None:
    app.extensions["request_observers"].clear()
    with client.get("/sign-in") as answer:
        assert answer.headers["X-Request-ID"]
    assert lines == []


def test_the_answer_of_one_request_is_reported_once(app: Flask, client: FlaskClient) -> None:
    reported: list[request_log.RequestRecord] = []
    request_log.observe(app, reported.append)
    for address in ("/sign-in", "/static/css/theme.css", "/no/such/page"):
        answer = client.get(address)
        answer.get_data()
        answer.close()
        answer.close()
    assert [record.status for record in reported] == [200, 200, 404]
    assert [record.route for record in reported] == ["/sign-in", "/static/<path:filename>", None]


def test_nothing_secret_is_logged(
    client: FlaskClient, anna: object, lines: list[logging.LogRecord]
) -> None:
    sign_in(client).close()
    answers = [
        client.get(f"/listen/playlists/p/{SECRET}/tracks/t"),
        client.get(f"/listen/playlists/p/{SECRET}/tracks/t/"),  # no such route
        client.get(f"/api/v1/tracks?token={SECRET}&cursor={SECRET}"),
        client.get(f"/rest/ping?u=Anna&p={SECRET}"),
        client.get(f"/rest/ping.view?u=Anna&t={SECRET}&s={SECRET}"),
        client.get(f"/rest/getSong?apiKey={SECRET}&id=1"),
        client.post("/rest/ping", data={"u": "Anna", "p": SECRET, "apiKey": SECRET}),
        client.get(f"/rest/no-such-endpoint?apiKey={SECRET}"),
        client.get(f"/audiomuse/{SECRET}/api/config"),
        client.get(f"/audiomuse/{SECRET}/api/no-such-route"),
        client.get(f"/playlists/shared/p/{SECRET}"),
        client.get("/api/v1/likes", headers={"Authorization": f"Bearer {SECRET}"}),
        client.get("/tracks", headers={"Cookie": f"session={SECRET}", "Referer": SECRET}),
    ]
    cookie = client.get_cookie("session")
    for answer in answers:
        answer.close()
    assert sum(line.name == "songrec.requests" for line in lines) == 1 + len(answers)
    logged = "\n".join(str(vars(line)) for line in lines)
    for secret in (SECRET, PASSWORD, "Anna", cookie.value if cookie else SECRET):
        assert secret not in logged
    for path in ("/listen/playlists/p/…/tracks/t", "/audiomuse/…/api/config", "/rest/ping.view"):
        assert path in logged


def test_probes_are_logged_for_debugging_only(
    client: FlaskClient, lines: list[logging.LogRecord], caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/health").close()
    assert lines == []
    caplog.set_level(logging.DEBUG, "songrec")
    client.get("/health").close()
    assert [line.levelname for line in lines] == ["DEBUG"]


class TestRequestId:
    def test_each_request_has_another_id_in_header_and_context(
        self, app: Flask, client: FlaskClient
    ) -> None:
        app.add_url_rule("/mine", view_func=lambda: g.request_id)
        first, second = client.get("/mine"), client.get("/mine")
        assert first.headers["X-Request-ID"] == first.text
        assert first.text != second.text
        assert len(first.text) == 16

    def test_a_visitors_id_is_not_believed(self, client: FlaskClient) -> None:
        answer = client.get("/sign-in", headers={"X-Request-ID": "visitor-1"})
        assert answer.headers["X-Request-ID"] != "visitor-1"

    def test_an_error_page_names_the_id_that_the_log_has(
        self, app: Flask, client: FlaskClient, lines: list[logging.LogRecord]
    ) -> None:
        def fail(key: str) -> str:
            raise RuntimeError("broken")

        app.add_url_rule("/fail/<key>", view_func=fail)
        answer = client.get(f"/fail/{SECRET}?q={SECRET}")
        assert answer.status_code == 500
        (number,) = parse(answer).select("#request-id")
        assert number["value"] == answer.headers["X-Request-ID"]
        assert links(answer)["Try again"] == f"/fail/{SECRET}?q={SECRET}"
        answer.close()
        exception, line = lines
        assert exception.getMessage() == "Exception on GET /fail/…"
        assert exception.exc_info is not None
        assert line.status == 500
        assert SECRET not in str([vars(one) for one in lines])

    def test_a_full_disk_is_logged_without_the_key_in_the_path(
        self, app: Flask, client: FlaskClient, lines: list[logging.LogRecord]
    ) -> None:
        def fail(key: str) -> str:
            raise OSError(errno.ENOSPC, "No space left on device")

        app.add_url_rule("/audiomuse/<key>/fail", view_func=fail)
        client.get(f"/audiomuse/{SECRET}/fail").close()
        logged = [line.getMessage() for line in lines]
        assert "[Errno 28] No space left on device on /audiomuse/…/fail" in logged
        assert SECRET not in str([vars(one) for one in lines])

    def test_a_program_gets_it_too(self, app: Flask, client: FlaskClient) -> None:
        def fail() -> str:
            raise RuntimeError("broken")

        app.add_url_rule("/api/v1/fail", view_func=fail)
        answer = client.get("/api/v1/fail")
        assert answer.content_type == "application/problem+json"
        assert answer.headers["X-Request-ID"] in answer.json["detail"]


class TestBehindAProxy:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"PROXIES": 1}

    @pytest.mark.parametrize(
        ("sent", "believed"),
        [
            ("7f9c2ba4-e88f-11ee", True),
            ("a" * 64, True),
            ("a" * 65, False),
            ("", False),
            ("two words", False),
            ("-dash", False),
            ("é", False),
        ],
    )
    def test_a_well_formed_id_is_taken_over(
        self, client: FlaskClient, sent: str, believed: bool
    ) -> None:
        answer = client.get("/sign-in", headers={"X-Request-ID": sent})
        assert (answer.headers["X-Request-ID"] == sent) is believed


def test_a_file_that_the_server_sends_itself_stays_unwrapped(app: Flask, tmp_path: Path) -> None:
    class Wrapper:
        """As gunicorn's: sent by the kernel, if the server recognises its class."""

        def __init__(self, file: Any, size: int = 8192) -> None:
            self.file, self.close = file, file.close

    reported: list[request_log.RequestRecord] = []
    request_log.observe(app, reported.append)
    path = tmp_path / "a.bin"
    path.write_bytes(b"12345")
    from flask import send_file

    app.add_url_rule("/file", view_func=lambda: send_file(path))
    environ = app.test_request_context("/file").request.environ | {"wsgi.file_wrapper": Wrapper}
    body: Any = app.wsgi_app(environ, lambda *_: lambda data: None)
    assert isinstance(body, Wrapper)
    assert reported == []
    body.close()
    assert body.file.closed
    assert [record.sent_bytes for record in reported] == [5]
