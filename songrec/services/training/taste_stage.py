"""The taste stage of a training: artist and album keys, and what playlists teach about tastes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core import config
from songrec.core.files import atomic_folder, write_json
from songrec.core.title_normalization import match_key
from songrec.core.types import Ints, Progress, Space, no_progress, part_of
from songrec.services.training import method_evaluation
from songrec.services.training.artifacts import TasteArtifacts, TrainingResult
from songrec.services.training.artist_evidence import fit_vectors_of_catalogue
from songrec.services.training.playlist_models import Choices, fit_playlist_models
from songrec.store.catalogue import taste_data
from songrec.store.instance import Instance
from songrec.store.runs import spaces
from songrec.store.runs.spaces import track_factors_file

VERSION = 8
"""Version of what is cached; models of another one are trained again."""
CACHED_MODELS = 8
"""Number of taste models cached: runs of one catalogue often differ in their models alone.
A training has two, of which one is measured."""


def train_tastes(
    instance: Instance,
    result: TrainingResult,
    *,
    seed: int,
    on_progress: Progress = no_progress,
) -> TasteArtifacts:
    """Compute song, artist and album keys, and train the taste prior and the two towers.

    Songs of the same name in other words ("- 2011 Remaster", "feat. …") share a song key: who likes
    one is not shown the other. Without playlists to learn from, the model is the default prior
    (``recommend.taste.prior``); with enough of them there are track factors too (``two_tower``) and
    an additive ranker (``additive_ranker``), each if it helps. They are trained twice: first
    without some playlists, some of which decide what helps and on the others of which all methods
    are measured (``method_evaluation``), then as was decided, on all playlists. Playlists are those
    of catalogues and of accounts that share theirs. Models of the same space and playlists come
    from ``<instance>/tastes``.
    """
    space = result.recommendation_space()
    keys = space.song_keys.copy()
    artists = np.zeros(len(keys), dtype=np.uint64)
    albums = np.zeros(len(keys), dtype=np.uint64)
    for row, track in enumerate(taste_data.credited_tracks(instance.session, space.track_ids)):
        artists[row], albums[row] = track.artist_id, track.album_id
        key = match_key(track.names, track.title)
        if key is not None:
            keys[row] = key % 2**64
    space = replace(space, song_keys=keys, artists=artists, albums=albums)
    shared = config.learns_from_accounts()
    playlists = taste_data.playlists(instance.session, space.track_ids, shared=shared)
    vectors = fit_vectors_of_catalogue(instance.session, artists, shared=shared, seed=seed)
    if vectors is not None:
        space = vectors.onto(space)

    def quietly(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        # Details are dropped: their epochs and losses are not those of the run's model.
        on_progress(fraction, message)

    cache = instance.folder / "tastes"
    choices: Choices | None = None

    def fit_to_measure(
        space: Space, playlists: Sequence[Ints], validation: Sequence[Ints]
    ) -> Space:
        nonlocal choices
        progress = part_of(quietly, 0.0, 0.5)
        fitted = _cached_models(cache, space, playlists, None, validation, seed, progress)
        choices = Choices.of(fitted)
        return fitted

    measured = method_evaluation.measure_methods(
        space, playlists, fit_to_measure, seed=seed, on_progress=part_of(quietly, 0.5, 0.6)
    )
    trained = _cached_models(cache, space, playlists, choices, (), seed, part_of(quietly, 0.6, 1.0))
    return TasteArtifacts(
        keys,
        artists,
        albums,
        {**(trained.taste_prior or {}), "measured": measured},
        trained.track_factors,
        vectors,
        trained.ranker,
        trained.playlists,
    )


def _cached_models(
    cache: Path,
    space: Space,
    playlists: Sequence[Ints],
    choices: Choices | None,
    validation: Sequence[Ints],
    seed: int,
    on_progress: Progress,
) -> Space:
    """Return ``space`` with the models of these playlists, trained or read from ``cache``."""
    cached = cache / _digest(space, playlists, choices, validation, seed)
    if (cached / "taste.json").is_file():
        path = track_factors_file(cached)
        track_factors = np.load(path, allow_pickle=False) if path.is_file() else None
        model = json.loads((cached / "taste.json").read_text(encoding="utf-8"))
        stored = spaces.read_ranker(cached)
        return replace(space, taste_prior=model, track_factors=track_factors, **stored)
    trained = fit_playlist_models(
        space, playlists, choices, validation, seed=seed, on_progress=on_progress
    )
    with atomic_folder(cached, replace=True) as folder:
        if trained.track_factors is not None:
            np.save(folder / "track_factors.npy", trained.track_factors)
        if trained.ranker is not None:
            spaces.write_ranker(folder, trained.ranker, trained.playlists)
        write_json(folder / "taste.json", trained.taste_prior, indent=2)
    newest_first = sorted(cache.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[CACHED_MODELS:]:
        shutil.rmtree(path, ignore_errors=True)
    return trained


def _digest(
    space: Space,
    playlists: Sequence[Ints],
    choices: Choices | None,
    validation: Sequence[Ints],
    seed: int,
) -> str:
    """Return a digest that is equal for equal training data and settings."""
    settings = [VERSION, seed, list(space.columns), choices and asdict(choices), len(playlists)]
    digest = hashlib.sha256(json.dumps(settings).encode())
    for array in (space.track_ids, space.matrix, space.values, space.artists, space.albums):
        digest.update(np.ascontiguousarray(array))
    if space.artist_ids is not None and space.artist_vectors is not None:
        digest.update(np.ascontiguousarray(space.artist_ids))
        digest.update(np.ascontiguousarray(space.artist_vectors))
    for rows in (*playlists, *validation):
        digest.update(len(rows).to_bytes(8, "big"))
        digest.update(np.ascontiguousarray(rows))
    return digest.hexdigest()[:32]
