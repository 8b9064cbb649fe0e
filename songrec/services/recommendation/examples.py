"""Example or random songs to start from."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import chain, zip_longest

from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import Cluster

POOL = 200
LOOKED_AT = 4
"""Candidates per returned song, to find songs of different groups."""


def songs_to_start_from(
    instance: Instance,
    clusters: Iterable[Cluster],
    n: int,
    rng: random.Random | None = None,
) -> list[TrackView]:
    """Return at most ``n`` songs of the published run, of different sound groups where possible.

    Playable songs, the most popular first, or else the typical songs of ``clusters``; with ``rng``
    a random choice of these.
    """
    run = runs.published(instance.session)
    if run is None:
        return []
    typical = [cluster.profile.get("typical", []) for cluster in clusters if cluster.number >= 0]
    in_turn = [int(i) for i in chain.from_iterable(zip_longest(*typical)) if i is not None]
    for ids in (audio_files.most_popular(instance.session, POOL), in_turn):
        if rng is not None:
            ids = rng.sample(ids, len(ids))
        views = tracks.tracks_by_id(instance.session, ids[: LOOKED_AT * n], run)
        views = [view for view in views if view.label is not None]
        if len(views) >= n:
            return _of_different_groups(views)[:n]
    return []


def _of_different_groups(views: list[TrackView]) -> list[TrackView]:
    """Order songs so that each sound group has one before any has a second."""
    rank: dict[int | None, int] = {}
    order = []
    for view in views:
        rank[view.label] = rank.get(view.label, -1) + 1
        order.append((rank[view.label], view))
    return [view for _, view in sorted(order, key=lambda pair: pair[0])]
