"""Mel spectrograms of the library, read from disk in batches.

Models need spectrograms of equal length: each is cut or padded around its middle
(``core.padding.centred``) to the library's median length, at most ``MOST_FRAMES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.padding import centred
from songrec.core.types import Floats, Ints
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

MOST_FRAMES = 1292
"""30 s at 22,050 Hz with a frame every 512 samples."""


class CachedSpectrograms:
    """Spectrograms of the feature cache, one ``.npy`` per content, opened on reading.

    ``shape`` is ``(n, bands, frames)``. ``read`` maps one file at a time and copies its middle, so
    that only one batch is in memory and one file open.
    """

    def __init__(
        self, instance: Path, key: SetKey, hashes: Sequence[str], frames: int = MOST_FRAMES
    ) -> None:
        self._instance = instance
        self._key = key
        self._hashes = tuple(hashes)
        self._bands = len(feature_cache.columns(instance, key))
        self._frames = frames

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tracks, mel bands (lowest first), frames."""
        return len(self._hashes), self._bands, self._frames

    def read(self, rows: Ints) -> Floats:
        """Return these rows in decibels, float32 ``(len(rows), bands, frames)``.

        Raises ``NotReady`` for a spectrogram that no longer exists and ``BadInput`` for a damaged
        one or one with another number of bands.
        """
        batch = np.empty((len(rows), self._bands, self._frames), dtype=np.float32)
        for at, row in enumerate(np.asarray(rows).tolist()):
            digest = self._hashes[row]
            stored = feature_cache.read(self._instance, self._key, digest, mapped=True)
            if stored.ndim != 2 or len(stored) != self._bands or not stored.shape[1]:
                raise BadInput(
                    f"The spectrogram of {digest[:12]}… is {stored.shape}, not of {self._bands} "
                    "bands: delete it from the feature cache and analyse its file again."
                )
            batch[at] = centred(stored, self._frames)
        return batch


class GivenSpectrograms:
    """Spectrograms in memory, such as that of an uploaded song."""

    def __init__(self, spectrograms: Sequence[Floats], frames: int = MOST_FRAMES) -> None:
        if not len(spectrograms):
            raise BadInput("No spectrogram is given: analyse the song with melspectrogram.")
        frames = min(frames, max(one.shape[1] for one in spectrograms))
        self._spectrograms = np.stack([centred(one, frames) for one in spectrograms])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tracks, mel bands (lowest first), frames."""
        n, bands, frames = self._spectrograms.shape
        return n, bands, frames

    def read(self, rows: Ints) -> Floats:
        """Return these rows in decibels, float32 ``(len(rows), bands, frames)``."""
        return self._spectrograms[np.asarray(rows, dtype=np.int64)]


def tracks(instance: Instance, key: SetKey, *, minimum: int = 1) -> dict[int, str]:
    """Return the tracks with a spectrogram, ascending, with the hashes of their contents.

    ``NotReady`` with fewer than ``minimum`` tracks.
    """
    base = feature_cache.folder(instance.folder)
    hashes = {
        track: digest
        for track, digest in sorted(feature_cache.hashes_of_tracks(instance.session, [key]).items())
        # Missing files, as after clearing the cache, are left out until the next analysis.
        if (base / feature_cache.relative_path(key, digest)).is_file()
    }
    if len(hashes) < minimum:
        raise NotReady(
            f"{len(hashes)} tracks have the features {key.name}; at least {minimum} are needed: "
            f"flask analyze DIR --features {key.name}"
        )
    return hashes


def of_tracks(instance: Instance, key: SetKey, track_ids: Ints) -> CachedSpectrograms:
    """Return the spectrograms of ``track_ids`` in their order; ``NotReady`` if one has none."""
    hashes = tracks(instance, key)
    missing = [track for track in track_ids.tolist() if track not in hashes]
    if missing or not len(track_ids):
        raise NotReady(
            f"{len(missing)} of {len(track_ids)} tracks have no spectrogram: "
            f"flask analyze DIR --features {key.name}"
        )
    selected = [hashes[track] for track in track_ids.tolist()]
    lengths = [
        feature_cache.read(instance.folder, key, digest, mapped=True).shape[-1]
        for digest in selected
    ]
    frames = max(1, min(MOST_FRAMES, int(np.median(lengths))))
    return CachedSpectrograms(instance.folder, key, selected, frames)
