"""Registry of the kinds of jobs. Light: their functions are named, not imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job: its label for people and the function that does it.

    ``run`` is ``"module:function"``; the function takes ``(session, job, on_progress)``, leaves
    the last commit to its caller, and returns the result, which its row stores as JSON.
    ``when_cancelled`` says what remains of cancelled work; waiting jobs of a higher ``priority``
    start first.
    """

    name: str
    label: str
    run: str
    when_cancelled: str = "Cancelled; nothing was published."
    priority: int = 0


SOMEBODY_WAITS = 10
"""The priority of short work whose result a listener is waiting for."""

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "ingest",
            "Catalogue import",
            "songrec.jobs.tasks:ingest",
            "Cancelled; the rows read until then stay. Importing the file again completes them.",
        ),
        Kind("train", "Training", "songrec.jobs.tasks:train"),
        Kind(
            "analyze",
            "Audio analysis",
            "songrec.jobs.tasks:analyze",
            "Cancelled; the files analysed until then stay. Analysing the folder again goes on.",
        ),
        Kind(
            "demo",
            "The made clips",
            "songrec.jobs.tasks:demo",
            "Cancelled; the clips analysed until then stay. Asking for them again goes on.",
        ),
        Kind(
            "predict",
            "Training the predictor",
            "songrec.jobs.tasks:predict",
            "Cancelled; the predictor before it, if there is one, stays in use.",
        ),
        Kind(
            "grid",
            "Grid",
            "songrec.jobs.tasks:grid",
            "Cancelled; the cells trained until then stay. Starting the same grid again goes on.",
        ),
        Kind(
            "duplicates",
            "Search for duplicates",
            "songrec.jobs.tasks:duplicates",
            "Cancelled; what the search before it found stays.",
        ),
        Kind(
            "fragments",
            "Moments",
            "songrec.jobs.segment_tasks:run",
            "Cancelled; the tagger and the segments before stay in use.",
        ),
        Kind("report", "Report", "songrec.jobs.tasks:report", "Cancelled; no report was written."),
        Kind(
            "words",
            "Lyrics and tags",
            "songrec.jobs.tasks:words",
            "Cancelled; what was prepared until then stays.",
        ),
        Kind(
            "refresh",
            "Update after new songs",
            "songrec.jobs.tasks:refresh",
            "Cancelled; the next import completes it.",
            SOMEBODY_WAITS - 5,
        ),
        Kind("upload", "Uploaded song", "songrec.jobs.tasks:upload", "Cancelled.", SOMEBODY_WAITS),
        Kind(
            "keep",
            "Song kept",
            "songrec.jobs.tasks:keep",
            "Cancelled; it was not kept.",
            SOMEBODY_WAITS,
        ),
        Kind(
            "sleeve",
            "Waveform and cover",
            "songrec.jobs.tasks:sleeve",
            "Cancelled.",
            SOMEBODY_WAITS,
        ),
    )
}
