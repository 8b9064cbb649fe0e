"""Import of lists of songs into a listener's likes and playlists, and export of all their data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.core.errors import BadInput
from songrec.core.sorting import SORT_KEY_LENGTH, sort_key
from songrec.services.listeners import list_files
from songrec.services.listeners.list_files import ListEntry, SongList
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists, tracks
from songrec.store.db import now
from songrec.store.listeners import playlists, reactions, skips, unmatched_imports
from songrec.store.tables import Listener, Reaction, Track

CANDIDATES = 500
_GUEST = re.compile(
    r"\s*[\(\[]\s*(?:feat|ft|featuring|with)\b\.?[^\)\]]*[\)\]]|\s+-?\s*(?:feat|ft|featuring)\b\.?.*$",
    re.IGNORECASE,
)


@dataclass
class ImportReport:
    """Result of an import: entries by how they were matched (id, names, guests) and the rest."""

    format: str
    matched: dict[str, list[tuple[ListEntry, int]]] = field(
        default_factory=lambda: {"id": [], "names": [], "guests": []}
    )
    missing: list[ListEntry] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    playlists: int = 0

    @property
    def found(self) -> int:
        """Number of matched entries."""
        return sum(map(len, self.matched.values()))


def import_likes(session: Session, listener: Listener, content: bytes) -> ImportReport:
    """Import a file for ``listener``: matched songs are liked, the others are stored for later.

    Existing reactions stay: a list never turns a dislike into a like or the reverse. The caller
    commits. Raises ``BadInput`` if the file cannot be read.
    """
    listed = list_files.read(content)
    report = match(session, listed)
    _apply(session, listener, report, listed)
    unmatched_imports.add(
        session,
        listener,
        [
            {
                "kind": entry.kind,
                "playlist": entry.playlist[:200],
                "external_id": (entry.ids[0] if entry.ids else "")[:200],
                "title": entry.title,
                "artists": entry.artists,
                "weight": entry.weight,
            }
            for entry in report.missing
        ],
    )
    return report


def retry_unmatched(session: Session, listener: Listener) -> ImportReport:
    """Match the stored unmatched songs again. The caller commits."""
    waiting = unmatched_imports.of_listener(session, listener)
    listed = SongList(
        "waiting",
        [
            ListEntry(
                one.id,
                one.kind,
                (one.external_id,) if one.external_id else (),
                one.title,
                one.artists,
                one.weight,
                one.playlist,
            )
            for one in waiting
        ],
    )
    report = match(session, listed)
    _apply(session, listener, report, listed)
    ids = [entry.line for matches in report.matched.values() for entry, _ in matches]
    unmatched_imports.remove(session, listener, ids)
    return report


def match(session: Session, listed: SongList) -> ImportReport:
    """Match each entry to a track: by id, by artist and title, by both without guest artists.

    Ids are the catalogue's own or public ones. Names are compared without case, accents and
    spacing; then without “feat. X” in either, if the first artist of one is an artist of the
    other.
    """
    report = ImportReport(listed.format, refused=list(listed.refused))
    by_id = _by_id(session, {one for entry in listed.entries for one in entry.ids})
    left = []
    for entry in listed.entries:
        track = next((by_id[one] for one in entry.ids if one in by_id), None)
        if track is not None:
            report.matched["id"].append((entry, track))
        else:
            left.append(entry)
    keys = {songs.song_key(e.artists, e.title): e for e in left if e.artists and e.title}
    by_key = _by_song(session, keys)
    for entry in left:
        named = entry.artists and entry.title
        track = by_key.get(songs.song_key(entry.artists, entry.title)) if named else None
        if track is not None:
            report.matched["names"].append((entry, track))
        elif named and (track := _without_guests(session, entry)) is not None:
            report.matched["guests"].append((entry, track))
        else:
            report.missing.append(entry)
    return report


def export(session: Session, listener: Listener | None) -> dict[str, Any]:
    """Export all data of ``listener`` as JSON that ``import_likes`` reads."""
    content: dict[str, Any] = {
        "format": list_files.FORMAT,
        "version": 1,
        "exported_at": now().isoformat(timespec="seconds"),
        "likes": [],
        "dislikes": [],
        "skips": [],
        "playlists": [],
        "waiting": [],
    }
    if listener is None:
        return content
    rows = session.scalars(
        select(Reaction)
        .where(Reaction.listener_id == listener.id)
        .order_by(Reaction.created_at.desc(), Reaction.track_id.desc())
        .execution_options(populate_existing=True)
    ).all()
    skipped = skips.of_listener(session, listener)
    lists = [
        (p.playlist, playlists.tracks(session, p.playlist))
        for p in playlists.of_listener(session, listener)
    ]
    named = _named(
        session,
        [r.track_id for r in rows]
        + [s.track_id for s in skipped]
        + [i for _, ids in lists for i in ids],
    )
    for row in rows:
        exported = {**named[row.track_id], "since": row.created_at.isoformat()}
        if row.value == reactions.LIKE:
            content["likes"].append({**exported, "weight": row.weight})
        else:
            content["dislikes"].append(exported)
    content["skips"] = [
        {**named[s.track_id], "times": s.times, "last": s.last_at.isoformat()} for s in skipped
    ]
    content["playlists"] = [
        {
            "name": playlist.name,
            "description": playlist.description,
            "created_at": playlist.created_at.isoformat(),
            "tracks": [named[i] for i in ids],
        }
        for playlist, ids in lists
    ]
    content["waiting"] = [
        {name: getattr(one, name) for name in unmatched_imports.FIELDS}
        for one in unmatched_imports.of_listener(session, listener)
    ]
    return content


def _apply(session: Session, listener: Listener, report: ImportReport, listed: SongList) -> None:
    existing = reactions.values(session, listener)
    skipped_ids = {skip.track_id for skip in skips.of_listener(session, listener)}
    playlist_entries: dict[str, list[tuple[int, int]]] = defaultdict(list)
    pairs = [pair for matches in report.matched.values() for pair in matches]
    # Lists start with the newest entry; the song liked last here counts as the newest.
    for entry, track in sorted(pairs, key=lambda pair: -pair[0].line):
        if entry.kind == "playlist":
            playlist_entries[entry.playlist].append((entry.line, track))
        elif entry.kind == "skip":
            if track not in skipped_ids:
                skipped_ids.add(track)
                skips.record(session, listener, track, entry.weight)
        elif track not in existing:
            value = reactions.LIKE if entry.kind == "like" else reactions.DISLIKE
            weight = min(entry.weight, max(reactions.WEIGHTS)) if value > 0 else None
            reactions.react(session, listener, track, value, weight)
            existing[track] = value
    owned = {p.playlist.name: p.playlist for p in playlists.of_listener(session, listener)}
    for name, description in [*listed.playlists, *((name, "") for name in playlist_entries)]:
        if name and name not in owned:
            owned[name] = playlists.create(session, listener, name, description)
            report.playlists += 1
    for name, entries in playlist_entries.items():
        if name in owned:
            playlists.add(session, owned[name], [track for _, track in sorted(entries)])


def _by_id(session: Session, names: Iterable[str]) -> dict[str, int]:
    tracks_by_id: dict[str, int] = {}
    for part in chunks(sorted(names)):
        query = select(Track.id, Track.public_id, Track.external_id).where(
            or_(Track.public_id.in_(part), Track.external_id.in_(part))
        )
        for track, public, external in session.execute(query.order_by(Track.id.desc())):
            tracks_by_id[public] = track
            if external:
                tracks_by_id[external] = track
    return tracks_by_id


def _by_song(session: Session, keys: Iterable[int]) -> dict[int, int]:
    track_of_key: dict[int, int] = {}
    for part in chunks(sorted(keys)):
        query = select(Track.song_key, Track.id).where(Track.song_key.in_(part))
        track_of_key.update(session.execute(query.order_by(Track.id.desc())).all())
    return track_of_key


def _without_guests(session: Session, entry: ListEntry) -> int | None:
    title = bare_title(entry.title)
    if not title or not entry.artists:
        return None
    key = sort_key(_GUEST.sub("", entry.title))
    ranges = [
        (Track.sort_title >= f"{key}{sign}") & (Track.sort_title < f"{key}{sign}\uffff")
        for sign in (" (", " [", " f", " - f")
        if len(key) < SORT_KEY_LENGTH - 5
    ]
    query = select(Track.id, Track.title).where(or_(Track.sort_title == key, *ranges))
    candidates = [
        track_id
        for track_id, its_title in session.execute(query.order_by(Track.id).limit(CANDIDATES))
        if bare_title(its_title) == title
    ]
    credited = artists.names_of_tracks(session, candidates)
    for track_id in candidates:
        if _share_artist(session, entry.artists, credited.get(track_id, ())):
            return track_id
    return None


def _share_artist(session: Session, line: str, credited: Sequence[str]) -> bool:
    """Whether the first artist of one is an artist of the other; each is evidence for the other."""
    mine = [one.key for one in artists.parse_text(session, line, also=credited)]
    names = [one.name for one in artists.parse_text(session, line)]
    theirs = [one.key for name in credited for one in artists.parse_text(session, name, also=names)]
    return bool(mine and theirs) and (mine[0] in theirs or theirs[0] in mine)


def bare_title(title: str) -> str:
    """A title without guests, case, accents: ``"Élan (feat. X)"`` is ``"elan"``."""
    return songs.plain(_GUEST.sub("", title))


def _named(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    fields_by_id = {}
    for part in chunks(sorted(set(ids))):
        for view in tracks.tracks_by_id(session, part):
            fields_by_id[view.id] = {
                "id": view.public_id,
                "external_id": view.external_id,
                "title": view.title,
                "artists": view.artists,
                "album": view.album,
            }
    return fields_by_id


def too_large() -> BadInput:
    """Return the error for a file larger than ``MAX_BYTES``."""
    return BadInput(f"A list of songs is {list_files.MAX_BYTES // 2**20} MiB at most.")
