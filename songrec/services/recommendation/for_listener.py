"""A listener's feedback, recommendations from it, and their changes after a reaction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from songrec.recommend import ranking
from songrec.recommend.explain.phrases import capitalize, join_clauses, shorten
from songrec.recommend.feedback_boosts import background_boosts
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, Reranking
from songrec.services.catalogue.left_out import left_out
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.recommendation.recommend import (
    feedback_boosts,
    name_evidence,
    recommend_for,
)
from songrec.services.similarity.audio_similarity import HasId
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import last_recommendations, reactions, skips
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener

MAX_REACTIONS = 500
"""The newest likes, and as many dislikes, say what somebody's taste is; older ones are excluded
from the answers but do not count."""
_LIKED_SONG = re.compile(r"(?:, like|, close to|^Sounds like| to) “[^”]*”$")
MAX_NAMED = 2
"""Songs named in a description of changes; further ones are counted."""
MAX_TITLE = 48
"""Characters of liked songs in the title of a row: two or three lines on a phone."""
MAX_SEEN = 100
"""Limit of stored songs of a shown list."""


@dataclass(frozen=True)
class ListenerFeedback:
    """Likes and dislikes (track ids, newest first), weights of likes, and counts of skips.

    ``listener`` is the person whose rules apply to recommendations; None for no rules.
    """

    likes: list[int] = field(default_factory=list)
    dislikes: list[int] = field(default_factory=list)
    weights: dict[int, int] = field(default_factory=dict)
    skips: dict[int, int] = field(default_factory=dict)
    listener: Listener | None = None

    @classmethod
    def load(cls, session: Session, listener: Listener | None) -> ListenerFeedback:
        """Read the feedback of ``listener``; empty without one."""
        if listener is None:
            return cls()
        likes, dislikes = reactions.reactions(session, listener)
        return cls(
            likes,
            dislikes,
            reactions.weights(session, listener),
            skips.recent_counts(session, listener),
            listener,
        )

    @property
    def reactions(self) -> dict[int, int]:
        """Track id to 1 (liked) or -1 (disliked)."""
        return dict.fromkeys(self.likes, 1) | dict.fromkeys(self.dislikes, -1)

    @property
    def counted_likes(self) -> int:
        """The number of likes that recommendations follow from, the newest ones."""
        return len(self.likes[:MAX_REACTIONS])

    @property
    def state(self) -> dict[str, dict[str, int]]:
        """The feedback as JSON, to compare with later."""
        return {
            "likes": {str(i): self.weights.get(i, 1) for i in self.likes},
            "dislikes": {str(i): 1 for i in self.dislikes},
            "skips": {str(i): times for i, times in self.skips.items()},
        }


def recommend_for_listener(
    instance: Instance, feedback: ListenerFeedback, **options: Any
) -> list[RankedTrack]:
    """Recommend from all feedback; ``options`` are ``recommend_for``'s (method, by, n)."""
    return recommend_for(
        instance,
        feedback.likes[:MAX_REACTIONS],
        feedback.dislikes[:MAX_REACTIONS],
        excluded=[*feedback.likes[MAX_REACTIONS:], *feedback.dislikes[MAX_REACTIONS:]],
        weights=feedback.weights,
        skips=feedback.skips,
        listener=feedback.listener,
        **options,
    )


@dataclass(frozen=True)
class RecommendationRow:
    """Recommendations because of the likes in ``title``, newest like first."""

    title: str
    likes: list[TrackView]
    songs: list[RankedTrack]


def recommendation_rows(
    instance: Instance,
    feedback: ListenerFeedback,
    *,
    n_rows: int = 6,
    n: int = 10,
    by: Reranking = DEFAULT_RERANKING,
    first: Iterable[int] | None = None,
) -> list[RecommendationRow]:
    """Return rows of ``n`` distinct songs, one per like or group of similar likes.

    The newest like comes first. Few likes have a row each; among more likes, similar ones share a
    row. In each row the songs of ``first`` (track ids) come before all others. Errors are those of
    ``recommend.ranking.rank``.
    """
    session = instance.session
    likes, dislikes = feedback.likes[:MAX_REACTIONS], feedback.dislikes[:MAX_REACTIONS]
    rows = ranking.rank_rows(
        published_space(instance),
        likes,
        dislikes,
        n_rows=n_rows,
        n=n,
        by=by,
        names=title_lookup(session),
        excluded=[*feedback.likes[MAX_REACTIONS:], *feedback.dislikes[MAX_REACTIONS:]],
        withdrawn=left_out(instance, feedback.listener, likes),
        first=first,
        boosts=feedback_boosts(likes, dislikes, feedback.weights, feedback.skips),
    )
    age = {track_id: at for at, track_id in enumerate(likes)}
    views = {view.id: view for view in tracks.tracks_by_id(session, likes)}
    answer = []
    for row in sorted(rows, key=lambda row: min(age[like] for like in row.likes)):
        liked = [views[like] for like in sorted(row.likes, key=age.__getitem__) if like in views]
        if liked and row.matches:
            songs = attach_tracks(session, name_evidence(session, row.matches))
            answer.append(RecommendationRow(_because(liked), liked, songs))
    return answer


def _because(likes: Sequence[TrackView]) -> str:
    """Write the title of a row: ``Because you like “Juicy”, “No Scrubs” and 3 more``."""
    named = [shorten(f"“{view.title}”", MAX_TITLE) for view in likes[:MAX_NAMED]]
    if len("".join(named)) > MAX_TITLE:
        del named[1:]
    if len(likes) > len(named):
        named.append(f"{len(likes) - len(named)} more")
    return f"Because you like {join_clauses(named)}"


def reason_without_like(sentence: str) -> str:
    """Remove the liked song from a reason below its title: “Calm, like “Juicy”” becomes “Calm”.

    Of “Sounds like “Juicy”” nothing remains: the title says that already.
    """
    return _LIKED_SONG.sub("", sentence)


def more_like_song(
    instance: Instance, track: HasId, feedback: ListenerFeedback, n: int
) -> list[RankedTrack]:
    """Return ``n`` songs like ``track`` that suit the listener's other likes and dislikes."""
    likes = [one for one in feedback.likes if one != track.id]
    return recommend_for(
        instance,
        [track.id],
        [one for one in feedback.dislikes[:MAX_REACTIONS] if one != track.id],
        n=n,
        excluded=[*likes, *feedback.dislikes[MAX_REACTIONS:]],
        boosts=background_boosts(likes, feedback.weights),
        seeds=True,
        listener=feedback.listener,
    )


@dataclass(frozen=True)
class Undo:
    """Undo of the last reaction: the track and its previous reaction."""

    public_id: str
    title: str
    value: str


@dataclass(frozen=True)
class ListChange:
    """Difference of a list to the one that the listener reacted to.

    ``came`` are the new track ids, ``left`` is the number of removed songs besides those reacted
    to, ``actions`` describe the listener's reactions; ``undo`` is None unless that was a single
    like or dislike.
    """

    came: tuple[int, ...]
    left: int
    actions: tuple[str, ...]
    undo: Undo | None = None

    @property
    def text(self) -> str:
        """One sentence: ``Removed “Gold Rush” and updated your list.``"""
        if not (self.came or self.left):
            return f"{capitalize(join_clauses(self.actions))}. Your list stays the same."
        return f"{capitalize(join_clauses([*self.actions, 'updated your list']))}."


def seen_list(key: str, ranked: Sequence[RankedTrack]) -> str:
    """Encode a shown list for the forms on its page; ``remember_list`` reads it."""
    return f"{key}:{','.join(one.track.public_id for one in ranked)}"


def remember_list(session: Session, listener: Listener, seen: str) -> None:
    """Store the list that ``listener`` reacts to, for ``list_change``.

    ``seen`` is the result of ``seen_list`` for the page; any other text is ignored. The caller
    commits.
    """
    key, _, public_ids = seen.replace("\0", "").rpartition(":")
    views = tracks.tracks_by_public_id(session, public_ids.split(",")[:MAX_SEEN])
    if key and views:
        state = ListenerFeedback.load(session, listener).state
        last_recommendations.keep(session, listener, key, [view.id for view in views], state)


def list_change(
    session: Session,
    listener: Listener,
    feedback: ListenerFeedback,
    key: str,
    ranked: Sequence[RankedTrack],
) -> ListChange | None:
    """Compare a list with the one that ``listener`` reacted to last.

    ``key`` identifies comparable lists (method, options, number, run). None if the last reaction
    was to another kind of list, or if nothing changed.
    """
    before = last_recommendations.find(session, listener)
    state = feedback.state
    if before is None or before.asked != key[:200] or before.state == state:
        return None
    rated = {int(i) for kind in ("likes", "dislikes") for i in state[kind]}
    old, new = set(before.tracks), [one.track.id for one in ranked]
    return ListChange(
        tuple(i for i in new if i not in old),
        len(old - set(new) - rated),
        *_describe_actions(session, before.state, state),
    )


def _describe_actions(
    session: Session, old: dict[str, Any], new: dict[str, Any]
) -> tuple[tuple[str, ...], Undo | None]:
    """Describe the reactions between feedback ``old`` and ``new``, and the undo of a single one."""
    liked = [i for i in new["likes"] if i not in old["likes"]]
    disliked = [i for i in new["dislikes"] if i not in old["dislikes"]]
    unrated = [
        i
        for i in (*old["likes"], *old["dislikes"])
        if i not in new["likes"] and i not in new["dislikes"]
    ]
    weights = [i for i in new["likes"] if i in old["likes"] and new["likes"][i] != old["likes"][i]]
    skipped = [i for i, times in new["skips"].items() if times > old["skips"].get(i, 0)]
    ids = [int(i) for i in (*liked, *disliked, *unrated, *weights, *skipped)]
    views = {str(view.id): view for view in tracks.tracks_by_id(session, ids)}
    titles = title_lookup(session)(ids)

    def name(track_ids: Sequence[str]) -> str:
        if len(track_ids) > MAX_NAMED:
            return f"{len(track_ids)} songs"
        return join_clauses([f"“{titles.get(int(i), 'a song')}”" for i in track_ids])

    actions = [
        action.format(name(track_ids))
        for action, track_ids in (
            ("liked {}", liked),
            ("removed {}", disliked),
            ("took back your rating of {}", unrated),
            ("changed how much {} counts", weights),
            ("noted that you skipped {}", skipped),
        )
        if track_ids
    ]
    if any(i not in new["skips"] for i in old["skips"]):
        actions.append("cleared your skips")
    undo = None
    if len(actions) == 1 and len(rated := [*liked, *disliked]) == 1 and rated[0] in views:
        view = views[rated[0]]
        kinds = {"like": old["likes"], "dislike": old["dislikes"]}
        value = next((kind for kind, ids_before in kinds.items() if rated[0] in ids_before), "none")
        undo = Undo(view.public_id, view.title, value)
    return tuple(actions), undo
