"""Search for tracks that are the same song: by content, by name and length, by sound."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core import isolation
from songrec.core.errors import BadInput, NotReady
from songrec.core.isolation import Limits
from songrec.core.types import Progress, no_progress, part_of
from songrec.features import near_duplicates
from songrec.features.audio import chromaprint
from songrec.services.features import feature_sets
from songrec.services.features.sound_files import local_path
from songrec.store.catalogue import duplicates, match_keys
from songrec.store.catalogue.duplicates import DuplicatePair
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, feature_cache
from songrec.store.sound.feature_cache import SetKey
from songrec.store.tables import AudioFile, Track

SOUND_SETS = ("mfcc", "statistical")
FEATURES_THRESHOLD = 0.9
"""Cosine of standardised vectors; measured, see ``docs/duplicates.md``."""
FINGERPRINT_THRESHOLD = 0.9
"""Share of equal bits; measured, see ``docs/duplicates.md``."""
KEPT = 1_000
"""Limit of fingerprints (four kilobytes each) in memory during the comparison."""
FEWEST = 10
"""Smallest number of tracks for a comparison by features, which needs their distribution."""
_LIMITS = Limits(seconds=300.0, memory_bytes=2**30)
_PRINTS = SetKey("chromaprint", 1, f"{chromaprint.SECONDS}s")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search: number of ``groups`` of connected tracks, and of ``pairs`` by kind.

    ``fingerprints`` is the reason why no fingerprints were compared, empty if they were.
    """

    searched_at: str
    groups: int
    pairs: dict[str, int]
    fingerprinted: int
    fingerprints: str
    compared_by_features: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask duplicates --json`` and the admin's page."""
        return asdict(self)


def search(instance: Instance, on_progress: Progress = no_progress) -> SearchResult:
    """Search the whole catalogue for duplicates and store the result.

    **Commits** the keys of the names, then the result. Nothing is merged.
    """
    start = time.perf_counter()
    on_progress(0.0, "Reading names.")
    match_keys.refresh(instance.session, part_of(on_progress, 0.0, 0.4))
    instance.session.commit()
    duplicate_pairs = [
        DuplicatePair(*pair, "content") for pair in match_keys.pairs_by_content(instance.session)
    ]
    duplicate_pairs += [
        DuplicatePair(*pair, "names") for pair in match_keys.pairs_by_name(instance.session)
    ]
    on_progress(0.5, f"{len(duplicate_pairs):,} by name and content; listening.")
    problem = chromaprint.missing()
    fingerprinted, compared = 0, 0
    if problem is None:
        fingerprinted, alike, failed = _by_fingerprint(instance, on_progress)
        duplicate_pairs += alike
        problem = f"{failed} files gave no fingerprint" if failed else ""
    else:
        compared, alike = _by_features(instance)
        duplicate_pairs += alike
    on_progress(0.95, "Storing the duplicates.")
    groups = duplicates.replace_all(instance.session, duplicate_pairs)
    pairs = {kind: sum(one.kind == kind for one in duplicate_pairs) for kind in duplicates.KINDS}
    done = SearchResult(
        now().isoformat(timespec="seconds"),
        groups,
        pairs,
        fingerprinted,
        problem,
        compared,
        round(time.perf_counter() - start, 3),
    )
    instance.session.commit()
    duplicates.write_summary(instance.folder, done.to_json())
    on_progress(1.0, f"{groups:,} groups.")
    return done


def newest_id(session: Session) -> int:
    """Return the highest track id, 0 without tracks."""
    return session.scalar(select(func.max(Track.id))) or 0


def count_new(session: Session, before_id: int) -> int:
    """Count the tracks with an id above ``before_id`` that are named like an earlier track.

    Updates the keys of the names first; the caller commits.
    """
    match_keys.refresh(session)
    return sum(1 for _ in match_keys.pairs_by_name(session, before_id))


def _files(session: Session) -> Iterator[Any]:
    """Return one analysed file per track: track id, columns of its source, length in seconds."""
    rows = session.execute(
        select(
            AudioFile.track_id,
            AudioFile.path,
            AudioFile.start_s,
            AudioFile.end_s,
            AudioFile.content_hash,
            AudioFile.duration_s,
        )
        .where(AudioFile.track_id.is_not(None), AudioFile.state == "analysed")
        .order_by(AudioFile.track_id, AudioFile.id)
        .execution_options(yield_per=5_000)
    )
    for _, of_track in itertools.groupby(rows, key=lambda row: row.track_id):
        yield next(of_track)


def _by_fingerprint(
    instance: Instance, on_progress: Progress
) -> tuple[int, list[DuplicatePair], int]:
    files = list(_files(instance.session))
    instance.session.commit()  # nothing stays locked while files are read
    readable, sketches, failed = [], [], 0
    for at, file in enumerate(files):
        try:
            # Of a large library only this is held; the few that are compared are read again.
            sketches.append(chromaprint.sketch(_fingerprint_of(instance.folder, file)))
            readable.append(file)
        except BadInput:
            failed += 1  # counted, and said in the summary
        if at % 20 == 0:
            on_progress(0.5 + 0.4 * at / len(files), f"{at:,} of {len(files):,} files listened to")
    pairs = []
    print_of = lru_cache(maxsize=KEPT)(lambda at: _fingerprint_of(instance.folder, readable[at]))
    for first, second in chromaprint.candidates(sketches).tolist():
        one, other = readable[first], readable[second]
        long, short = sorted((one.duration_s or 0, other.duration_s or 0), reverse=True)
        if long - short <= near_duplicates.LENGTH_SLACK * long:
            value = chromaprint.similarity(print_of(first), print_of(second))
            if value >= FINGERPRINT_THRESHOLD:
                pairs.append(DuplicatePair(one.track_id, other.track_id, "fingerprint", value))
    return len(readable), pairs, failed


def _fingerprint_of(instance: Path, file: Any) -> chromaprint.Words:
    try:
        return np.asarray(feature_cache.read(instance, _PRINTS, file.content_hash), dtype=np.uint32)
    except NotReady:
        sound = local_path(instance, audio_files.source_of(file))
        return cache_fingerprint(instance, sound, file.content_hash)


def cache_fingerprint(instance: Path, sound: Path, content_hash: str) -> chromaprint.Words:
    """Compute and cache the fingerprint of a file for finding duplicates.

    Raises ``BadInput`` for an unreadable file.
    """
    fingerprint = isolation.call(_fingerprint, str(sound), limits=_LIMITS)["arrays"]["words"]
    feature_cache.write(instance, _PRINTS, content_hash, fingerprint)
    return fingerprint


def _fingerprint(path: str) -> dict[str, Any]:
    return {"arrays": {"words": chromaprint.fingerprint(Path(path))}}


def _by_features(instance: Instance) -> tuple[int, list[DuplicatePair]]:
    try:
        table = feature_sets.table(instance, SOUND_SETS, minimum=FEWEST)
    except NotReady:
        return 0, []
    lengths = {file.track_id: file.duration_s for file in _files(instance.session)}
    durations = np.array([lengths.get(track_id) or 0.0 for track_id in table.track_ids.tolist()])
    rows = np.flatnonzero(durations > 0)
    if len(rows) < FEWEST:
        return 0, []
    amounts = [at for at, name in enumerate(table.names) if name != "statistical:key"]
    pairs, values = near_duplicates.near_pairs(
        table.values[np.ix_(rows, amounts)], durations[rows], FEATURES_THRESHOLD
    )
    ids = table.track_ids[rows]
    return len(rows), [
        DuplicatePair(int(ids[first]), int(ids[second]), "features", float(value))
        for (first, second), value in zip(pairs, values, strict=True)
    ]
