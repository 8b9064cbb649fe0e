"""The most typical moment of a song: the segment nearest to the middle of all its segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songrec.core.types import SegmentIndex


def typical_starts(segments: SegmentIndex | None, track_ids: Sequence[int]) -> dict[int, float]:
    """Return where the most typical segment of each track starts, in seconds.

    Tracks without segments are left out. Distances are those in the first columns of the vectors,
    which hold most of their variance.
    """
    if segments is None or not len(segments.track_ids):
        return {}
    starts = {}
    for track_id in track_ids:
        row = int(np.searchsorted(segments.track_ids, track_id))
        if row == len(segments.track_ids) or segments.track_ids[row] != track_id:
            continue
        own = slice(int(segments.first[row]), int(segments.first[row + 1]))
        heads = np.asarray(segments.head[own], dtype=np.float64)
        if len(heads):
            away = ((heads - heads.mean(axis=0)) ** 2).sum(axis=1)
            starts[track_id] = float(segments.starts[own][int(away.argmin())])
    return starts
