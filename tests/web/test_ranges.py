"""Ranges of files as RFC 9110 has them: songs, covers, static files and exports alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, send_file
from flask.testing import FlaskClient

from songrec.web.downloads import send_stored_file

BODY = bytes(range(256)) * 4
WHOLE = (200, BODY, None)


@pytest.fixture
def file(app: Flask, tmp_path: Path) -> str:
    """The address of a file of 1,024 bytes, sent as songs are."""
    path = tmp_path / "song.wav"
    path.write_bytes(BODY)
    app.add_url_rule(
        "/song",
        endpoint="song",
        view_func=lambda: send_stored_file(path, "a", "audio/wav", max_age=0, etag="x1"),
    )
    app.add_url_rule(
        "/cover", endpoint="cover", view_func=lambda: send_file(path, mimetype="image/png")
    )
    return "/song"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (206, BODY[:1], "bytes 0-0/1024")),
        ("bytes=1000-", (206, BODY[1000:], "bytes 1000-1023/1024")),
        ("BYTES = 10-19", (206, BODY[10:20], "bytes 10-19/1024")),
        ("bytes=10-99999", (206, BODY[10:], "bytes 10-1023/1024")),
        ("bytes=0-" + "9" * 30, (206, BODY, "bytes 0-1023/1024")),
        ("bytes=-24", (206, BODY[-24:], "bytes 1000-1023/1024")),
        ("bytes=-5000", (206, BODY, "bytes 0-1023/1024")),
        ("bytes=,5-9,", (206, BODY[5:10], "bytes 5-9/1024")),
        ("bytes=0-1,5-9", WHOLE),
        ("bytes=0-,-1", WHOLE),
        ("bytes=5000-,0-1", WHOLE),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(200)), WHOLE),
        ("bytes=9-5", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=--5", WHOLE),
        ("bytes=٣-٥".encode().decode("latin-1"), WHOLE),
        ("bytes=1_0-20", WHOLE),
        ("bytes=+1-5", WHOLE),
        ("bytes=", WHOLE),
        ("bytes", WHOLE),
        ("", WHOLE),
        ("bytes=" + "9" * 5000 + "-", WHOLE),
        ("seconds=1-2", WHOLE),
        ("bytes=1024-", (416, None, "bytes */1024")),
        ("bytes=" + "9" * 30 + "-", (416, None, "bytes */1024")),
        ("bytes=-0", (416, None, "bytes */1024")),
    ],
)
def test_a_range(
    client: FlaskClient, file: str, header: str, expected: tuple[int, bytes | None, str | None]
) -> None:
    for address in (file, "/cover"):
        with client.get(address, headers={"Range": header}) as answer:
            body = answer.data if expected[1] is not None else None
            found = (answer.status_code, body, answer.headers.get("Content-Range"))
            assert found == expected
            if answer.status_code != 416:
                assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_range_holds_only_for_the_file_it_began_with(client: FlaskClient, file: str) -> None:
    with client.get(file) as first:
        tag, date = first.headers["ETag"], first.headers["Last-Modified"]

    def status(if_range: str, requested: str = "bytes=0-9") -> int:
        headers = {"Range": requested, "If-Range": if_range}
        with client.get(file, headers=headers) as answer:
            return answer.status_code

    assert (status(tag), status(date)) == (206, 206)
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    for other in ('"another"', f"W/{tag}", later, "Mon, 01 Jan 2001 00:00:00 GMT", "x", "", "*"):
        assert status(other) == 200
    # An unsatisfiable range of a file that has changed is no error.
    assert status('"another"', "bytes=5000-") == 200


def test_only_a_get_has_ranges_and_what_is_known_is_not_sent(
    client: FlaskClient, file: str
) -> None:
    with client.head(file, headers={"Range": "bytes=0-9"}) as head:
        assert (head.status_code, head.headers["Content-Length"]) == (200, "1024")
        headers = {"If-None-Match": head.headers["ETag"]}
    with client.get(file, headers=headers) as answer:
        assert answer.status_code == 304


def test_static_files_follow_the_same_rules(client: FlaskClient) -> None:
    address = "/static/css/theme.css"
    with client.get(address) as whole, client.get(address, headers={"Range": "bytes=0-1,3-4"}) as a:
        assert (a.status_code, a.data) == (200, whole.data)
    with client.get(address, headers={"Range": "bytes=0-1"}) as part:
        assert (part.status_code, len(part.data)) == (206, 2)
