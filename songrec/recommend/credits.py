"""Who made a track and what it came out on, as numbers that can be compared quickly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.songs import plain

UNKNOWN = 0


@dataclass(frozen=True)
class Credits:
    """Artist and album of each track, uint64 ``(n,)`` digests; 0 where unknown.

    Of several artists it is the first. Two albums of one name by different artists are two.
    """

    artists: NDArray[np.uint64]
    albums: NDArray[np.uint64]

    @classmethod
    def of(cls, artists: Iterable[str | None], albums: Iterable[str | None]) -> Credits:
        """From names as the catalogue writes them; of several artists parted by commas."""
        by, on = [], []
        for names, album in zip(artists, albums, strict=True):
            artist = artist_of(names)
            by.append(_digest(artist) if artist else UNKNOWN)
            on.append(_digest(f"{artist}\x1f{plain(album)}") if album and artist else UNKNOWN)
        return cls(np.array(by, dtype=np.uint64), np.array(on, dtype=np.uint64))


def artist_of(names: str | None) -> str:
    """The first of the artists, without case and accents: what two spellings share."""
    return plain((names or "").split(", ")[0])


def _digest(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big") or 1
