"""Rules of a listener for recommendations: excluded artists, albums, genres and folders.

The kind ``allowed`` permits songs that are excluded by default (seasonal songs, spoken word). The
caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from songrec.core.content_flags import NAMES
from songrec.core.errors import BadInput
from songrec.core.search_terms import search_terms
from songrec.store.catalogue import artists, tracks
from songrec.store.db import insert, now
from songrec.store.sound import audio_files
from songrec.store.tables import (
    Album,
    Artist,
    AudioFile,
    Listener,
    RecommendationRule,
    Tag,
    Track,
    TrackArtist,
    TrackTag,
)

NEVER_KINDS = ("artist", "album", "genre", "folder")
ALLOWED = "allowed"
KINDS = (*NEVER_KINDS, ALLOWED)
MAX_RULES = 500
MAX_VALUE, MAX_LABEL = 600, 300


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """Target of a rule: its kind, identifying value and label."""

    kind: str
    value: str
    label: str


class UnknownTarget(BadInput):
    """Raised for a rule about something that is not in the catalogue."""


def of_listener(session: Session, listener: Listener | None) -> list[RecommendationRule]:
    """Return the rules of ``listener``, the newest first."""
    if listener is None:
        return []
    query = (
        select(RecommendationRule)
        .where(RecommendationRule.listener_id == listener.id)
        .order_by(RecommendationRule.id.desc())
    )
    return list(session.scalars(query))


def find_target(session: Session, kind: str, value: str) -> RuleTarget:
    """Return the target of a rule.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    value
        The public id or name of an artist, the public id of an album, a genre's name, the public id
        of a song for the folder that its file lies in, or the name of a flag.

    Raises
    ------
    UnknownTarget
        For a value that is not in the catalogue.
    BadInput
        For an unknown kind.
    """
    if kind not in KINDS:
        raise BadInput(f"A rule is about one of {', '.join(KINDS)}, not {kind[:40]!r}.")
    target = _target(session, kind, value.strip())
    if target is None:
        raise UnknownTarget(f"There is no {kind} {value[:60]!r} here.")
    return target


def add(session: Session, listener: Listener, target: RuleTarget) -> RecommendationRule:
    """Add a rule, or return an equal existing one; ``BadInput`` for too many."""
    if len(of_listener(session, listener)) >= MAX_RULES:
        raise BadInput(f"There are {MAX_RULES} rules already; remove one first.")
    statement = insert(session, RecommendationRule.__table__).values(
        listener_id=listener.id,
        kind=target.kind,
        value=target.value,
        label=target.label[:MAX_LABEL],
        created_at=now(),
    )
    session.execute(
        statement.on_conflict_do_nothing(index_elements=["listener_id", "kind", "value"])
    )
    return session.scalars(
        select(RecommendationRule).where(
            RecommendationRule.listener_id == listener.id,
            RecommendationRule.kind == target.kind,
            RecommendationRule.value == target.value,
        )
    ).one()


def remove(session: Session, listener: Listener, rule_id: int) -> RecommendationRule | None:
    """Remove a rule of ``listener`` and return it; None if it does not exist."""
    rule = session.get(RecommendationRule, rule_id)
    if rule is None or rule.listener_id != listener.id:
        return None
    session.delete(rule)
    session.flush()
    return rule


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Add the rules of ``anonymous`` to those of ``account``."""
    present = {(rule.kind, rule.value) for rule in of_listener(session, account)}
    for rule in of_listener(session, anonymous):
        if (rule.kind, rule.value) not in present:
            rule.listener_id = account.id
    session.flush()


def never_ids(session: Session, rules: Sequence[RecommendationRule]) -> list[int]:
    """Return the ascending ids of the tracks excluded by ``rules``."""
    values = {kind: [r.value for r in rules if r.kind == kind] for kind in NEVER_KINDS}
    queries = []
    if values["artist"]:
        queries.append(
            select(TrackArtist.track_id)
            .join(Artist, Artist.id == TrackArtist.artist_id)
            .where(Artist.public_id.in_(values["artist"]))
        )
    if values["album"]:
        queries.append(
            select(Track.id)
            .join(Album, Album.id == Track.album_id)
            .where(Album.public_id.in_(values["album"]))
        )
    if values["genre"]:
        queries.append(
            select(TrackTag.track_id)
            .join(Tag, Tag.id == TrackTag.tag_id)
            .where(Tag.kind.in_(("genre", "subgenre")), Tag.name.in_(values["genre"]))
        )
    ids = set(session.scalars(union(*queries))) if queries else set()
    folders = tuple(f"{one}/" for one in values["folder"])
    if folders:
        files = session.execute(
            select(AudioFile.track_id, AudioFile.path).where(AudioFile.track_id.is_not(None))
        )
        ids.update(track_id for track_id, path in files if path.startswith(folders))
    return sorted(ids)


def _target(session: Session, kind: str, value: str) -> RuleTarget | None:
    match kind:
        case "allowed":
            return RuleTarget(kind, value, value) if value in NAMES.values() else None
        case "artist":
            artist = artists.find_artist(session, value)
            return RuleTarget(kind, artist.public_id, artist.name) if artist else None
        case "album":
            title = session.scalar(select(Album.title).where(Album.public_id == value))
            return RuleTarget(kind, value, title) if title is not None else None
        case "genre":
            terms = search_terms(value)
            names = session.scalars(select(Tag.name).where(Tag.kind == "genre").order_by(Tag.id))
            name = next((name for name in names if terms and search_terms(name) == terms), None)
            return RuleTarget(kind, name, name) if name else None
    track = tracks.find_track(session, value)
    file = audio_files.for_track(session, track.id) if track is not None else None
    folder = PurePosixPath(file.path).parent if file is not None else None
    if folder is None or len(str(folder)) > MAX_VALUE:
        return None
    return RuleTarget(kind, str(folder), folder.name)
