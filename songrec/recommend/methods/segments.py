"""Songs with a segment like segments of the likes; see ``segment_search`` for how it is exact.

Some of the liked songs' segments are sampled, p₁ … pₙ; a segment x of another song has
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
from songrec.recommend.explain import contributions, phrases
from songrec.recommend.explain.segment_tags import common_tags, describe_sound, song_tags
from songrec.recommend.methods.distance import Distance
from songrec.recommend.query import Query
from songrec.recommend.similarity import segment_search
from songrec.recommend.top_k import Rows, Scores


@dataclass(frozen=True)
class SampledSegments:
    """Segments sampled from some songs.

    ``rows`` ``(p,)`` in the index, ``songs`` ``(p,)`` positions of their songs among those sampled
    from, ``vectors`` float64 ``(p, d)``.
    """

    rows: Ints
    songs: Ints
    vectors: NDArray[np.float64]


class NearestSegments:
    """Score: n · typical − d(x), less what the dislikes take away.

    ``typical`` is the distance of two random segments, so that a liked segment no nearer than
    chance adds nothing. Segments of disliked songs (``points`` at most) take away
    ``dislike_weight`` · (typical − distance) from segments that are nearer to them than chance.
    Where no song is cut into segments ``Distance`` ranks whole songs.

    Parameters
    ----------
    points
        How many of the liked songs' segments are sampled; each song gives one before any gives a
        second.
    seed
        Seed of the sample.
    dislike_weight
        Weight of a disliked segment; a liked one's is 1.
    """

    def __init__(self, points: int = 32, seed: int = 0, dislike_weight: float = 0.25) -> None:
        self.points = points
        self.seed = seed
        self.dislike_weight = dislike_weight

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows (fewer if there are no more) and scores, best first.

        Raises ``NotReady`` where none of the likes has segments though other songs have.
        """
        segments = query.space.segments
        if segments is None:
            return Distance(self.dislike_weight).search(query, count)
        liked = self._liked(query, segments)
        disliked = self.sample(segments, _tracks(query.space, segments, query.dislikes))
        places, songs = _places(query.space, segments)
        fresh = (places >= 0) & ~np.isin(
            query.song_keys[np.maximum(places, 0)], query.excluded_keys
        )
        windows = np.diff(segments.first)
        hits = segment_search.search_segments(
            segments,
            liked.vectors,
            count,
            songs=np.repeat(np.where(fresh, songs, -1), windows),
            measure=lambda rows: self._measured(segments, rows, liked, disliked),
        )
        tracks = np.searchsorted(segments.first, hits.rows, side="right") - 1
        return places[tracks], len(liked.rows) * segments.typical - hits.scores

    def sample(self, segments: SegmentIndex, tracks: Ints) -> SampledSegments:
        """Sample segments of ``tracks`` (positions in the index), one of each in turn.

        The same songs and seed give the same segments.
        """
        random = np.random.default_rng(self.seed)
        shuffled = [
            segments.first[track]
            + random.permutation(segments.first[track + 1] - segments.first[track])
            for track in tracks.tolist()
        ]
        turns = random.permutation(len(shuffled)).tolist()
        longest = max((len(rows) for rows in shuffled), default=0)
        sampled = [
            (int(shuffled[song][depth]), song)
            for depth in range(min(longest, self.points))
            for song in turns
            if depth < len(shuffled[song])
        ][: self.points]
        sampled.sort()
        rows = np.array([row for row, _ in sampled], dtype=np.int64)
        songs = np.array([song for _, song in sampled], dtype=np.int64)
        return SampledSegments(rows, songs, segments.vectors[rows].astype(np.float64))

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return per row a reason per liked song with a sampled segment, and per disliked one.

        The first one's details hold ``fragment``: the song's own segment, its tags and d.
        """
        segments = query.space.segments
        if segments is None:
            return Distance(self.dislike_weight).reasons(query, rows)
        liked = self._liked(query, segments)
        disliked = self.sample(segments, _tracks(query.space, segments, query.dislikes))
        likes = _with_segments(query.space, segments, query.likes)
        dislikes = _with_segments(query.space, segments, query.dislikes)
        answers = []
        for track in _tracks(query.space, segments, rows).tolist():
            windows = np.arange(segments.first[track], segments.first[track + 1])
            best = windows[int(np.argmin(self._measured(segments, windows, liked, disliked)))]
            at = np.array([best])
            near = segment_search.distances(segments, at, liked.vectors)[0]
            gained = segments.typical - near
            good = self._about(query, segments, liked, likes, at, gained, near, True)
            described = segment_to_json(segments, int(best))
            good[0].details["fragment"] = {**described, "d": float(near.sum())}
            bad: list[Reason] = []
            if len(disliked.rows):
                near = segment_search.distances(segments, at, disliked.vectors)[0]
                lost = -self.dislike_weight * np.maximum(segments.typical - near, 0.0)
                bad = self._about(query, segments, disliked, dislikes, at, lost, near, False)
                bad = [reason for reason in bad if reason.contribution]
            answers.append((*good, *bad))
        return answers

    def _liked(self, query: Query, segments: SegmentIndex) -> SampledSegments:
        tracks = _tracks(query.space, segments, query.likes)
        if not len(tracks):
            raise NotReady(
                "None of the songs you like has been cut into moments: like a song that can be "
                "heard, or cut the newest with `flask segments tag`."
            )
        return self.sample(segments, tracks)

    def _measured(
        self, segments: SegmentIndex, rows: Ints, liked: SampledSegments, disliked: SampledSegments
    ) -> Any:
        sums = segment_search.distance_sums(segments, rows, liked.vectors)
        if len(disliked.rows) and self.dislike_weight:
            near = segment_search.distances(segments, rows, disliked.vectors)
            sums = sums + self.dislike_weight * np.maximum(segments.typical - near, 0).sum(axis=1)
        return sums

    def _about(
        self,
        query: Query,
        segments: SegmentIndex,
        points: SampledSegments,
        rows: Rows,
        own: Ints,
        shares: NDArray[np.float64],
        near: NDArray[np.float64],
        is_liked: bool,
    ) -> list[Reason]:
        """Return a reason per song with a sampled segment, the largest first, the rest as one.

        ``own`` holds the row of the segment that they are compared with.
        """
        reasons = []
        for song in np.unique(points.songs).tolist():
            mine = np.flatnonzero(points.songs == song)
            mine = mine[np.argsort(near[mine], kind="stable")]
            row = int(rows[song])
            title = query.title(row)
            close = contributions.describe_closeness(float(near[mine[0]]) / segments.typical)
            start = float(segments.starts[points.rows[mine[0]]])
            after = f" at {clock(start)}{'' if is_liked else ', which you dislike'}"
            near_enough = close in ("Very close to", "Close to")
            lead = "A moment like" if near_enough else "Its closest moment is like"
            shared = common_tags(segments, own, points.rows[mine[:1]])
            if near_enough and (clause := describe_sound((), shared)):
                lead = f"{phrases.capitalize(clause)}, like"
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
    whose = "songs you like" if is_liked else "songs you dislike"
    several = Reason(
        "liked" if is_liked else "disliked",
        f"The other {len(rest)} {whose}, together",
        math.fsum(reason.contribution for reason in rest),
        details={
            "count": len(rest),
            "distance": math.fsum(reason.details["distance"] for reason in rest),
        },
    )
    return [*reasons[: contributions.MAX_NAMED], several]


def matched_segment(reasons: Sequence[Reason]) -> dict[str, Any] | None:
    """Return the segment that a match's reasons describe; None for a match of whole songs."""
    segments = (reason.details["fragment"] for reason in reasons if "fragment" in reason.details)
    return next(segments, None)


def segment_to_json(segments: SegmentIndex, row: int) -> dict[str, Any]:
    """Serialize a segment: its start and length in seconds, its likeliest tags."""
    return {
        "start_s": round(float(segments.starts[row]), 3),
        "seconds": segments.seconds,
        "tags": song_tags(segments, np.array([row])),
        "made_by": segments.made_by,
    }


def clock(seconds: float) -> str:
    """Format seconds: ``83.5`` is ``1:23``."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def _places(space: Space, segments: SegmentIndex) -> tuple[Ints, Ints]:
    """Return per track of the index its row in the space (−1: none) and a number of its song."""

    def compute() -> tuple[Ints, Ints]:
        ids = np.asarray(segments.track_ids)
        places = np.full(len(ids), -1, dtype=np.int64)
        places[np.isin(ids, space.track_ids)] = space.rows_of(ids)
        songs = np.unique(space.song_keys[np.maximum(places, 0)], return_inverse=True)[1]
        return places, songs

    return space.cached("segment_places", compute)


def _tracks(space: Space, segments: SegmentIndex, rows: Rows) -> Ints:
    """Return the positions in the index of those of these rows that have segments, in order."""
    return positions(segments.track_ids, space.track_ids[rows])


def _with_segments(space: Space, segments: SegmentIndex, rows: Rows) -> Rows:
    return rows[np.isin(np.asarray(space.track_ids)[rows], segments.track_ids)]
