"""Similar artists and places on the map, for the pages of artists and albums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songrec.core.errors import NotReady
from songrec.core.types import Space
from songrec.recommend import ranking
from songrec.recommend.similarity.similar_artists import similar_artists
from songrec.services.catalogue.left_out import left_out
from songrec.store.catalogue import artists
from songrec.store.catalogue.artists import ArtistView
from songrec.store.instance import Instance
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener


@dataclass(frozen=True)
class SimilarArtist:
    """An artist whose songs are like another's, with the reason and its figures."""

    artist: ArtistView
    distance: float
    sentence: str
    figures: str


@dataclass(frozen=True)
class Whereabouts:
    """Places of songs in the published run.

    ``shares`` are the shares of clusters by number, the largest first; ``points`` are (x, y, label)
    of each song on the map.
    """

    shares: tuple[tuple[int, float], ...]
    points: tuple[tuple[float, float, int], ...]


def space_or_none(instance: Instance) -> Space | None:
    """Return the published run's space; None before anything is published."""
    try:
        return published_space(instance)
    except NotReady:
        return None


def whereabouts(space: Space, track_ids: Sequence[int]) -> Whereabouts | None:
    """Return the places of tracks in the run; None if none of them is in it."""
    rows = space.rows_of(list(track_ids))
    if not len(rows):
        return None
    numbers, counts = np.unique(space.labels[rows], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shares = [(int(numbers[i]), float(counts[i] / len(rows))) for i in order]
    points = [
        (float(x), float(y), int(label))
        for (x, y), label in zip(space.coordinates[rows], space.labels[rows], strict=True)
    ]
    return Whereabouts(tuple(shares), tuple(points))


def artists_like(
    instance: Instance,
    space: Space,
    track_ids: Sequence[int],
    artist_id: int,
    n: int,
    listener: Listener | None = None,
) -> list[SimilarArtist]:
    """Return the artists whose songs the best method recommends for one artist's tracks.

    The rules of ``listener`` apply: artists whose songs are all excluded are left out.
    """
    matches = similar_artists(
        ranking.create_method(space),
        space,
        space.rows_of(list(track_ids)),
        n + 1,
        withdrawn=left_out(instance, listener, track_ids),
    )
    session = instance.session
    credits = artists.credits_of_tracks(session, [match.track_id for match in matches])
    first = {track_id: views[0].artist_id for track_id, views in credits.items()}
    views = {view.id: view for view in artists.find_artists(session, list(first.values()))}
    similar = [
        SimilarArtist(views[first[one.track_id]], one.distance, one.sentence, one.figures)
        for one in matches
        if one.track_id in first and first[one.track_id] not in (None, artist_id)
    ]
    return similar[:n]
