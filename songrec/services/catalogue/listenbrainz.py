"""Client of ListenBrainz's data sets: similar artists, from the sessions of its listeners.

Nothing here is called unless a person asks for it: ``flask artists fetch``.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from songrec.core.errors import BadInput, NotReady
from songrec.core.version import VERSION

SERVER = "https://labs.api.listenbrainz.org"
ALGORITHM = (
    "session_based_days_7500_session_300_contribution_5_threshold_10_limit_100_filter_True_skip_30"
)
"""The data set: artists in one session, of 7,500 days, at most 100 similar ones for each."""
BATCH = 20
"""Artists per request."""
SECONDS_BETWEEN = 1.0
TIMEOUT_S = 30.0
LONGEST_NAME = 500
LARGEST_ANSWER = 32 * 2**20


@dataclass(frozen=True)
class SimilarArtist:
    """An artist that is similar to the one with the MusicBrainz id ``reference_id``."""

    reference_id: str
    musicbrainz_id: str | None
    name: str
    score: float


@dataclass
class Client:
    """Asks a server politely: one request a second, and longer where it says so."""

    server: str = SERVER
    seconds_between: float = SECONDS_BETWEEN
    _next: float = 0.0

    def __post_init__(self) -> None:
        if not self.server.startswith(("https://", "http://")):
            raise BadInput(f"{self.server}: the server must begin with https:// or http://.")

    def similar_artists(self, musicbrainz_ids: Sequence[str]) -> list[SimilarArtist]:
        """Return the artists similar to these; ``NotReady`` where the server gives none."""
        body = json.dumps([{"artist_mbids": list(musicbrainz_ids), "algorithm": ALGORITHM}])
        answer = self._post("/similar-artists/json", body.encode())
        return list(_parse(answer, frozenset(musicbrainz_ids)))

    def _post(self, path: str, body: bytes) -> Any:
        time.sleep(max(0.0, self._next - time.monotonic()))
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            self.server.rstrip("/") + path,
            data=body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": f"songrec/{VERSION}",
            },
        )
        advice = "Try again later, or import a file: flask artists import FILE"
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                content = response.read(LARGEST_ANSWER + 1)
                wait = float(response.headers.get("X-RateLimit-Reset-In") or 0)
                if int(response.headers.get("X-RateLimit-Remaining") or 1) > 0:
                    wait = 0.0
        except urllib.error.HTTPError as error:
            error.close()
            raise NotReady(
                f"{self.server} answered {error.code} {error.reason}. {advice}"
            ) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise NotReady(f"{self.server} cannot be reached ({reason}). {advice}") from None
        self._next = time.monotonic() + max(self.seconds_between, min(wait, 60.0))
        if len(content) > LARGEST_ANSWER:
            raise NotReady(f"{self.server} gave an answer above 32 MiB. {advice}")
        try:
            return json.loads(content)
        except ValueError:
            raise NotReady(f"{self.server} gave an answer that is not JSON. {advice}") from None


def _parse(answer: Any, references: frozenset[str]) -> Iterable[SimilarArtist]:
    """Yield the readable rows of an answer: a list of rows, or of tables with ``data``."""
    for row in _rows(answer):
        reference, other = row.get("reference_mbid"), row.get("artist_mbid")
        name, score = row.get("name"), row.get("score")
        if reference is None and len(references) == 1:
            (reference,) = references
        if (
            reference in references
            and other != reference
            and isinstance(name, str)
            and isinstance(score, int | float)
            and score > 0
        ):
            musicbrainz_id = other if isinstance(other, str) else None
            yield SimilarArtist(str(reference), musicbrainz_id, name[:LONGEST_NAME], float(score))


def _rows(answer: Any) -> Iterator[dict[str, Any]]:
    for part in answer if isinstance(answer, list) else []:
        rows = part.get("data", [part]) if isinstance(part, dict) else []
        yield from (row for row in rows if isinstance(row, dict))
