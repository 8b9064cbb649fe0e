"""Decisions about songs of lists with several candidate tracks, and their undo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats.entries import ListEntry
from songrec.services.listeners.similar_names import Candidate, Names
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import now
from songrec.store.listeners import (
    listens,
    match_decisions,
    playlists,
    reactions,
    skips,
    unmatched_imports,
)
from songrec.store.tables import Listener, MatchDecision, PendingLike

LATEST = 20
"""Number of latest answers that the page offers to undo."""


@dataclass(frozen=True)
class Question:
    """A song of a list with its candidates; ``answer`` is the chosen one."""

    id: int
    title: str
    artists: str
    group: str
    candidates: list[tuple[TrackView, float]]
    state: str = match_decisions.OPEN
    answer: TrackView | None = None

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        return {
            "id": self.id,
            "title": self.title,
            "artists": self.artists,
            "state": self.state,
            "track_id": self.answer.public_id if self.answer else None,
            "candidates": [
                {
                    "track_id": track.public_id,
                    "title": track.title,
                    "artists": track.artists,
                    "sureness": sureness,
                }
                for track, sureness in self.candidates
            ],
        }


@dataclass(frozen=True)
class DecisionPage:
    """Open questions by artist, each with the artist's total number, and the latest answers.

    ``latest`` has the first of the answers given at once, and their number.
    """

    groups: list[tuple[list[Question], int]]
    latest: list[tuple[Question, int]]
    total: int


@dataclass
class _Applied:
    """Changes by an answer, stored with it for its undo."""

    pending: list[dict[str, Any]] = field(default_factory=list)
    playlists: list[int] = field(default_factory=list)
    reacted: bool = False
    skips: int = 0

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def ask(session: Session, listener: Listener, unsure: dict[Names, list[Candidate]]) -> int:
    """Store the questions of an import; return the number of new ones. The caller commits."""
    return match_decisions.ask(
        session,
        listener,
        [
            {
                "title": title,
                "artists": artists,
                "candidates": [[one.track_id, one.sureness] for one in candidates],
            }
            for (artists, title), candidates in unsure.items()
        ],
    )


def close_matched(
    session: Session, listener: Listener, matched: Iterable[tuple[ListEntry, int]]
) -> None:
    """Close the questions about songs that have since been matched."""
    keys = {
        songs.song_key(entry.artists, entry.title)
        for entry, _ in matched
        if entry.artists and entry.title
    }
    if keys and match_decisions.count(session, listener, match_decisions.OPEN):
        match_decisions.close(session, listener, keys)


def decision_page(
    session: Session, listener: Listener | None, limit: int, offset: int = 0
) -> DecisionPage:
    """Return a page of questions, grouped by artist."""
    if listener is None:
        return DecisionPage([], [], 0)
    rows = match_decisions.open_questions(session, listener, limit, offset)
    latest = match_decisions.latest(session, listener, LATEST) if not offset else []
    questions = _questions(session, [*rows, *(row for row, _ in latest)])
    by_group: dict[str, list[Question]] = defaultdict(list)
    for one in questions[: len(rows)]:
        by_group[one.group].append(one)
    sizes = match_decisions.group_sizes(session, listener, list(by_group))
    return DecisionPage(
        [(some, sizes[group]) for group, some in by_group.items()],
        list(zip(questions[len(rows) :], (number for _, number in latest), strict=True)),
        match_decisions.count(session, listener, match_decisions.OPEN),
    )


def open_questions(session: Session, listener: Listener, limit: int | None) -> list[Question]:
    """List the open questions."""
    return _questions(session, match_decisions.open_questions(session, listener, limit))


def decide(session: Session, listener: Listener, decision_id: int, answer: str) -> Question:
    """Answer a question: the public id of a track, or ``none``. The caller commits.

    The song's likes, plays and playlists from lists then count for the track. An earlier answer is
    undone first. ``BadInput`` for an unknown question or track.
    """
    row = _row(session, listener, decision_id)
    track_id = None
    if answer != match_decisions.NONE:
        track_id = next(iter(playlists.ids_of(session, [answer])), None)
        if track_id is None:
            raise BadInput(f"There is no song {answer[:40]!r} in the catalogue.")
    if row.state != match_decisions.OPEN:
        _undo(session, listener, [row])
    _answer(session, listener, {row: track_id})
    return _questions(session, [row])[0]


def decide_artist(session: Session, listener: Listener, group: str, *, accepts: bool) -> int:
    """Answer all questions of an artist, each with its first candidate, or all with ``none``.

    Returns the number of answers. The caller commits.
    """
    rows = match_decisions.of_group(session, listener, group)
    first = {
        question.id: question.candidates[0][0].id
        for question in _questions(session, rows)
        if question.candidates
    }
    _answer(session, listener, {row: first.get(row.id) if accepts else None for row in rows})
    return len(rows)


def undo(session: Session, listener: Listener, decision_id: int) -> None:
    """Undo an answer, which reopens its question. The caller commits."""
    row = _row(session, listener, decision_id)
    if row.state != match_decisions.OPEN:
        _undo(session, listener, [row])


def undo_batch(session: Session, listener: Listener, decision_id: int) -> int:
    """Undo all answers that were given at once with this one; return their number.

    The caller commits.
    """
    rows = match_decisions.batch_of(session, listener, _row(session, listener, decision_id))
    _undo(session, listener, rows)
    return len(rows)


def _row(session: Session, listener: Listener, decision_id: int) -> MatchDecision:
    row = match_decisions.find(session, listener, decision_id)
    if row is None:
        raise BadInput("No such question, or it is not yours.")
    return row


def _questions(session: Session, rows: Sequence[MatchDecision]) -> list[Question]:
    ids = {track_id for row in rows for track_id, _ in row.candidates}
    ids |= {row.track_id for row in rows if row.track_id is not None}
    views = {view.id: view for view in tracks.tracks_by_id(session, sorted(ids))}
    return [
        Question(
            row.id,
            row.title,
            row.artists,
            row.group,
            [(views[id_], sureness) for id_, sureness in row.candidates if id_ in views],
            row.state,
            views.get(row.track_id) if row.track_id is not None else None,
        )
        for row in rows
    ]


def _answer(session: Session, listener: Listener, answers: dict[MatchDecision, int | None]) -> None:
    moment = now()
    matched = {row.key: track_id for row, track_id in answers.items() if track_id is not None}
    applied = _apply(session, listener, matched) if matched else {}
    for row, track_id in answers.items():
        row.state = match_decisions.NONE if track_id is None else match_decisions.MATCHED
        row.track_id = track_id
        row.decided_at = moment
        row.applied = applied[row.key].to_json() if row.key in applied else {}
    session.flush()


def _apply(session: Session, listener: Listener, matched: dict[int, int]) -> dict[int, _Applied]:
    """Apply lists' data of songs (by song key) to their tracks; return the changes by song key."""
    applied = {key: _Applied() for key in matched}
    _apply_pending(session, listener, matched, applied)
    _apply_listens(session, listener, matched, applied)
    return applied


def _apply_pending(
    session: Session, listener: Listener, matched: dict[int, int], applied: dict[int, _Applied]
) -> None:
    """Apply the stored likes, dislikes, skips and playlist entries."""
    pending = [
        (key, row)
        for row in unmatched_imports.of_listener(session, listener)
        if (key := _key(row.artists, row.title)) in matched
    ]
    existing = reactions.values(session, listener, list(matched.values()))
    new: list[tuple[int, int, int]] = []
    new_skips: dict[int, tuple[int, datetime]] = {}
    owned = {playlist.id: playlist for playlist in playlists.owned(session, listener)}
    done: list[int] = []
    for key, row in pending:
        track_id, changes = matched[key], applied[key]
        if row.kind in ("like", "dislike"):
            if track_id not in existing:
                value = reactions.LIKE if row.kind == "like" else reactions.DISLIKE
                weight = min(row.weight, max(reactions.WEIGHTS)) if value > 0 else 1
                new.append((track_id, value, weight))
                existing[track_id] = value
                changes.reacted = True
        elif row.kind == "skip":
            new_skips[track_id] = (row.weight, now())
            changes.skips += row.weight
        elif row.kind == "playlist":
            playlist = owned.get(row.playlist_id or 0)
            if playlist is None:
                continue  # stays unmatched until the playlist exists
            if playlists.add(session, playlist, [track_id]):
                changes.playlists.append(playlist.id)
        changes.pending.append(_fields(row))
        done.append(row.id)
    reactions.react_all(session, listener, new)
    skips.record_all(session, listener, new_skips)
    unmatched_imports.remove(session, listener, done)


def _apply_listens(
    session: Session, listener: Listener, matched: dict[int, int], applied: dict[int, _Applied]
) -> None:
    """Assign the plays in the history to their tracks, and record their skips."""
    tracks_of = {
        song: matched[key]
        for song in listens.unmatched(session, listener)
        if (key := _key(song.artists, song.title)) in matched
    }
    skipped: dict[int, list[datetime | None]] = defaultdict(list)
    for track_id, played_at in listens.assign_all(session, listener, tracks_of):
        skipped[track_id].append(played_at)
    moments = {
        track_id: (len(times), max((at for at in times if at), default=now()))
        for track_id, times in skipped.items()
    }
    skips.record_all(session, listener, moments)
    for key, track_id in matched.items():
        applied[key].skips += moments.get(track_id, (0,))[0]


def _undo(session: Session, listener: Listener, rows: Sequence[MatchDecision]) -> None:
    owned = {playlist.id: playlist for playlist in playlists.owned(session, listener)}
    waiting: list[dict[str, Any]] = []
    for row in rows:
        applied, track_id = _Applied(**row.applied), row.track_id
        if track_id is not None:
            if applied.reacted:
                reactions.react(session, listener, track_id, None)
            for playlist_id in applied.playlists:
                if playlist_id in owned:
                    playlists.remove(session, owned[playlist_id], track_id)
            skips.take_back(session, listener, track_id, applied.skips)
            listens.unassign(session, listener, track_id, _is_song(row.key))
        # Entries of a playlist that has been deleted only keep its name.
        waiting += [
            {**one, "playlist_id": one["playlist_id"] if one["playlist_id"] in owned else None}
            for one in applied.pending
        ]
        row.state, row.track_id, row.applied, row.decided_at = match_decisions.OPEN, None, {}, None
    unmatched_imports.add(session, listener, waiting)
    session.flush()


def _is_song(key: int) -> Callable[[str, str], bool]:
    return lambda artists, title: _key(artists, title) == key


def _key(artists: str, title: str) -> int | None:
    return songs.song_key(artists, title) if artists and title else None


def _fields(row: PendingLike) -> dict[str, Any]:
    names = (*unmatched_imports.FIELDS, *unmatched_imports.MORE)
    return {name: getattr(row, name) for name in names}
