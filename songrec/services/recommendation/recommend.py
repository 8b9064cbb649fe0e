"""Recommendations from likes and dislikes in the published run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import Ints, Match, Reason
from songrec.recommend import ranking
from songrec.recommend.feedback_boosts import Boost
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, Reranking
from songrec.recommend.taste.evidence import MIXTURE, PAIRS
from songrec.services.catalogue.left_out import left_out
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.similarity import artist_pages, audio_similarity
from songrec.services.similarity.audio_similarity import SOUND
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import playlists, reactions
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Cluster, Listener, Run

STARTERS_PER_CLUSTER = 3
BEST = "best"
COMPARISONS = (BEST, *audio_similarity.COMPARISONS)
"""All values of ``by`` in ``similar_songs``."""
MAX_DISLIKED = 100
"""More disliked songs than this do not stand before similar ones."""


class NoDiscoveryScale(BadInput):
    """Raised if the method has no scale from familiar to new."""


def recommend_for(
    instance: Instance,
    likes: Sequence[int],
    dislikes: Sequence[int] = (),
    *,
    method: str | None = None,
    n: int = 20,
    by: Reranking = DEFAULT_RERANKING,
    excluded: Sequence[int] = (),
    weights: Mapping[int, int] | None = None,
    skips: Mapping[int, int] | None = None,
    boosts: Sequence[Boost] = (),
    seeds: bool = False,
    listener: Listener | None = None,
    discovery: float = 0.0,
    only: Iterable[int] | None = None,
    pick_ranks: Callable[[int], Ints] | None = None,
    **parameters: Any,
) -> list[RankedTrack]:
    """Return the ``n`` best tracks of the published run for likes and dislikes (track ids).

    All lists of songs for songs use this function: a listener's, a song's page, *more like this*.
    Rules and errors are those of ``recommend.ranking.rank``; ``NotReady`` also before a run is
    published.

    Parameters
    ----------
    method
        A name of ``METHODS``; by default that of ``method_used``.
    by
        Reranking of the list.
    excluded
        Tracks to exclude that are not feedback.
    weights
        Likes (track ids) that count twice or three times.
    skips
        Numbers of skips by track.
    boosts
        Further changes of scores.
    seeds
        Whether ``likes`` are seed songs of a request rather than liked songs.
    listener
        Whose rules apply.
    discovery
        From 0 (familiar) to 1 (new artists). Raises ``NoDiscoveryScale`` above 0 if the method has
        no such scale.
    only
        Track ids to choose from; None for all.
    pick_ranks
        Function that selects ranks of the ``n`` best.
    parameters
        The method's own parameters.
    """
    if discovery:
        used = method_used(instance, method)
        if not ranking.has_discovery(used):
            raise NoDiscoveryScale(
                f"Only additive_ranker has a scale from familiar to new, and {used} answers here: "
                "the run was trained on too few playlists, or another method was requested."
            )
        parameters["discovery"] = discovery
    matches = ranking.rank(
        published_space(instance),
        list(likes),
        list(dislikes),
        n,
        method=method,
        by=by,
        names=title_lookup(instance.session),
        excluded=list(excluded),
        withdrawn=left_out(instance, listener, likes),
        only=only,
        boosts=[*feedback_boosts(likes, dislikes, weights or {}, skips or {}), *boosts],
        seeds=seeds,
        pick_ranks=pick_ranks,
        **parameters,
    )
    return attach_tracks(instance.session, name_evidence(instance.session, matches))


def similar_songs(
    instance: Instance,
    track: TrackView,
    n: int = 8,
    *,
    by: str | None = None,
    weights: Mapping[str, float] | None = None,
    listener: Listener | None = None,
) -> list[RankedTrack]:
    """Return the ``n`` songs most like ``track`` by one of ``COMPARISONS``.

    Songs that must not be recommended to ``listener`` are left out, also those that it dislikes.

    The default is ``default_comparison``. ``best`` is the recommendation method with the song as
    the only like; the others are those of ``audio_similarity.similar_by``, by sound alone.

    Raises
    ------
    UnknownName
        If ``by`` is not in ``COMPARISONS``.
    NotReady
        If the comparison does not know the track.
    """
    by = by or default_comparison(instance, track)
    disliked = reactions.dislikes(instance.session, listener)
    if by == BEST:
        return recommend_for(
            instance, [track.id], n=n, excluded=disliked, seeds=True, listener=listener
        )
    if by not in COMPARISONS:
        raise UnknownName("comparison", by, COMPARISONS)
    look = n + min(len(disliked), MAX_DISLIKED)
    similar = audio_similarity.similar_by(
        instance, track, look, by=by, weights=weights, listener=listener
    )
    unwanted = set(disliked)
    return [one for one in similar if one.track.id not in unwanted][:n]


def default_comparison(instance: Instance, track: TrackView) -> str:
    """Return the default comparison of ``similar_songs``.

    The sound, if most songs have it (``audio_similarity.has_mixture``), unless the published run
    was trained on playlists.
    """
    if not audio_similarity.has_mixture(instance, track):
        return BEST
    space = artist_pages.space_or_none(instance)
    return BEST if space is not None and space.track_factors is not None else SOUND


def comparison_used(instance: Instance, track: TrackView, by: str | None = None) -> str:
    """Return the method behind ``best``, else the comparison itself."""
    by = by or default_comparison(instance, track)
    return method_used(instance) if by == BEST else by


def name_evidence(session: Session, matches: Sequence[Match]) -> list[Match]:
    """Name artists and numbers of playlists in reasons.

    The arrays of ranking hold neither names nor playlists: ``By the same artist as “Lithium”``
    becomes ``More by Nirvana``, and ``Often in playlists with songs like “X”`` becomes ``In 6
    playlists with “X”`` if the catalogue's own playlists hold both. If playlists with the artist
    contribute more than each feature, the sentence names the like with most shared playlists.
    """
    by_artist = [match.track_id for match in matches if _names_like(match, "artist")]
    likes: dict[int, list[int]] = {}
    for match in matches:
        if reason := _names_like(match, "playlists"):
            likes[match.track_id] = reason.details["likes"][:1]
        elif _leading_playlists(match):
            liked = [one.about for one in match.per_like if one.kind == "liked"]
            likes[match.track_id] = [about for about in liked if isinstance(about, int)]
    named = list({like for some in likes.values() for like in some})
    if not by_artist and not named:
        return list(matches)
    names = artists.names_of_tracks(session, by_artist)
    shared = playlists.shared_counts(session, list(likes), named) if named else {}
    titles = title_lookup(session)(list({like for _, like in shared})) if shared else {}

    def in_playlists(track_id: int) -> tuple[str, int] | None:
        counts = [(shared.get((track_id, like), 0), like) for like in likes.get(track_id, ())]
        count, like = max(counts, key=lambda one: one[0], default=(0, 0))
        if not count or like not in titles:
            return None
        return f"In {count:,} playlist{'s' * (count != 1)} with “{titles[like]}”", like

    def rewrite(match: Match, reason: Reason) -> Reason:
        if reason.kind != "prior":
            return reason
        if reason is _leading_playlists(match) and (evidence := in_playlists(match.track_id)):
            sentence, like = evidence
            details = {**reason.details, "sentence": sentence, "likes": [like]}
            return replace(reason, details=details)
        if not reason.details.get("likes"):
            return reason
        text = reason.text
        if reason.about == "artist" and names.get(match.track_id):
            text = f"More by {names[match.track_id][0]}"
        elif reason.about == "playlists" and (evidence := in_playlists(match.track_id)):
            text = evidence[0]
        return replace(reason, text=text)

    return [
        replace(match, reasons=tuple(rewrite(match, reason) for reason in match.reasons))
        for match in matches
    ]


def _leading_playlists(match: Match) -> Reason | None:
    """Return the reason of playlists with the artist if it contributes more than each feature."""
    most = max((one.contribution for one in match.reasons if one.kind == "feature"), default=0.0)
    leading = [
        reason
        for reason in match.reasons
        if reason.about in (PAIRS, MIXTURE) and reason.contribution > max(most, 0.0)
    ]
    return max(leading, key=lambda reason: reason.contribution, default=None)


def _names_like(match: Match, about: str) -> Reason | None:
    """Return the positive prior ``about`` of ``match`` that names a liked song, if any."""
    for reason in match.reasons:
        if reason.kind == "prior" and reason.about == about and reason.contribution > 0:
            return reason if reason.details.get("likes") else None
    return None


def method_used(instance: Instance, method: str | None = None) -> str:
    """Return the method used for the published run; see ``ranking.method_used``."""
    return ranking.method_used(published_space(instance), method)


def starters(
    instance: Instance, run: Run, listener: Listener | None = None
) -> list[tuple[Cluster, list[TrackView]]]:
    """Return three typical tracks of each cluster of ``run``, to like first.

    Songs that ``listener`` dislikes or that must not be recommended to it are left out.
    """
    session = instance.session
    unwanted = {*left_out(instance, listener), *reactions.dislikes(session, listener)}
    clusters = session.scalars(
        select(Cluster)
        .where(Cluster.run_id == run.id, Cluster.number >= 0)
        .order_by(Cluster.number)
    ).all()
    typical = {
        c.number: [i for i in c.profile.get("typical", []) if i not in unwanted][
            :STARTERS_PER_CLUSTER
        ]
        for c in clusters
    }
    ids = [track_id for track_ids in typical.values() for track_id in track_ids]
    views = {view.id: view for view in tracks.tracks_by_id(session, ids, run)}
    return [(c, [views[i] for i in typical[c.number] if i in views]) for c in clusters]


def feedback_boosts(
    likes: Sequence[int],
    dislikes: Sequence[int],
    weights: Mapping[int, int],
    skips: Mapping[int, int],
) -> list[Boost]:
    """Return the boosts from weights of likes and from skips (all by track id)."""
    rated = {*likes, *dislikes}
    heavier = [Boost.of_weight(i, weight) for i, weight in weights.items() if i in rated]
    # A like or a dislike outweighs an earlier skip of the same song.
    return heavier + [Boost.of_skips(i, times) for i, times in skips.items() if i not in rated]
