"""From a genre, an emotion or seven sliders to songs: the target meets the published run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Tag, TrackTag

REMEMBERED = 64


@dataclass(frozen=True)
class Mood:
    """What is asked for. ``sliders`` (attribute to 0..1) stand above genre and emotion's target."""

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
                raise BadInput(f"{name} is a number from 0 to 1, not {value}.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.genre or self.emotion or self.sliders)


def target_values(session: Session, instance: Path, mood: Mood) -> dict[str, float]:
    """The value asked of each of the seven attributes that the catalogue has."""
    return target_values_in(published_space(session, instance), mood)


def target_values_in(space: Space, mood: Mood) -> dict[str, float]:
    """The value asked of each of the seven attributes that the space knows."""
    aim = moods.target_values(space, mood.genre, mood.emotion)
    return {name: (mood.sliders or {}).get(name, value) for name, value in aim.items()}


def recommend_for_mood(
    session: Session,
    instance: Path,
    mood: Mood,
    *,
    n: int = 20,
    dislikes: Sequence[int] = (),
) -> list[RankedTrack]:
    """The ``n`` tracks of the published run nearest to the mood, with reasons.

    Where the catalogue has tags, those that carry the genre or the emotion are preferred.
    """
    space = published_space(session, instance)
    return attach_tracks(
        session, mood_matches(session, space, mood, n, dislikes), moods.describe_match
    )


def mood_matches(
    session: Session,
    space: Space,
    mood: Mood,
    n: int,
    dislikes: Sequence[int] = (),
    *,
    only: Sequence[int] | None = None,
    choose: Callable[[int], NDArray[np.int64]] | None = None,
) -> list[Match]:
    """The ``n`` tracks of ``space`` nearest to the mood; see ``recommend.moods.nearest``."""
    preferred = [
        moods.TaggedRows(kind, name, rows)
        for kind, name in (("genre", mood.genre), ("emotion", mood.emotion))
        if name and len(rows := tagged_rows(session, space, kind, name))
    ]
    # A slider asks for its very value; a level of the table at an end of the scale, for that end.
    ends = moods.extreme_attributes(mood.genre, mood.emotion)
    return moods.nearest_to_target(
        space,
        target_values_in(space, mood),
        n,
        ends={name: end for name, end in ends.items() if name not in (mood.sliders or {})},
        preferred=preferred,
        dislikes=dislikes,
        only=only,
        choose=choose,
    )


def tagged_rows(session: Session, space: Space, kind: str, name: str) -> NDArray[np.int64]:
    """Rows of the space whose tracks carry the genre or emotion ``name``, however it is written.

    "Hip Hop" is also "hip-hop"; a genre without tracks of its own name takes the genres that hold
    its words ("indie pop" for Indie). Remembered for as long as the catalogue stays the same.
    """
    # Kept on the space, so that it goes when the space goes.
    memory: dict[tuple[object, str, str], NDArray[np.int64]] = space.cached("tagged_rows", dict)
    key = (tracks.version(session), kind, name)
    if key not in memory:
        kinds = ("genre", "subgenre") if kind == "genre" else (kind,)
        tags = session.execute(select(Tag.id, Tag.name).where(Tag.kind.in_(kinds))).all()
        wanted = plain(name)
        chosen = [tag for tag, written in tags if plain(written) == wanted]
        if not chosen and kind == "genre":
            chosen = [t for t, written in tags if f" {wanted} " in f" {plain(written)} "]
        ids = session.scalars(
            select(TrackTag.track_id).where(TrackTag.tag_id.in_(chosen)).distinct()
        )
        if len(memory) >= REMEMBERED:
            memory.clear()
        memory[key] = space.rows_of(np.fromiter(ids, dtype=np.int64))
    return memory[key]


def emotions(session: Session) -> list[str]:
    """Every emotion to choose from: the table's, then those that only the catalogue's tags know."""
    known = list(moods.EMOTIONS)
    return known + [name for name, _ in tracks.tags(session, "emotion") if name not in known]


def plain(name: str) -> str:
    """A genre's name without case and punctuation: ``"Hip-Hop"`` is ``"hip hop"``."""
    return " ".join(re.findall(r"[^\W_]+", name.lower().replace("&", "n")))
