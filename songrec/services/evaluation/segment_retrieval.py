"""Whether an excerpt's segments find the other excerpt of the same track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from songrec.audio_files.file_scan import content_hash
from songrec.core.errors import BadInput
from songrec.core.types import Progress, no_progress
from songrec.evaluation.retrieval import Retrieval, retrieve_by_distance
from songrec.services.segments.encoders import maker, standardised
from songrec.services.segments.tagger_dataset import Cutting


def retrieve(
    instance: Path,
    pairs: Sequence[tuple[Path, Path]],
    on_progress: Progress = no_progress,
    *,
    by: str = "best",
) -> Retrieval:
    """Excerpt a's segments are what is liked, every excerpt b is a song.

    d of a song is the smallest sum of distances of one of its segments to all of a's. Vectors are
    what ``flask segments tag --by`` would take now; those that need no training are brought to
    one scale over all the clips. Raises ``BadInput`` for a clip that cannot be read.
    """
    made, _ = maker(instance, Cutting(seconds=None), by)
    cut = []
    clips = [clip for pair in pairs for clip in pair]
    for done, clip in enumerate(clips):
        on_progress(done / len(clips), f"Cutting {clip.name}.")
        try:
            cut.append(made.of(clip, content_hash(clip)).vectors.astype(np.float64))
        except (BadInput, OSError) as error:
            raise BadInput(f"{clip}: {error}") from None
    if made.name != "tagger":
        mean, spread = standardised(cut)
        cut = [(vectors - mean) / spread for vectors in cut]
    asking, answering = cut[0::2], cut[1::2]
    sums = np.array([[_least(points, song) for song in answering] for points in asking])
    on_progress(1.0, f"{len(clips)} clips.")
    return retrieve_by_distance(sums)


def _least(points: np.ndarray, song: np.ndarray) -> float:
    apart = np.linalg.norm(song[:, None, :] - points[None, :, :], axis=2)
    return float(apart.sum(axis=1).min())
