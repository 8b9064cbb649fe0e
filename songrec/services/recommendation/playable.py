"""Playable tracks, cached until the library changes."""

from __future__ import annotations

import time
from collections.abc import Hashable

import numpy as np

from songrec.core.types import Ints
from songrec.core.versioned_cache import VersionedCache
from songrec.services.similarity.artist_pages import space_or_none
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.sound import audio_files

SECONDS = 60
"""Lifetime of the cache in seconds: deleted files do not change the library's version."""
_cache = VersionedCache(8)


def playable_ids(instance: Instance) -> Ints:
    """Return the ids of all tracks that can be played, ascending."""
    return _cache.get(
        instance.folder,
        _version(instance),
        lambda: np.array(sorted(audio_files.audible(instance.session)), np.int64),
    )


def playable_choice(instance: Instance) -> Ints | None:
    """Return the playable ids; None if all tracks of the published run can be played."""
    space = space_or_none(instance)
    if space is None:
        return None
    playable = playable_ids(instance)
    is_whole = _cache.get(
        (instance.folder, "choice"),
        (_version(instance), space.run_id),
        lambda: bool(np.isin(space.track_ids, playable, assume_unique=True).all()),
    )
    return None if is_whole else playable


def _version(instance: Instance) -> tuple[Hashable, ...]:
    session = instance.session
    newest = audio_files.newest(session)
    return newest, tracks.version(session), int(time.monotonic() / SECONDS)
