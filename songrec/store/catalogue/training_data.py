"""Training data of the catalogue, streamed into arrays: a million tracks fit in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.types import Floats, Ints
from songrec.store.tables import Tag, Track, TrackAttributes, TrackTag

ROWS_PER_FETCH = 20_000


@dataclass(frozen=True)
class TrainingData:
    """The catalogue's tracks by ascending id; NaN (or -1 for key and mode) where unknown.

    ``values`` float32 ``(n, 12)`` in the order of ``core.attributes``; ``duration_ms`` and
    ``year`` float32 ``(n,)``; ``key`` and ``mode`` int8 ``(n,)``; ``song_keys`` uint64 ``(n,)``.
    ``measured`` bool ``(n,)`` marks tracks from sound files, whose loudness was measured in LUFS,
    while a catalogue's loudness has its own scale.
    """

    track_ids: Ints
    song_keys: NDArray[np.uint64]
    values: Floats
    duration_ms: Floats
    year: Floats
    key: NDArray[np.int8]
    mode: NDArray[np.int8]
    measured: NDArray[np.bool_]

    def fingerprint(self) -> str:
        """Return a digest of all training data."""
        digest = hashlib.sha256()
        for array in (
            self.track_ids,
            self.song_keys,
            self.values,
            self.duration_ms,
            self.year,
            self.key,
            self.mode,
        ):
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class TrackTags:
    """Tags of tracks: pairs of row number and tag number, and the names of tags."""

    rows: Ints
    tags: Ints
    names: tuple[str, ...]

    def most_common(self, n_tracks: int) -> Ints:
        """Return the tag number of each track, int64 ``(n_tracks,)``, -1 without a tag.

        For a track with several tags, the most frequent one, which yields few and large classes.
        """
        counts = np.bincount(self.tags, minlength=len(self.names))
        # Rarest first, so that the most frequent tag is written last; ties by number.
        order = np.lexsort((-self.tags, counts[self.tags]))
        numbers = np.full(n_tracks, -1, dtype=np.int64)
        numbers[self.rows[order]] = self.tags[order]
        return numbers


def read(
    session: Session, on_rows: Callable[[int, int], None] = lambda done, total: None
) -> TrainingData:
    """Return all tracks with attributes; ``on_rows(done, total)`` reports progress."""
    total = session.scalar(select(func.count()).select_from(TrackAttributes)) or 0
    query = (
        select(
            Track.id,
            Track.song_key,
            Track.duration_ms,
            Track.year,
            Track.key,
            Track.mode,
            Track.source_key.like("audio:%"),
            *(getattr(TrackAttributes, name) for name in ATTRIBUTE_NAMES),
        )
        .join(TrackAttributes, TrackAttributes.track_id == Track.id)
        .order_by(Track.id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    keys: list[Ints] = [np.empty((0, 2), dtype=np.int64)]
    figures: list[Floats] = [np.empty((0, 5 + len(ATTRIBUTE_NAMES)), dtype=np.float32)]
    done = 0
    for rows in session.execute(query).partitions():
        keys.append(np.array([(row[0], row[1]) for row in rows], dtype=np.int64))
        figures.append(np.array([row[2:] for row in rows], dtype=np.float64).astype(np.float32))
        done += len(rows)
        on_rows(done, max(total, done))
    identity, numbers = np.concatenate(keys), np.concatenate(figures)
    return TrainingData(
        track_ids=np.ascontiguousarray(identity[:, 0]),
        song_keys=np.ascontiguousarray(identity[:, 1]).view(np.uint64),
        values=np.ascontiguousarray(numbers[:, 5:]),
        duration_ms=np.ascontiguousarray(numbers[:, 0]),
        year=np.ascontiguousarray(numbers[:, 1]),
        key=np.nan_to_num(numbers[:, 2], nan=-1).astype(np.int8),
        mode=np.nan_to_num(numbers[:, 3], nan=-1).astype(np.int8),
        measured=numbers[:, 4] > 0,
    )


def read_tags(session: Session, kind: str, track_ids: Ints) -> TrackTags:
    """Return the tags of one ``kind`` of ``track_ids`` (ascending)."""
    tags = session.execute(select(Tag.id, Tag.name).where(Tag.kind == kind).order_by(Tag.id)).all()
    numbers = {tag_id: number for number, (tag_id, _) in enumerate(tags)}
    query = (
        select(TrackTag.track_id, TrackTag.tag_id)
        .join(Tag, Tag.id == TrackTag.tag_id)
        .where(Tag.kind == kind)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    parts = [
        np.array([(track, numbers.get(tag, -1)) for track, tag in rows], dtype=np.int64)
        for rows in session.execute(query).partitions()
    ]
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *parts])
    if not len(track_ids):
        pairs = pairs[:0]
    at = np.minimum(np.searchsorted(track_ids, pairs[:, 0]), max(len(track_ids) - 1, 0))
    is_tagged = (track_ids[at] == pairs[:, 0]) & (pairs[:, 1] >= 0)
    return TrackTags(
        at[is_tagged].astype(np.int64), pairs[is_tagged, 1], tuple(name for _, name in tags)
    )
