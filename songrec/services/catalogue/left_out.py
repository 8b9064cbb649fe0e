"""Tracks that are not recommended to a listener, for all lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from songrec.core.content_flags import NAMES
from songrec.core.errors import NotReady
from songrec.core.types import Ints, Space
from songrec.store.catalogue import removed_tracks, tracks
from songrec.store.instance import Instance
from songrec.store.listeners import recommendation_rules
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener, RecommendationRule

LIKED_SHARE = 0.1
"""Share of likes from which seasonal songs, or spoken word, are recommended."""
REQUESTED_SHARE = 0.5
"""The same of the songs to choose from: who asks for audiobooks gets spoken word."""
MAX_CACHED = 64


def left_out(
    instance: Instance,
    listener: Listener | None = None,
    likes: Sequence[int] = (),
    requested: Sequence[int] | Ints = (),
) -> list[int]:
    """Return the ids of the tracks that must not be recommended.

    These are tracks that are no longer in the catalogue, tracks excluded by the rules of
    ``listener``, and seasonal songs and spoken word, unless the listener allows them or enough of
    ``likes`` (track ids) are of the kind, or of the ``requested`` tracks, those with a requested
    tag. Rules and kinds never exclude the ``likes`` themselves.
    """
    session = instance.session
    withdrawn = removed_tracks.withdrawn_ids(session)
    rules = recommendation_rules.of_listener(session, listener)
    try:
        space = published_space(instance)
    except NotReady:
        return [*withdrawn, *recommendation_rules.never_ids(session, rules)]
    never = _never(instance, space, rules)
    liked = set(likes)
    flagged = _flagged(space, rules, likes, requested)
    unwanted = [i for i in (*never, *flagged) if i not in liked]
    return [*withdrawn, *unwanted]


def _never(instance: Instance, space: Space, rules: Sequence[RecommendationRule]) -> Sequence[int]:
    """Return ``never_ids``, read once until the catalogue or the rules change."""
    named = tuple(sorted((rule.kind, rule.value) for rule in rules))
    if not named:
        return ()
    cache: dict[tuple[object, ...], list[int]] = space.cached("never_recommended", dict)
    key = (tracks.version(instance.session), named)
    if key not in cache:
        if len(cache) >= MAX_CACHED:
            cache.clear()
        cache[key] = recommendation_rules.never_ids(instance.session, rules)
    return cache[key]


def _flagged(
    space: Space,
    rules: Sequence[RecommendationRule],
    likes: Sequence[int],
    requested: Sequence[int] | Ints,
) -> Sequence[int]:
    """Return the ids of the tracks of kinds that are neither allowed nor liked nor requested."""
    flags = space.content_flags
    if flags is None:
        return ()
    allowed = {rule.value for rule in rules if rule.kind == recommendation_rules.ALLOWED}
    reasons = [
        (np.asarray(flags[space.rows_of(np.asarray(ids, dtype=np.int64))]), share)
        for ids, share in ((likes, LIKED_SHARE), (requested, REQUESTED_SHARE))
        if len(ids)
    ]
    unwanted = 0
    for flag, name in NAMES.items():
        is_meant = any(
            len(of_songs) and (of_songs & flag > 0).mean() >= share for of_songs, share in reasons
        )
        if name not in allowed and not is_meant:
            unwanted |= flag
    cache: dict[int, list[int]] = space.cached("flagged", dict)
    if unwanted not in cache:
        cache[unwanted] = space.track_ids[np.flatnonzero(np.asarray(flags) & unwanted)].tolist()
    return cache[unwanted]
