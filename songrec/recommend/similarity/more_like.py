"""Tracks that sound like one track, moved towards the listener's other likes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from songrec.core.types import Match, NameTracks, Space
from songrec.recommend.feedback_boosts import Boost, apply_boosts
from songrec.recommend.query import Query
from songrec.recommend.similarity.similar import similar_tracks

BACKGROUND = 0.3
"""Total strength of the likes, and that of a dislike, in spreads of the candidates' scores."""
MAX_BACKGROUND = 50
POOL_FACTOR = 4


def more_like(
    space: Space,
    track_id: int,
    n: int,
    *,
    likes: Sequence[int] = (),
    dislikes: Sequence[int] = (),
    weights: Mapping[int, int] | None = None,
    names: NameTracks | None = None,
    withdrawn: Iterable[int] = (),
) -> list[Match]:
    """Return ``n`` tracks that sound like ``track_id`` and suit the other likes.

    The ``POOL_FACTOR`` · n nearest tracks by ``similar_tracks`` are moved towards the likes (times
    their weight) and away from the dislikes, using the newest ``MAX_BACKGROUND`` of each. Likes
    share one total strength, so they remain the background however many they are. Liked and
    disliked songs are excluded. The reasons add up. ``withdrawn`` and ``NotReady`` as in
    ``similar_tracks``.
    """
    likes = [one for one in likes if one != track_id]
    rated = set(Query.of(space, [*likes, track_id], list(dislikes)).excluded_keys.tolist())
    count = POOL_FACTOR * n + len(likes) + len(dislikes)
    matches = similar_tracks(space, track_id, count, withdrawn=withdrawn)
    rows = space.rows_of([match.track_id for match in matches])
    fresh = [
        match
        for match, key in zip(matches, space.song_keys[rows].tolist(), strict=True)
        if key not in rated
    ][: POOL_FACTOR * n]
    weighted = [(one, (weights or {}).get(one, 1)) for one in likes[:MAX_BACKGROUND]]
    total = sum(weight for _, weight in weighted) or 1
    boosts = [Boost(one, BACKGROUND * weight / total, "background") for one, weight in weighted]
    boosts += [Boost(one, -BACKGROUND, "background") for one in dislikes[:MAX_BACKGROUND]]
    return apply_boosts(Query.of(space, [track_id], names=names), fresh, boosts, n)
