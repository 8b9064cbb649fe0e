"""Client of ListenBrainz's data sets: similar artists, from the sessions of its listeners.

Nothing here is called unless a person asks for it: ``flask artists fetch``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from songrec.core.errors import BadInput, NotReady
from songrec.core.outgoing import read_json
from songrec.core.polite_session import PoliteSession

SERVER = "https://labs.api.listenbrainz.org"
ALGORITHM = (
    "session_based_days_7500_session_300_contribution_5_threshold_10_limit_100_filter_True_skip_30"
)
"""The data set: artists in one session, of 7,500 days, at most 100 similar ones for each."""
BATCH = 20
"""Artists per request."""
SECONDS_BETWEEN = 1.0
LONGEST_NAME = 500


@dataclass(frozen=True)
class SimilarArtist:
    """An artist that is similar to the one with the MusicBrainz id ``reference_id``."""

    reference_id: str
    musicbrainz_id: str | None
    name: str
    score: float


class Client:
    """Client with at most one request per second, or less as requested by the server.

    The server is set by an operator and may be in a private network.
    """

    seconds_between = SECONDS_BETWEEN

    def __init__(self, server: str = SERVER) -> None:
        if not server.startswith(("https://", "http://")):
            raise BadInput(f"{server}: the server must begin with https:// or http://.")
        self.server = server.rstrip("/")
        self._session = PoliteSession(
            self.server, allows_private=True, seconds_between=self.seconds_between
        )

    def similar_artists(self, musicbrainz_ids: Sequence[str]) -> list[SimilarArtist]:
        """Return the artists similar to these; ``NotReady`` if the server does not respond."""
        body = [{"artist_mbids": list(musicbrainz_ids), "algorithm": ALGORITHM}]
        answer = self._post("/similar-artists/json", body)
        return list(_parse(answer, frozenset(musicbrainz_ids)))

    def _post(self, path: str, body: Any) -> Any:
        try:
            response = self._session.request("POST", path, json=body)
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                answered = f"{response.status_code} {response.reason}".strip()
                raise NotReady(f"{self.server} answered {answered}.")
            return read_json(response)
        except NotReady as error:
            advice = "Try again later, or import a file: flask artists import FILE"
            raise NotReady(f"{error} {advice}") from None


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
