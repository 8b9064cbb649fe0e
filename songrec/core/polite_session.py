"""Requests to a public service that keep to the rate it allows (``X-RateLimit`` headers)."""

from __future__ import annotations

import time
from typing import Any

import requests

from songrec.core.outgoing import AWAITED_S, OriginSession

LONGEST_WAIT_S = 60.0
"""No header makes songrec wait longer than this."""
_TRIES = 3
_TOO_MANY = 429


class PoliteSession:
    """A session within one origin that waits where the service says so.

    ``seconds_between`` pass between two requests at least. A refusal for too many requests (429) is
    tried again after the time that the service names; not if a page waits (``is_awaited``).
    """

    def __init__(
        self,
        url: str,
        *,
        allows_private: bool = False,
        seconds_between: float = 0.0,
        is_awaited: bool = False,
    ) -> None:
        longest_s = AWAITED_S if is_awaited else None
        self._session = OriginSession(url, allows_private=allows_private, longest_s=longest_s)
        self._tries = 1 if is_awaited else _TRIES
        self._base = url.rstrip("/")
        self._seconds_between = seconds_between
        self._next = 0.0

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request to a path below the address; ``NotReady`` as for ``OriginSession``."""
        for attempt in range(self._tries):
            time.sleep(max(0.0, self._next - time.monotonic()))
            response = self._session.request(method, self._base + path, **kwargs)
            self._next = time.monotonic() + max(self._seconds_between, _wait(response))
            if response.status_code != _TOO_MANY or attempt == self._tries - 1:
                break
        return response

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _wait(response: requests.Response) -> float:
    """Return the seconds to wait before the next request."""
    headers = response.headers
    refused = response.status_code == _TOO_MANY
    if not refused and _number(headers.get("X-RateLimit-Remaining"), 1.0) > 0:
        return 0.0
    named = headers.get("Retry-After") if refused else None
    wait = _number(named or headers.get("X-RateLimit-Reset-In"), 5.0 if refused else 0.0)
    return min(max(wait, 0.0), LONGEST_WAIT_S)


def _number(text: str | None, default: float) -> float:
    try:
        value = float(text or default)
    except ValueError:
        return default
    return value if value == value else default
