"""When a request that arrives in pieces is handed to a thread."""

from __future__ import annotations

import pytest

from songrec.web.serving.request_buffer import (
    BODY_BYTES,
    FIRST_BYTES,
    HEAD_BYTES,
    RequestBuffer,
    State,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(length: object, *headers: bytes) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: a", f"Content-Length: {length}".encode(), *headers]
    return b"\r\n".join([*lines, b"", b""])


CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "whole",
    [
        GET,
        b"\r\n\r\n" + GET,
        post(5) + b"a=b&c",
        post(0),
        post(3).replace(b"Content-Length", b"CONTENT-LENGTH") + b"abc",
        post(2, b"X-Other: Content-Length: 900") + b"ab",
    ],
)
def test_a_request_is_complete_with_its_last_byte(whole: bytes) -> None:
    at_once = RequestBuffer()
    assert at_once.feed(whole) is State.COMPLETE
    assert at_once.take() == whole
    assert len(at_once) == 0
    byte_by_byte = RequestBuffer()
    states = [byte_by_byte.feed(whole[i : i + 1]) for i in range(len(whole))]
    assert states == [State.INCOMPLETE] * (len(whole) - 1) + [State.COMPLETE]
    assert byte_by_byte.take() == whole


def test_bytes_of_the_next_request_are_kept_with_it() -> None:
    buffer = RequestBuffer()
    assert buffer.feed(GET + GET[:7]) is State.COMPLETE
    assert buffer.take() == GET + GET[:7]


def test_the_longest_form_is_awaited_and_anything_longer_is_streamed() -> None:
    form = RequestBuffer()
    assert form.feed(post(BODY_BYTES)) is State.INCOMPLETE
    assert form.missing_bytes == BODY_BYTES
    assert form.feed(bytes(BODY_BYTES - 1)) is State.INCOMPLETE
    assert form.feed(b"x") is State.COMPLETE
    upload = RequestBuffer()
    assert upload.feed(post(BODY_BYTES + 1) + bytes(FIRST_BYTES - 1)) is State.INCOMPLETE
    assert upload.feed(b"x") is State.STREAMED


@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", bytes(FIRST_BYTES)])
def test_a_body_without_length_is_streamed_once_there_is_much_or_its_end(body: bytes) -> None:
    buffer = RequestBuffer()
    assert buffer.feed(CHUNKED) is State.INCOMPLETE
    assert buffer.feed(body[:-1]) is State.INCOMPLETE
    assert buffer.feed(body[-1:]) is State.STREAMED


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_head_that_is_too_long_is_refused(end: bytes) -> None:
    buffer = RequestBuffer()
    head = b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES
    assert buffer.feed(head + end) is State.TOO_LARGE


@pytest.mark.parametrize(
    ("head", "expects"),
    [
        (post(4, b"Expect: 100-continue"), True),
        (post(0, b"Expect: 100-continue"), False),
        (post(4, b"X-Expect: 100-continue"), False),
        (CHUNKED.replace(b"\r\n\r\n", b"\r\nexpect: 100-Continue\r\n\r\n"), True),
    ],
)
def test_who_waits_for_a_continue_is_known(head: bytes, expects: bool) -> None:
    buffer = RequestBuffer()
    buffer.feed(head)
    assert buffer.expects_continue is expects


def test_empty_lines_alone_are_no_request() -> None:
    buffer = RequestBuffer()
    assert buffer.feed(b"\r\n\r\n\r\n") is State.INCOMPLETE
    assert not buffer.has_head
    assert buffer.feed(GET) is State.COMPLETE
