"""Whether an excerpt's segments find the other excerpt of the same track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.audio_files.file_scan import content_hash
from songrec.core.errors import BadInput
from songrec.core.standardization import ColumnMoments
from songrec.core.types import Progress, no_progress
from songrec.services.segments.encoders import select_encoder
from songrec.services.segments.tagger_dataset import SegmentSettings
from songrec.store.sound.segment_arrays import NEARLY_ZERO


def similarities(
    instance: Path,
    pairs: Sequence[tuple[Path, Path]],
    on_progress: Progress = no_progress,
    *,
    by: str = "best",
) -> NDArray[np.float64]:
    """Compare the segments of each track's excerpt a with those of every excerpt b.

    The distance of a song is the smallest sum of distances from one of its segments to all of
    those of excerpt a; returned are the negative distances, ``(pairs, pairs)``. Vectors are those
    of ``flask segments tag --by``, standardised over all clips if their encoder is not trained.
    Raises ``BadInput`` for a clip that cannot be read.
    """
    encoder, _ = select_encoder(instance, SegmentSettings(seconds=None), by)
    cut = []
    clips = [clip for pair in pairs for clip in pair]
    for done, clip in enumerate(clips):
        on_progress(done / len(clips), f"Encoding {clip.name}.")
        try:
            cut.append(encoder.encode(clip, content_hash(clip)).vectors.astype(np.float64))
        except (BadInput, OSError) as error:
            raise BadInput(f"{clip}: {error}") from None
    if encoder.name != "tagger":
        moments = ColumnMoments.of(np.concatenate(cut))
        cut = [moments.standardize(vectors, atol=NEARLY_ZERO) for vectors in cut]
    tasks, answering = cut[0::2], cut[1::2]
    sums = np.array([[_least(points, song) for song in answering] for points in tasks])
    on_progress(1.0, f"{len(clips)} clips.")
    return -sums


def _least(points: np.ndarray, song: np.ndarray) -> float:
    apart = np.linalg.norm(song[:, None, :] - points[None, :, :], axis=2)
    return float(apart.sum(axis=1).min())
