"""Groups of duplicates from the last search, each with the track to keep first."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from songrec.core.files import write_json
from songrec.store.bulk import chunks, insert_many
from songrec.store.tables import (
    AudioFile,
    ClusterAssignment,
    Duplicate,
    PlaylistTrack,
    Publication,
    Reaction,
    Track,
)

SUMMARY = "duplicates.json"
KINDS = ("content", "names", "fingerprint", "features")
MAX_SHOWN = 50
"""Limit of displayed tracks of a group; further ones appear after merging."""


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two tracks that look like one song; ``kind`` and ``value`` as in ``Duplicate``."""

    first_id: int
    second_id: int
    kind: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A track of a group: references to it, and its reasons (``(kind, value, other)``)."""

    track: Track
    likes: int
    playlists: int
    files: int
    in_run: bool
    reasons: tuple[tuple[str, float | None, Track], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Tracks that look like one song, the one to keep first; ``size`` counts all."""

    id: int
    members: list[Member]
    size: int


def replace_all(session: Session, pairs: Iterable[DuplicatePair]) -> int:
    """Replace the stored pairs by those of a new search; return the number of groups."""
    rows = {(one.first_id, one.second_id, one.kind): one.value for one in pairs}
    into: dict[int, int] = {}
    for first, second, _ in rows:
        one, other = _root(into, first), _root(into, second)
        into[max(one, other)] = min(one, other)
    session.execute(delete(Duplicate))
    values = [(*key, value, _root(into, key[0])) for key, value in rows.items()]
    names = ("first_id", "second_id", "kind", "value", "group_id")
    for start in range(0, len(values), 10_000):
        insert_many(
            session.connection(), Duplicate.__table__, names, values[start : start + 10_000]
        )
    return len({group for *_, group in values})


def _root(into: dict[int, int], track: int) -> int:
    while (up := into.setdefault(track, track)) != track:
        into[track] = track = into[up]
    return track


def totals(session: Session) -> dict[str, int]:
    """Return the number of groups, and of pairs by kind."""
    kinds = dict(
        session.execute(select(Duplicate.kind, func.count()).group_by(Duplicate.kind)).all()
    )
    groups = session.scalar(select(func.count(Duplicate.group_id.distinct()))) or 0
    return {"groups": groups, **{kind: kinds.get(kind, 0) for kind in KINDS}}


def connected(session: Session, kinds: Collection[str]) -> list[list[int]]:
    """Return the track ids of each group that pairs of ``kinds`` connect, the one to keep first."""
    query = select(Duplicate.first_id, Duplicate.second_id).where(Duplicate.kind.in_(kinds))
    into: dict[int, int] = {}
    for first, second in session.execute(query):
        one, other = _root(into, first), _root(into, second)
        into[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for track_id in sorted(into):
        groups.setdefault(_root(into, track_id), []).append(track_id)
    facts = _Facts.of(session, sorted(into))
    ordered = []
    for ids in groups.values():
        members = [facts.member(one, ()) for one in ids if one in facts.tracks]
        members.sort(key=_order, reverse=True)
        ordered.append([member.track.id for member in members])
    return [ids for ids in ordered if len(ids) > 1]


def page(session: Session, number: int, size: int) -> list[Group]:
    """Return a page of groups (from 1), ``size`` each, by id."""
    ids = session.scalars(
        select(Duplicate.group_id)
        .distinct()
        .order_by(Duplicate.group_id)
        .limit(size)
        .offset((number - 1) * size)
    ).all()
    return _groups(session, ids)


def group(session: Session, group_id: int) -> Group | None:
    """Return one group."""
    return next(iter(_groups(session, [group_id])), None)


def _groups(session: Session, ids: Sequence[int]) -> list[Group]:
    pairs: dict[int, list[Duplicate]] = {group_id: [] for group_id in ids}
    rows = select(Duplicate).where(Duplicate.group_id.in_(list(ids)))
    for row in session.scalars(rows.order_by(Duplicate.first_id, Duplicate.second_id)):
        pairs[row.group_id].append(row)
    everyone = {
        group_id: sorted({end for row in rows_of_group for end in (row.first_id, row.second_id)})
        for group_id, rows_of_group in pairs.items()
    }
    member_ids = sorted(
        {one for rows_of_group in everyone.values() for one in rows_of_group[:MAX_SHOWN]}
    )
    facts = _Facts.of(session, member_ids)
    groups = []
    for group_id, track_ids in everyone.items():
        reasons: dict[int, list[tuple[str, float | None, Track]]] = {}
        for row in pairs[group_id]:
            first, second = facts.tracks.get(row.first_id), facts.tracks.get(row.second_id)
            if first is not None and second is not None:
                reasons.setdefault(second.id, []).append((row.kind, row.value, first))
        members = [
            facts.member(track_id, tuple(reasons.get(track_id, ())))
            for track_id in track_ids[:MAX_SHOWN]
            if track_id in facts.tracks
        ]
        members.sort(key=_order, reverse=True)
        if len(members) > 1:
            groups.append(Group(group_id, members, len(track_ids)))
    return groups


def _order(member: Member) -> tuple[Any, ...]:
    """Return a sort key that is higher for tracks to keep in a merge."""
    n_values = sum(
        value is not None
        for value in (member.track.album_id, member.track.year, member.track.duration_ms)
    )
    return (
        member.in_run,
        member.files > 0,
        member.likes + member.playlists,
        n_values,
        -member.track.id,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    tracks: dict[int, Track]
    likes: dict[int, int]
    playlists: dict[int, int]
    files: dict[int, int]
    in_run: set[int]

    @classmethod
    def of(cls, session: Session, ids: Sequence[int]) -> _Facts:
        facts = cls({}, {}, {}, {}, set())
        shown = select(Publication.run_id).scalar_subquery()
        for part in chunks(list(ids)):
            tracks = session.scalars(select(Track).where(Track.id.in_(part)))
            facts.tracks.update({track.id: track for track in tracks})
            for column, counted in (
                (Reaction.track_id, facts.likes),
                (PlaylistTrack.track_id, facts.playlists),
                (AudioFile.track_id, facts.files),
            ):
                query = select(column, func.count()).where(column.in_(part)).group_by(column)
                counted.update(session.execute(query).all())
            placed = ClusterAssignment.track_id
            query = select(placed).where(ClusterAssignment.run_id == shown, placed.in_(part))
            facts.in_run.update(session.scalars(query))
        return facts

    def member(self, track_id: int, reasons: tuple[tuple[str, float | None, Track], ...]) -> Member:
        return Member(
            self.tracks[track_id],
            self.likes.get(track_id, 0),
            self.playlists.get(track_id, 0),
            self.files.get(track_id, 0),
            track_id in self.in_run,
            reasons,
        )


def write_summary(instance: Path, summary: dict[str, Any]) -> None:
    """Store the summary of a search."""
    write_json(instance / SUMMARY, summary, indent=2)


def summary(instance: Path) -> dict[str, Any] | None:
    """Return the summary of the last search; None before the first."""
    try:
        return dict(json.loads((instance / SUMMARY).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
