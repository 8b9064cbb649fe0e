"""Import of lists into a listener's likes, plays and playlists, and export of all their data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.core.errors import BadInput
from songrec.services.listeners import list_files, list_reader, match_decisions
from songrec.services.listeners.export_data import export
from songrec.services.listeners.import_report import (
    HOWS,
    LISTED,
    ImportReport,
    PlaylistReport,
    summary_lines,
)
from songrec.services.listeners.list_files import ListEntry, SongList
from songrec.services.listeners.list_formats import headerless, own_export, spotify
from songrec.services.listeners.list_matching import (
    Matching,
    bare_title,
    match_entries,
)
from songrec.store.bulk import chunks
from songrec.store.catalogue import tracks
from songrec.store.db import now
from songrec.store.listeners import listens, mixes, playlists, reactions, skips, unmatched_imports
from songrec.store.listeners import match_decisions as stored_decisions
from songrec.store.tables import Listener, Playlist

__all__ = [
    "HOWS",
    "KINDS",
    "ImportReport",
    "bare_title",
    "export",
    "import_likes",
    "match",
    "retry_unmatched",
    "summary_lines",
    "too_large",
]

KINDS = list_files.KINDS


def import_likes(
    session: Session,
    listener: Listener,
    content: bytes,
    *,
    file_name: str = "",
    kind: str = "auto",
) -> ImportReport:
    """Import a file for ``listener`` as likes, plays or playlists, depending on its format.

    Matched songs become likes, dislikes, skips, plays or songs of playlists; the others are stored
    for later. Existing likes and dislikes are never reversed. ``file_name`` is the name of a
    playlist whose file has none; ``kind`` (``list_files.KINDS``) overrides what the songs become.
    The caller commits. Raises ``BadInput`` if the file cannot be read.
    """
    listed = list_reader.read(content, file_name, kind)
    return import_songs(session, listener, listed)


def import_songs(session: Session, listener: Listener, listed: SongList) -> ImportReport:
    """Import the songs of a list; see ``import_likes``. The caller commits."""
    n_decisions = _restore_decisions(session, listener, listed)
    report = match(session, listed, stored_decisions.decided(session, listener))
    report.added["decision"] += n_decisions
    report.added["mix"] += mixes.restore(session, listener, listed.mixes)
    stored = _apply(session, listener, report, listed)
    waiting = [
        {
            "kind": entry.kind,
            "playlist": entry.playlist[:200],
            "playlist_id": stored[entry.playlist_number].id
            if entry.playlist_number in stored
            else None,
            "external_id": (entry.ids[0] if entry.ids else "")[:200],
            "ids": list(entry.ids) or None,
            "title": entry.title,
            "artists": entry.artists,
            "path": entry.path,
            "weight": entry.weight,
        }
        for entry in report.missing
        if entry.kind != "play"
    ]
    unmatched_imports.add(session, listener, waiting)
    _ask(session, listener, report)
    if unmatched_imports.count(session, listener) >= unmatched_imports.MAX_PER_LISTENER:
        report.limits.append(
            f"At most {unmatched_imports.MAX_PER_LISTENER:,} missing songs are stored to be "
            "matched later; the others are not."
        )
    return report


def _restore_decisions(session: Session, listener: Listener, listed: SongList) -> int:
    """Store the decisions of an export if their tracks exist; return the number of new ones."""
    # The lines of several exports may have the same numbers.
    entries = {
        number: replace(entry, line=number)
        for number, (_, _, entry) in enumerate(listed.decisions)
        if entry is not None
    }
    matching = match_entries(session, list(entries.values()))
    track_of = {
        entry.line: track_id for pairs in matching.matched.values() for entry, track_id in pairs
    }
    answers = [
        (artists, title, track_of.get(number))
        for number, (artists, title, _) in enumerate(listed.decisions)
        if number not in entries or number in track_of
    ]
    return stored_decisions.restore(session, listener, answers)


def retry_unmatched(session: Session, listener: Listener) -> ImportReport:
    """Match the stored unmatched songs and plays again. The caller commits."""
    waiting = unmatched_imports.of_listener(session, listener)
    listed = SongList("waiting")
    numbers: dict[int, int] = {}
    owned = {playlist.id: playlist for playlist in playlists.owned(session, listener)}
    for one in waiting:
        number = -1
        if one.playlist_id in owned:
            if one.playlist_id not in numbers:
                numbers[one.playlist_id] = listed.start_playlist(owned[one.playlist_id].name)
            number = numbers[one.playlist_id]
        ids = one.ids or ([one.external_id] if one.external_id else [])
        listed.entries.append(
            ListEntry(
                one.id,
                one.kind,
                tuple(ids),
                one.title,
                one.artists,
                one.weight,
                one.playlist,
                number,
                path=one.path,
            )
        )
    decisions = stored_decisions.decided(session, listener)
    report = match(session, listed, decisions)
    targets = {number: owned[playlist_id] for playlist_id, number in numbers.items()}
    _apply(session, listener, report, listed, targets)
    ids = [entry.line for matches in report.matched.values() for entry, _ in matches]
    unmatched_imports.remove(session, listener, ids)
    _retry_listens(session, listener, report, decisions)
    _ask(session, listener, report)
    return report


def match(
    session: Session, listed: SongList, decisions: Mapping[int, int | None] | None = None
) -> ImportReport:
    """Match the entries of a list to tracks; see ``list_matching``."""
    matching = match_entries(session, listed.entries, decisions)
    if listed.format == headerless.LINES and len(matching.missing) > len(listed.entries) / 2:
        matching = _try_swapped_names(session, listed, matching, decisions)
    return ImportReport(
        listed.format,
        matching.matched,
        matching.missing,
        list(listed.refused),
        passed_over=Counter(listed.passed_over),
        notes=list(listed.notes),
        contradictions=matching.contradictions,
        names=_names_of(session, matching.matched),
        similar=matching.similar,
        unsure=matching.unsure,
    )


def _try_swapped_names(
    session: Session,
    listed: SongList,
    matching: Matching,
    decisions: Mapping[int, int | None] | None,
) -> Matching:
    """Read lines as ``Title - Artist`` if more of them match that way."""
    swapped = [replace(one, title=one.artists, artists=one.title) for one in listed.entries]
    other = match_entries(session, swapped, decisions)
    if len(other.missing) >= len(matching.missing):
        return matching
    listed.entries = swapped
    listed.notes = [note for note in listed.notes if note != headerless.ARTIST_FIRST]
    listed.note(headerless.TITLE_FIRST)
    return other


def _ask(session: Session, listener: Listener, report: ImportReport) -> None:
    """Store the questions of an import, and close those about songs that it matched."""
    matched = [pair for pairs in report.matched.values() for pair in pairs]
    match_decisions.close_matched(session, listener, matched)
    match_decisions.ask(session, listener, report.unsure)


def _names_of(session: Session, matched: dict[str, list[tuple[ListEntry, int]]]) -> dict[int, str]:
    """Return artists and title of the first tracks for each way of matching."""
    firsts = {
        track_id: None
        for pairs in matched.values()
        for track_id in list(dict.fromkeys(track_id for _, track_id in pairs))[:LISTED]
    }
    return {
        view.id: " – ".join(filter(None, (view.artists, view.title)))
        for part in chunks(list(firsts))
        for view in tracks.tracks_by_id(session, part)
    }


def too_large() -> BadInput:
    """Return the error for a file larger than ``MAX_BYTES``."""
    return BadInput(
        f"A list of songs is {list_files.MAX_BYTES // 2**20} MiB at most; an operator can import a "
        "larger one with flask listeners import."
    )


def _apply(
    session: Session,
    listener: Listener,
    report: ImportReport,
    listed: SongList,
    targets: dict[int, Playlist] | None = None,
) -> dict[int, Playlist]:
    """Store matched songs and all plays; return the playlists by their number in the list."""
    pairs = [pair for matches in report.matched.values() for pair in matches]
    # Lists start with the newest entry, while the song liked last is the newest like.
    pairs.sort(key=lambda pair: -pair[0].line)
    _apply_feedback(session, listener, report, pairs)
    _apply_plays(session, listener, report, pairs)
    return _apply_playlists(session, listener, report, listed, pairs, targets)


def _apply_feedback(
    session: Session,
    listener: Listener,
    report: ImportReport,
    pairs: Sequence[tuple[ListEntry, int]],
) -> None:
    existing = reactions.values(session, listener)
    skipped_ids = {skip.track_id for skip in skips.of_listener(session, listener)}
    new_skips: dict[int, tuple[int, datetime]] = {}
    new: list[tuple[int, int, int]] = []
    for entry, track in pairs:
        if entry.kind == "skip":
            if track in skipped_ids:
                report.unchanged["skip"] += 1
                continue
            skipped_ids.add(track)
            new_skips[track] = (entry.weight, now())
            report.added["skip"] += entry.weight
        elif entry.kind in ("like", "dislike"):
            if track in existing:
                report.unchanged[entry.kind] += 1
                continue
            value = reactions.LIKE if entry.kind == "like" else reactions.DISLIKE
            weight = min(entry.weight, max(reactions.WEIGHTS)) if value > 0 else 1
            new.append((track, value, weight))
            existing[track] = value
            report.added[entry.kind] += 1
    skips.record_all(session, listener, new_skips)
    reactions.react_all(session, listener, new)


def _apply_plays(
    session: Session,
    listener: Listener,
    report: ImportReport,
    pairs: Sequence[tuple[ListEntry, int]],
) -> None:
    plays: list[tuple[ListEntry, int | None]] = [
        (entry, track) for entry, track in pairs if entry.kind == "play"
    ]
    plays += [(entry, None) for entry in report.missing if entry.kind == "play"]
    if not plays:
        return
    rows = _listen_rows(plays)
    new = listens.record(session, listener, rows)
    skipped: dict[int, list[datetime | None]] = defaultdict(list)
    for row in rows:
        kind = "skip" if row["is_skip"] else "play"
        if row["key"] not in new:
            report.unchanged[kind] += 1
            continue
        report.added[kind] += row["times"]
        if row["is_skip"] and row["track_id"] is not None:
            skipped[row["track_id"]].append(row["played_at"])
    repeated = len(plays) - len(rows)
    if repeated:
        report.passed_over["plays that the file lists twice"] += repeated
    if report.format != own_export.LABEL:  # it lists skips separately
        _record_skips(session, listener, skipped)


def _listen_rows(plays: Sequence[tuple[ListEntry, int | None]]) -> list[dict[str, Any]]:
    """Return rows of the play history, each with a key that identifies the play.

    Spotify's two exports have a play's time to the second and to the minute, so their keys have the
    minute, and a number if a song was played several times within it.
    """
    rows: dict[str, dict[str, Any]] = {}
    imported_at = now()
    within: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = defaultdict(dict)
    for entry, track in sorted(plays, key=_play_time):
        song = str(
            songs.song_key(entry.artists, entry.title)
            if entry.artists and entry.title
            else songs.unique_song_key(entry.ids[0] if entry.ids else entry.label)
        )
        if entry.is_total or entry.played_at is None:
            key = f"all:{entry.source[:10]}:{song}"
        else:
            seconds = round(entry.played_at.timestamp())
            key = f"{seconds}:{song}"
            if entry.source == spotify.SOURCE:
                minute = (str(seconds // 60), song)
                exact = (seconds, entry.ms_played)
                number = within[minute].setdefault(exact, len(within[minute]))
                key = f"{seconds // 60}m{number or ''}:{song}"
        rows.setdefault(
            key,
            {
                "key": key,
                "track_id": track,
                "played_at": entry.played_at,
                "times": entry.weight,
                "ms_played": entry.ms_played,
                "is_skip": entry.is_skip,
                "source": entry.source,
                "external_id": (entry.ids[0] if entry.ids else "")[:200],
                "title": entry.title,
                "artists": entry.artists,
                "album": entry.album,
                "sent_at": imported_at,
            },
        )
    return list(rows.values())


def _play_time(play: tuple[ListEntry, int | None]) -> tuple[float, int]:
    played_at = play[0].played_at
    return (played_at.timestamp() if played_at else 0.0, play[0].line)


def _record_skips(
    session: Session, listener: Listener, skipped: dict[int, list[datetime | None]]
) -> None:
    last = {skip.track_id: skip.last_at for skip in skips.of_listener(session, listener)}
    rows = {}
    for track, times in skipped.items():
        moments = [moment for moment in (*times, last.get(track)) if moment is not None]
        rows[track] = (len(times), max(moments, default=now()))
    skips.record_all(session, listener, rows)


def _retry_listens(
    session: Session,
    listener: Listener,
    report: ImportReport,
    decisions: Mapping[int, int | None],
) -> None:
    """Match the unmatched songs of the play history."""
    unmatched = listens.unmatched(session, listener)
    entries = [
        ListEntry(
            number,
            "play",
            (song.external_id, song.external_id.rpartition(":")[2]) if song.external_id else (),
            song.title,
            song.artists,
        )
        for number, song in enumerate(unmatched)
    ]
    matching = match_entries(session, entries, decisions)
    report.similar |= matching.similar
    report.unsure |= matching.unsure
    track_ids: dict[listens.UnmatchedSong, int] = {}
    for how, pairs in matching.matched.items():
        report.matched.setdefault(how, []).extend(pairs)
        track_ids |= {unmatched[entry.line]: track for entry, track in pairs}
    skipped: dict[int, list[datetime | None]] = defaultdict(list)
    for track, played_at in listens.assign_all(session, listener, track_ids):
        skipped[track].append(played_at)
    _record_skips(session, listener, skipped)
    report.missing += matching.missing


def _apply_playlists(
    session: Session,
    listener: Listener,
    report: ImportReport,
    listed: SongList,
    pairs: Sequence[tuple[ListEntry, int]],
    targets: dict[int, Playlist] | None,
) -> dict[int, Playlist]:
    by_number = _playlist_tracks(listed, pairs)
    missing = Counter(
        entry.playlist_number
        for entry in report.missing
        if entry.kind == "playlist" and entry.playlist_number >= 0
    )
    stored = dict(targets or {})
    choice = _PlaylistChoice(session, listener, {playlist.id for playlist in stored.values()})
    for number, ids in by_number.items():
        name = playlists.usable_name(listed.playlists[number].name, list_files.UNNAMED)
        is_new = False
        if number not in stored:
            playlist = choice.existing(name, ids)
            if playlist is None and choice.is_full:
                report.limits.append(
                    f"“{name}” was not added: you have {playlists.PLAYLIST_LIMIT} playlists. "
                    "Delete one and import again."
                )
                continue
            if playlist is None:
                is_new = True
                description = listed.playlists[number].description
                playlist = choice.create(name, description)
            stored[number] = playlist
        _fill(session, stored[number], ids, report)
        if targets is None or is_new:
            report.playlist_reports.append(
                PlaylistReport(name, len(set(ids)), missing[number], is_new)
            )
        report.playlists += is_new
    return stored


def _playlist_tracks(
    listed: SongList, pairs: Sequence[tuple[ListEntry, int]]
) -> dict[int, list[int]]:
    """Return the matched tracks of each playlist, in order, by the playlist's number.

    A playlist of entries that only have its name is added to ``listed`` if necessary.
    """
    by_number: dict[int, list[int]] = {number: [] for number in range(len(listed.playlists))}
    numbers = {playlist.name: number for number, playlist in enumerate(listed.playlists)}
    for entry, track in sorted(pairs, key=lambda pair: pair[0].line):
        if entry.kind != "playlist":
            continue
        number = entry.playlist_number
        if number < 0:
            if entry.playlist not in numbers:
                numbers[entry.playlist] = listed.start_playlist(entry.playlist)
            number = numbers[entry.playlist]
        by_number.setdefault(number, []).append(track)
    return by_number


class _PlaylistChoice:
    """Assignment of imported playlists to stored ones, by name and common songs.

    An empty stored playlist needs no common songs. Each stored playlist is assigned once, so that
    two imported playlists of the same name remain two.
    """

    def __init__(self, session: Session, listener: Listener, excluded: set[int]) -> None:
        self._session, self._listener = session, listener
        owned = playlists.owned(session, listener)
        self._number = len(owned)
        self._free: dict[str, list[tuple[Playlist, set[int]]]] = defaultdict(list)
        for playlist in owned:
            if playlist.id not in excluded:
                ids = set(playlists.tracks(session, playlist))
                self._free[playlist.name].append((playlist, ids))

    @property
    def is_full(self) -> bool:
        """Whether the listener has reached the limit of playlists."""
        return self._number >= playlists.PLAYLIST_LIMIT

    def existing(self, name: str, ids: Sequence[int]) -> Playlist | None:
        """Return the stored playlist to fill, None for a new playlist."""
        best: tuple[int, int] | None = None
        for place, (_, held) in enumerate(self._free[name]):
            shared = len(held & set(ids))
            if (shared or not held) and (best is None or shared > best[0]):
                best = (shared, place)
        return self._free[name].pop(best[1])[0] if best else None

    def create(self, name: str, description: str) -> Playlist:
        """Create a playlist."""
        self._number += 1
        text = playlists.usable_name(description, "")[: playlists.DESCRIPTION_LENGTH]
        return playlists.create(self._session, self._listener, name, text)


def _fill(session: Session, playlist: Playlist, ids: Sequence[int], report: ImportReport) -> None:
    present = set(playlists.tracks(session, playlist))
    new = [track for track in dict.fromkeys(ids) if track not in present]
    room = max(playlists.TRACK_LIMIT - len(present), 0)
    if len(new) > room:
        report.limits.append(
            f"“{playlist.name}” has reached the limit of {playlists.TRACK_LIMIT:,} songs; "
            f"{len(new) - room:,} more were not added."
        )
    report.added["playlist"] += len(new[:room])
    playlists.add(session, playlist, new[:room])
