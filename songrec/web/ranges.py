"""Parts of files, as RFC 9110 defines range requests, for everything that is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Request

_ONE = re.compile(r"(?P<first>\d{1,30})-(?P<last>\d{0,30})|-(?P<suffix>\d{1,30})", re.ASCII)


def init_app(app: Flask) -> None:
    """Use the response class for the whole application."""
    app.response_class = RangeResponse


class RangeResponse(Response):
    """A response that sends the whole file for several, malformed or outdated ranges.

    Werkzeug answers these with 416, which players take for the end of the song.
    """

    def make_conditional(
        self,
        request_or_environ: WSGIEnvironment | Request,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Response:
        """See ``werkzeug.wrappers.Response.make_conditional``."""
        environ = dict(getattr(request_or_environ, "environ", request_or_environ))
        requested = environ.pop("HTTP_RANGE", None)
        if_range = environ.pop("HTTP_IF_RANGE", None)
        # RFC 9110, 14.2: a range of anything but a GET is ignored.
        if requested is not None and environ.get("REQUEST_METHOD") == "GET":
            single = single_range(requested, complete_length or 0)
            if single is not None and (if_range is None or self._is_same(if_range)):
                environ["HTTP_RANGE"] = single
        super().make_conditional(environ, accept_ranges, complete_length)
        return self

    def _is_same(self, if_range: str) -> bool:
        """Return whether ``If-Range`` is the strong entity tag or the exact date of the file."""
        value = if_range.strip()
        if value.startswith('"'):
            return value == self.headers.get("ETag")
        return value == self.headers.get("Last-Modified")


def single_range(header: str, length: int) -> str | None:
    """Return the one byte range of a ``Range`` header of a file of ``length`` bytes, else None.

    None means that the header is to be ignored: other units, several ranges, not a range. A range
    that lies beyond the file is returned, for it is an error of its own (416).
    """
    unit, equals, rest = header.partition("=")
    ranges = [one.strip(" \t") for one in rest.split(",") if one.strip(" \t")]
    if not equals or unit.strip(" \t").lower() != "bytes" or len(ranges) != 1:
        return None
    match: Any = _ONE.fullmatch(ranges[0])
    if match is None:
        return None
    if match["suffix"] is not None:
        # A suffix longer than the file is the file.
        suffix = int(match["suffix"])
        return "bytes=0-" if suffix >= length > 0 else f"bytes=-{suffix}"
    if match["last"] and int(match["last"]) < int(match["first"]):
        return None
    return f"bytes={match[0]}"
