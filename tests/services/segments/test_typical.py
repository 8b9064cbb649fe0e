"""The most typical segment of a song is the one in the middle of all its segments."""

from __future__ import annotations

import numpy as np

from songrec.core.types import SegmentIndex
from songrec.services.segments.typical import typical_starts


def test_the_typical_moment_starts_at_the_segment_nearest_to_their_mean() -> None:
    heads = np.array([[0, 0], [9, 9], [1, 0], [0, 4], [5, 5]], np.float32)
    index = SegmentIndex(
        name="x",
        track_ids=np.array([3, 8], np.int64),
        first=np.array([0, 4, 5], np.int64),
        vectors=heads,
        head=heads,
        tail=np.zeros(5, np.float32),
        starts=np.array([0, 10, 20, 30, 7], np.float32),
        seconds=3.0,
        typical=1.0,
        made_by="test",
    )
    assert typical_starts(index, [8, 3, 5]) == {8: 7.0, 3: 30.0}
    assert typical_starts(None, [3]) == {}
