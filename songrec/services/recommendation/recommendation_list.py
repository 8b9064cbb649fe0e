"""Content of the page of recommendations: songs, available methods, and changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from songrec.core.errors import NotReady
from songrec.core.registry import Entry
from songrec.core.types import SegmentIndex, Space
from songrec.recommend import ranking
from songrec.recommend.lists.rerank import Reranking, available_criteria
from songrec.recommend.registry import METHODS
from songrec.services.recommendation import for_listener, recommend
from songrec.services.recommendation.for_listener import (
    ListChange,
    ListenerFeedback,
    RecommendationRow,
)
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener, Run

SEGMENTS_METHOD = "fragments"
N_PER_ROW = 6


@dataclass
class RecommendationList:
    """Recommendations for a listener.

    ``method`` is the one used, ``methods`` those available in the published run, the best first;
    ``criteria`` are the re-ranking options with data in it; ``has_discovery``: whether the method
    has a scale from familiar to new. ``starters`` are songs to like first, for a listener without
    likes. ``problem`` is the reason for an empty list. ``segments`` is the index of moments used,
    if any; ``no_segments``: whether it was requested but is missing. ``rows`` replace ``songs`` if
    rows were requested. ``seen`` is sent with each reaction, so that ``change`` can describe the
    difference afterwards.
    """

    run: Run | None
    feedback: ListenerFeedback
    method: Entry
    methods: list[Entry]
    criteria: frozenset[str] = frozenset()
    songs: list[RankedTrack] = field(default_factory=list)
    rows: list[RecommendationRow] = field(default_factory=list)
    change: ListChange | None = None
    seen: str = ""
    problem: str = ""
    segments: SegmentIndex | None = None
    no_segments: bool = False
    has_discovery: bool = False
    starters: list[Any] = field(default_factory=list)


def recommendation_list(
    instance: Instance,
    listener: Listener | None,
    *,
    method: str | None,
    by: Reranking,
    n: int,
    as_rows: bool = False,
    discovery: float = 0.0,
) -> RecommendationList:
    """Return ``n`` recommendations for ``listener``; an unknown ``method`` is the default.

    With ``as_rows`` the result has rows for likes or groups of likes, by the default method.
    ``discovery`` is ignored if the method has no such scale.
    """
    run = runs.published(instance.session)
    feedback = ListenerFeedback.load(instance.session, listener)
    requested = method if method in METHODS and not as_rows else None
    page = RecommendationList(run, feedback, METHODS.entry(requested or "taste"), list(METHODS))
    if run is None or not feedback.likes:
        page.starters = recommend.starters(instance, run, listener) if run else []
        return page
    try:
        space = published_space(instance)
        page.no_segments = requested == SEGMENTS_METHOD and space.segments is None
        page.method = METHODS.entry(ranking.method_used(space, requested))
        page.has_discovery = ranking.has_discovery(page.method.name)
        discovery = discovery if page.has_discovery else 0.0
        page.methods = _available_methods(space)
        page.criteria = available_criteria(space)
        if as_rows:
            page.rows = for_listener.recommendation_rows(instance, feedback, n=N_PER_ROW, by=by)
            return page
        page.songs = for_listener.recommend_for_listener(
            instance, feedback, method=page.method.name, by=by, n=n, discovery=discovery
        )
    except NotReady as error:
        page.problem = str(error)
        return page
    if page.method.name == SEGMENTS_METHOD:
        page.segments = space.segments
    if listener is not None:
        key = f"{page.method.name}|{discovery:g}|{_reranking_key(by)}|{n}|{run.public_id}"
        page.seen = for_listener.seen_list(key, page.songs)
        page.change = for_listener.list_change(
            instance.session, listener, feedback, key, page.songs
        )
    return page


def _available_methods(space: Space) -> list[Entry]:
    best = ranking.method_used(space)
    available = [entry for entry in METHODS if ranking.method_used(space, entry.name) == entry.name]
    return sorted(available, key=lambda entry: (entry.name != best, entry.name != "taste"))


def _reranking_key(by: Reranking) -> str:
    return f"{by.variety:g}|{by.novelty:g}|{by.freshness:g}|{by.per_artist}|{by.surprise}"
