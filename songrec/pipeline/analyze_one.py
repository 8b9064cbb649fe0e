"""One sound file by itself: what an upload needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.features.extraction import make_extractors
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.ingest.folders import Found, content_hash
from songrec.pipeline import audio_tracks
from songrec.pipeline.analyst import TIME_LIMIT_S, Analyst, Outcome, Task
from songrec.pipeline.feature_sets import DEFAULT_SETS, keys_of, parse
from songrec.store import feature_cache
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
    analyst = Analyst()
    try:
        outcome = analyst.analyse(
            Task(str(path), str(path.parent), "", names, asdict(settings), time_limit_s)
        )
    finally:
        analyst.close()
    if outcome.reason is not None:
        raise BadInput(f"{path.name}: {outcome.reason}.")
    return outcome


def keep_file(
    session: Session,
    instance: Path,
    path: Path,
    outcome: Outcome,
    *,
    settings: AudioSettings = DEFAULTS,
) -> AudioFile:
    """Make an analysed file part of the library: its vectors, its row and its track. Flushes.

    A file whose content the library has already becomes that track.
    """
    digest = content_hash(path)
    keys = keys_of(outcome.arrays, settings)
    extractors = make_extractors(outcome.arrays, settings)
    for key in keys:
        feature_cache.write_columns(instance, key, extractors[key.name].names())
        feature_cache.write(instance, key, digest, outcome.arrays[key.name])
        feature_cache.remember(session, key, digest)
    found = path.stat()
    place = Found(path.resolve(), found.st_size, found.st_mtime_ns)
    return audio_tracks.record(session, place.path.parent, place, digest, outcome)
