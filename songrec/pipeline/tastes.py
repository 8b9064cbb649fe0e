"""What a run keeps for judging tastes: who made each track, and what playlists teach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.types import Space
from songrec.recommend import taste_prior
from songrec.recommend.credits import Credits
from songrec.store import run_folders, taste_data
from songrec.store.spaces import load_space


def write(session: Session, folder: Path, *, seed: int) -> None:
    """Put ``artists.npy``, ``albums.npy`` and ``taste.json`` into a run's folder.

    The folder holds the run's other arrays already. Without playlists to learn from, the JSON says
    the weak prior (``recommend.taste_prior``).
    """
    space: Space = load_space(folder)
    artists, albums = [], []
    for by, on in taste_data.names(session, space.track_ids):
        artists.append(by)
        albums.append(on)
    credits = Credits.of(artists, albums)
    np.save(folder / "artists.npy", credits.artists)
    np.save(folder / "albums.npy", credits.albums)
    space = replace(space, artists=credits.artists, albums=credits.albums)
    prior = taste_prior.learn(space, taste_data.playlists(session, space.track_ids), seed=seed)
    run_folders.write_json(folder / "taste.json", prior.to_json())
