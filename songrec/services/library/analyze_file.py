"""One sound file by itself: what an upload needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.orm import Session

from songrec.audio_files.file_scan import ScannedFile, content_hash
from songrec.core.errors import BadInput
from songrec.features.extraction import Extractor, make_extractors
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features.feature_sets import (
    DEFAULT_SETS,
    key_of,
    library_settings,
    parse,
    write_columns,
)
from songrec.services.library import audio_tracks
from songrec.services.library.worker_process import TIME_LIMIT_S, Outcome, Task, WorkerProcess
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile


def analyse_file(
    path: Path,
    *,
    sets: Iterable[str] = DEFAULT_SETS,
    settings: AudioSettings = DEFAULTS,
    time_limit_s: float = TIME_LIMIT_S,
) -> Outcome:
    """Decode, read tags and extract ``sets``, in a process of its own that may be killed.

    Writes nothing. Raises ``BadInput`` with one line of reason for a file that cannot be used,
    ``NotReady`` for a feature set that cannot be extracted here.
    """
    names = parse(sets)
    worker = WorkerProcess()
    try:
        outcome = worker.analyse(
            Task(str(path), str(path.parent), "", names, asdict(settings), time_limit_s)
        )
    finally:
        worker.close()
    if outcome.reason is not None:
        raise BadInput(f"{path.name}: {outcome.reason}.")
    return outcome


@dataclass(frozen=True)
class Heard:
    """An analysed file, and the settings by which each of its feature sets was extracted."""

    outcome: Outcome
    settings: Mapping[str, AudioSettings]

    def columns(self) -> dict[str, float]:
        """The extracted vectors as ``"set:column"``."""
        return {
            f"{name}:{column}": float(value)
            for name, extractor in self.extractors().items()
            if self.outcome.arrays[name].ndim == 1
            for column, value in zip(extractor.names(), self.outcome.arrays[name], strict=True)
        }

    def extractors(self) -> dict[str, Extractor]:
        """What extracted the sets, by name."""
        return {
            name: make_extractors([name], self.settings[name])[name] for name in self.outcome.arrays
        }


def analyse_like_the_library(
    session: Session,
    instance: Path,
    path: Path,
    sets: Iterable[str],
    fixed: Mapping[str, AudioSettings] = MappingProxyType({}),
) -> Heard:
    """``path`` analysed by the settings that most tracks of the library were analysed with.

    Otherwise it could not be compared with them. ``fixed`` are other settings, by the set's name:
    those of a run that it is to be placed in. Raises as ``analyse_file`` does.
    """
    first: Outcome | None = None
    settings: dict[str, AudioSettings] = {}
    for names, how in library_settings(session, instance, parse(sets), fixed):
        outcome = analyse_file(path, sets=names, settings=how)
        first = first or replace(outcome, arrays={})
        # Sets that always come along were extracted by the settings of another group.
        first.arrays.update({name: outcome.arrays[name] for name in names})
        settings |= dict.fromkeys(names, how)
    assert first is not None
    return Heard(first, settings)


def keep_file(session: Session, instance: Path, path: Path, heard: Heard) -> AudioFile:
    """Make an analysed file part of the library: its vectors, its row and its track. Flushes.

    A file whose content the library has already becomes that track.
    """
    digest = content_hash(path)
    file_vectors(session, instance, digest, heard)
    found = path.stat()
    place = ScannedFile(path.resolve(), found.st_size, found.st_mtime_ns)
    return audio_tracks.record(session, place.path.parent, place, digest, heard.outcome)


def file_vectors(session: Session, instance: Path, digest: str, heard: Heard) -> None:
    """Put the vectors of the content ``digest`` into the cache. Flushes nothing."""
    for name, extractor in heard.extractors().items():
        key = key_of(name, heard.settings[name])
        write_columns(instance, key, extractor.names(), heard.settings[name])
        feature_cache.write(instance, key, digest, heard.outcome.arrays[name])
        feature_cache.record(session, key, digest)
