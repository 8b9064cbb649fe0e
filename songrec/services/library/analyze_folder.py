"""Analysis of a folder of audio files: new and changed files are analysed, the rest is skipped.

The work is done by an executor (``executors.py``). This module decides what has to be done and
records the results in small batches, so a killed analysis resumes where it stopped.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from songrec.audio_files.album_files import embedded_parts, split_albums
from songrec.audio_files.cue_sheets import AlbumPart
from songrec.audio_files.decoding import DECODER_VERSION
from songrec.audio_files.file_scan import ScannedFile, can_be_recorded, content_hash, shown, walk
from songrec.audio_files.path_labels import counted_paths
from songrec.core.config import tag_encoding
from songrec.core.errors import BadInput, Cancelled
from songrec.core.types import Progress, no_progress
from songrec.features.extraction import make_extractors
from songrec.features.registry import MEASURING, with_companions
from songrec.services.catalogue import duplicate_search
from songrec.services.features import cover_pictures, feature_sets
from songrec.services.features.feature_sets import keys_of
from songrec.services.library import audio_tracks
from songrec.services.library.after_import import refresh_derived
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.library.audio_tracks import ContentRows
from songrec.services.library.executors import LocalExecutor, open_executor
from songrec.services.library.own_folders import own_folders, refuse_own_folder
from songrec.services.library.worker_process import Outcome, Task
from songrec.store.db import write_with_retries
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, feature_cache
from songrec.store.sound.audio_files import FileRecord
from songrec.store.sound.feature_cache import SetKey

ANALYSED = 0.95
"""The share of the work that analysing the files is."""
REPORT_S = 0.25
CONTENTS_REMEMBERED = 50_000
"""Limit of contents whose rows are cached; the cache is emptied beyond it, to bound memory."""


def analyze_folder(
    instance: Instance,
    request: AnalyzeRequest,
    on_progress: Progress = no_progress,
) -> AnalyzeReport:
    """Analyse new and changed files below ``request.folder`` and mark missing ones.

    **Commits** after each file, because an analysis takes hours and its results must not be lost.
    ``on_progress`` is only called without locks. Several analyses may run at once, even of the same
    folder.

    The folders of the instance are skipped, except for the demo clips.

    Raises ``BadInput`` for a folder that cannot be read or is the instance's own, and ``NotReady``
    for a feature set that cannot be extracted here (weights that were not fetched). Unusable files
    do not raise.
    """
    start = time.perf_counter()
    run = _open(instance, request, on_progress)
    before = duplicate_search.newest_id(instance.session)
    with open_executor(request.workers, request.scheduler) as executor:
        if request.list_first:
            run.list_new(executor)
        run.execute(executor)
    if not run.report.is_sample:
        run.mark_missing()
    cover_pictures.note_folder_pictures(instance.session, run.root)
    instance.session.commit()
    # The counts of the files stay on the page of the job.
    derived = refresh_derived(
        instance,
        before,
        lambda share, message, _=None: on_progress(
            ANALYSED + (1 - ANALYSED) * share, message, run.counts()
        ),
    )
    run.report.alike = derived.alike
    on_progress(1.0, run.summary(), run.counts())
    run.report.seconds = time.perf_counter() - start
    return run.report


def list_folder(
    instance: Instance, request: AnalyzeRequest, on_progress: Progress = no_progress
) -> None:
    """Give the new files below ``request.folder`` a track with names and a length, and no more.

    They can be played from then on; ``analyze_folder`` analyses them. **Commits** after each file.
    Raises as ``analyze_folder`` does.
    """
    run = _open(instance, request, on_progress)
    with open_executor(1) as executor:
        run.list_new(executor)


def _open(instance: Instance, request: AnalyzeRequest, on_progress: Progress) -> _Run:
    """Scan the folder and compare it with its rows in the database."""
    names = with_companions(request.features)
    keys = keys_of(names, request.settings)
    _write_column_names(instance.folder, keys, request)
    root = request.folder.expanduser()
    ignored: Counter[str] = Counter()
    own = refuse_own_folder(root, instance.folder)
    files = list(walk(root, ignored, own))
    is_sample = request.sample is not None and len(files) > 4 * request.sample
    if request.sample is not None and is_sample:
        files = files[:: len(files) // request.sample][: request.sample]
    run = _Run(instance, root.resolve(), request, keys, on_progress, files)
    run.report.is_sample = is_sample
    run.report.ignored = dict(sorted(ignored.items()))
    return run


def _write_column_names(instance: Path, keys: list[SetKey], request: AnalyzeRequest) -> None:
    extractors = make_extractors([key.name for key in keys], request.settings)
    for key in keys:
        feature_sets.write_columns(instance, key, extractors[key.name].names(), request.settings)


@dataclass(slots=True)
class _Waiting:
    """A file whose content is being analysed, perhaps for several paths.

    ``tags_only``: whether only its tags are read again, because its features exist. ``decoder``:
    the version of the decoder in its row; features are extracted again if the present version
    decodes other samples.
    """

    places: list[ScannedFile]
    keys: list[SetKey]
    tags_only: bool = False
    decoder: int | None = None


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
        self._counted = counted_paths(file.path for file in files)
        self._instance = instance.folder
        self.root = root
        self._request = request
        self._keys = keys
        self._on_progress = on_progress
        self._known = audio_files.below(instance.session, root)
        instance.session.commit()
        self._parts_of: dict[str, list[FileRecord]] = defaultdict(list)
        for (path, number), stored in self._known.items():
            if number:
                self._parts_of[path].append(stored)
        scan = split_albums(files, self._tag_encoding, self._recorded_parts)
        self._files = scan.files
        self._here = {(str(file.path), file.number) for file in scan.files}
        self._hashed: tuple[ScannedFile, str] | None = None
        self._listing: dict[str, ScannedFile] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._later: deque[ScannedFile] = deque()
        self._contents: dict[str, ContentRows] = {}
        self._fresh: set[str] = set()
        self._noted: set[tuple[Path, str]] = set()
        self._started = time.monotonic()
        self._work_started: float | None = None
        self._settled_before = 0
        self._reported = self._started
        self.report = AnalyzeReport(root, found=len(scan.files), notes=scan.notes)

    def list_new(self, executor: LocalExecutor) -> None:
        """Record names and lengths of new files before their analysis.

        Files that cannot be listed are left to the analysis, which reports the reason.
        """
        done = 0
        for item in executor.run(self._listing_tasks()):
            if item is not None:
                self._list(*item)
                done += 1
            moment = time.monotonic()
            if moment - self._reported >= REPORT_S:
                self._reported = moment
                self._session.commit()
                self._on_progress(0.0, f"{done:,} files listed", {**self.counts(), "listed": done})
        self._listing.clear()
        self._contents.clear()
        self._known = audio_files.below(self._session, self.root)
        cover_pictures.note_folder_pictures(self._session, self.root)
        self._session.commit()

    def _listing_tasks(self) -> Iterator[Task]:
        for scanned in self._files:
            record = self._known.get((str(scanned.path), scanned.number))
            # The tracks of an album file come with the analysis.
            if record is not None or scanned.reason is not None or scanned.part is not None:
                continue
            try:
                file, digest = self._hash(scanned)
                has_parts = bool(embedded_parts(file.path, self._tag_encoding))
            except BadInput:
                continue
            content = self._content(digest)
            self._session.commit()
            is_described = content.described_id is not None or content.refusal is not None
            if has_parts or is_described or digest in self._listing:
                continue
            self._listing[digest] = file
            yield self._new_task(file, digest, ())

    def _list(self, task: Task, outcome: Outcome) -> None:
        file = self._listing[task.content_hash]
        if outcome.reason is not None or _change_of(file) is not None:
            return
        content = ContentRows(self._session, task.content_hash)

        def write() -> None:
            audio_tracks.record(
                self._session,
                self.root,
                file,
                task.content_hash,
                outcome,
                content,
                self._tag_encoding,
            )

        try:
            write_with_retries(self._session, write, self._report_waiting)
        except (Cancelled, OperationalError):
            raise
        except Exception:  # noqa: BLE001 - the analysis of this file reports the error
            self._session.rollback()

    def execute(self, executor: LocalExecutor) -> None:
        """Analyse or skip every file."""
        for item in executor.run(self._tasks()):
            if item is not None:
                self._settle(*item)
            self._report_now_and_then()
        self._report_now_and_then(now=True)

    def mark_missing(self) -> None:
        """Mark vanished files; those below an unreadable folder may still exist."""
        here = self._here
        # Rows of album files that were split since.
        split = {path for path, number in here if number}
        whole = {place for place in self._known if place[1] == 0 and place[0] in split}
        passed_over = own_folders(self._instance)
        closed = tuple(
            f"{path}/" for path in (*(f.path for f in self._files if f.passing), *passed_over)
        )
        gone = [
            stored.id
            for place, stored in audio_files.below(self._session, self.root).items()
            # Another process may have recorded it since the start.
            if place in self._known
            and place not in here
            and place not in whole
            and stored.state != "missing"
            and not stored.path.startswith(closed)
        ]

        def write() -> int:
            for place in whole:
                self._replace_whole(*place)
            return audio_files.mark_missing(self._session, gone)

        self.report.missing = write_with_retries(self._session, write, self._report_waiting)

    def _replace_whole(self, path: str, part: int) -> None:
        """Remove the row of a whole album file, and its track if it has no reactions."""
        row = audio_files.at_path(self._session, path, part)
        if row is None:
            return
        track_id = row.track_id
        self._session.delete(row)
        self._session.flush()
        if track_id is not None and not audio_tracks.remove_unused_track(self._session, track_id):
            self.report.notes.append(
                (path, "is split into tracks; the song that it was as a whole is in use and stays")
            )

    def _recorded_parts(self, file: ScannedFile) -> tuple[AlbumPart, ...] | None:
        """Return the parts of an unchanged album file as they were recorded."""
        parts = []
        for stored in self._parts_of.get(str(file.path), ()):
            fields = (stored.info.get(audio_tracks.TAG_STAMP) or {}).get("part")
            if fields is None or not _is_untouched(stored, file) or stored.state == "missing":
                return None
            parts.append(AlbumPart(**fields))
        return tuple(sorted(parts, key=lambda part: part.start_s)) or None

    def _tasks(self) -> Iterator[Task]:
        """Yield the files to analyse; the others are settled on the way."""
        # Files that are as they were go first: they take no time, and estimates are for the rest.
        for file in self._files:
            if not self._is_settled(file):
                self._later.append(file)
            self._report_now_and_then()
        self._settled_before = self.report.done
        self._work_started = time.monotonic()
        while self._later:
            task = self._task(self._later.popleft())
            self._report_now_and_then()
            if task is not None:
                yield task

    def _is_settled(self, file: ScannedFile) -> bool:
        if file.reason is not None:
            self._reject(file, None, file.reason, passing=file.passing)
            return True
        stored = self._known.get((str(file.path), file.number))
        if stored is None or not _is_untouched(stored, file):
            return False
        if stored.state == "rejected":
            if stored.info.get("passing") or stored.info.get("decoder") != DECODER_VERSION:
                return False
            self.report.rejected.append((shown(file.path), stored.reason or "rejected"))
            return True
        if stored.content_hash is None or self._missing_sets(stored.content_hash):
            return False
        if not audio_tracks.is_current(stored.info, file, self._tag_encoding):
            return False
        if stored.state != "missing" or self._link(file, stored.content_hash):
            self.report.unchanged += 1
        return True

    def _task(self, scanned: ScannedFile) -> Task | None:
        try:
            file, digest = self._unchanged(scanned) or self._hash(scanned)
        except BadInput as error:
            self._reject(scanned, None, str(error), passing=True)
            return None
        if file.part is None and (parts := self._embedded_parts(file)):
            self._replace_by(file, parts)
            return None
        if digest in self._waiting:
            self._waiting[digest].places.append(file)
            return None
        content = self._content(digest)
        self._session.commit()
        if content.refusal is not None:
            self._reject(file, digest, content.refusal, passing=False)
            return None
        missing = self._missing_sets(digest)
        has_track = content.described_id is not None
        is_current = audio_tracks.is_current(content.info, file, self._tag_encoding)
        if has_track and not missing and is_current:
            # Copies get the outcome of the first file with the content.
            if not self._link(file, digest):
                pass
            elif digest in self._fresh:
                self.report.analysed += 1
            else:
                self.report.unchanged += 1
            return None
        # If its track was deleted, a file is analysed again.
        decoder = content.info.get("decoder", 1) if has_track else DECODER_VERSION
        is_outdated = decoder != DECODER_VERSION
        sets_needed = missing if has_track and not is_outdated else self._keys
        self._waiting[digest] = _Waiting(
            [file], sets_needed, has_track and not missing, decoder if is_outdated else None
        )
        cached_by = decoder if is_outdated and not missing else None
        return self._new_task(file, digest, (key.name for key in sets_needed), cached_by)

    def _new_task(
        self, file: ScannedFile, digest: str, sets: Iterable[str], cached_by: int | None = None
    ) -> Task:
        return Task(
            path=str(file.path),
            root=str(self.root),
            content_hash=digest,
            sets=tuple(sets),
            settings=asdict(self._request.settings),
            time_limit_s=self._request.time_limit_s,
            tag_encoding=self._tag_encoding,
            is_counted=file.path in self._counted,
            part=asdict(file.part) if file.part else None,
            cached_by=cached_by,
        )

    def _embedded_parts(self, file: ScannedFile) -> tuple[AlbumPart, ...]:
        try:
            return embedded_parts(file.path, self._tag_encoding)
        except BadInput as error:
            self.report.notes.append((shown(file.path), f"its cue sheet {error}"))
            return ()

    def _replace_by(self, file: ScannedFile, parts: tuple[AlbumPart, ...]) -> None:
        """Go on with the parts of an album file instead of the file."""
        files = [replace(file, part=part) for part in parts]
        self._here.discard((str(file.path), 0))
        self._here |= {(str(other.path), other.number) for other in files}
        self._later.extendleft(reversed(files))
        self.report.found += len(files) - 1

    def _unchanged(self, scanned: ScannedFile) -> tuple[ScannedFile, str] | None:
        """Return an untouched file and its recorded hash, so that it is not read again."""
        stored = self._known.get((str(scanned.path), 0))
        if scanned.part or stored is None or stored.content_hash is None:
            return None
        file = replace(_look_at(scanned.path), lyrics_ns=scanned.lyrics_ns)
        return (file, stored.content_hash) if _is_untouched(stored, file) else None

    def _hash(self, scanned: ScannedFile) -> tuple[ScannedFile, str]:
        """Return the present state of a file, perhaps hours after the scan, and its hash."""
        path, part = scanned.path, scanned.part
        deadline = time.monotonic() + self._request.time_limit_s

        def check() -> None:
            if time.monotonic() > deadline:
                raise BadInput(f"took longer than {self._request.time_limit_s:g} s to read")

        file = replace(_look_at(path), part=part, lyrics_ns=scanned.lyrics_ns)
        if self._hashed is None or self._hashed[0] != file:
            digest = content_hash(path, check)
            if file != _look_at(path):
                raise BadInput(_CHANGED)
            self._hashed = file, digest
        digest = self._hashed[1]
        return file, audio_tracks.part_hash(digest, part) if part else digest

    def _content(self, digest: str) -> ContentRows:
        if len(self._contents) >= CONTENTS_REMEMBERED:
            self._contents.clear()
        if digest not in self._contents:
            self._contents[digest] = ContentRows(self._session, digest)
        return self._contents[digest]

    def _missing_sets(self, digest: str) -> list[SetKey]:
        return feature_cache.missing_sets(self._instance, self._keys, digest)

    def _settle(self, task: Task, outcome: Outcome) -> None:
        waiting = self._waiting.pop(task.content_hash)
        first = waiting.places[0]
        reason, passing = outcome.reason, outcome.passing
        if reason is None:
            reason, passing = _change_of(first), True
        if reason is not None:
            for file in waiting.places:
                self._reject(file, task.content_hash, reason, passing=passing)
            if not passing:
                self._content(task.content_hash).refusal = reason  # of its copies, too
            return
        if outcome.arrays:
            waiting.tags_only = False
        for key in () if waiting.tags_only else waiting.keys:
            array = outcome.arrays[key.name]
            feature_cache.write(self._instance, key, task.content_hash, array)
        for file in waiting.places:
            if file is first:
                is_stored = self._store(file, lambda: self._record(first, task, waiting, outcome))
            else:
                is_stored = self._link(file, task.content_hash)
            if waiting.tags_only:
                self.report.unchanged += is_stored
                self.report.tags_read_again += is_stored
            else:
                self.report.analysed += is_stored
        if not waiting.tags_only:
            self._fresh.add(task.content_hash)
        self._note(first, outcome.decoded["notes"])
        if (suspected := outcome.tags.get("suspected_encoding")) is not None:
            self.report.suspected_encodings[suspected] += 1

    def _note(self, file: ScannedFile, notes: Iterable[str]) -> None:
        """Report the notes on a file's sound and tags, once for all parts of an album file."""
        for note in notes:
            if (file.path, note) not in self._noted:
                self._noted.add((file.path, note))
                self.report.notes.append((shown(file.path), note))

    def _record(self, file: ScannedFile, task: Task, waiting: _Waiting, outcome: Outcome) -> None:
        digest = task.content_hash
        self._contents.pop(digest, None)  # from here on another row describes it
        if waiting.decoder is not None and outcome.decoded["since"] > waiting.decoder:
            # Vectors by other settings are of samples that the file does not give any more.
            instance = Instance(self._instance, self._session)
            feature_cache.forget_others(instance, waiting.keys, digest)
        for key in waiting.keys:
            feature_cache.record(self._session, key, digest)
        content = self._content(digest)
        if waiting.tags_only:
            key = next(key for key in self._keys if key.name == MEASURING)
            outcome.arrays[MEASURING] = feature_cache.read(self._instance, key, digest)
        if MEASURING in outcome.arrays:
            row = audio_tracks.record(
                self._session, self.root, file, digest, outcome, content, self._tag_encoding
            )
            content.described_id, content.info = row.id, dict(row.info)
        else:
            audio_tracks.link(self._session, self.root, file, digest, content)

    def _link(self, file: ScannedFile, digest: str) -> bool:
        """Record another path of an analysed content; False if that was rejected."""

        def write() -> None:
            content = self._content(digest)
            audio_tracks.link(self._session, self.root, file, digest, content)

        return self._store(file, write)

    def _store(self, file: ScannedFile, write: Callable[[], None]) -> bool:
        """Write a file's rows in a transaction of their own; False if it was rejected.

        If another process inserted the row in the meantime, the next attempt finds it.
        """

        def attempt() -> None:
            try:
                write()
            except IntegrityError:
                self._contents.clear()
                raise

        try:
            write_with_retries(self._session, attempt, self._report_waiting)
        except (Cancelled, OperationalError):
            raise
        except BadInput as error:
            self._session.rollback()
            self._reject(file, None, str(error), passing=True)
        except Exception as error:  # noqa: BLE001 - one odd file must not end the others' analysis
            self._session.rollback()
            self._reject(file, None, _why_not_stored(error), passing=True)
        else:
            return True
        return False

    def _reject(self, file: ScannedFile, digest: str | None, reason: str, *, passing: bool) -> None:
        self.report.rejected.append((shown(file.path), reason))

        def write() -> None:
            audio_tracks.refuse(self._session, self.root, file, digest, reason, passing=passing)

        if can_be_recorded(file.path):
            write_with_retries(self._session, write, self._report_waiting)

    def _report_waiting(self, message: str) -> None:
        share = ANALYSED * self.report.done / max(1, self.report.found)
        self._on_progress(share, message, self.counts())

    def _report_now_and_then(self, *, now: bool = False) -> None:
        """Report when it is time; nothing is locked during a report."""
        moment = time.monotonic()
        if not now and moment - self._reported < REPORT_S:
            return
        self._session.commit()
        self._reported = moment
        self._on_progress(
            ANALYSED * self.report.done / max(1, self.report.found),
            self.summary() + self._estimate(),
            self.counts(),
        )

    def summary(self) -> str:
        """Return how many files are analysed, skipped or rejected, in words."""
        report = self.report
        return f"{report.done:,} of {report.found:,} files, {len(report.rejected):,} rejected"

    def counts(self) -> dict[str, Any]:
        """Return the numbers of files by what became of them, and the seconds left if known."""
        seconds = self._seconds_left()
        return {
            "found": self.report.found,
            "analysed": self.report.analysed,
            "unchanged": self.report.unchanged,
            "rejected": len(self.report.rejected),
            "seconds_left": None if seconds is None else round(seconds),
        }

    def _seconds_left(self) -> float | None:
        done = self.report.done - self._settled_before
        left = self.report.found - self.report.done
        if self._work_started is None or done < 3 or not left:
            return None
        return (time.monotonic() - self._work_started) / done * left

    def _estimate(self) -> str:
        seconds = self._seconds_left()
        return "" if seconds is None else f", about {_format_duration(seconds)} left"


def _is_untouched(stored: FileRecord, file: ScannedFile) -> bool:
    return stored.size == file.size and stored.modified_ns == file.modified_ns


_CHANGED = "changed while it was analysed: analyse the folder again"


def _look_at(path: Path) -> ScannedFile:
    """Return the present state of a file; ``BadInput`` if it can no longer be analysed."""
    try:
        file = ScannedFile.at(path)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    if file.reason is not None:
        raise BadInput(file.reason)
    return file


def _change_of(file: ScannedFile) -> str | None:
    """Return in words how a file has changed since it was hashed; None if it has not."""
    try:
        return None if _look_at(file.path) == file else _CHANGED
    except BadInput as error:
        return str(error)


def _why_not_stored(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    words = " ".join(str(cause).split())[:200]
    return f"could not be stored ({type(cause).__name__}: {words})"


def _format_duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
