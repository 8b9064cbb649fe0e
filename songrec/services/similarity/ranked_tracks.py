"""Tracks with a score and reasons, the items of all lists of songs, and their JSON form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.types import Match, Reason
from songrec.recommend.explain import contributions
from songrec.recommend.methods import segments
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.runs import runs
from songrec.store.tables import Track


@dataclass(frozen=True)
class RankedTrack:
    """A track, its score (higher is better), the main reason as a sentence, and all reasons.

    ``per_like`` splits the same score over the liked songs; see ``core.types.Match``.
    """

    track: TrackView
    score: float
    sentence: str
    reasons: tuple[Reason, ...]
    per_like: tuple[Reason, ...] = ()

    @property
    def segment(self) -> dict[str, Any] | None:
        """The segment that a match by segments is about; None for a match of whole songs."""
        return segments.matched_segment(self.reasons)


def attach_tracks(
    session: Session, matches: Sequence[Match], describe: Callable[[Match], str] | None = None
) -> list[RankedTrack]:
    """Attach tracks of the catalogue to ``matches``; ``describe`` writes the main sentence.

    Tracks that were deleted since the run was trained are left out.
    """
    describe = describe or (lambda match: contributions.main_reason(match.reasons))
    ids = [match.track_id for match in matches]
    views = {view.id: view for view in tracks.tracks_by_id(session, ids, runs.published(session))}
    return [
        RankedTrack(
            views[match.track_id], match.score, describe(match), match.reasons, match.per_like
        )
        for match in matches
        if match.track_id in views
    ]


def restore_ranked(session: Session, stored: Sequence[Mapping[str, Any]]) -> list[RankedTrack]:
    """Return stored matches (``track_id``, ``score``, ``why``, ``reasons``) as ranked tracks.

    Tracks that were deleted since are left out.
    """
    public_ids = [match["track_id"] for match in stored]
    views = tracks.tracks_by_public_id(session, public_ids, runs.published(session))
    view_of = {view.public_id: view for view in views}
    return [
        RankedTrack(
            view_of[match["track_id"]],
            match["score"],
            match["why"],
            tuple(Reason(**reason) for reason in match["reasons"]),
        )
        for match in stored
        if match["track_id"] in view_of
    ]


def serialize_ranked(session: Session, ranked: Sequence[RankedTrack]) -> list[dict[str, Any]]:
    """Serialize a list of songs: the one JSON form that commands and the API share.

    Tracks go by public id, also those that reasons name. ``segment`` (and ``fragment``, its older
    name) is the moment that a match by segments is about, else None.
    """
    public_ids = _public_ids(session, ranked)
    return [
        {
            "track_id": one.track.public_id,
            "external_id": one.track.external_id,
            "title": one.track.title,
            "artists": one.track.artists,
            "score": one.score,
            "why": one.sentence,
            "reasons": [serialize_reason(reason, public_ids) for reason in one.reasons],
            "per_like": [serialize_reason(reason, public_ids) for reason in one.per_like],
            "segment": (segment := one.segment),
            "fragment": segment,
        }
        for one in ranked
    ]


def serialize_reason(reason: Reason, public_ids: Mapping[int, str]) -> dict[str, Any]:
    """Serialize a reason, replacing internal ids with public track ids."""
    about = public_ids.get(reason.about) if isinstance(reason.about, int) else reason.about
    details = dict(reason.details)
    if "likes" in details:
        details["likes"] = [public_ids[i] for i in details["likes"] if i in public_ids]
    return {**asdict(reason), "about": about, "details": details}


def _public_ids(session: Session, ranked: Sequence[RankedTrack]) -> dict[int, str]:
    """Public ids of the tracks that reasons are about or name."""
    reasons = [reason for one in ranked for reason in (*one.reasons, *one.per_like)]
    ids = {reason.about for reason in reasons if isinstance(reason.about, int)}
    ids |= {track_id for reason in reasons for track_id in reason.details.get("likes", ())}
    query = select(Track.id, Track.public_id).where(Track.id.in_(ids))
    return dict(session.execute(query).all())
