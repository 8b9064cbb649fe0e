"""The mixture of feature sets on disk, memory-mapped.

``<instance>/sounds/sound/<fingerprint>/`` (``sound_folders``) holds ``track_ids.npy``,
``song_keys.npy``, for each set ``<set>-vectors.npy``, ``<set>-square_norms.npy`` and
``<set>-moments.npy`` (means and standard deviations of distances), and ``manifest.json``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.core.array_files import map_view
from songrec.core.types import Ints, ProximityPart, SoundMixture
from songrec.store.sound import sound_folders

NAME = "sound"
"""Name of the mixture among the feature sets."""


def load(instance: Path) -> SoundMixture:
    """Memory-map the mixture in use, once per process; ``NotReady`` without one."""
    return sound_folders.load(instance, NAME, _read)


def refresh(
    instance: Path,
    sources: Sequence[str],
    track_ids: Ints,
    song_keys: NDArray[np.uint64],
    build: Callable[[], Sequence[ProximityPart]],
) -> bool:
    """Write the mixture and make it current, unless ``sources`` and tracks are unchanged.

    Parameters
    ----------
    sources
        Identifies all inputs of the parts: versions of the matrices, settings of the mixture.
    build
        Computes the parts; called only after a change.

    Returns
    -------
    Whether the current mixture changed.
    """
    if not len(track_ids):
        return sound_folders.retire(instance, NAME)
    digest = hashlib.sha256("\n".join(sources).encode())
    digest.update(track_ids.tobytes() + song_keys.tobytes())
    version = digest.hexdigest()[:16]
    if sound_folders.is_current(instance, NAME, version):
        return False
    with sound_folders.new_version(instance, NAME, version) as draft:
        parts = build()
        np.save(draft / "track_ids.npy", track_ids)
        np.save(draft / "song_keys.npy", song_keys)
        for part in parts:
            np.save(draft / f"{part.name}-vectors.npy", part.vectors)
            np.save(draft / f"{part.name}-square_norms.npy", part.square_norms)
            np.save(draft / f"{part.name}-moments.npy", np.stack([part.mean, part.std]))
        document = {
            "feature_set": NAME,
            "tracks": len(track_ids),
            "damaged": 0,
            "columns": [part.name for part in parts],
            "weights": [part.weight for part in parts],
        }
        sound_folders.write_manifest(draft, document)
    return True


def _read(base: Path) -> SoundMixture:
    document = sound_folders.read_manifest(base)
    track_ids = np.load(base / "track_ids.npy", allow_pickle=False)
    parts = []
    for name, weight in zip(document["columns"], document["weights"], strict=True):
        moments = np.load(base / f"{name}-moments.npy", allow_pickle=False)
        norms = np.load(base / f"{name}-square_norms.npy", allow_pickle=False)
        vectors = map_view(base / f"{name}-vectors.npy")
        if len(vectors) != len(track_ids) or moments.shape != (2, len(track_ids)):
            raise ValueError("the arrays do not fit each other")
        parts.append(ProximityPart(name, vectors, norms, moments[0], moments[1], float(weight)))
    song_keys = np.load(base / "song_keys.npy", allow_pickle=False)
    return SoundMixture(track_ids, song_keys, tuple(parts))
