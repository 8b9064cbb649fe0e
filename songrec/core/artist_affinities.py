"""Affinities of artists: how often listeners play them, or how similar others are to an artist."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from songrec.core.name_comparison import artist_comparison_key
from songrec.core.types import Floats, Ints

COUNTS, SIMILAR = "counts", "similar"
KINDS = (COUNTS, SIMILAR)


@dataclass(frozen=True)
class NamedArtist:
    """An artist as another source names it: a name, a MusicBrainz id, or both."""

    name: str = ""
    musicbrainz_id: str | None = None

    @property
    def key(self) -> str:
        """Equal for two spellings of the artist; empty where there is neither name nor id."""
        return artist_comparison_key(self.name) or (self.musicbrainz_id or "")


@dataclass(frozen=True)
class ArtistAffinities:
    """Weights of artists in groups, as m entries of a sparse matrix.

    Attributes
    ----------
    kind
        ``COUNTS``: a group is a listener, a weight says how often he or she played the artist.
        ``SIMILAR``: a group is an artist, a weight says how similar another one is to it.
    artists
        Those that have a weight; none twice.
    groups, columns
        Int ``(m,)``: the group, from 0, and the artist (an index of ``artists``) of each weight.
    weights
        Float32 ``(m,)``, above 0.
    group_names
        What the source calls each group: a listener's name, or the ``key`` of an artist.
    """

    kind: str
    artists: tuple[NamedArtist, ...]
    groups: Ints
    columns: Ints
    weights: Floats
    group_names: tuple[str, ...]


class AffinityCollector:
    """Collects single weights into ``ArtistAffinities``.

    Of repeated ones counts are added up; of similarities the highest is taken. A weight takes 24
    bytes until then.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._artists: dict[str, int] = {}
        self._named: list[NamedArtist] = []
        self._groups: dict[str, int] = {}
        self._places = array("q")
        self._weights = array("d")

    def add(self, group: str, artist: NamedArtist, weight: float) -> None:
        """Add the weight of an artist that has a key."""
        number = self._artists.setdefault(artist.key, len(self._named))
        if number == len(self._named):
            self._named.append(artist)
        self._places.append(self._groups.setdefault(group, len(self._groups)))
        self._places.append(number)
        self._weights.append(weight)

    def affinities(self) -> ArtistAffinities:
        """Return what was collected, by group and artist."""
        places = np.array(self._places, dtype=np.int64).reshape(-1, 2)
        weights = np.array(self._weights)
        n_artists = max(len(self._named), 1)
        unique, at = np.unique(places[:, 0] * n_artists + places[:, 1], return_inverse=True)
        if self.kind == COUNTS:
            total = np.bincount(at, weights=weights, minlength=len(unique))
        else:
            total = np.zeros(len(unique))
            np.maximum.at(total, at, weights)
        return ArtistAffinities(
            self.kind,
            tuple(self._named),
            unique // n_artists,
            unique % n_artists,
            total.astype(np.float32),
            tuple(self._groups),
        )
