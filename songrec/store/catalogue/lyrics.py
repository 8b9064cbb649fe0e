"""Original lyrics, and the prepared texts for searches by words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from songrec.core.cjk_bigrams import spaced
from songrec.core.types import Ints
from songrec.store.bulk import chunks
from songrec.store.tables import Lyrics, Tag, Track, TrackTag, TrackWords

LANGUAGE = "language"
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """Texts of a track to prepare for search; ``known`` is the digest of the last preparation."""

    track_id: int
    title: str
    tags: str
    lyrics: str | None
    known: str | None

    @property
    def digest(self) -> str:
        """A digest of title, tags and lyrics."""
        content = "\0".join((self.title, self.tags, self.lyrics or ""))
        if spaced(content) != content:
            content += "\0pairs"  # prepares texts again that predate the indexing by pairs
        return hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class PreparedLyrics:
    """Prepared texts of a source: cleaned lyrics (``""`` without any) and their language."""

    source: Source
    words: str
    language: str | None


def texts_of(session: Session, track_ids: Ints) -> dict[int, str]:
    """Return the lyrics of those of ``track_ids`` that have any, unchanged."""
    texts: dict[int, str] = {}
    for part in chunks(track_ids.tolist()):
        query = select(Lyrics.track_id, Lyrics.text).where(Lyrics.track_id.in_(part))
        texts.update((track_id, text) for track_id, text in session.execute(query))
    return texts


def words_of(session: Session, track_ids: Ints) -> dict[int, str]:
    """Return the cleaned lyrics of the prepared tracks among ``track_ids`` that have any.

    In the indexed form: scripts without spaces as pairs of characters.
    """
    words: dict[int, str] = {}
    for part in chunks(track_ids.tolist()):
        query = select(TrackWords.track_id, TrackWords.words).where(
            TrackWords.track_id.in_(part), TrackWords.words != ""
        )
        words.update((track_id, text) for track_id, text in session.execute(query))
    return words


def track_count(session: Session) -> int:
    """Return the number of tracks to prepare."""
    return session.scalar(select(func.count()).select_from(Track)) or 0


def prepared(session: Session) -> tuple[int, int]:
    """Return the number of searchable tracks, and how many of them have lyrics."""
    everything = session.scalar(select(func.count()).select_from(TrackWords)) or 0
    return everything, session.scalar(
        select(func.count()).select_from(TrackWords).where(TrackWords.words != "")
    ) or 0


def any_prepared(session: Session) -> bool:
    """Return whether any track can be found by words."""
    return session.scalar(select(TrackWords.track_id).limit(1)) is not None


def has_words(session: Session, track_id: int) -> bool:
    """Return whether the track has prepared, non-empty lyrics."""
    return bool(sung(session, [track_id]))


def sung(session: Session, track_ids: list[int]) -> set[int]:
    """Return the tracks among ``track_ids`` with prepared, non-empty lyrics."""
    query = select(TrackWords.track_id).where(
        TrackWords.track_id.in_(track_ids), TrackWords.words != ""
    )
    return set(session.scalars(query))


def with_words(session: Session) -> Ints:
    """Return the ids of tracks with cleaned lyrics, ascending."""
    query = select(TrackWords.track_id).where(TrackWords.words != "").order_by(TrackWords.track_id)
    return np.fromiter(session.scalars(query), dtype=np.int64)


def languages(session: Session) -> dict[str, int]:
    """Return the number of lyrics per language, most first."""
    query = (
        select(TrackWords.language, func.count())
        .where(TrackWords.language.is_not(None))
        .group_by(TrackWords.language)
        .order_by(func.count().desc(), TrackWords.language)
    )
    return {name: count for name, count in session.execute(query)}  # noqa: C416 - rows are no pairs


def sources(session: Session) -> Iterator[list[Source]]:
    """Yield all tracks in batches by ascending id; the caller may commit between batches."""
    last = 0
    while True:
        rows = session.execute(
            select(Track.id, Track.title, Lyrics.text, TrackWords.digest)
            .outerjoin(Lyrics, Lyrics.track_id == Track.id)
            .outerjoin(TrackWords, TrackWords.track_id == Track.id)
            .where(Track.id > last)
            .order_by(Track.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        tags: dict[int, list[str]] = {}
        named = (
            select(TrackTag.track_id, Tag.name)
            .join(Tag, Tag.id == TrackTag.tag_id)
            .where(TrackTag.track_id.in_([row[0] for row in rows]), Tag.kind != LANGUAGE)
            .order_by(TrackTag.track_id, Tag.kind, Tag.name)
        )
        for track_id, name in session.execute(named):
            tags.setdefault(track_id, []).append(name)
        yield [
            Source(track_id, title, ", ".join(tags.get(track_id, ())), text, digest)
            for track_id, title, text, digest in rows
        ]


def write_prepared(session: Session, prepared: Iterable[PreparedLyrics]) -> None:
    """Write prepared texts, and their language as a tag. Flushes."""
    items = list(prepared)
    ids = [one.source.track_id for one in items]
    new = [one for one in items if one.source.known is None]
    if new:
        session.execute(insert(TrackWords), [_row(one) for one in new])
    changed = [_row(one) for one in items if one.source.known is not None]
    if changed:
        session.execute(update(TrackWords), changed)
    languages = sorted({one.language for one in items if one.language})
    numbers = {name: _tag(session, name) for name in languages}
    of_kind = select(Tag.id).where(Tag.kind == LANGUAGE)
    for part in chunks(ids):
        session.execute(
            delete(TrackTag).where(TrackTag.track_id.in_(part), TrackTag.tag_id.in_(of_kind))
        )
    rows = [
        {"track_id": one.source.track_id, "tag_id": numbers[one.language]}
        for one in items
        if one.language
    ]
    if rows:
        session.execute(insert(TrackTag), rows)
    session.flush()


def _row(one: PreparedLyrics) -> dict[str, object]:
    source = one.source
    return {
        "track_id": source.track_id,
        "digest": source.digest,
        "title": spaced(source.title),
        "tags": spaced(source.tags),
        "words": spaced(one.words),
        "language": one.language,
    }


def _tag(session: Session, name: str) -> int:
    tag = session.scalar(select(Tag).where(Tag.kind == LANGUAGE, Tag.name == name))
    if tag is None:
        tag = Tag(kind=LANGUAGE, name=name)
        session.add(tag)
        session.flush()
    return tag.id
