"""Recommendations as pages and commands show them: ranked in the published space, named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import UnknownName
from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend import ranking
from songrec.recommend.explain import contributions
from songrec.recommend.feedback_boosts import Boost
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, Reranking
from songrec.recommend.similarity import weighted_similarity as weighing
from songrec.recommend.similarity.similar import similar_tracks
from songrec.store.catalogue import merge_redirects, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Cluster, Run, Track

STARTERS_PER_CLUSTER = 3
LONGEST_TITLE = 60  # characters of a title within a sentence


class HasId(Protocol):
    """Anything with a track's id: a row, a view."""

    @property
    def id(self) -> int:
        """The track's id."""
        ...


@dataclass(frozen=True)
class Recommendation:
    """A track, its score (higher is better), the main reason as a sentence, and all reasons.

    ``per_like`` is the score once more, split over the liked songs; see ``core.types.Match``.
    """

    track: TrackView
    score: float
    sentence: str
    reasons: tuple[Reason, ...]
    per_like: tuple[Reason, ...] = ()


def recommend_for(
    session: Session,
    instance: Path,
    likes: Sequence[int],
    dislikes: Sequence[int] = (),
    *,
    method: str | None = None,
    n: int = 20,
    by: Reranking = DEFAULT_RERANKING,
    heard: Sequence[int] = (),
    weights: Mapping[int, int] | None = None,
    skips: Mapping[int, int] | None = None,
    **parameters: Any,
) -> list[Recommendation]:
    """The ``n`` best tracks of the published run for liked and disliked track ids.

    Tracks ``heard`` do not come back either but say nothing about the taste. ``weights`` says
    which likes count two or three times, ``skips`` which tracks were skipped and how often, ``by``
    how the list is re-ranked. Without a ``method`` it is ``method_used``'s. See
    ``recommend.ranking.rank`` for the rules and the errors; ``NotReady`` also when nothing is
    published.
    """
    found = ranking.rank(
        published_space(session, instance),
        list(likes),
        list(dislikes),
        n,
        method=method,
        by=by,
        names=titles(session),
        heard=[*heard, *merge_redirects.ids(session)],  # the run may know them still
        boosts=_boosts(likes, dislikes, weights or {}, skips or {}),
        **parameters,
    )
    return named(session, found)


def method_used(session: Session, instance: Path, method: str | None = None) -> str:
    """The method that answers in the published run; see ``recommend.ranking.method_used``."""
    return ranking.method_used(published_space(session, instance), method)


def _boosts(
    likes: Sequence[int],
    dislikes: Sequence[int],
    weights: Mapping[int, int],
    skips: Mapping[int, int],
) -> list[Boost]:
    said = {*likes, *dislikes}
    heavier = [Boost.of_weight(i, weight) for i, weight in weights.items() if i in said]
    # Whoever likes or dislikes a song has said more than that they once skipped it.
    return heavier + [Boost.of_skips(i, times) for i, times in skips.items() if i not in said]


def similar_to(session: Session, instance: Path, track: HasId, n: int = 8) -> list[Recommendation]:
    """The ``n`` tracks of the published run that sound most like ``track``.

    Raises ``NotReady`` when nothing is published or the track is not part of the run.
    """
    return named(session, similar_tracks(published_space(session, instance), track.id, n))


SIDES = ("space", "features", "latent")
"""By what two tracks can be compared; see ``similar_by``."""


def similar_by(
    session: Session,
    instance: Path,
    track: HasId,
    n: int = 8,
    *,
    by: str = SIDES[0],
    weights: Mapping[str, float] | None = None,
) -> list[Recommendation]:
    """The ``n`` tracks most like ``track`` by one of ``SIDES``.

    ``space`` is ``similar_to``; ``features`` the cosine over standardised features with one-hot
    key and mode, its groups weighed by ``weights``; ``latent`` the distance in what the published
    run's model learnt (a run of ``--features mfcc --representation identity`` compares by those).
    """
    if by not in SIDES:
        raise UnknownName("way to compare", by, SIDES)
    if by == "space":
        return similar_to(session, instance, track, n)
    space = published_space(session, instance)
    if by == "latent":
        found = weighing.latent_neighbours(space, track.id, n)
    else:
        found = weighing.weighted_neighbours(
            space, _harmony(session, space), track.id, n, weights or {}
        )
    return named(session, found, weighing.describe_match)


def _harmony(session: Session, space: Space) -> weighing.Harmony:
    """Key and mode of the space's tracks, read once as long as it is open."""
    known = space.__dict__.get("_harmony")
    if known is None:
        key = np.full(len(space.track_ids), -1, dtype=np.int8)
        mode = key.copy()
        query = select(Track.id, Track.key, Track.mode).where(Track.key.is_not(None))
        rows = session.execute(query).all()
        at = {track_id: row for row, track_id in enumerate(space.track_ids.tolist())}
        for track_id, its_key, its_mode in rows:
            if track_id in at:
                key[at[track_id]] = its_key
                mode[at[track_id]] = -1 if its_mode is None else its_mode
        known = space.__dict__["_harmony"] = weighing.Harmony(key, mode)
    return known


def starters(session: Session, run: Run) -> list[tuple[Cluster, list[TrackView]]]:
    """For someone who has liked nothing yet: three typical tracks of each cluster of ``run``."""
    clusters = session.scalars(
        select(Cluster)
        .where(Cluster.run_id == run.id, Cluster.number >= 0)
        .order_by(Cluster.number)
    ).all()
    wanted = {c.number: list(c.profile.get("typical", []))[:STARTERS_PER_CLUSTER] for c in clusters}
    ids = [track_id for typical in wanted.values() for track_id in typical]
    views = {view.id: view for view in tracks.tracks_by_id(session, ids, run)}
    return [(c, [views[i] for i in wanted[c.number] if i in views]) for c in clusters]


def track_named(session: Session, name: str) -> TrackView:
    """The track with this public id or the catalogue's own id; ``UnknownName`` otherwise."""
    track = tracks.find_track(session, name.strip())
    if track is None:
        raise UnknownTrack(name)
    return track


class UnknownTrack(UnknownName):
    """A track that the catalogue does not hold; it is too large to list what it holds."""

    def __init__(self, name: str) -> None:
        # The catalogue's names are not listed: Exception's own message suffices.
        Exception.__init__(
            self,
            f"No track {name!r} in the catalogue. Give the public id from the track's address "
            "(/tracks/…) or the catalogue's own id; search for it on the page Songs.",
        )


def titles(session: Session) -> NameTracks:
    """A callable that looks titles up, for the sentences of reasons: long ones are cut there."""

    def look_up(track_ids: list[int]) -> dict[int, str]:
        rows = session.execute(select(Track.id, Track.title).where(Track.id.in_(track_ids)))
        return {track_id: _brief(title) for track_id, title in rows}

    return look_up


def _brief(title: str) -> str:
    """A title as a sentence can hold it: at most ``LONGEST_TITLE`` characters, cut at a word."""
    if len(title) <= LONGEST_TITLE:
        return title
    cut = title[: LONGEST_TITLE - 1]
    head, _, tail = cut.rpartition(" ")
    return f"{(head if len(tail) < LONGEST_TITLE // 2 else cut).rstrip(' ,;:–-')}…"


def named(
    session: Session, found: list[Match], sentence: Callable[[Match], str] | None = None
) -> list[Recommendation]:
    """Matches with their tracks; ``sentence`` makes the main sentence of a match.

    A track deleted since the run was trained is left out.
    """
    sentence = sentence or (lambda match: contributions.main_reason(match.reasons))
    views = {
        view.id: view
        for view in tracks.tracks_by_id(
            session, [match.track_id for match in found], runs.published(session)
        )
    }
    return [
        Recommendation(
            views[match.track_id], match.score, sentence(match), match.reasons, match.per_like
        )
        for match in found
        if match.track_id in views
    ]


def as_json(session: Session, found: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """The form that commands promise. Tracks, also those that reasons are about, by public id."""
    public = public_ids(session, found)
    return [
        {
            "track_id": one.track.public_id,
            "external_id": one.track.external_id,
            "title": one.track.title,
            "artists": one.track.artists,
            "score": one.score,
            "why": one.sentence,
            "reasons": [reason_as_json(reason, public) for reason in one.reasons],
            "per_like": [reason_as_json(reason, public) for reason in one.per_like],
        }
        for one in found
    ]


def public_ids(session: Session, found: Sequence[Recommendation]) -> dict[int, str]:
    """The public ids of the tracks that reasons are about, and of those they name."""
    reasons = [reason for one in found for reason in (*one.reasons, *one.per_like)]
    about = {reason.about for reason in reasons if isinstance(reason.about, int)}
    about |= {track_id for reason in reasons for track_id in reason.details.get("likes", ())}
    query = select(Track.id, Track.public_id).where(Track.id.in_(about))
    return dict(session.execute(query).all())


def reason_as_json(reason: Reason, public: Mapping[int, str]) -> dict[str, Any]:
    """A reason without numbers of rows, which are nobody's business."""
    told = asdict(reason)
    if isinstance(reason.about, int):
        told["about"] = public.get(reason.about)
    details = {name: value for name, value in told["details"].items() if name != "liked"}
    if "likes" in details:
        details["likes"] = [public[i] for i in details["likes"] if i in public]
    return {**told, "details": details}
