"""Words and songs: what is prepared once, and what is asked of it. No page imports models here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.features.lyrics.cleaning import clean
from songrec.store.catalogue import lyrics, lyrics_search, lyrics_vectors
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.tracks import TrackView
from songrec.store.runs import runs

VECTOR_SIZE = 64
MOST_LEARNT_FROM = 20_000
"""Of so many lyrics at most the directions of all are learnt."""
PREPARED_SHARE = 0.7


@dataclass(frozen=True)
class PreparationReport:
    """What ``prepare_lyrics`` did: tracks looked at, changed, with lyrics; lyrics by language."""

    tracks: int
    changed: int
    with_lyrics: int
    languages: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """As ``flask words --json`` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class WordMatch:
    """A song that words (or another song's lyrics) found, with its score and the words."""

    track: TrackView
    score: float
    words: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``flask search --json`` prints it: never more of the lyrics than the words."""
        return {
            "track": self.track.public_id,
            "title": self.track.title,
            "artists": self.track.artists,
            "score": round(self.score, 4),
            "words": list(self.words),
        }


def prepare_lyrics(
    session: Session, instance: Path, on_progress: Progress = no_progress
) -> PreparationReport:
    """Clean all lyrics that are new or changed, tell their language, index them, embed them.

    Heavy where there is anything to do. Unlike other functions this one **commits**, after
    every batch, so that nobody waits for it; run again it goes on where it was stopped.
    """
    from songrec.features.lyrics.language import language_of

    total = max(lyrics.track_count(session), 1)
    looked_at = changed = 0
    for batch in lyrics.sources(session):
        made = []
        for source in batch:
            if source.digest == source.known:
                continue
            if not (source.tags or source.lyrics or source.known):
                continue  # its title is found by the search for songs
            words = clean(source.lyrics) or ""
            made.append(lyrics.Found(source, words, language_of(words)))
        lyrics.keep(session, made)
        session.commit()
        looked_at += len(batch)
        changed += len(made)
        on_progress(
            PREPARED_SHARE * min(looked_at / total, 1.0),
            f"{looked_at:,} of {total:,} songs looked at",
            {"songs": looked_at, "changed": changed},
        )
    with_lyrics = lyrics.prepared(session)[1]
    if changed or (with_lyrics and not lyrics_vectors.path_of(instance).is_file()):
        _embed(session, instance, with_lyrics, on_progress)
    on_progress(1.0, f"{looked_at:,} songs looked at, {changed:,} of them new or changed")
    return PreparationReport(looked_at, changed, with_lyrics, lyrics.languages(session))


def search_words(session: Session, words: str, n: int = 20) -> list[WordMatch]:
    """Songs whose lyrics, tags or titles answer ``words``, best first."""
    hits = lyrics_search.search(session, words, n)
    views = _views(session, [hit.track_id for hit in hits])
    return [
        WordMatch(views[hit.track_id], hit.score, hit.words)
        for hit in hits
        if hit.track_id in views
    ]


def similar_lyrics(session: Session, instance: Path, track_id: int, n: int = 20) -> list[WordMatch]:
    """Songs whose lyrics are most like this one's; ``NotReady`` where it has none."""
    found = [one for one in lyrics_vectors.nearest(instance, track_id, n) if one[1] > 0]
    views = _views(session, [track for track, _ in found])
    return [WordMatch(views[track], alike, ()) for track, alike in found if track in views]


def _views(session: Session, ids: list[int]) -> dict[int, TrackView]:
    run = runs.published(session)
    return {view.id: view for view in catalogue.tracks_by_id(session, ids, run)} if ids else {}


def _embed(session: Session, instance: Path, rows: int, on_progress: Progress) -> None:
    if not rows:
        lyrics_vectors.forget(instance)
        return
    from songrec.representation.text_vectors import TextVectors

    ids = lyrics.with_words(session)
    step = max(1, -(-len(ids) // MOST_LEARNT_FROM))
    learnt_from = lyrics.words_of(session, ids[::step])
    on_progress(PREPARED_SHARE, "learning how lyrics differ")
    model = TextVectors(VECTOR_SIZE).fit(list(learnt_from.values()), seed=0)

    def parts() -> Iterator[tuple[Ints, Floats]]:
        for first in range(0, len(ids), lyrics.BATCH):
            part = ids[first : first + lyrics.BATCH]
            words = lyrics.words_of(session, part)
            yield part, model.transform([words.get(track) for track in part.tolist()])
            on_progress(
                PREPARED_SHARE + (1 - PREPARED_SHARE) * (first + len(part)) / len(ids),
                f"{first + len(part):,} of {len(ids):,} lyrics compared",
            )

    lyrics_vectors.write(instance, parts(), len(ids), VECTOR_SIZE)
