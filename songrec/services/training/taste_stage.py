"""The taste stage of a training: who made each track, and what playlists teach about tastes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.files import atomic_folder, write_json
from songrec.core.title_normalization import match_key
from songrec.core.types import Floats, Ints, Progress, Space, no_progress
from songrec.recommend.credits import Credits
from songrec.recommend.taste import prior as taste_prior
from songrec.services.training import two_tower
from songrec.services.training.artifacts import Trained
from songrec.store.catalogue import taste_data
from songrec.store.runs.spaces import track_factors_file

KEPT = 4
"""Number of taste trainings cached: runs of one catalogue often differ in their models alone."""


@dataclass(frozen=True)
class Tastes:
    """What a run stores for scoring tastes, over the same n tracks as its other arrays.

    ``song_keys``, ``artists`` and ``albums`` are uint64 ``(n,)`` as in ``Space``; ``model`` is the
    taste prior as JSON; ``track_factors`` float32 ``(n, t)``, None where two towers do not help.
    """

    song_keys: NDArray[np.uint64]
    artists: NDArray[np.uint64]
    albums: NDArray[np.uint64]
    model: dict[str, Any]
    track_factors: Floats | None

    def write(self, folder: Path) -> None:
        """Write the taste files into a run's folder."""
        np.save(folder / "song_keys.npy", self.song_keys)
        np.save(folder / "artists.npy", self.artists)
        np.save(folder / "albums.npy", self.albums)
        if self.track_factors is not None:
            np.save(folder / "track_factors.npy", self.track_factors)
        write_json(folder / "taste.json", self.model, indent=2)


def learn(
    session: Session,
    instance: Path,
    trained: Trained,
    *,
    seed: int,
    on_progress: Progress = no_progress,
) -> Tastes:
    """Compute song, artist and album keys, and train the taste prior and the two towers.

    Songs of the same name in other words ("- 2011 Remaster", "feat. …") share a song key: who likes
    one is not shown the other. Without playlists to learn from, the model is the default prior
    (``recommend.taste.prior``); with enough of them there are track factors too, if they help
    (``two_tower``). Results for the same space and playlists come from ``<instance>/tastes``.
    """
    space = trained.recommendation_space()
    artists, albums = [], []
    keys = space.song_keys.copy()
    for at, (by, on, title) in enumerate(taste_data.names(session, space.track_ids)):
        artists.append(by)
        albums.append(on)
        key = match_key(by, title)
        if key is not None:
            keys[at] = key % 2**64
    credits = Credits.of(artists, albums)
    space = replace(space, song_keys=keys, artists=credits.artists, albums=credits.albums)
    track_factors, model = _learned(
        instance / "tastes",
        space,
        taste_data.playlists(session, space.track_ids),
        seed,
        # Rounds and losses are not those of the run's model.
        lambda fraction, message, details=None: on_progress(fraction, message),
    )
    return Tastes(keys, credits.artists, credits.albums, model, track_factors)


def _learned(
    kept: Path, space: Space, playlists: Sequence[Ints], seed: int, on_progress: Progress
) -> tuple[Floats | None, dict[str, Any]]:
    place = kept / _digest(space, playlists, seed)
    if (place / "taste.json").is_file():
        vectors = track_factors_file(place)
        factors = np.load(vectors, allow_pickle=False) if vectors.is_file() else None
        return factors, json.loads((place / "taste.json").read_text(encoding="utf-8"))
    prior = taste_prior.fit_prior(space, playlists, seed=seed)
    track_factors, training = two_tower.learn(space, playlists, seed=seed, on_progress=on_progress)
    learned = {**prior.to_json(), "two_tower": training}
    with atomic_folder(place, replace=True) as folder:
        if track_factors is not None:
            np.save(folder / "track_factors.npy", track_factors)
        write_json(folder / "taste.json", learned, indent=2)
    older = sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]
    for path in older:
        shutil.rmtree(path, ignore_errors=True)
    return track_factors, learned


def _digest(space: Space, playlists: Sequence[Ints], seed: int) -> str:
    """Equal for what leads to the same learning."""
    digest = hashlib.sha256(json.dumps([seed, list(space.columns)]).encode())
    for array in (space.track_ids, space.matrix, space.values, space.artists, space.albums):
        digest.update(np.ascontiguousarray(array))
    for rows in playlists:
        digest.update(len(rows).to_bytes(8, "big"))
        digest.update(np.ascontiguousarray(rows))
    return digest.hexdigest()[:32]
