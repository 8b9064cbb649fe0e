"""Registry of the kinds of jobs. Light: functions are referenced by name, not imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job: its label for people and its function.

    Attributes
    ----------
    run
        ``"module:function"``. The function takes ``(session, job, on_progress)``, leaves the last
        commit to its caller, and returns the result, which is stored as JSON.
    when_cancelled
        Text about the remains of cancelled work.
    priority
        Waiting jobs of a higher priority start first.
    exclusive_key
        Only one job of the kinds with the same key runs at a time, over all workers.
    time_limit_s
        A longer job is stopped.
    is_memory_limited
        False for trainings, whose memory depends on the library rather than on uploaded files.
    is_small
        Whether lists of jobs fold this short work of listeners or of songrec itself.
    is_announced
        Whether the worker prints the job's progress.
    """

    name: str
    label: str
    run: str
    when_cancelled: str = "Cancelled; nothing was published."
    priority: int = 0
    exclusive_key: str | None = None
    time_limit_s: float | None = None
    is_memory_limited: bool = True
    is_small: bool = False
    is_announced: bool = False


LIBRARY = "library"
"""Exclusive key of jobs that add tracks and then update derived data."""
TRAINING = "training"
"""Exclusive key of jobs that train runs."""
SOMEBODY_WAITS = 10
"""Priority of short work whose result a listener waits for."""
SHORT_WORK_S = 1800.0
"""Time limit of short work: one song on a busy machine."""

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "ingest",
            "Catalogue import",
            "songrec.jobs.tasks:ingest",
            "Cancelled; the rows read so far are kept. Import the file again to complete them.",
            exclusive_key=LIBRARY,
        ),
        Kind(
            "train",
            "Training",
            "songrec.jobs.tasks:train",
            exclusive_key=TRAINING,
            is_memory_limited=False,
            is_announced=True,
        ),
        Kind(
            "analyze",
            "Audio analysis",
            "songrec.jobs.tasks:analyze",
            "Cancelled; the files analysed so far are kept. Analyse the folder again to continue.",
            exclusive_key=LIBRARY,
        ),
        Kind(
            "server-scan",
            "Scan of a music server",
            "songrec.jobs.server_tasks:scan",
            "Cancelled; the songs read so far are kept. The next scan continues.",
            exclusive_key=LIBRARY,
            is_small=True,
        ),
        Kind(
            "server-sync",
            "Exchange with a music server",
            "songrec.jobs.server_tasks:sync",
            "Cancelled; data exchanged so far is kept.",
            exclusive_key="server-sync",
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "server-analyze",
            "Analysis of a music server's songs",
            "songrec.jobs.server_tasks:analyze",
            "Cancelled; the songs analysed so far are kept. The next scan continues.",
            exclusive_key=LIBRARY,
        ),
        Kind(
            "setup",
            "Setting up",
            "songrec.jobs.tasks:set_up",
            "Cancelled; the songs imported so far are kept. Set up again to continue.",
            exclusive_key=LIBRARY,
            is_memory_limited=False,
            is_announced=True,
        ),
        Kind(
            "remove-demo",
            "Removing the demo songs",
            "songrec.jobs.tasks:remove_demo",
            "Cancelled; remove the demo songs again for the remaining ones.",
            exclusive_key=LIBRARY,
        ),
        Kind(
            "predict",
            "Training the predictor",
            "songrec.jobs.tasks:predict",
            "Cancelled; the previous predictor, if any, stays in use.",
            exclusive_key="predictor",
            is_memory_limited=False,
        ),
        Kind(
            "grid",
            "Grid",
            "songrec.jobs.tasks:grid",
            "Cancelled; the cells trained so far are kept. Start the same grid again to continue.",
            exclusive_key=TRAINING,
            is_memory_limited=False,
        ),
        Kind(
            "duplicates",
            "Search for duplicates",
            "songrec.jobs.tasks:duplicates",
            "Cancelled; the previous results are kept.",
            exclusive_key="duplicates",
        ),
        Kind(
            "merge",
            "Merging duplicates",
            "songrec.jobs.tasks:merge",
            "Cancelled; the merges so far are kept, and the rest can follow.",
            exclusive_key=LIBRARY,
        ),
        Kind(
            "fragments",
            "Moments",
            "songrec.jobs.segment_tasks:run",
            "Cancelled; the previous tagger and segments stay in use.",
            exclusive_key="segments",
            is_memory_limited=False,
        ),
        Kind("report", "Report", "songrec.jobs.tasks:report", "Cancelled; no report was written."),
        Kind(
            "words",
            "Lyrics and tags",
            "songrec.jobs.tasks:words",
            "Cancelled; data prepared so far is kept.",
            exclusive_key="words",
            is_small=True,
        ),
        Kind(
            "refresh",
            "Update after new songs",
            "songrec.jobs.tasks:refresh",
            "Cancelled; the next import completes it.",
            SOMEBODY_WAITS - 5,
            exclusive_key=LIBRARY,
            is_small=True,
        ),
        Kind(
            "import",
            "Imported list",
            "songrec.jobs.list_imports:run",
            "Cancelled; nothing was imported.",
            SOMEBODY_WAITS,
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "mixes",
            "Mixes",
            "songrec.jobs.mixes:run",
            "Cancelled; the previous mixes stay, and the next update replaces them.",
            SOMEBODY_WAITS,
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "listenbrainz",
            "Exchange with ListenBrainz",
            "songrec.jobs.listening:run",
            "Cancelled; data imported so far is kept. The next exchange continues.",
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "upload",
            "Uploaded song",
            "songrec.jobs.tasks:upload",
            "Cancelled.",
            SOMEBODY_WAITS,
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "keep",
            "Song kept",
            "songrec.jobs.tasks:keep",
            "Cancelled; the song was not kept.",
            SOMEBODY_WAITS,
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "covers",
            "Covers",
            "songrec.jobs.tasks:covers",
            "Cancelled; the covers scaled so far are kept.",
            SOMEBODY_WAITS,
            exclusive_key="covers",
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
        Kind(
            "sleeve",
            "Waveform and cover",
            "songrec.jobs.tasks:sleeve",
            "Cancelled.",
            SOMEBODY_WAITS,
            time_limit_s=SHORT_WORK_S,
            is_small=True,
        ),
    )
}

KIND_GROUPS: dict[str, frozenset[str]] = {
    "uploads": frozenset(kind.name for kind in KINDS.values() if kind.priority >= SOMEBODY_WAITS),
}
"""Groups of kinds that a worker can be restricted to: short work that listeners wait for."""
