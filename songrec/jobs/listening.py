"""Job to exchange data with ListenBrainz. Light: without vectors and sound."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Progress
from songrec.services.listeners import listenbrainz
from songrec.store.ciphers import current_cipher
from songrec.store.listeners import listenbrainz_accounts
from songrec.store.tables import Job


def run(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Exchange data with the account ``account`` (its id); the result counts both directions.

    The job does not fail if the server does not respond; the reason and the time of the next
    attempt are stored in the account's row.
    """
    account = listenbrainz_accounts.find(session, job.parameters["account"])
    if account is None:
        raise BadInput("This account was disconnected.")
    cipher = current_cipher()
    try:
        return listenbrainz.exchange(session, account, cipher, on_progress).to_json()
    except NotReady as error:
        return {"error": str(error)}
