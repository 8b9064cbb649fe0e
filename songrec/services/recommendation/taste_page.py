"""Content of the page about a listener's own taste."""

from __future__ import annotations

from dataclasses import dataclass

from songrec.core.errors import NotReady
from songrec.core.types import Space
from songrec.recommend import ranking
from songrec.recommend.explain.taste_profile import TasteProfile, build_taste_profile
from songrec.recommend.lists.tastes import split_tastes
from songrec.recommend.query import Query
from songrec.services.recommendation.for_listener import MAX_REACTIONS, ListenerFeedback
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import listens, skips, unmatched_imports
from songrec.store.listeners.listens import ListenCounts
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener, PendingLike, Run, Skip

N_LISTED = 100


@dataclass(frozen=True)
class TastePage:
    """A listener's feedback, taste profile, skips and songs still missing from the catalogue.

    ``history`` counts the plays, here and imported; ``keeps_history`` is the listener's setting.
    ``profile`` and ``space`` are None without likes in a published run; ``songs`` are the tracks in
    profile and skips, by id.
    """

    run: Run | None
    feedback: ListenerFeedback
    profile: TasteProfile | None
    space: Space | None
    songs: dict[int, TrackView]
    skipped: list[Skip]
    missing: list[PendingLike]
    missing_total: int
    history: ListenCounts
    keeps_history: bool


def taste_page(instance: Instance, listener: Listener | None) -> TastePage:
    """Return the taste page of ``listener``; empty without likes."""
    run = runs.published(instance.session)
    feedback = ListenerFeedback.load(instance.session, listener)
    profile, space = _profile(instance, feedback)
    typical = [i for taste in profile.tastes for i in taste.typical] if profile else []
    skipped = skips.of_listener(instance.session, listener, N_LISTED) if listener else []
    ids = [*typical, *(skip.track_id for skip in skipped)]
    songs = {view.id: view for view in tracks.tracks_by_id(instance.session, ids, run)}
    return TastePage(
        run,
        feedback,
        profile,
        space,
        songs,
        [skip for skip in skipped if skip.track_id in songs],
        unmatched_imports.of_listener(instance.session, listener, N_LISTED) if listener else [],
        unmatched_imports.count(instance.session, listener) if listener else 0,
        listens.counts(instance.session, listener) if listener else ListenCounts(),
        listener.keeps_history if listener else True,
    )


def _profile(
    instance: Instance, feedback: ListenerFeedback
) -> tuple[TasteProfile | None, Space | None]:
    if not feedback.likes:
        return None, None
    try:
        space = published_space(instance)
    except NotReady:
        return None, None
    likes, dislikes = feedback.likes[:MAX_REACTIONS], feedback.dislikes[:MAX_REACTIONS]
    query = Query.of(space, likes, dislikes)
    tastes = split_tastes(ranking.create_method(space), query)
    return build_taste_profile(query, tastes), space
