"""Training of the tagger on the library, and its comparison with simple baselines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.files import atomic_folder
from songrec.core.types import Floats, Ints, Progress, no_progress, part_of
from songrec.services.features.sound_files import local_path
from songrec.services.segments import tagger_dataset as dataset
from songrec.services.segments.encoders import MusiCNNEncoder
from songrec.services.segments.tagger_dataset import (
    CachedSegments,
    SegmentSettings,
    SongSpectrogram,
)
from songrec.store.instance import Instance
from songrec.store.models import published_weights, taggers
from songrec.tagging import segmentation
from songrec.tagging.measures import majority, measures

MIN_SONGS = 2
READING_SHARE, TRAINING_SHARE, BASELINE_SHARE = 0.1, 0.9, 0.98
"""Shares of the progress at which each stage ends."""


@dataclass(frozen=True)
class TaggerRequest:
    """What to train a tagger on, and how; ``config`` holds fields of ``TaggerConfig`` to change."""

    source: str = "musicnn"
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    validation_probability: float = 0.2
    by: str = "segments"
    seed: int = 0
    baselines: bool = True
    config: dict[str, Any] = field(default_factory=dict)


def train(
    instance: Instance, request: TaggerRequest, on_progress: Progress = no_progress
) -> dict[str, Any]:
    """Train a tagger, save it as the newest and return its manifest.

    ``measures`` in the manifest holds the metrics on the held-out segments of the ``tagger``, of
    the ``majority`` and, if MusiCNN's weights are installed, of a logistic regression on its
    embedding of the same segments (``musicnn``). Raises ``NotReady`` with too few songs or tags.
    """
    from songrec.tagging.tagger import Tagger, TaggerConfig

    started = time.perf_counter()

    settings = request.settings
    songs, n_unreadable = dataset.cache_spectrograms(
        instance, settings, part_of(on_progress, 0.0, READING_SHARE), minimum=MIN_SONGS
    )
    tags = dataset.tags_for(instance, request.source, songs)
    instance.session.commit()  # nothing stays locked during the training
    songs = [
        song for song, is_tagged in zip(songs, tags.has_any.tolist(), strict=True) if is_tagged
    ]
    segments = settings.segments(songs)
    truth = tags.matrix[tags.has_any][segments.song]
    kinds = segmentation.assign(segments, request.validation_probability, request.seed, request.by)
    train_rows = np.flatnonzero(kinds == segmentation.TRAINING)
    validation_rows = np.flatnonzero(kinds == segmentation.VALIDATION)
    if not len(train_rows):
        raise NotReady("No segment is left to train on: analyse more songs.")
    spectrograms = CachedSegments(
        instance.folder, settings, [song.content_hash for song in songs], segments
    )
    model = Tagger(tags.names, TaggerConfig(**request.config))
    model.fit(
        spectrograms,
        truth.astype(np.float32),
        train_rows,
        validation_rows,
        seed=request.seed,
        on_progress=part_of(on_progress, READING_SHARE, TRAINING_SHARE),
    )
    manifest: dict[str, Any] = {
        "source": request.source,
        "cutting": settings.to_json(),
        "validation_probability": request.validation_probability,
        "by": request.by,
        "seed": request.seed,
        "songs": len(songs),
        "songs_unread": n_unreadable,
        "windows": {
            "training": len(train_rows),
            "validation": len(validation_rows),
            "left_out": len(segments) - len(train_rows) - len(validation_rows),
        },
    }
    if len(validation_rows):
        _, probabilities = model.predict(spectrograms, validation_rows)
        constant = majority(truth[train_rows], len(validation_rows))
        predictions = {"tagger": probabilities, "majority": constant}
        if request.baselines and published_weights.is_installed(instance.folder, "musicnn"):
            progress = part_of(on_progress, TRAINING_SHARE, BASELINE_SHARE)
            embeddings = _musicnn_embeddings(instance.folder, settings, songs, segments, progress)
            predictions["musicnn"] = logistic_regression(
                embeddings, truth, train_rows, validation_rows
            )
        manifest["measures"] = {
            name: measures(truth[validation_rows], values, tags.names)
            for name, values in predictions.items()
        }
    manifest["seconds"] = round(time.perf_counter() - started, 1)
    target = taggers.new_folder(instance.folder)
    with atomic_folder(target) as folder:
        model.save(folder, manifest)
    on_progress(1.0, f"Tagger {target.name}")
    return {
        "tagger": target.name,
        "tags": list(tags.names),
        "best_epoch": model.best_epoch_,
        "epochs": len(model.history_),
        **manifest,
    }


def logistic_regression(
    vectors: Floats, truth: NDArray[np.bool_], train_rows: Ints, validation_rows: Ints
) -> Floats:
    """Fit a logistic regression per tag and predict the validation rows, float32 ``(n, tags)``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(vectors[train_rows])
    train, validation = (
        scaler.transform(vectors[train_rows]),
        scaler.transform(vectors[validation_rows]),
    )
    probabilities = np.empty((len(validation_rows), truth.shape[1]), dtype=np.float32)
    for tag in range(truth.shape[1]):
        labels = truth[train_rows, tag]
        if labels.all() or not labels.any():
            probabilities[:, tag] = labels[0]  # the training segments hold one class only
            continue
        model = LogisticRegression(C=0.01, max_iter=500).fit(train, labels)
        probabilities[:, tag] = model.predict_proba(validation)[:, 1]
    return probabilities


def _musicnn_embeddings(
    instance: Path,
    settings: SegmentSettings,
    songs: list[SongSpectrogram],
    segments: segmentation.Segments,
    on_progress: Progress,
) -> Floats:
    """Return MusiCNN's embeddings of the same segments, float32 ``(m, 753)``."""
    encoder = MusiCNNEncoder(instance, settings)
    starts = settings.starts(songs, segments)
    vectors = []
    for at, song in enumerate(songs):
        on_progress(at / len(songs), f"MusiCNN for comparison: {at} of {len(songs)} songs")
        path = song.path if song.source is None else local_path(instance, song.source)
        encoded = encoder.encode(path, song.content_hash)
        # Its frames begin a few milliseconds elsewhere: the nearest of its segments is the same.
        song_starts = starts[segments.song == at]
        nearest = np.abs(encoded.starts[None, :] - song_starts[:, None]).argmin(axis=1)
        vectors.append(encoded.vectors[nearest])
    return np.concatenate(vectors)
