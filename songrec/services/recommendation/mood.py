"""Recommendations for a mood: a genre, an emotion, or target values from seven sliders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.attributes import SHARES
from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import Match, Space
from songrec.recommend.lists import moods
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Tag, TrackTag

MAX_CACHED_TAGS = 64


@dataclass(frozen=True)
class Mood:
    """Requested mood; ``sliders`` (attribute to 0..1) take precedence over genre and emotion."""

    genre: str | None = None
    emotion: str | None = None
    sliders: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.genre is not None and self.genre not in moods.GENRES:
            raise UnknownName("genre in the mood table", self.genre, moods.GENRES)
        for name, value in (self.sliders or {}).items():
            if name not in SHARES:
                raise UnknownName("slider", name, SHARES)
            if not 0 <= value <= 1:
                raise BadInput(f"{name} must be from 0 to 1, not {value}.")

    @property
    def is_empty(self) -> bool:
        """Whether neither genre, emotion nor slider is set."""
        return not (self.genre or self.emotion or self.sliders)


def target_values(instance: Instance, mood: Mood) -> dict[str, float]:
    """Return the target values of the mood in the published run."""
    return target_values_in(published_space(instance), mood)


def target_values_in(space: Space, mood: Mood) -> dict[str, float]:
    """Return the target value of each of the seven attributes that ``space`` has."""
    values = moods.target_values(space, mood.genre, mood.emotion)
    return {name: (mood.sliders or {}).get(name, value) for name, value in values.items()}


def recommend_for_mood(
    instance: Instance,
    mood: Mood,
    *,
    n: int = 20,
    dislikes: Sequence[int] = (),
) -> list[RankedTrack]:
    """Return the ``n`` tracks of the published run nearest to the mood, with reasons.

    Tracks tagged with the genre or emotion are preferred.
    """
    space = published_space(instance)
    return attach_tracks(
        instance.session,
        mood_matches(instance.session, space, mood, n, dislikes),
        moods.describe_match,
    )


def mood_matches(
    session: Session,
    space: Space,
    mood: Mood,
    n: int,
    dislikes: Sequence[int] = (),
    *,
    only: Sequence[int] | None = None,
    pick_ranks: Callable[[int], NDArray[np.int64]] | None = None,
) -> list[Match]:
    """Return the ``n`` tracks of ``space`` nearest to the mood; see ``moods.nearest_to_target``."""
    preferred = [
        moods.TaggedRows(kind, name, rows)
        for kind, name in (("genre", mood.genre), ("emotion", mood.emotion))
        if name and len(rows := tagged_rows(session, space, kind, name))
    ]
    # A slider means its exact value; a level at an end of the scale means that end.
    ends = moods.extreme_attributes(mood.genre, mood.emotion)
    return moods.nearest_to_target(
        space,
        target_values_in(space, mood),
        n,
        ends={name: end for name, end in ends.items() if name not in (mood.sliders or {})},
        preferred=preferred,
        dislikes=dislikes,
        only=only,
        pick_ranks=pick_ranks,
    )


def tagged_rows(session: Session, space: Space, kind: str, name: str) -> NDArray[np.int64]:
    """Return the rows of tracks tagged with a genre or emotion, in any spelling.

    "Hip Hop" is also "hip-hop"; a genre that no track is tagged with takes the genres that contain
    its words ("indie pop" for Indie). Cached until the catalogue changes.
    """
    cache: dict[tuple[object, str, str], NDArray[np.int64]] = space.cached("tagged_rows", dict)
    key = (tracks.version(session), kind, name)
    if key not in cache:
        kinds = ("genre", "subgenre") if kind == "genre" else (kind,)
        tags = session.execute(select(Tag.id, Tag.name).where(Tag.kind.in_(kinds))).all()
        key_words = normalize_tag(name)
        chosen = [tag for tag, written in tags if normalize_tag(written) == key_words]
        if not chosen and kind == "genre":
            chosen = [t for t, written in tags if f" {key_words} " in f" {normalize_tag(written)} "]
        ids = session.scalars(
            select(TrackTag.track_id).where(TrackTag.tag_id.in_(chosen)).distinct()
        )
        if len(cache) >= MAX_CACHED_TAGS:
            cache.clear()
        cache[key] = space.rows_of(np.fromiter(ids, dtype=np.int64))
    return cache[key]


def emotions(session: Session) -> list[str]:
    """Return all emotions to choose from: the mood table's, then further tags of the catalogue."""
    table = list(moods.EMOTIONS)
    return table + [name for name, _ in tracks.tags(session, "emotion") if name not in table]


def normalize_tag(name: str) -> str:
    """Remove case and punctuation: ``"Hip-Hop"`` becomes ``"hip hop"``."""
    return " ".join(re.findall(r"[^\W_]+", name.lower().replace("&", "n")))
