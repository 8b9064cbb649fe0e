"""Evidence for artist vectors of a catalogue: imported affinities, and accounts' likes and plays.

Playlists are not used, because common playlists of artists are evidence of their own
(``recommend.taste.playlist_evidence``), and a ranker trained on the same playlists would overrate
the vectors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.services.training.artist_vectors import FittedVectors, fit_artist_vectors
from songrec.store.catalogue import artist_affinities, taste_data


def fit_vectors_of_catalogue(
    session: Session, artists: NDArray[np.uint64], *, shared: bool, seed: int = 0
) -> FittedVectors | None:
    """Fit vectors of a run's artists to the stored affinities of the catalogue.

    Parameters
    ----------
    artists
        uint64 ``(n,)``: the database's id of each track's artist, 0 where unknown.
    shared
        Whether to use the likes and plays of accounts that allow it.

    Returns
    -------
    vectors
        None with too little evidence.
    """
    sources = artist_affinities.read(session)
    if shared:
        listening = taste_data.artists_listened_to(session)
        sources += [listening] if len(listening.weights) else []
    if not sources:
        return None
    ids = np.setdiff1d(artists, [0]).tolist()
    return fit_artist_vectors(sources, artist_affinities.catalogue_artists(session, ids), seed=seed)
