"""Agreement of a run's clusters with the catalogue's labels (genre, language, …), as metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.languages import is_language
from songrec.core.types import Ints
from songrec.evaluation.agreement import against_labels
from songrec.services.training.run_metrics import LABEL_KINDS, LABEL_SCORES
from songrec.store.catalogue import training_data
from songrec.store.catalogue.training_data import TrackTags

MIN_TRACKS = 20
"""Below this number of labelled tracks, agreement is mostly chance."""


def labels_by_kind(session: Session, track_ids: Ints) -> dict[str, NDArray[np.int64]]:
    """Return one label number per track and kind of label, int64 ``(n,)``, -1 without a label.

    ``track_ids`` are ascending. Of several labels of a track the one that most tracks have counts
    (``TrackTags.most_common``). Kinds without any label are left out. For a track without a
    language, a free tag that names one counts.
    """
    labels = {}
    for kind in LABEL_KINDS:
        tags = training_data.read_tags(session, kind, track_ids)
        if kind == "language":
            tags = _with_named_languages(tags, training_data.read_tags(session, "tag", track_ids))
        if len(tags.rows):
            labels[kind] = tags.most_common(len(track_ids))
    return labels


def _with_named_languages(languages: TrackTags, free: TrackTags) -> TrackTags:
    """Return the languages; of tracks without one, the language named in a free tag."""
    names = [*languages.names, *(name for name in free.names if name not in languages.names)]
    number_of_tag = np.array(
        [names.index(name) if is_language(name) else -1 for name in free.names] or [-1]
    )
    numbers = number_of_tag[free.tags] if len(free.tags) else free.tags
    added = (numbers >= 0) & ~np.isin(free.rows, languages.rows)
    return TrackTags(
        np.concatenate([languages.rows, free.rows[added]]),
        np.concatenate([languages.tags, numbers[added]]),
        tuple(names),
    )


def agreement_metrics(
    clusters: NDArray[np.int32], labels: dict[str, NDArray[np.int64]], *, seed: int
) -> dict[str, Any]:
    """Return ``ari_genre``, ``ari_genre_random`` etc., and ``genre_tracks`` (tracks with both)."""
    metrics: dict[str, Any] = {}
    for kind, numbers in labels.items():
        agreement = against_labels(clusters, numbers, seed=seed)
        if agreement is None or agreement.tracks < MIN_TRACKS:
            continue
        metrics[f"{kind}_tracks"] = agreement.tracks
        for name, _, _ in LABEL_SCORES:
            metrics[f"{name}_{kind}"] = agreement.values[name]
            metrics[f"{name}_{kind}_random"] = agreement.random[name]
    return metrics
