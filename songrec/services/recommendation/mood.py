"""Recommendations for a mood: a genre, an emotion, or target values from seven sliders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from songrec.core.attributes import SHARES
from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import Ints, Match, Space
from songrec.recommend.lists import moods
from songrec.recommend.space_statistics import statistics_of
from songrec.services.catalogue.left_out import left_out
from songrec.services.catalogue.suggestions import nearest_names
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener, Tag, TrackTag

MAX_CACHED_TAGS = 64
EMOTIONS_PER_GENRE = 3
PRESETS = {
    "Happy and energetic": ("H", "H"),
    "Happy and calm": ("H", "L"),
    "Dark and energetic": ("L", "H"),
    "Melancholy": ("L", "L"),
}
"""Moods by sound: the levels of happiness and energy."""


@dataclass(frozen=True)
class Mood:
    """Requested mood; ``sliders`` (attribute to 0..1) take precedence over genre and emotion."""

    genre: str | None = None
    emotion: str | None = None
    sliders: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name, value in (self.sliders or {}).items():
            if name not in SHARES:
                raise UnknownName("slider", name, SHARES)
            if not 0 <= value <= 1:
                raise BadInput(f"{name} must be from 0 to 1, not {value}.")

    @property
    def is_empty(self) -> bool:
        """Whether neither genre, emotion nor slider is set."""
        return not (self.genre or self.emotion or self.sliders)

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """The requested tags: kind and name."""
        named = (("genre", self.genre), ("emotion", self.emotion))
        return tuple((kind, name) for kind, name in named if name)

    @property
    def table_genre(self) -> str | None:
        """The genre in the mood table's spelling; None if the table lacks it."""
        key = normalize_tag(self.genre or "")
        return next((name for name in moods.GENRES if normalize_tag(name) == key), None)


@dataclass(frozen=True)
class MoodChoices:
    """Genres and emotions with songs in the catalogue.

    ``genres`` maps each genre to its most frequent emotions; ``emotions`` are all emotions. Both
    start with those of most songs.
    """

    genres: dict[str, tuple[str, ...]]
    emotions: tuple[str, ...]


def mood_choices(session: Session) -> MoodChoices:
    """Return the genres and emotions that tracks of the catalogue are tagged with."""
    of_genre, of_emotion = aliased(TrackTag), aliased(TrackTag)
    genre, emotion = aliased(Tag), aliased(Tag)
    number = func.count(of_genre.track_id)
    pairs = session.execute(
        select(genre.name, emotion.name)
        .join(of_genre, of_genre.tag_id == genre.id)
        .join(of_emotion, of_emotion.track_id == of_genre.track_id)
        .join(emotion, emotion.id == of_emotion.tag_id)
        .where(genre.kind == "genre", emotion.kind == "emotion")
        .group_by(genre.id, emotion.id)
        .order_by(number.desc(), emotion.name)
    ).all()
    genres: dict[str, list[str]] = {name: [] for name, _ in tracks.tags(session, "genre")}
    for name, felt in pairs:
        if name in genres and len(genres[name]) < EMOTIONS_PER_GENRE:
            genres[name].append(felt)
    emotions = tuple(name for name, _ in tracks.tags(session, "emotion"))
    return MoodChoices({name: tuple(felt) for name, felt in genres.items()}, emotions)


def nearest_moods(choices: MoodChoices, mood: Mood, n: int = 6) -> list[Mood]:
    """Return moods with songs in the catalogue that are nearest to a mood without songs."""
    suggestions: list[Mood] = []
    has_genre = mood.genre in choices.genres
    if mood.genre and has_genre and mood.emotion:
        suggestions += [Mood(mood.genre, emotion) for emotion in choices.genres[mood.genre]]
        suggestions += [
            Mood(genre, mood.emotion)
            for genre, emotions in choices.genres.items()
            if mood.emotion in emotions
        ]
    if mood.genre and not has_genre:
        names = nearest_names(mood.genre, list(choices.genres)) or list(choices.genres)[:n]
        suggestions += [Mood(name) for name in names]
    if mood.emotion and mood.emotion not in choices.emotions:
        emotions = moods.nearest_emotions(mood.emotion.lower(), choices.emotions, n)
        suggestions += [
            Mood(emotion=name) for name in emotions or nearest_names(mood.emotion, choices.emotions)
        ]
    return list(dict.fromkeys(suggestions))[:n]


def spell_tag(session: Session, kind: str, text: str) -> str | None:
    """Return the catalogue's spelling of the genre or emotion ``text``, None if unknown."""
    key = normalize_tag(text)
    carried = select(TrackTag.tag_id).where(TrackTag.tag_id == Tag.id).exists()
    names = session.scalars(select(Tag.name).where(Tag.kind == kind, carried).order_by(Tag.id))
    return next((name for name in names if key and normalize_tag(name) == key), None)


def sound_presets(space: Space) -> dict[str, dict[str, float]]:
    """Return moods by sound alone as slider values: for catalogues without emotions, too."""
    spreads = statistics_of(space).distributions
    if any(n not in spreads or not len(spreads[n].values) for n in ("energy", "positiveness")):
        return {}
    return {
        label: {
            name: round(float(np.clip(spreads[name].quantile(moods.LEVELS[level]), 0, 1)), 2)
            for name, level in (("positiveness", positiveness), ("energy", energy))
        }
        for label, (positiveness, energy) in PRESETS.items()
    }


def target_values(instance: Instance, mood: Mood) -> dict[str, float]:
    """Return the target values of the mood in the published run."""
    return target_values_in(published_space(instance), mood)


def target_values_in(space: Space, mood: Mood) -> dict[str, float]:
    """Return the target value of each of the seven attributes that ``space`` has."""
    values = moods.target_values(space, mood.table_genre, mood.emotion)
    return {name: (mood.sliders or {}).get(name, value) for name, value in values.items()}


def recommend_for_mood(
    instance: Instance,
    mood: Mood,
    *,
    n: int = 20,
    dislikes: Sequence[int] = (),
    listener: Listener | None = None,
) -> list[RankedTrack]:
    """Return the ``n`` tracks of the published run nearest to the mood, with reasons.

    For a genre and an emotion only tracks with these tags are returned, possibly none.
    """
    space = published_space(instance)
    withdrawn = left_out(instance, listener, requested=tagged_ids(instance.session, space, mood))
    return attach_tracks(
        instance.session,
        mood_matches(instance.session, space, mood, n, dislikes, withdrawn=withdrawn),
        moods.describe_match,
    )


def tagged_ids(session: Session, space: Space, mood: Mood) -> Ints:
    """Return the ids of the tracks of ``space`` with all of the mood's tags; none without tags."""
    rows = [tagged_rows(session, space, kind, name) for kind, name in mood.tags]
    if not rows:
        return np.empty(0, dtype=np.int64)
    return np.asarray(space.track_ids[rows[0] if len(rows) == 1 else np.intersect1d(*rows)])


def has_tagged_songs(instance: Instance, mood: Mood) -> bool:
    """Return whether songs have all of the mood's tags, may they be recommended or not."""
    return len(tagged_ids(instance.session, published_space(instance), mood)) > 0


def mood_matches(
    session: Session,
    space: Space,
    mood: Mood,
    n: int,
    dislikes: Sequence[int] = (),
    *,
    only: Sequence[int] | Ints | None = None,
    withdrawn: Sequence[int] = (),
    pick_ranks: Callable[[int], NDArray[np.int64]] | None = None,
) -> list[Match]:
    """Return the ``n`` tracks of ``space`` nearest to the mood; see ``moods.nearest_to_target``."""
    tagged = [
        moods.TaggedRows(kind, name, tagged_rows(session, space, kind, name))
        for kind, name in mood.tags
    ]
    for tag in tagged:
        ids = space.track_ids[tag.rows]
        only = ids if only is None else np.intersect1d(ids, np.asarray(only, dtype=np.int64))
    # A slider means its exact value; a level at an end of the scale means that end.
    ends = moods.extreme_attributes(mood.table_genre, mood.emotion)
    return moods.nearest_to_target(
        space,
        target_values_in(space, mood),
        n,
        ends={name: end for name, end in ends.items() if name not in (mood.sliders or {})},
        preferred=tagged,
        dislikes=dislikes,
        only=only,
        withdrawn=withdrawn,
        pick_ranks=pick_ranks,
    )


def tagged_rows(session: Session, space: Space, kind: str, name: str) -> NDArray[np.int64]:
    """Return the rows of tracks tagged with a genre or emotion, in any spelling.

    "Hip Hop" is also "hip-hop". Cached until the catalogue changes.
    """
    cache: dict[tuple[object, str, str], NDArray[np.int64]] = space.cached("tagged_rows", dict)
    key = (tracks.version(session), kind, name)
    if key not in cache:
        kinds = ("genre", "subgenre") if kind == "genre" else (kind,)
        tags = session.execute(select(Tag.id, Tag.name).where(Tag.kind.in_(kinds))).all()
        key_words = normalize_tag(name)
        chosen = [tag for tag, written in tags if normalize_tag(written) == key_words]
        ids = session.scalars(
            select(TrackTag.track_id).where(TrackTag.tag_id.in_(chosen)).distinct()
        )
        if len(cache) >= MAX_CACHED_TAGS:
            cache.clear()
        cache[key] = space.rows_of(np.fromiter(ids, dtype=np.int64))
    return cache[key]


def normalize_tag(name: str) -> str:
    """Remove case and punctuation: ``"Hip-Hop"`` becomes ``"hip hop"``."""
    return " ".join(re.findall(r"[^\W_]+", name.lower().replace("&", "n")))
