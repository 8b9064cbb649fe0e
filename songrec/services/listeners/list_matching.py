"""Matching of the songs of a list to tracks: by id, by names, by the path of a file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from songrec.audio_files.path_labels import labels_of
from songrec.core import songs
from songrec.core.sorting import sort_key
from songrec.services.listeners.list_formats.entries import GLOBAL_ID, ListEntry
from songrec.services.listeners.list_formats.locations import unescaped
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists, merge_redirects
from songrec.store.sound import audio_files
from songrec.store.tables import Track

CANDIDATES = 500
SIMILAR_TITLES = 0.6
"""Ratio of matching letters from which two titles may be spellings of one."""
_GUEST = re.compile(
    r"\s*[\(\[]\s*(?:feat|ft|featuring|with)\b\.?[^\)\]]*[\)\]]|\s+-?\s*(?:feat|ft|featuring)\b\.?.*$",
    re.IGNORECASE,
)
_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
_ISRC = re.compile(r"[A-Za-z]{2}-?[0-9A-Za-z]{3}-?\d{2}-?\d{5}")

Song = tuple[tuple[str, ...], str, str, str]
"""Ids, title, artists and path: what a song of a list is looked for by."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An id that leads to a song of another name; ``is_matched`` if the id was believed."""

    entry: ListEntry
    track_title: str
    track_artists: str
    is_matched: bool

    @property
    def text(self) -> str:
        """The contradiction in words."""
        names = " – ".join(filter(None, (self.track_artists, self.track_title)))
        outcome = "matched by the id" if self.is_matched else "the id was not believed"
        return f"{self.entry.label}: its id is “{names}” in this catalogue; {outcome}"


@dataclass
class Matching:
    """Matched entries by how (id, isrc, names, guests, path), the others, and contradictions."""

    matched: dict[str, list[tuple[ListEntry, int]]] = field(
        default_factory=lambda: {"id": [], "names": [], "guests": []}
    )
    missing: list[ListEntry] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)


def match_entries(session: Session, entries: Sequence[ListEntry]) -> Matching:
    """Match each entry to a track; an entry that stands many times is looked for once.

    1. By id. One that is unique in the world (Spotify, MusicBrainz, ISRC, songrec's own) is
       believed, and a contradiction to the names reported; one of the catalogue's own numbering
       counts only if the names agree or the list has none.
    2. By the path of a file: absolute, or its last folders and name.
    3. By artist and title without case, accents and spacing; then without “feat. X” in either,
       if the first artist of one is an artist of the other.
    """
    distinct = {_song(entry): entry for entry in reversed(entries)}
    result = Matching()
    found: dict[Song, tuple[str, int]] = {}
    _match_ids(session, distinct, found, result)
    _match_paths(session, distinct, found)
    _match_names(session, distinct, found)
    for entry in entries:
        match = found.get(_song(entry))
        if match is None:
            result.missing.append(entry)
        else:
            result.matched.setdefault(match[0], []).append((entry, match[1]))
    return result


def bare_title(title: str) -> str:
    """A title without guests, case, accents: ``"Élan (feat. X)"`` is ``"elan"``."""
    return songs.plain(_GUEST.sub("", title))


def names_agree(entry: ListEntry, title: str, artists_line: str) -> bool:
    """Whether the names of an entry and of a track may be the same song's; unknown ones may."""
    one, other = bare_title(entry.title), bare_title(title)
    if not one or not other or other == songs.plain(songs.UNTITLED):
        return True
    same_title = one == other or (min(len(one), len(other)) > 2 and (one in other or other in one))
    words, others = _words(entry.artists), _words(artists_line)
    share_artist = not words or not others or bool(words & others)
    if same_title:
        return share_artist or one == other
    similar = difflib.SequenceMatcher(None, one, other).ratio() >= SIMILAR_TITLES
    return similar and share_artist


def _song(entry: ListEntry) -> Song:
    return _ids(entry), entry.title, entry.artists, entry.path


def _ids(entry: ListEntry) -> tuple[str, ...]:
    return (entry.own_id, *entry.ids) if entry.own_id else entry.ids


def _match_ids(
    session: Session,
    distinct: dict[Song, ListEntry],
    found: dict[Song, tuple[str, int]],
    result: Matching,
) -> None:
    by_id = _tracks_by_id(session, {one for entry in distinct.values() for one in _ids(entry)})
    names = _names_of(session, set(by_id.values()))
    public = {track_id: names[track_id][2] for track_id in names}
    for song, entry in distinct.items():
        for one in _ids(entry):
            track_id = by_id.get(one)
            if track_id is None:
                continue
            title, line, _ = names[track_id]
            agrees = names_agree(entry, title, line)
            is_global = bool(GLOBAL_ID.fullmatch(one)) or one == public[track_id]
            if not agrees:
                result.contradictions.append(Contradiction(entry, title, line, is_global))
            if agrees or is_global:
                found[song] = ("isrc" if _ISRC.fullmatch(one) else "id", track_id)
                break


def _tracks_by_id(session: Session, names: Iterable[str]) -> dict[str, int]:
    requested = set(names)
    tracks_by_id = dict(merge_redirects.survivors_named(session, requested))
    for part in chunks(sorted(requested)):
        keys = [f"spotify:{one}" for one in part if _SPOTIFY_ID.fullmatch(one)]
        query = select(Track.id, Track.source_key).where(Track.source_key.in_(keys))
        for track, key in session.execute(query):
            tracks_by_id[key.removeprefix("spotify:")] = track
        query = select(Track.id, Track.public_id, Track.external_id).where(
            or_(Track.public_id.in_(part), Track.external_id.in_(part))
        )
        for track, public, external in session.execute(query.order_by(Track.id.desc())):
            tracks_by_id[public] = track
            if external:
                tracks_by_id[external] = track
    return {name: track for name, track in tracks_by_id.items() if name in requested}


def _names_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    names = {}
    for part in chunks(sorted(ids)):
        query = select(Track.id, Track.title, Track.artists, Track.public_id)
        for track_id, *texts in session.execute(query.where(Track.id.in_(part))):
            names[track_id] = tuple(texts)
    return names


def _match_paths(
    session: Session, distinct: dict[Song, ListEntry], found: dict[Song, tuple[str, int]]
) -> None:
    wanted: dict[Song, list[list[str]]] = {}
    for song, entry in distinct.items():
        if entry.path and song not in found:
            spellings = dict.fromkeys((entry.path, unescaped(entry.path)))
            wanted[song] = [_parts(path) for path in spellings]
    file_names = {parts[-1] for spellings in wanted.values() for parts in spellings if parts}
    if not file_names:
        return
    files = audio_files.paths_by_name(session, file_names)
    names = _names_of(session, {track for rows in files.values() for _, track in rows})
    for song, spellings in wanted.items():
        for parts in spellings:
            rows = files.get(parts[-1], []) if parts else []
            track_id = _best_path(distinct[song], parts, rows, names)
            if track_id is not None:
                found[song] = ("path", track_id)
                break


def _best_path(
    entry: ListEntry,
    parts: list[str],
    rows: Sequence[tuple[str, int]],
    names: dict[int, tuple[str, str, str]],
) -> int | None:
    """Return the track whose file shares most of its last folders with the path, if one does.

    A name alone (``01 Intro.mp3``) is enough only where it is unique and the names agree.
    """
    lengths = [(_common_end(parts, _parts(path)), track_id) for path, track_id in rows]
    if not lengths:
        return None
    longest = max(length for length, _ in lengths)
    tracks = list(dict.fromkeys(track_id for length, track_id in lengths if length == longest))
    agreeing = [one for one in tracks if names_agree(entry, *names[one][:2])]
    if longest == 1 or len(tracks) > 1:
        return agreeing[0] if len(agreeing) == 1 else None
    return tracks[0]


def _parts(path: str) -> list[str]:
    """Return the folders and the name of a path, comparable across systems."""
    text = audio_files.comparable_path(path.replace("\\", "/"))
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        length += 1
    return length


def _match_names(
    session: Session, distinct: dict[Song, ListEntry], found: dict[Song, tuple[str, int]]
) -> None:
    spellings = {song: _spellings(entry) for song, entry in distinct.items() if song not in found}
    keys = {songs.song_key(*names) for all_names in spellings.values() for names in all_names}
    by_key = _tracks_by_song(session, keys)
    rest: dict[Song, tuple[str, str]] = {}
    for song, all_names in spellings.items():
        hits = [by_key.get(songs.song_key(*names)) for names in all_names]
        track_id = next((hit for hit in hits if hit is not None), None)
        if track_id is not None:
            found[song] = ("names", track_id)
        elif all_names:
            rest[song] = all_names[0]
    _match_without_guests(session, rest, found)


def _spellings(entry: ListEntry) -> list[tuple[str, str]]:
    """Return artists and title as the list names them, else as its file's path does."""
    if entry.artists and entry.title:
        return [(entry.artists, entry.title)]
    if not entry.path or entry.title:
        return []
    path = PurePosixPath(entry.path.replace("\\", "/"))
    labels = labels_of(path, path.parent)  # type: ignore[arg-type]
    folders = [part for part in reversed(path.parts[:-1]) if part not in ("..", "/")]
    by = [labels.artists] if labels.artists else []
    return [(artist, labels.title) for artist in (*by, *folders[1:2], *folders[:1])]


def _tracks_by_song(session: Session, keys: Iterable[int]) -> dict[int, int]:
    track_of_key: dict[int, int] = {}
    for part in chunks(sorted(keys)):
        query = select(Track.song_key, Track.id).where(Track.song_key.in_(part))
        track_of_key.update(session.execute(query.order_by(Track.id.desc())).all())
    return track_of_key


def _match_without_guests(
    session: Session,
    names: dict[Song, tuple[str, str]],
    found: dict[Song, tuple[str, int]],
) -> None:
    """Match by title and main artist, without "feat. X" in either."""
    titles = {song: bare_title(title) for song, (_, title) in names.items()}
    candidates = _tracks_by_bare_title(
        session,
        {title for title in titles.values() if title},
        [title for _, title in names.values()],
    )
    ids = {track_id for some in candidates.values() for track_id in some}
    credited = artists.names_of_tracks(session, sorted(ids))
    words = {track_id: _words(" ".join(some)) for track_id, some in credited.items()}
    for song, (line, _) in names.items():
        mine = _words(line)
        for track_id in candidates.get(titles[song], ()):
            theirs = words.get(track_id, set())
            # Names without a common word are not one artist; looking them up takes a query.
            if (not mine or not theirs or mine & theirs) and _share_artist(
                session, line, credited.get(track_id, ())
            ):
                found[song] = ("guests", track_id)
                break


def _tracks_by_bare_title(
    session: Session, bare: set[str], titles: Sequence[str]
) -> dict[str, list[int]]:
    """Return the tracks of each title without guests, at most ``CANDIDATES``, oldest first."""
    if not bare:
        return {}
    rows: dict[int, str] = {}
    for part in chunks(sorted({sort_key(_GUEST.sub("", title)) for title in titles})):
        query = select(Track.id, Track.title).where(Track.sort_title.in_(part))
        rows.update(session.execute(query).all())
    lower = func.lower(Track.title)
    marked = or_(*(lower.like(f"%{mark}%") for mark in ("feat", "ft", "(with", "[with")))
    rows.update(session.execute(select(Track.id, Track.title).where(marked)).all())
    found: dict[str, list[int]] = {}
    for track_id, title in sorted(rows.items()):
        key = bare_title(title)
        if key in bare and len(found.setdefault(key, [])) < CANDIDATES:
            found[key].append(track_id)
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", songs.plain(text)))


def _share_artist(session: Session, line: str, credited: Sequence[str]) -> bool:
    """Whether the first artist of one is an artist of the other; each is evidence for the other."""
    mine = [one.key for one in artists.parse_text(session, line, also=credited)]
    names = [one.name for one in artists.parse_text(session, line)]
    theirs = [one.key for name in credited for one in artists.parse_text(session, name, also=names)]
    return bool(mine and theirs) and (mine[0] in theirs or theirs[0] in mine)
