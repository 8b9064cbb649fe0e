"""Search by words in lyrics, tags and titles, and preparing lyrics for it.

Searching imports no models; preparing does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.features.lyrics.cleaning import clean
from songrec.store.catalogue import lyrics, lyrics_search, lyrics_vectors
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.runs import runs

VECTOR_SIZE = 64
MAX_FITTED = 20_000
"""Lyrics that the text vectors are fitted to at most."""
PREPARED_SHARE = 0.7
"""Share of the progress that cleaning and indexing take."""


@dataclass(frozen=True)
class PreparationReport:
    """Result of ``prepare_lyrics``: tracks read, changed and with lyrics; lyrics by language."""

    tracks: int
    changed: int
    with_lyrics: int
    languages: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask words --json``."""
        return asdict(self)


@dataclass(frozen=True)
class WordMatch:
    """A song found by words or by another song's lyrics: its score and the words that matched.

    ``sound_words`` are the instruments, genres and moods of the search that its sound has.
    """

    track: TrackView
    score: float
    words: tuple[str, ...]
    sound_words: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask search --json``, with only the matching words of the lyrics.

        ``heard`` is the older name of ``sound_words``.
        """
        return {
            "track_id": self.track.public_id,
            "track": self.track.public_id,
            "external_id": self.track.external_id,
            "title": self.track.title,
            "artists": self.track.artists,
            "score": round(self.score, 4),
            "words": list(self.words),
            "sound_words": list(self.sound_words),
            "heard": list(self.sound_words),
        }


def prepare_lyrics(instance: Instance, on_progress: Progress = no_progress) -> PreparationReport:
    """Clean, index and embed all lyrics that are new or changed, and detect their language.

    Heavy if there is anything to do. Unlike other functions this one **commits**, after every
    batch, so that no other writer waits for it; a stopped one continues at its next call.
    """
    from songrec.features.lyrics.language import language_of

    total = max(lyrics.track_count(instance.session), 1)
    n_read = n_changed = 0
    for batch in lyrics.sources(instance.session):
        prepared = []
        for source in batch:
            if source.digest == source.known:
                continue
            if not (source.tags or source.lyrics or source.known):
                continue  # search finds its title without preparation
            words = clean(source.lyrics) or ""
            prepared.append(lyrics.PreparedLyrics(source, words, language_of(words)))
        lyrics.write_prepared(instance.session, prepared)
        instance.session.commit()
        n_read += len(batch)
        n_changed += len(prepared)
        on_progress(
            PREPARED_SHARE * min(n_read / total, 1.0),
            f"{n_read:,} of {total:,} songs read",
            {"songs": n_read, "changed": n_changed},
        )
    with_lyrics = lyrics.prepared(instance.session)[1]
    if n_changed or (with_lyrics and not lyrics_vectors.path_of(instance.folder).is_file()):
        _embed(instance, with_lyrics, on_progress)
    on_progress(1.0, f"{n_read:,} songs read, {n_changed:,} of them new or changed")
    return PreparationReport(n_read, n_changed, with_lyrics, lyrics.languages(instance.session))


def search_words(session: Session, words: str, n: int = 20) -> list[WordMatch]:
    """Return songs whose lyrics, tags or titles match ``words``, best first."""
    hits = lyrics_search.search(session, words, n)
    views = _views(session, [hit.track_id for hit in hits])
    return [
        WordMatch(views[hit.track_id], hit.score, hit.words)
        for hit in hits
        if hit.track_id in views
    ]


def similar_lyrics(instance: Instance, track_id: int, n: int = 20) -> list[WordMatch]:
    """Return songs with the most similar lyrics; ``NotReady`` if the track has none."""
    nearest = [
        (track, cosine)
        for track, cosine in lyrics_vectors.nearest(instance.folder, track_id, n)
        if cosine > 0
    ]
    views = _views(instance.session, [track for track, _ in nearest])
    return [WordMatch(views[track], cosine, ()) for track, cosine in nearest if track in views]


def _views(session: Session, ids: list[int]) -> dict[int, TrackView]:
    run = runs.published(session)
    return {view.id: view for view in catalogue.tracks_by_id(session, ids, run)} if ids else {}


def _embed(instance: Instance, rows: int, on_progress: Progress) -> None:
    if not rows:
        lyrics_vectors.forget(instance.folder)
        return
    from songrec.representation.text_vectors import TextVectors

    ids = lyrics.with_words(instance.session)
    step = max(1, -(-len(ids) // MAX_FITTED))
    sample = lyrics.words_of(instance.session, ids[::step])
    on_progress(PREPARED_SHARE, "Fitting text vectors")
    model = TextVectors(VECTOR_SIZE).fit(list(sample.values()), seed=0)

    def parts() -> Iterator[tuple[Ints, Floats]]:
        for first in range(0, len(ids), lyrics.BATCH):
            part = ids[first : first + lyrics.BATCH]
            words = lyrics.words_of(instance.session, part)
            yield part, model.transform([words.get(track) for track in part.tolist()])
            on_progress(
                PREPARED_SHARE + (1 - PREPARED_SHARE) * (first + len(part)) / len(ids),
                f"{first + len(part):,} of {len(ids):,} lyrics embedded",
            )

    lyrics_vectors.write(instance.folder, parts(), len(ids), VECTOR_SIZE)
