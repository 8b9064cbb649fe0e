"""Songs with segments similar to those of the likes; exact by ``segment_search``.

A sample of the liked songs' segments is p₁ … pₙ; a segment x of another song has d(x) = Σ ‖x −
pᵢ‖₂. Songs are sorted by the smallest d of their segments.
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

    ``rows`` ``(p,)`` in the index, ``songs`` ``(p,)`` positions of their songs among the sampled
    songs, ``vectors`` float64 ``(p, d)``.
    """

    rows: Ints
    songs: Ints
    vectors: NDArray[np.float64]


class NearestSegments:
    """Score: n · typical − d(x) − penalty of dislikes.

    ``typical`` is the distance of two random segments, so that a liked segment at that distance
    adds nothing. The penalty sums ``dislike_weight`` · (typical − distance) over at most ``points``
    segments of disliked songs that are nearer than ``typical``. Without an index of segments
    ``Distance`` ranks whole songs.

    Parameters
    ----------
    points
        Number of sampled segments of liked songs, evenly over the songs.
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

        Raises ``NotReady`` if none of the likes has segments although other songs do.
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
        """Return, per row, a reason per liked and disliked song with a sampled segment.

        The details of the first reason hold ``fragment``: the song's own segment, its tags and d.
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
        """Return a reason per song with a sampled segment, largest first, small ones summed up.

        ``own`` holds the row of the compared segment.
        """
        reasons = []
        for song in np.unique(points.songs).tolist():
            of_song = np.flatnonzero(points.songs == song)
            of_song = of_song[np.argsort(near[of_song], kind="stable")]
            reasons.append(
                _song_reason(
                    query,
                    segments,
                    int(rows[song]),
                    own,
                    points.rows[of_song],
                    near[of_song],
                    math.fsum(shares[of_song].tolist()),
                    is_liked,
                )
            )
        sign = -1 if is_liked else 1
        reasons.sort(key=lambda reason: sign * reason.contribution)
        return _summed(reasons, is_liked)


def _song_reason(
    query: Query,
    segments: SegmentIndex,
    row: int,
    own: Ints,
    sampled: Ints,
    distances: NDArray[np.float64],
    contribution: float,
    is_liked: bool,
) -> Reason:
    """Return the reason about one liked or disliked song.

    ``sampled`` are the song's sampled segments, nearest first, at ``distances`` from ``own``.
    """
    title = query.title(row)
    close = contributions.describe_closeness(float(distances[0]) / segments.typical)
    start = clock(float(segments.starts[sampled[0]]))
    after = f" at {start}{'' if is_liked else ', which you dislike'}"
    is_close = close in ("Very close to", "Close to")
    lead = "A moment like" if is_close else "Its closest moment is like"
    shared = common_tags(segments, own, sampled[:1])
    if is_close and (clause := describe_sound((), shared)):
        lead = f"{phrases.capitalize(clause)}, like"
    return Reason(
        "liked" if is_liked else "disliked",
        f"{close} “{title}”{after}",
        contribution,
        int(query.space.track_ids[row]),
        {
            "title": title,
            "before": close,
            "after": after,
            "sentence": f"{lead} “{title}” at {start}",
            "distance": math.fsum(distances.tolist()),
            "tags": song_tags(segments, sampled),
            "fragments": [
                {
                    "start_s": round(float(segments.starts[segment]), 3),
                    "distance": float(distance),
                }
                for segment, distance in zip(sampled.tolist(), distances, strict=True)
            ],
        },
    )


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
    """Return, per track of the index, its row in the space (−1: none) and its song number."""

    def compute() -> tuple[Ints, Ints]:
        ids = np.asarray(segments.track_ids)
        places = np.full(len(ids), -1, dtype=np.int64)
        places[np.isin(ids, space.track_ids)] = space.rows_of(ids)
        songs = np.unique(space.song_keys[np.maximum(places, 0)], return_inverse=True)[1]
        return places, songs

    return space.cached("segment_places", compute)


def _tracks(space: Space, segments: SegmentIndex, rows: Rows) -> Ints:
    """Return the positions in the index of the rows that have segments, in order."""
    return positions(segments.track_ids, space.track_ids[rows])


def _with_segments(space: Space, segments: SegmentIndex, rows: Rows) -> Rows:
    return rows[np.isin(np.asarray(space.track_ids)[rows], segments.track_ids)]
