"""Buffer for an arriving request, which decides when a thread may handle it.

It only decides how long to wait; gunicorn's parser interprets the same bytes.
"""

from __future__ import annotations

import enum
import re

HEAD_BYTES = 64 * 1024
"""A longer head is refused."""
BODY_BYTES = 2**20
"""A body up to this length is awaited: every form is shorter (``web.security.FORM_BYTES``)."""
FIRST_BYTES = 64 * 1024
"""Bytes of a longer body, or of one without a length, to await before a thread reads the rest."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class State(enum.Enum):
    """How far a request has arrived."""

    INCOMPLETE = "more is awaited"
    COMPLETE = "all of it is there"
    STREAMED = "a thread reads the rest of the body"
    TOO_LARGE = "its head is too long"


class RequestBuffer:
    """A request as far as it has arrived."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.expects_continue = False
        """Whether the client waits for ``100 Continue`` before it sends its body."""
        self.missing_bytes = 0
        """How much is awaited, once the head is there."""
        self._body_start: int | None = None
        self._length: int | None = 0
        self._searched = 0

    def __len__(self) -> int:
        return len(self.data)

    def feed(self, data: bytes) -> State:
        """Add received bytes and return the state of the request."""
        self.data += data
        if self._body_start is None:
            if not self._search_head():
                return State.TOO_LARGE if len(self.data) > HEAD_BYTES else State.INCOMPLETE
            if (self._body_start or 0) > HEAD_BYTES:
                return State.TOO_LARGE
        arrived = len(self.data) - (self._body_start or 0)
        if self._length is not None and self._length <= BODY_BYTES:
            self.missing_bytes = max(0, self._length - arrived)
            return State.INCOMPLETE if self.missing_bytes else State.COMPLETE
        self.missing_bytes = max(0, FIRST_BYTES - arrived)
        # A last chunk, most likely; where it only looks like one, a thread reads on.
        if not self.missing_bytes or (self._length is None and self.data.endswith(b"0\r\n\r\n")):
            return State.STREAMED
        return State.INCOMPLETE

    @property
    def has_head(self) -> bool:
        """Whether everything before the body has arrived."""
        return self._body_start is not None

    def take(self) -> bytes:
        """Return the bytes and forget them."""
        data, self.data = bytes(self.data), bytearray()
        return data

    def _search_head(self) -> bool:
        # Empty lines before a request do not belong to its head.
        start = len(self.data) - len(self.data.lstrip(b"\r\n")) if self._searched == 0 else 0
        end = self.data.find(_END, max(start, self._searched - len(_END)))
        self._searched = len(self.data)
        if start == len(self.data):
            self._searched = 0
        if end < 0:
            return False
        self._body_start = end + len(_END)
        head = bytes(self.data[: self._body_start])
        length = _LENGTH.search(head)
        if _CHUNKED.search(head):
            self._length = None
        elif length is not None:
            self._length = int(length[1])
        has_body = self._length is None or self._length > 0
        self.expects_continue = has_body and _EXPECTS.search(head) is not None
        return True
