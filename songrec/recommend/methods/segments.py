"""Songs with a moment like moments of what is liked; see ``fragment_search`` for how it is exact.

Of the liked songs' fragments some are drawn, p₁ … pₙ; a fragment x of another song has
d(x) = Σ ‖x − pᵢ‖₂; of every song its nearest fragment counts, and the smallest d comes first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Fragments, Ints, Reason, Space
from songrec.recommend.explain import contributions
from songrec.recommend.methods.distance import Distance
from songrec.recommend.query import Rows, Scores, Taste
from songrec.recommend.similarity import segment_search

TOLD_TAGS = 3
LEAST_PROBABILITY = 0.1


@dataclass(frozen=True)
class Points:
    """Fragments drawn of some songs: their rows, the place of each's song in the songs asked of,
    and their vectors in float64.
    """

    rows: Ints
    of: Ints
    vectors: NDArray[np.float64]


class FragmentRule:
    """Score: n · typical − d(x), less what the dislikes take away.

    ``points`` is how many of the liked songs' fragments are drawn, ``seed`` what the draw follows
    from; of each liked song one is drawn before a second of any. ``typical`` is the distance of two
    random fragments, so that a liked fragment no nearer than chance adds nothing. A disliked song's
    fragments (as many at most) take away ``dislike_weight`` · (typical − distance) from whatever
    is nearer to them than chance.

    Where no song is cut into fragments every song counts as one: ``Distance`` answers.
    """

    def __init__(self, points: int = 32, seed: int = 0, dislike_weight: float = 0.25) -> None:
        self.points = points
        self.seed = seed
        self.dislike_weight = dislike_weight

    def search(self, taste: Taste, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows (fewer if there are no more) and their scores, best first.

        Raises ``NotReady`` where none of the likes has fragments though other songs have.
        """
        fragments = taste.space.fragments
        if fragments is None:
            return Distance(self.dislike_weight).search(taste, count)
        liked = self._liked(taste, fragments)
        disliked = self.draw(fragments, _tracks(taste.space, fragments, taste.dislikes))
        places, songs = _places(taste.space, fragments)
        fresh = (places >= 0) & ~np.isin(
            taste.space.song_keys[np.maximum(places, 0)], taste.known_songs
        )
        windows = np.diff(fragments.first)
        found = segment_search.search_segments(
            fragments,
            liked.vectors,
            count,
            songs=np.repeat(np.where(fresh, songs, -1), windows),
            measure=lambda rows: self._measured(fragments, rows, liked, disliked),
        )
        tracks = np.searchsorted(fragments.first, found.rows, side="right") - 1
        return places[tracks], len(liked.rows) * fragments.typical - found.scores

    def draw(self, fragments: Fragments, tracks: Ints) -> Points:
        """Some fragments of ``tracks`` (places in the index): a fragment of each in turn.

        The same songs and seed give the same fragments.
        """
        random = np.random.default_rng(self.seed)
        waiting = [
            (
                at,
                fragments.first[track]
                + random.permutation(fragments.first[track + 1] - fragments.first[track]),
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
        return Points(rows, of, fragments.vectors[rows].astype(np.float64))

    def reasons(self, taste: Taste, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: a reason per liked song that a drawn fragment is of, and per disliked one.

        The first one's details hold ``fragment``: the song's own moment, its tags and d.
        """
        fragments = taste.space.fragments
        if fragments is None:
            return Distance(self.dislike_weight).reasons(taste, rows)
        liked = self._liked(taste, fragments)
        disliked = self.draw(fragments, _tracks(taste.space, fragments, taste.dislikes))
        likes = _with_fragments(taste.space, fragments, taste.likes)
        dislikes = _with_fragments(taste.space, fragments, taste.dislikes)
        answers = []
        for track in _tracks(taste.space, fragments, rows).tolist():
            windows = np.arange(fragments.first[track], fragments.first[track + 1])
            best = windows[int(np.argmin(self._measured(fragments, windows, liked, disliked)))]
            at = np.array([best])
            near = segment_search.distances(fragments, at, liked.vectors)[0]
            good = self._about(taste, fragments, liked, likes, fragments.typical - near, near, True)
            good[0].details["fragment"] = {**moment(fragments, int(best)), "d": float(near.sum())}
            bad: list[Reason] = []
            if len(disliked.rows):
                near = segment_search.distances(fragments, at, disliked.vectors)[0]
                lost = -self.dislike_weight * np.maximum(fragments.typical - near, 0.0)
                bad = self._about(taste, fragments, disliked, dislikes, lost, near, False)
                bad = [reason for reason in bad if reason.contribution]
            answers.append((*good, *bad))
        return answers

    def _liked(self, taste: Taste, fragments: Fragments) -> Points:
        tracks = _tracks(taste.space, fragments, taste.likes)
        if not len(tracks):
            raise NotReady(
                "None of the songs you like has been cut into fragments: like a song that can be "
                "heard, or cut the newest with `flask fragments tag`."
            )
        return self.draw(fragments, tracks)

    def _measured(self, fragments: Fragments, rows: Ints, liked: Points, disliked: Points) -> Any:
        sums = segment_search.distance_sums(fragments, rows, liked.vectors)
        if len(disliked.rows) and self.dislike_weight:
            near = segment_search.distances(fragments, rows, disliked.vectors)
            sums = sums + self.dislike_weight * np.maximum(fragments.typical - near, 0).sum(axis=1)
        return sums

    def _about(
        self,
        taste: Taste,
        fragments: Fragments,
        points: Points,
        rows: Rows,
        shares: NDArray[np.float64],
        near: NDArray[np.float64],
        is_liked: bool,
    ) -> list[Reason]:
        """A reason per song with a drawn fragment, the largest share first; the rest as one."""
        reasons = []
        for song in np.unique(points.of).tolist():
            mine = np.flatnonzero(points.of == song)
            mine = mine[np.argsort(near[mine], kind="stable")]
            row = int(rows[song])
            title = taste.title(row)
            close = contributions.describe_closeness(float(near[mine[0]]) / fragments.typical)
            start = float(fragments.starts[points.rows[mine[0]]])
            whose = "which you like" if is_liked else "which you do not like"
            after = f" at {clock(start)}, {whose}"
            reasons.append(
                Reason(
                    "liked" if is_liked else "disliked",
                    f"{close} “{title}”{after}",
                    math.fsum(shares[mine].tolist()),
                    int(taste.space.track_ids[row]),
                    {
                        "title": title,
                        "before": close,
                        "after": after,
                        "distance": math.fsum(near[mine].tolist()),
                        "tags": song_tags(fragments, points.rows[mine]),
                        "fragments": [
                            {
                                "start_s": round(float(fragments.starts[points.rows[at]]), 3),
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
    told = "songs you like" if is_liked else "songs you do not like"
    several = Reason(
        "liked" if is_liked else "disliked",
        f"The other {len(rest)} {told}, taken together",
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


def moment(fragments: Fragments, row: int) -> dict[str, Any]:
    """A fragment as pages tell it: where it begins (s), how long it is, its likeliest tags."""
    return {
        "start_s": round(float(fragments.starts[row]), 3),
        "seconds": fragments.seconds,
        "tags": song_tags(fragments, np.array([row])),
        "made_by": fragments.made_by,
    }


def song_tags(fragments: Fragments, rows: Ints) -> list[str]:
    """The likeliest tags of these fragments on average; none where nothing tells."""
    if fragments.tags is None or not fragments.tag_names:
        return []
    mean = fragments.tags[rows].astype(np.float64).mean(axis=0)
    order = np.argsort(-mean, kind="stable")[:TOLD_TAGS]
    return [fragments.tag_names[at] for at in order.tolist() if mean[at] >= LEAST_PROBABILITY]


def clock(seconds: float) -> str:
    """``83.5`` as ``1:23``."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def _places(space: Space, fragments: Fragments) -> tuple[Ints, Ints]:
    """Per track of the index: its row in the space (−1: not in it), and a number of its song.

    Worked out once as long as the space is open.
    """
    known = space.__dict__.get("_fragment_places")
    if known is None or known[0] != fragments.name:
        ids = np.asarray(fragments.track_ids)
        if len(space.track_ids):
            at = np.minimum(np.searchsorted(space.track_ids, ids), len(space.track_ids) - 1)
            places = np.where(space.track_ids[at] == ids, at, -1).astype(np.int64)
        else:
            places = np.full(len(ids), -1, dtype=np.int64)
        songs = np.unique(space.song_keys[np.maximum(places, 0)], return_inverse=True)[1]
        known = space.__dict__["_fragment_places"] = (fragments.name, places, songs)
    return known[1], known[2]


def _tracks(space: Space, fragments: Fragments, rows: Rows) -> Ints:
    """Places in the index of those of these rows of the space that have fragments, in order."""
    ids = np.asarray(space.track_ids)[rows]
    at = np.minimum(np.searchsorted(fragments.track_ids, ids), len(fragments.track_ids) - 1)
    return at[np.asarray(fragments.track_ids)[at] == ids].astype(np.int64)


def _with_fragments(space: Space, fragments: Fragments, rows: Rows) -> Rows:
    return rows[np.isin(np.asarray(space.track_ids)[rows], fragments.track_ids)]
