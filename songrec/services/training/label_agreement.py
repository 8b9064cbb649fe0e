"""How well a run's clusters meet what the catalogue says of its tracks, as flat measures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.audio_files.path_labels import is_language
from songrec.core.types import Ints
from songrec.evaluation.agreement import against_labels
from songrec.services.training.run_metrics import AGAINST_LABELS, LABEL_KINDS
from songrec.store.catalogue import training_data
from songrec.store.catalogue.training_data import TrackTags

# Of fewer labelled tracks chance alone says nearly anything.
FEWEST_TRACKS = 20


def labels_of(session: Session, track_ids: Ints) -> dict[str, NDArray[np.int64]]:
    """Per kind one label's number for each of ``track_ids`` (ascending), -1 where none is known.

    Of a track's several labels the one that most tracks have, so that few labels hold many tracks.
    Kinds that no track has a label of are left out. Where a track has no language, a free tag that
    names one counts.
    """
    found = {}
    for kind in LABEL_KINDS:
        tags = training_data.read_tags(session, kind, track_ids)
        if kind == "language":
            tags = _with_named_languages(tags, training_data.read_tags(session, "tag", track_ids))
        rows, numbers = tags.rows, tags.tags
        if not len(rows):
            continue
        counts = np.bincount(numbers, minlength=len(tags.names))
        # Rarest first, so that the commonest is written last; equal ones in order of their number.
        order = np.lexsort((-numbers, counts[numbers]))
        labels = np.full(len(track_ids), -1, dtype=np.int64)
        labels[rows[order]] = numbers[order]
        found[kind] = labels
    return found


def _with_named_languages(languages: TrackTags, free: TrackTags) -> TrackTags:
    """The languages, and for tracks that have none those of their free tags that name one."""
    names = [*languages.names, *(name for name in free.names if name not in languages.names)]
    number = np.array(
        [names.index(name) if is_language(name) else -1 for name in free.names] or [-1]
    )
    meant = number[free.tags] if len(free.tags) else free.tags
    told = (meant >= 0) & ~np.isin(free.rows, languages.rows)
    return TrackTags(
        np.concatenate([languages.rows, free.rows[told]]),
        np.concatenate([languages.tags, meant[told]]),
        tuple(names),
    )


def agreement(
    clusters: NDArray[np.int32], labels: dict[str, NDArray[np.int64]], *, seed: int
) -> dict[str, Any]:
    """``ari_genre``, ``ari_genre_random`` and so on, ``genre_tracks``: how many have both."""
    metrics: dict[str, Any] = {}
    for kind, known in labels.items():
        found = against_labels(clusters, known, seed=seed)
        if found is None or found.tracks < FEWEST_TRACKS:
            continue
        metrics[f"{kind}_tracks"] = found.tracks
        for name, _, _ in AGAINST_LABELS:
            metrics[f"{name}_{kind}"] = found.values[name]
            metrics[f"{name}_{kind}_random"] = found.random[name]
    return metrics
