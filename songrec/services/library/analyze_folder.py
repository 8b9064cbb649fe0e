"""Analysis of a folder of audio files: new and changed files are analysed, the rest is skipped.

The work is done by an executor (``executors.py``). This module decides what has to be done and
records the results in small batches, so a killed analysis resumes where it stopped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from songrec.audio_files.decoding import DECODER_VERSION
from songrec.audio_files.file_scan import ScannedFile, content_hash, shown, walk
from songrec.core.config import tag_encoding
from songrec.core.errors import BadInput
from songrec.core.types import Progress, no_progress
from songrec.features.extraction import make_extractors
from songrec.features.registry import MEASURING, with_companions
from songrec.services.catalogue import duplicate_search
from songrec.services.features import feature_sets
from songrec.services.features.feature_sets import keys_of
from songrec.services.library import audio_tracks
from songrec.services.library.after_import import refresh_derived
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.library.executors import LocalExecutor, open_executor
from songrec.services.library.worker_process import Outcome, Task
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, feature_cache
from songrec.store.sound.audio_files import FileRecord
from songrec.store.sound.feature_cache import SetKey

ANALYSED = 0.95
"""The share of the work that analysing the files is."""
COMMIT_S = 1.0
REPORT_S = 0.25


def analyze_folder(
    instance: Instance,
    request: AnalyzeRequest,
    on_progress: Progress = no_progress,
) -> AnalyzeReport:
    """Analyse what is new or changed below ``request.folder`` and mark what has vanished.

    Unlike most functions this one **commits**, about once a second: an analysis takes hours, and
    what is done must not be lost. ``on_progress`` is only called when nothing is locked.

    Raises ``BadInput`` for a folder that cannot be read and ``NotReady`` for a feature set that
    cannot be extracted here (weights that were not fetched). No file raises.
    """
    start = time.perf_counter()
    names = with_companions(request.features)
    keys = keys_of(names, request.settings)
    _write_column_names(instance.folder, keys, request)
    root = request.folder.expanduser()
    files = list(walk(root))
    root = root.resolve()
    before = duplicate_search.newest_id(instance.session)
    run = _Run(instance, root, request, keys, on_progress, files)
    with open_executor(request.workers, request.scheduler) as executor:
        run.execute(executor)
    run.mark_missing()
    # The counts of the files stay on the page of the job.
    derived = refresh_derived(
        instance,
        before,
        lambda share, message, _=None: on_progress(
            ANALYSED + (1 - ANALYSED) * share, message, run.counts()
        ),
    )
    run.report.alike, run.report.segments = derived.alike, derived.segments
    on_progress(1.0, run.summary(), run.counts())
    run.report.seconds = time.perf_counter() - start
    return run.report


def _write_column_names(instance: Path, keys: list[SetKey], request: AnalyzeRequest) -> None:
    extractors = make_extractors([key.name for key in keys], request.settings)
    for key in keys:
        feature_sets.write_columns(instance, key, extractors[key.name].names(), request.settings)


@dataclass(slots=True)
class _Waiting:
    """A file whose content is being analysed, perhaps for several places where it lies."""

    places: list[ScannedFile]
    keys: list[SetKey]


class _Run:
    """State of one analysis of one folder."""

    def __init__(
        self,
        instance: Instance,
        root: Path,
        request: AnalyzeRequest,
        keys: list[SetKey],
        on_progress: Progress,
        files: list[ScannedFile],
    ) -> None:
        self._session = instance.session
        self._tag_encoding = tag_encoding()
        self._instance = instance.folder
        self._root = root
        self._request = request
        self._keys = keys
        self._on_progress = on_progress
        self._files = files
        self._known = audio_files.below(instance.session, root)
        instance.session.commit()
        self._waiting: dict[str, _Waiting] = {}
        self._fresh: set[str] = set()
        self._started = time.monotonic()
        self._work_started: float | None = None
        self._settled_before = 0
        self._committed = self._reported = self._started
        self.report = AnalyzeReport(root, found=len(files))

    def execute(self, executor: LocalExecutor) -> None:
        """Analyse or skip every file."""
        for item in executor.run(self._tasks()):
            if item is not None:
                self._settle(*item)
            self._commit_and_report()
        self._commit_and_report(now=True)

    def mark_missing(self) -> None:
        """Mark vanished files; those below an unreadable folder may still exist."""
        here = {str(file.path) for file in self._files}
        closed = tuple(f"{file.path}/" for file in self._files if file.passing)
        gone = [
            stored.id
            for path, stored in audio_files.below(self._session, self._root).items()
            if path not in here and stored.state != "missing" and not path.startswith(closed)
        ]
        self.report.missing = audio_files.mark_missing(self._session, gone)
        self._session.commit()

    def _tasks(self) -> Iterator[Task]:
        """Yield the files to analyse; the others are settled on the way."""
        # Files that are as they were go first: they take no time, and estimates are for the rest.
        later: deque[ScannedFile] = deque()
        for file in self._files:
            if not self._is_settled(file):
                later.append(file)
            self._commit_and_report()
        self._settled_before = self.report.done
        self._work_started = time.monotonic()
        while later:
            task = self._task(later.popleft())
            self._commit_and_report()
            if task is not None:
                yield task

    def _is_settled(self, file: ScannedFile) -> bool:
        if file.reason is not None:
            self._reject(file, None, file.reason, passing=file.passing)
            return True
        stored = self._known.get(str(file.path))
        if stored is None or not _is_untouched(stored, file):
            return False
        if stored.state == "rejected":
            if stored.info.get("passing") or stored.info.get("decoder") != DECODER_VERSION:
                return False
            self.report.rejected.append((shown(file.path), stored.reason or "rejected"))
            return True
        if stored.content_hash is None or self._missing_sets(stored.content_hash):
            return False
        if stored.state == "missing":
            self._link(file, stored.content_hash)
        self.report.unchanged += 1
        return True

    def _task(self, file: ScannedFile) -> Task | None:
        try:
            digest = self._hash(file)
        except BadInput as error:
            self._reject(file, None, str(error), passing=True)
            return None
        if digest in self._waiting:
            self._waiting[digest].places.append(file)
            return None
        rows = audio_files.with_content(self._session, digest)
        self._session.commit()
        refused = next((row for row in rows if _is_final(row)), None)
        if refused is not None:
            self._reject(file, digest, refused.reason or "rejected", passing=False)
            return None
        missing = self._missing_sets(digest)
        has_track = any(row.track_id is not None for row in rows)
        if has_track and not missing:
            self._link(file, digest)
            # A copy counts as what became of the first, whoever came first.
            if digest in self._fresh:
                self.report.analysed += 1
            else:
                self.report.unchanged += 1
            return None
        # Without its track (somebody deleted it) a file is described anew.
        sets_needed = missing if has_track else self._keys
        self._waiting[digest] = _Waiting([file], sets_needed)
        return Task(
            path=str(file.path),
            root=str(self._root),
            content_hash=digest,
            sets=tuple(key.name for key in sets_needed),
            settings=asdict(self._request.settings),
            time_limit_s=self._request.time_limit_s,
            tag_encoding=self._tag_encoding,
        )

    def _hash(self, file: ScannedFile) -> str:
        deadline = time.monotonic() + self._request.time_limit_s

        def check() -> None:
            if time.monotonic() > deadline:
                raise BadInput(f"took longer than {self._request.time_limit_s:g} s to read")

        return content_hash(file.path, check)

    def _missing_sets(self, digest: str) -> list[SetKey]:
        return feature_cache.missing_sets(self._instance, self._keys, digest)

    def _settle(self, task: Task, outcome: Outcome) -> None:
        waiting = self._waiting.pop(task.content_hash)
        first, *others = waiting.places
        if outcome.reason is not None:
            for file in waiting.places:
                self._reject(file, task.content_hash, outcome.reason, passing=outcome.passing)
            return
        for key in waiting.keys:
            array = outcome.arrays[key.name]
            feature_cache.write(self._instance, key, task.content_hash, array)
            feature_cache.record(self._session, key, task.content_hash)
        if MEASURING in outcome.arrays:
            audio_tracks.record(self._session, self._root, first, task.content_hash, outcome)
        else:
            self._link(first, task.content_hash)
        for file in others:
            self._link(file, task.content_hash)
        self._fresh.add(task.content_hash)
        self.report.analysed += len(waiting.places)

    def _link(self, file: ScannedFile, digest: str) -> None:
        audio_tracks.link(self._session, self._root, file, digest)

    def _reject(self, file: ScannedFile, digest: str | None, reason: str, *, passing: bool) -> None:
        self.report.rejected.append((shown(file.path), reason))
        if _can_be_stored(file.path):
            audio_tracks.refuse(self._session, self._root, file, digest, reason, passing=passing)

    def _commit_and_report(self, *, now: bool = False) -> None:
        """Commit and report when it is time; nothing is locked during a report."""
        moment = time.monotonic()
        if now or moment - self._committed >= COMMIT_S:
            self._session.commit()
            self._committed = moment
        if not now and moment - self._reported < REPORT_S:
            return
        self._session.commit()
        self._reported = moment
        self._on_progress(
            ANALYSED * self.report.done / max(1, self.report.found),
            self.summary() + self._estimate(moment),
            self.counts(),
        )

    def summary(self) -> str:
        """Return how many files are analysed, skipped or rejected, in words."""
        report = self.report
        return f"{report.done:,} of {report.found:,} files, {len(report.rejected):,} rejected"

    def counts(self) -> dict[str, int]:
        """Return the numbers of files by what became of them."""
        return {
            "found": self.report.found,
            "analysed": self.report.analysed,
            "unchanged": self.report.unchanged,
            "rejected": len(self.report.rejected),
        }

    def _estimate(self, moment: float) -> str:
        done = self.report.done - self._settled_before
        left = self.report.found - self.report.done
        if self._work_started is None or done < 3 or not left:
            return ""
        return f", about {_format_duration((moment - self._work_started) / done * left)} left"


def _is_untouched(stored: FileRecord, file: ScannedFile) -> bool:
    return stored.size == file.size and stored.modified_ns == file.modified_ns


def _is_final(row: Any) -> bool:
    """Return whether a content was rejected for good by the present decoder."""
    return (
        row.state == "rejected"
        and not row.info.get("passing")
        and row.info.get("decoder") == DECODER_VERSION
    )


def _can_be_stored(path: Path) -> bool:
    return shown(path) == str(path) and len(str(path)) <= 1000


def _format_duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
