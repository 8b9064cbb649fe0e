"""Tags of each track predicted by MusiCNN, in one file for searching by words.

``<instance>/words/heard_tags.npz``: ``track_ids`` int64 ``(n,)`` ascending, ``names`` ``(t,)``,
``probabilities`` float16 ``(n, t)``, NaN where a track was not tagged by the network, ``digest``.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.core.files import atomic_file
from songrec.core.types import FeatureTable, Ints
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

FILE = Path("words") / "heard_tags.npz"


@dataclass(frozen=True, eq=False)
class PredictedTags:
    """Mean probabilities of tags; see the module."""

    track_ids: Ints
    names: tuple[str, ...]
    probabilities: NDArray[np.float16]
    digest: str


_cached: dict[Path, tuple[tuple[int, int], PredictedTags]] = {}


def load(instance: Path) -> PredictedTags | None:
    """Return the current tags, read once per process and version; None without any."""
    path = Path(instance) / FILE
    try:
        status = path.stat()
        version = (status.st_mtime_ns, status.st_size)
        cached = _cached.get(path)
        if cached is None or cached[0] != version:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                tags = PredictedTags(
                    arrays["track_ids"],
                    tuple(arrays["names"].tolist()),
                    arrays["probabilities"],
                    str(arrays["digest"]),
                )
            cached = _cached[path] = version, tags
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return cached[1]


def of_track(instance: Path, track_id: int, n: int, minimum: float) -> list[str]:
    """Return at most ``n`` tags of a track, from the probability ``minimum``, likeliest first."""
    return of_tracks(instance, [track_id], n, minimum).get(track_id, [])


def of_tracks(
    instance: Path, track_ids: Sequence[int], n: int, minimum: float
) -> dict[int, list[str]]:
    """Return at most ``n`` tags of each track with any, see ``of_track``."""
    tags = load(instance)
    if tags is None or not len(tags.track_ids):
        return {}
    rows = np.searchsorted(tags.track_ids, track_ids).clip(max=len(tags.track_ids) - 1)
    by_track: dict[int, list[str]] = {}
    for track_id, row in zip(track_ids, rows.tolist(), strict=True):
        if tags.track_ids[row] == track_id:
            probabilities = np.nan_to_num(tags.probabilities[row].astype(np.float32))
            order = np.argsort(-probabilities, kind="stable")
            likely = [tags.names[column] for column in order if probabilities[column] >= minimum]
            by_track[track_id] = list(dict.fromkeys(likely))[:n]
    return by_track


def refresh(instance: Instance, keys: Sequence[SetKey]) -> bool:
    """Write the tags of all tracks with any of the sets ``keys``; return whether any changed.

    Tags of the same name in several sets are separate columns.
    """
    path = Path(instance.folder) / FILE
    hashes = [feature_cache.hashes_of_tracks(instance.session, [key]) for key in keys]
    if not any(hashes):
        path.unlink(missing_ok=True)
        return False
    named = [(key.name, key.version, key.digest) for key in keys]
    digest = hashlib.sha256(repr([named, [sorted(h.items()) for h in hashes]]).encode()).hexdigest()
    present = load(instance.folder)
    if present is not None and present.digest == digest:
        return False
    tables = [feature_cache.read_table(instance, [key], minimum=0) for key in keys]
    ids = np.unique(np.concatenate([table.track_ids for table in tables]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, suffix=path.suffix) as draft:
        np.savez(
            draft,
            track_ids=ids,
            names=np.array([name.partition(":")[2] for table in tables for name in table.names]),
            probabilities=np.concatenate([_align(table, ids) for table in tables], axis=1),
            digest=np.array(digest),
        )
    return True


def _align(table: FeatureTable, ids: Ints) -> NDArray[np.float16]:
    values = np.full((len(ids), len(table.names)), np.nan, dtype=np.float16)
    values[np.searchsorted(ids, table.track_ids)] = table.values
    return values
