"""What a run keeps for judging tastes: who made each track, and what playlists teach."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.title_normalization import match_key
from songrec.core.types import Floats, Ints, Progress, Space, no_progress
from songrec.recommend.credits import Credits
from songrec.recommend.taste import prior as taste_prior
from songrec.services.training import two_tower
from songrec.store.catalogue import taste_data
from songrec.store.runs import run_folders
from songrec.store.runs.spaces import load_space

KEPT = 4
"""So many trainings on playlists are kept: runs of one catalogue differ in their models alone."""


def write(
    session: Session,
    instance: Path,
    folder: Path,
    *,
    seed: int,
    on_progress: Progress = no_progress,
) -> None:
    """Put ``artists.npy``, ``albums.npy`` and ``taste.json`` into a run's folder.

    The folder holds the run's other arrays already. In ``song_keys.npy`` songs of the same name in
    other words ("- 2011 Remaster", "feat. …") get one key: who likes one is not shown the other.
    Without playlists to learn from, the JSON says the weak prior (``recommend.taste_prior``); with
    enough of them there is ``tower.npy`` too, if it helps (``pipeline.two_tower``). What was learnt
    of the same space and playlists before is taken from ``<instance>/tastes``.
    """
    space: Space = load_space(folder)
    artists, albums = [], []
    keys = space.song_keys.copy()
    for at, (by, on, title) in enumerate(taste_data.names(session, space.track_ids)):
        artists.append(by)
        albums.append(on)
        key = match_key(by, title)
        if key is not None:
            keys[at] = key % 2**64
    credits = Credits.of(artists, albums)
    np.save(folder / "artists.npy", credits.artists)
    np.save(folder / "albums.npy", credits.albums)
    # Another file, for the one that the space maps must not change under it.
    (folder / "song_keys.npy").unlink()
    np.save(folder / "song_keys.npy", keys)
    space = replace(space, song_keys=keys, artists=credits.artists, albums=credits.albums)
    vectors, told = _learned(
        instance / "tastes",
        space,
        taste_data.playlists(session, space.track_ids),
        seed,
        # Rounds and losses are not those of the run's model.
        lambda fraction, message, details=None: on_progress(fraction, message),
    )
    if vectors is not None:
        np.save(folder / "tower.npy", vectors)
    run_folders.write_json(folder / "taste.json", told)


def _learned(
    kept: Path, space: Space, playlists: Sequence[Ints], seed: int, on_progress: Progress
) -> tuple[Floats | None, dict[str, Any]]:
    place = kept / _digest(space, playlists, seed)
    if (place / "taste.json").is_file():
        vectors = place / "tower.npy"
        found = np.load(vectors, allow_pickle=False) if vectors.is_file() else None
        return found, json.loads((place / "taste.json").read_text(encoding="utf-8"))
    prior = taste_prior.learn(space, playlists, seed=seed)
    tower, told = two_tower.learn(space, playlists, seed=seed, on_progress=on_progress)
    learned = {**prior.to_json(), "tower": told}
    draft = kept / f".{secrets.token_hex(6)}.partial"
    draft.mkdir(parents=True)
    if tower is not None:
        np.save(draft / "tower.npy", tower)
    run_folders.write_json(draft / "taste.json", learned)
    if place.exists():
        shutil.rmtree(draft)  # another training was quicker
    else:
        draft.rename(place)
    older = sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]
    for path in older:
        shutil.rmtree(path, ignore_errors=True)
    return tower, learned


def _digest(space: Space, playlists: Sequence[Ints], seed: int) -> str:
    """Equal for what leads to the same learning."""
    digest = hashlib.sha256(json.dumps([seed, list(space.columns)]).encode())
    for array in (space.track_ids, space.matrix, space.values, space.artists, space.albums):
        digest.update(np.ascontiguousarray(array))
    for rows in playlists:
        digest.update(len(rows).to_bytes(8, "big"))
        digest.update(np.ascontiguousarray(rows))
    return digest.hexdigest()[:32]
