"""More like one song, with what else is liked as the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from songrec.core.types import Match, NameTracks, Space
from songrec.recommend.feedback_boosts import Boost, apply_boosts
from songrec.recommend.query import Query
from songrec.recommend.similarity.similar import similar_tracks

BACKGROUND = 0.3
"""A like beside a song counts so much, in spreads of the candidates' scores; a dislike likewise."""
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
) -> list[Match]:
    """The ``n`` tracks that sound like ``track_id`` and go with what else is liked.

    The ``POOL_FACTOR`` · n nearest tracks by ``similar_tracks`` are moved towards the likes (times
    their weight) and away from the dislikes, using the newest ``MAX_BACKGROUND`` of each. Likes
    share one total strength, so they remain the background however many they are. Liked and
    disliked songs are excluded. The reasons add up. Raises ``NotReady`` like ``similar_tracks``.
    """
    likes = [one for one in likes if one != track_id]
    known = set(Query.of(space, [*likes, track_id], list(dislikes)).known_songs.tolist())
    found = similar_tracks(space, track_id, POOL_FACTOR * n + len(likes) + len(dislikes))
    rows = space.rows_of([match.track_id for match in found])
    fresh = [
        match
        for match, key in zip(found, space.song_keys[rows].tolist(), strict=True)
        if key not in known
    ][: POOL_FACTOR * n]
    counted = [(one, (weights or {}).get(one, 1)) for one in likes[:MAX_BACKGROUND]]
    total = sum(weight for _, weight in counted) or 1
    boosts = [Boost(one, BACKGROUND * weight / total, "background") for one, weight in counted]
    boosts += [Boost(one, -BACKGROUND, "background") for one in dislikes[:MAX_BACKGROUND]]
    return apply_boosts(Query.of(space, [track_id], names=names), fresh, boosts, n)
