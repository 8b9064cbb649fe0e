"""More like one song, with what else is liked as the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from songrec.core.types import Match, NameTracks, Space
from songrec.recommend.feedback_boosts import Pull, bent
from songrec.recommend.query import Taste
from songrec.recommend.similarity.similar import similar

BACKGROUND = 0.3
"""A like beside a song counts so much, in spreads of the candidates' scores; a dislike likewise."""
MOST = 50
POOL = 4


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

    The ``POOL`` · n nearest by ``similar`` are drawn towards the likes (times their weight) and
    away from the dislikes, the newest ``MOST`` of each, by ``pulls``; each like's part is divided
    by how many there are, so that together they stay the background. Nothing liked or disliked
    comes back. The reasons add up. Raises ``NotReady`` like ``similar``.
    """
    likes = [one for one in likes if one != track_id]
    known = set(Taste.of(space, [*likes, track_id], list(dislikes)).known_songs.tolist())
    found = similar(space, track_id, POOL * n + len(likes) + len(dislikes))
    rows = space.rows_of([match.track_id for match in found])
    fresh = [
        match
        for match, key in zip(found, space.song_keys[rows].tolist(), strict=True)
        if key not in known
    ][: POOL * n]
    counted = [(one, (weights or {}).get(one, 1)) for one in likes[:MOST]]
    total = sum(weight for _, weight in counted) or 1
    pulls = [Pull(one, BACKGROUND * weight / total, "background") for one, weight in counted]
    pulls += [Pull(one, -BACKGROUND, "background") for one in dislikes[:MOST]]
    return bent(Taste.of(space, [track_id], names=names), fresh, pulls, n)
