"""Job to renew a listener's mixes and write them to music servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, SongrecError
from songrec.core.types import Progress
from songrec.services.recommendation import mixes as mix_making
from songrec.services.servers import mix_writing
from songrec.store.db import now
from songrec.store.instance import current_instance
from songrec.store.listeners import mixes
from songrec.store.tables import Job, Listener

TRY_AGAIN = timedelta(hours=1)


def run(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Renew the due mixes of the listener ``listener`` (its id), then write all.

    Creates the default mixes of a listener with an app or a server. Failed mixes are retried after
    an hour.
    """
    listener = session.get(Listener, int(job.parameters["listener"]))
    if listener is None:
        raise BadInput("The listener of these mixes is deleted.")
    job.listener_id = listener.id  # the row names mixes, so it is deleted with the listener
    at, instance = now(), current_instance()
    on_progress(0.1, "Making the mixes.")
    results = []
    problem = None
    try:
        if listener.id in mixes.without_defaults(session):
            results = mix_making.set_up(instance, listener, at)
        else:
            results = mix_making.make_due(instance, listener, at)
    except SongrecError as error:
        problem = str(error)
        for mix in mixes.due_of(session, listener, at):
            mix.next_at = at + TRY_AGAIN
    session.commit()
    on_progress(0.5, "Writing them into music servers.")
    reports = mix_writing.write_mixes(instance, listener, at)
    return {
        "made": [mix.name for mix in results],
        "servers": [report.to_json() for report in reports],
        "problem": problem,
    }
