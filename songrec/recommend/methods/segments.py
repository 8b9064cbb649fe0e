"""Songs with a moment like moments of what is liked; see ``segment_search`` for how it is exact.

Of the liked songs' segments some are drawn, p₁ … pₙ; a segment x of another song has
d(x) = Σ ‖x − pᵢ‖₂; of every song its nearest segment counts, and the smallest d comes first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Ints, Reason, SegmentIndex, Space, positions
from songrec.recommend.explain import contributions
from songrec.recommend.methods.distance import Distance
from songrec.recommend.query import Query
from songrec.recommend.similarity import segment_search
from songrec.recommend.top_k import Rows, Scores

TOLD_TAGS = 3
LEAST_PROBABILITY = 0.1


@dataclass(frozen=True)
class Points:
    """Segments drawn of some songs: their rows, the place of each's song in the songs asked of,
    and their vectors in float64.
    """

    rows: Ints
    of: Ints
    vectors: NDArray[np.float64]


class NearestSegments:
    """Score: n · typical − d(x), less what the dislikes take away.

    ``points`` is how many of the liked songs' segments are drawn, ``seed`` what the draw follows
    from; of each liked song one is drawn before a second of any. ``typical`` is the distance of two
    random segments, so that a liked segment no nearer than chance adds nothing. A disliked song's
    segments (as many at most) take away ``dislike_weight`` · (typical − distance) from whatever
    is nearer to them than chance.

    Where no song is cut into segments every song counts as one: ``Distance`` answers.
    """

    def __init__(self, points: int = 32, seed: int = 0, dislike_weight: float = 0.25) -> None:
        self.points = points
        self.seed = seed
        self.dislike_weight = dislike_weight

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows (fewer if there are no more) and their scores, best first.

        Raises ``NotReady`` where none of the likes has segments though other songs have.
        """
        segments = query.space.segments
        if segments is None:
            return Distance(self.dislike_weight).search(query, count)
        liked = self._liked(query, segments)
        disliked = self.draw(segments, _tracks(query.space, segments, query.dislikes))
        places, songs = _places(query.space, segments)
        fresh = (places >= 0) & ~np.isin(
            query.space.song_keys[np.maximum(places, 0)], query.known_songs
        )
        windows = np.diff(segments.first)
        found = segment_search.search_segments(
            segments,
            liked.vectors,
            count,
            songs=np.repeat(np.where(fresh, songs, -1), windows),
            measure=lambda rows: self._measured(segments, rows, liked, disliked),
        )
        tracks = np.searchsorted(segments.first, found.rows, side="right") - 1
        return places[tracks], len(liked.rows) * segments.typical - found.scores

    def draw(self, segments: SegmentIndex, tracks: Ints) -> Points:
        """Some segments of ``tracks`` (places in the index): a segment of each in turn.

        The same songs and seed give the same segments.
        """
        random = np.random.default_rng(self.seed)
        waiting = [
            (
                at,
                segments.first[track]
                + random.permutation(segments.first[track + 1] - segments.first[track]),
            )
            for at, track in enumerate(tracks.tolist())
        ]
        turns = random.permutation(len(waiting)).tolist()
        deepest = max((len(rows) for _, rows in waiting), default=0)
        drawn = [
            (int(waiting[turn][1][depth]), waiting[turn][0])
            for depth in range(min(deepest, self.points))
            for turn in turns
            if depth < len(waiting[turn][1])
        ][: self.points]
        drawn.sort()
        rows = np.array([row for row, _ in drawn], dtype=np.int64)
        of = np.array([at for _, at in drawn], dtype=np.int64)
        return Points(rows, of, segments.vectors[rows].astype(np.float64))

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: a reason per liked song that a drawn segment is of, and per disliked one.

        The first one's details hold ``fragment``: the song's own moment, its tags and d.
        """
        segments = query.space.segments
        if segments is None:
            return Distance(self.dislike_weight).reasons(query, rows)
        liked = self._liked(query, segments)
        disliked = self.draw(segments, _tracks(query.space, segments, query.dislikes))
        likes = _with_segments(query.space, segments, query.likes)
        dislikes = _with_segments(query.space, segments, query.dislikes)
        answers = []
        for track in _tracks(query.space, segments, rows).tolist():
            windows = np.arange(segments.first[track], segments.first[track + 1])
            best = windows[int(np.argmin(self._measured(segments, windows, liked, disliked)))]
            at = np.array([best])
            near = segment_search.distances(segments, at, liked.vectors)[0]
            good = self._about(query, segments, liked, likes, segments.typical - near, near, True)
            good[0].details["fragment"] = {**moment(segments, int(best)), "d": float(near.sum())}
            bad: list[Reason] = []
            if len(disliked.rows):
                near = segment_search.distances(segments, at, disliked.vectors)[0]
                lost = -self.dislike_weight * np.maximum(segments.typical - near, 0.0)
                bad = self._about(query, segments, disliked, dislikes, lost, near, False)
                bad = [reason for reason in bad if reason.contribution]
            answers.append((*good, *bad))
        return answers

    def _liked(self, query: Query, segments: SegmentIndex) -> Points:
        tracks = _tracks(query.space, segments, query.likes)
        if not len(tracks):
            raise NotReady(
                "None of the songs you like has been cut into moments: like a song that can be "
                "heard, or cut the newest with `flask segments tag`."
            )
        return self.draw(segments, tracks)

    def _measured(self, segments: SegmentIndex, rows: Ints, liked: Points, disliked: Points) -> Any:
        sums = segment_search.distance_sums(segments, rows, liked.vectors)
        if len(disliked.rows) and self.dislike_weight:
            near = segment_search.distances(segments, rows, disliked.vectors)
            sums = sums + self.dislike_weight * np.maximum(segments.typical - near, 0).sum(axis=1)
        return sums

    def _about(
        self,
        query: Query,
        segments: SegmentIndex,
        points: Points,
        rows: Rows,
        shares: NDArray[np.float64],
        near: NDArray[np.float64],
        is_liked: bool,
    ) -> list[Reason]:
        """A reason per song with a drawn segment, the largest share first; the rest as one."""
        reasons = []
        for song in np.unique(points.of).tolist():
            mine = np.flatnonzero(points.of == song)
            mine = mine[np.argsort(near[mine], kind="stable")]
            row = int(rows[song])
            title = query.title(row)
            close = contributions.describe_closeness(float(near[mine[0]]) / segments.typical)
            start = float(segments.starts[points.rows[mine[0]]])
            after = f" at {clock(start)}{'' if is_liked else ', which you dislike'}"
            near_enough = close in ("Very close to", "Close to")
            lead = "A moment like" if near_enough else "Its closest moment is like"
            reasons.append(
                Reason(
                    "liked" if is_liked else "disliked",
                    f"{close} “{title}”{after}",
                    math.fsum(shares[mine].tolist()),
                    int(query.space.track_ids[row]),
                    {
                        "title": title,
                        "before": close,
                        "after": after,
                        "sentence": f"{lead} “{title}” at {clock(start)}",
                        "distance": math.fsum(near[mine].tolist()),
                        "tags": song_tags(segments, points.rows[mine]),
                        "fragments": [
                            {
                                "start_s": round(float(segments.starts[points.rows[at]]), 3),
                                "distance": float(near[at]),
                            }
                            for at in mine.tolist()
                        ],
                    },
                )
            )
        sign = -1 if is_liked else 1
        reasons.sort(key=lambda reason: sign * reason.contribution)
        return _summed(reasons, is_liked)


def _summed(reasons: list[Reason], is_liked: bool) -> list[Reason]:
    rest = reasons[contributions.MAX_NAMED :]
    if not rest:
        return reasons
    told = "songs you like" if is_liked else "songs you dislike"
    several = Reason(
        "liked" if is_liked else "disliked",
        f"The other {len(rest)} {told}, together",
        math.fsum(reason.contribution for reason in rest),
        details={
            "count": len(rest),
            "distance": math.fsum(reason.details["distance"] for reason in rest),
        },
    )
    return [*reasons[: contributions.MAX_NAMED], several]


def told(reasons: Sequence[Reason]) -> dict[str, Any] | None:
    """The moment that a match's reasons tell; None where whole songs were compared."""
    found = (reason.details["fragment"] for reason in reasons if "fragment" in reason.details)
    return next(found, None)


def moment(segments: SegmentIndex, row: int) -> dict[str, Any]:
    """A segment as pages tell it: where it begins (s), how long it is, its likeliest tags."""
    return {
        "start_s": round(float(segments.starts[row]), 3),
        "seconds": segments.seconds,
        "tags": song_tags(segments, np.array([row])),
        "made_by": segments.made_by,
    }


def song_tags(segments: SegmentIndex, rows: Ints) -> list[str]:
    """The likeliest tags of these segments on average; none where nothing tells."""
    if segments.tags is None or not segments.tag_names:
        return []
    mean = segments.tags[rows].astype(np.float64).mean(axis=0)
    order = np.argsort(-mean, kind="stable")[:TOLD_TAGS]
    return [segments.tag_names[at] for at in order.tolist() if mean[at] >= LEAST_PROBABILITY]


def clock(seconds: float) -> str:
    """``83.5`` as ``1:23``."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def _places(space: Space, segments: SegmentIndex) -> tuple[Ints, Ints]:
    """Per track of the index: its row in the space (−1: not in it), and a number of its song.

    Worked out once as long as the space is open.
    """

    def compute() -> tuple[Ints, Ints]:
        ids = np.asarray(segments.track_ids)
        places = np.full(len(ids), -1, dtype=np.int64)
        places[np.isin(ids, space.track_ids)] = space.rows_of(ids)
        songs = np.unique(space.song_keys[np.maximum(places, 0)], return_inverse=True)[1]
        return places, songs

    return space.cached("segment_places", compute)


def _tracks(space: Space, segments: SegmentIndex, rows: Rows) -> Ints:
    """Places in the index of those of these rows of the space that have segments, in order."""
    return positions(segments.track_ids, space.track_ids[rows])


def _with_segments(space: Space, segments: SegmentIndex, rows: Rows) -> Rows:
    return rows[np.isin(np.asarray(space.track_ids)[rows], segments.track_ids)]
