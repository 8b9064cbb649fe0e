"""Client of ListenBrainz's API for one account: listens and feedback."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from songrec.core.encryption import Cipher
from songrec.core.errors import BadInput, NotReady
from songrec.core.outgoing import read_json
from songrec.core.polite_session import PoliteSession
from songrec.core.server_urls import LISTENBRAINZ, names_private_address, normalise_url
from songrec.core.texts import storable
from songrec.services.listeners.list_formats.entries import fields, rows
from songrec.store.tables import ListenBrainzAccount

PAGE = 1000
"""Listens or feedback per response, and listens per submission, the limit of the API."""
LONGEST_TOKEN = 200


class TokenRefused(NotReady):
    """Raised if the server does not accept the token."""


class SubmissionRefused(NotReady):
    """Raised if the server does not accept the submitted data."""


class ListenBrainzClient:
    """Client with a token for one server; all failures are ``NotReady`` with a single line.

    ``is_awaited``: a page waits, so it gives up soon.
    """

    def __init__(
        self, url: str, token: str, *, allows_private: bool = False, is_awaited: bool = False
    ) -> None:
        self.url = url
        self._session = PoliteSession(url, allows_private=allows_private, is_awaited=is_awaited)
        self._headers = {"Authorization": f"Token {token}"}

    @classmethod
    def of_account(cls, account: ListenBrainzAccount, cipher: Cipher) -> ListenBrainzClient:
        """Return the client of an account."""
        token = cipher.decrypt(account.secret)
        return cls(account.url, token, allows_private=account.allows_private)

    def user_name(self) -> str:
        """Return the user of the token; ``TokenRefused`` for an invalid one."""
        answer = fields(self._ask("GET", "/1/validate-token"))
        name = answer.get("user_name")
        if answer.get("valid") is not True or not isinstance(name, str):
            raise TokenRefused(f"{self.url} does not know this token: copy it from your settings.")
        return storable(name)[:200]

    def listens(self, user: str, before: int | None) -> list[dict[str, Any]]:
        """Return up to ``PAGE`` listens before a Unix time, newest first."""
        limits = {"count": PAGE, **({} if before is None else {"max_ts": before})}
        answer = self._ask("GET", f"/1/user/{quote(user, safe='')}/listens", params=limits)
        listed = rows(fields(fields(answer).get("payload")).get("listens"))
        return [one for one in listed if isinstance(one, dict)]

    def feedback(self, user: str, offset: int) -> list[dict[str, Any]]:
        """Return up to ``PAGE`` rows of feedback with names, newest first, after ``offset``."""
        answer = self._ask(
            "GET",
            f"/1/feedback/user/{quote(user, safe='')}/get-feedback",
            params={"count": PAGE, "offset": offset, "metadata": "true"},
        )
        return [one for one in rows(fields(answer).get("feedback")) if isinstance(one, dict)]

    def submit(self, listens: Sequence[dict[str, Any]]) -> None:
        """Send listens, at most ``PAGE``; ``SubmissionRefused`` if one of them is not accepted."""
        kind = "single" if len(listens) == 1 else "import"
        body = {"listen_type": kind, "payload": list(listens)}
        self._ask("POST", "/1/submit-listens", json=body)

    def send_feedback(self, recording_mbid: str, score: int) -> None:
        """Love (1) or hate (-1) a recording."""
        body = {"recording_mbid": recording_mbid, "score": score}
        self._ask("POST", "/1/feedback/recording-feedback", json=body)

    def look_up(self, artists: str, title: str) -> str | None:
        """Return the MusicBrainz id of a recording by its names; None if the server has none."""
        names = {"artist_name": artists, "recording_name": title}
        answer = fields(self._ask("GET", "/1/metadata/lookup/", params=names))
        mbid = answer.get("recording_mbid")
        return mbid if isinstance(mbid, str) and mbid else None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _ask(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self._session.request(method, path, headers=self._headers, **kwargs)
        status = response.status_code
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise TokenRefused(
                f"{self.url} does not accept the token any more: "
                "enter a new one on the account page, Listening elsewhere."
            )
        if status == HTTPStatus.BAD_REQUEST:
            raise SubmissionRefused(f"{self.url} does not accept what was sent.")
        if status == HTTPStatus.NOT_FOUND:
            raise NotReady(f"{self.url} has no such endpoint: is this the API's address?")
        if status >= HTTPStatus.BAD_REQUEST:
            raise NotReady(f"{self.url} answers {status}: the next try is later.")
        return read_json(response)


def normalise_api_url(text: str, *, may_be_private: bool) -> str:
    """Return the normalised address of a server; ``BadInput`` for one that is not allowed."""
    url = normalise_url(text or LISTENBRAINZ)
    if names_private_address(url) and not may_be_private:
        raise BadInput("Only an admin can connect to an address of this machine or network.")
    if url.startswith("http://") and not may_be_private:
        raise BadInput("The address must begin with https://, so that nobody reads the token.")
    return url


def normalise_token(text: str) -> str:
    """Return a token without surrounding spaces; ``BadInput`` for an invalid one."""
    token = text.strip()
    if not token or len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise BadInput("Enter your user token, as it stands in your ListenBrainz settings.")
    return token
