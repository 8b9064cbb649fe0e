"""Evidence for artist vectors of a catalogue: imported counts, accounts that share, playlists.

What is trained on playlists sees vectors without them: a playlist in the vectors makes its own
artists nearer than those of a new playlist will be, and their nearness would weigh too much.
Answers rest on vectors of both, since playlists link artists whom no listener names to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.types import Ints
from songrec.services.training.artist_vectors import (
    FittedVectors,
    fit_artist_vectors,
    songs_by_artist,
)
from songrec.store.catalogue import artist_affinities, taste_data


@dataclass(frozen=True)
class CatalogueVectors:
    """Artist vectors of a catalogue.

    Attributes
    ----------
    of_listeners
        Without playlists, to train on playlists with.
    of_all
        With playlists, to answer with.
    """

    of_listeners: FittedVectors
    of_all: FittedVectors


def fit_catalogue_vectors(
    session: Session,
    artists: NDArray[np.uint64],
    playlists: Sequence[Ints],
    *,
    shared: bool,
    seed: int = 0,
) -> CatalogueVectors | None:
    """Fit vectors of a run's artists to all evidence of the catalogue.

    Playlists alone give none: how often artists share playlists counts by itself.

    Parameters
    ----------
    artists
        uint64 ``(n,)``: the database's id of each track's artist, 0 where unknown.
    playlists
        Rows of the run's tracks.
    shared
        Whether likes and plays count of accounts that let them teach.

    Returns
    -------
    vectors
        None where there is too little evidence of listeners.
    """
    sources = artist_affinities.read(session)
    if shared:
        listening = taste_data.artists_listened_to(session)
        sources += [listening] if len(listening.weights) else []
    if not sources:
        return None
    ids = np.setdiff1d(artists, [0]).tolist()
    named = artist_affinities.catalogue_artists(session, ids)
    of_listeners = fit_artist_vectors(sources, named, seed=seed)
    if of_listeners is None:
        return None
    sources.append(songs_by_artist(artists, playlists, dict(named)))
    of_all = fit_artist_vectors(sources, named, seed=seed)
    return CatalogueVectors(of_listeners, of_all or of_listeners)
