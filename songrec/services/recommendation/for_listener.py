"""What is known of a listener, recommendations from it, and what changed since the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.recommend.explain.phrases import join_clauses
from songrec.recommend.similarity.more_like import more_like
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.recommendation.recommend import recommend_for
from songrec.services.similarity.audio_similarity import HasId
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.listeners import last_recommendations, reactions, skips
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener

MAX_REACTIONS = 500
"""The newest likes (and as many dislikes) count, who likes more has changed since; none of the
older ones comes back either."""
NAMED = 2
"""So many songs are named in what changed; more are counted."""


@dataclass(frozen=True)
class ListenerFeedback:
    """Likes and dislikes (track ids, newest first), weights of likes, skips and how often."""

    likes: list[int] = field(default_factory=list)
    dislikes: list[int] = field(default_factory=list)
    weights: dict[int, int] = field(default_factory=dict)
    skips: dict[int, int] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session, listener: Listener | None) -> ListenerFeedback:
        """What ``listener`` has said; nothing for nobody."""
        if listener is None:
            return cls()
        likes, dislikes = reactions.reactions(session, listener)
        return cls(
            likes,
            dislikes,
            reactions.weights(session, listener),
            skips.recent_counts(session, listener),
        )

    @property
    def reactions(self) -> dict[int, int]:
        """Track id to 1 (liked) or -1 (disliked)."""
        return dict.fromkeys(self.likes, 1) | dict.fromkeys(self.dislikes, -1)

    @property
    def state(self) -> dict[str, dict[str, int]]:
        """All of it as JSON can keep it, to compare with later."""
        return {
            "likes": {str(i): self.weights.get(i, 1) for i in self.likes},
            "dislikes": {str(i): 1 for i in self.dislikes},
            "skips": {str(i): times for i, times in self.skips.items()},
        }


def recommend_for_listener(
    session: Session, instance: Path, known: ListenerFeedback, **asked: Any
) -> list[RankedTrack]:
    """``recommending.recommend_for`` from all that is known; ``asked`` is method, variety, n."""
    return recommend_for(
        session,
        instance,
        known.likes[:MAX_REACTIONS],
        known.dislikes[:MAX_REACTIONS],
        heard=[*known.likes[MAX_REACTIONS:], *known.dislikes[MAX_REACTIONS:]],
        weights=known.weights,
        skips=known.skips,
        **asked,
    )


def more_like_song(
    session: Session, instance: Path, track: HasId, feedback: ListenerFeedback, n: int
) -> list[RankedTrack]:
    """Return ``n`` songs that sound like ``track``, with the likes as the background."""
    matches = more_like(
        published_space(session, instance),
        track.id,
        n,
        likes=feedback.likes,
        dislikes=feedback.dislikes,
        weights=feedback.weights,
        names=title_lookup(session),
    )
    return attach_tracks(session, matches)


@dataclass(frozen=True)
class ListChange:
    """What is different from the answer before: ids that came in, how many left, and why."""

    came: tuple[int, ...]
    left: int
    since: str

    @property
    def text(self) -> str:
        """One sentence: ``3 songs came in and 2 left since you liked “X”.``"""
        parts = []
        if self.came:
            parts.append(f"{len(self.came)} song{'s' * (len(self.came) != 1)} came in")
        if self.left:
            parts.append(f"{self.left} left" if parts else _songs(self.left) + " left")
        if not parts:
            return f"The same songs are still the best answer since {self.since}."
        return f"{' and '.join(parts)} since {self.since}."


def changed(
    session: Session, listener: Listener, known: ListenerFeedback, asked: str, found: Sequence[int]
) -> ListChange | None:
    """What changed since the answer that ``listener`` saw last, which this one replaces.

    ``found`` are the track ids answered now, ``asked`` whatever makes answers comparable (method,
    number, run). None where nothing was said since an answer to the same, or there is none. What
    was told stays until something else is said. Songs that the listener reacted to do not count
    as having left. The caller commits.
    """
    before = last_recommendations.find(session, listener)
    state, found = known.state, list(found)
    if before is None or before.asked != asked[:200]:
        last_recommendations.keep(session, listener, asked, found, state, None)
        return None
    if before.state == state:
        return _read(before.change)
    since = _since(session, before.state, state)
    said = {int(i) for kind in ("likes", "dislikes") for i in state[kind]}
    old, new = set(before.tracks), set(found)
    change = ListChange(tuple(i for i in found if i not in old), len(old - new - said), since)
    told = {"came": list(change.came), "left": change.left, "since": since}
    last_recommendations.keep(session, listener, asked, found, state, told)
    return change


def _read(told: dict[str, Any] | None) -> ListChange | None:
    return ListChange(tuple(told["came"]), told["left"], told["since"]) if told else None


def _since(session: Session, old: dict[str, Any], new: dict[str, Any]) -> str:
    likes, before = new["likes"], old["likes"]
    gone = [
        i
        for kind in ("likes", "dislikes")
        for i in old[kind]
        if i not in new["likes"] and i not in new["dislikes"]
    ]
    done = {
        "you liked": [i for i in likes if i not in before],
        "you said no to": [i for i in new["dislikes"] if i not in old["dislikes"]],
        "you took back what you said of": gone,
        "you weighed": [i for i in likes if i in before and likes[i] != before[i]],
        "you skipped": [i for i, n in new["skips"].items() if n > old["skips"].get(i, 0)],
    }
    if any(i not in new["skips"] for i in old["skips"]):
        done["you had skips forgotten"] = []
    ids = [int(i) for some in done.values() for i in some]
    titles = title_lookup(session)(ids)
    clauses = []
    for verb, some in done.items():
        if some and len(some) <= NAMED:
            names = join_clauses([f"“{titles.get(int(i), 'a song')}”" for i in some])
            clauses.append(f"{verb} {names}")
        elif some:
            clauses.append(f"{verb} {len(some)} songs")
        elif verb == "you had skips forgotten":
            clauses.append(verb)
    # "since you liked “X” and skipped “Y”"
    return (
        join_clauses([clauses[0], *(c.removeprefix("you ") for c in clauses[1:])])
        if clauses
        else ("you were here")
    )


def _songs(number: int) -> str:
    return f"{number} song{'s' * (number != 1)}"
