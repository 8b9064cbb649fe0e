"""Job to import a list of songs. Light: without vectors and sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.core.types import Progress
from songrec.jobs import files
from songrec.services.listeners import import_export
from songrec.store.tables import Job, Listener


def run(session: Session, job: Job, on_progress: Progress) -> dict[str, Any]:
    """Import the list ``path`` for the job's listener, or with ``retry`` the unmatched songs.

    Parameters: ``path``, ``file`` (its own name) and ``as`` (kind of entry for its songs), or
    ``retry``. The result is the report, see ``ImportReport.to_result``.
    """
    listener = session.get(Listener, job.listener_id) if job.listener_id is not None else None
    if listener is None:
        raise BadInput("The listener of this list is deleted.")
    parameters = job.parameters
    if parameters.get("retry"):
        on_progress(0.1, "Looking for the missing songs.")
        report = import_export.retry_unmatched(session, listener)
    else:
        on_progress(0.1, "Reading the list and looking for its songs.")
        path = files.uploaded_file(current_app.config["INSTANCE"], parameters["path"])
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError:
            raise BadInput("The list is gone: import it again.") from None
        report = import_export.import_likes(
            session, listener, content, file_name=parameters["file"], kind=parameters["as"]
        )
    on_progress(0.95, "Storing what was found.")
    return report.to_result()
