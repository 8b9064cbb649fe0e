"""The kinds of long work there are. Light: what does the work is named, not imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job: what people call it and the function that does it.

    ``run`` is ``"module:function"``; the function takes ``(session, job, on_progress)``, does not
    commit, and returns the result that is kept on the row as JSON.
    """

    name: str
    label: str
    run: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ingest", "Catalogue import", "songrec.jobs.tasks:ingest"),
        Kind("train", "Training", "songrec.jobs.tasks:train"),
    )
}
